/** A world for the client under test: a clock that is driven, chance that is not, sockets without a net. */

import { JSON_FORMAT, MSGPACK_FORMAT } from "../../src/formats.js";
import { golden } from "./golden.js";

class FakeSocket {
  constructor(world, url, protocol) {
    if (!/^wss?:/.test(url)) throw new SyntaxError(`not a websocket URL: ${url}`);
    this.world = world;
    this.url = url;
    this.protocol = protocol;
    this.sent = [];
    this.closedByClient = false;
    this.onopen = this.onmessage = this.onclose = null;
    world.sockets.push(this);
  }

  get format() {
    return this.protocol === MSGPACK_FORMAT.subprotocol ? MSGPACK_FORMAT : JSON_FORMAT;
  }

  send(data) {
    this.sent.push(this.format.decode(data));
  }

  close() {
    this.closedByClient = true;
  }

  // -- what the other side does

  open() {
    this.onopen?.({});
  }

  say(...messages) {
    for (const message of messages) this.onmessage?.({ data: this.format.encode(message) });
  }

  sayRaw(data) {
    this.onmessage?.({ data });
  }

  /** The connection breaks, or the other side closes it. */
  fail() {
    this.onclose?.({ reason: "" });
  }

  /** Messages of that type that the client has sent. */
  of(type) {
    return this.sent.filter((message) => message.type === type);
  }
}

export class World {
  time = 1000;
  chance = 0.5;
  sockets = [];
  #timers = [];

  environment = {
    now: () => this.time,
    random: () => this.chance,
    after: (seconds, then) => {
      const timer = { at: this.time + seconds, then };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    },
    WebSocket: ((world) =>
      class extends FakeSocket {
        constructor(url, protocol) {
          super(world, url, protocol);
        }
      })(this),
  };

  /** Let that many seconds pass; timers fire in order, each at its time. */
  pass(seconds) {
    const end = this.time + seconds;
    for (;;) {
      const due = this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.time = Math.max(this.time, due.at);
      due.then();
    }
    this.time = end;
  }

  get timers() {
    return this.#timers.length;
  }

  /** The socket that was opened last. */
  get socket() {
    return this.sockets.at(-1);
  }
}

export const TOWN_URL = "ws://node-1/v1/games/walkabout/rooms/town/session";
export const TAVERN_URL = "ws://node-2/v1/games/walkabout/rooms/tavern/session";

export function admitted(room, url, ticket) {
  return { type: "admitted", id: "j", room, url, ticket, expires_at: "2027-01-02T03:04:05Z" };
}

export function welcome(room, resume, now = 12.25) {
  const [message] = golden("node-to-client.welcome");
  return { ...message, now, resume, room: { ...message.room, name: room } };
}

export function snapshot() {
  return golden("node-to-client.snapshot")[0];
}
