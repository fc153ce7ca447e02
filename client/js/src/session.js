/**
 * A session with a room node: its copy of the room, its clock, its calls.
 *
 * One object is one connection. It is ready once it has its first snapshot. It ends with exactly one of
 * `rejoin`, `bye` or `dropped`, or when this side leaves or closes it: then nothing is called any more.
 */

import { RoomClock } from "./clock.js";
import { Connection, OPEN_SECONDS, isRoomUrl } from "./connection.js";
import { applyOps, emptyCopy } from "./copy.js";
import { Drawing } from "./drawing.js";
import { CallError, FormatError, PatchError } from "./errors.js";
import { hello } from "./messages.js";
import { plain } from "./values.js";
import { VERSION } from "./version.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {import("./messages.js").ToClient} ToClient */
/** @typedef {import("./messages.js").Welcome} Welcome */
/** @typedef {import("./messages.js").Data} Data */

/** The first pings come fast, for the clock's sake. */
const FIRST_PINGS = 5;
const FIRST_PING_SECONDS = 0.25;
/**
 * While a call waits for its answer and nothing at all is heard for that long, a ping goes out, whatever the
 * pause between pings is; and when nothing is heard for as long again, the room counts as gone.
 */
const SILENCE_SECONDS = 3;
/** Errors that answer a hello: its secret opens nothing any more. */
const SPENT = new Set(["bad-ticket", "bad-resume"]);
/** What says nothing before the welcome. */
const AFTER_WELCOME = new Set(["snapshot", "patch", "pong"]);
/** Seconds for welcome and snapshot, once connected; and for a snapshot that was asked for. */
const READY_SECONDS = 15;
/**
 * For the upgrade at the first attempt: a node that stands still takes connections and never answers, and
 * the master knows a better one, or will soon.
 */
const FIRST_OPEN_SECONDS = 2.5;

/**
 * @typedef {object} SessionHandlers
 * @property {() => void} ready welcomed, and the first snapshot is in the copy
 * @property {(message: import("./messages.js").Snapshot | import("./messages.js").Patch) => void} changed
 * @property {(message: import("./messages.js").Event_) => void} event
 * @property {(message: import("./messages.js").Error_) => void} error one that answers no call
 * @property {(message: import("./messages.js").TravelWaiting) => void} waiting
 * @property {(message: import("./messages.js").Travel) => void} travel
 * @property {(message: import("./messages.js").Rejoin) => void} rejoin
 * @property {(message: import("./messages.js").Bye) => void} bye
 * @property {(reason: string) => void} dropped for people
 */

/**
 * @typedef {object} SessionRequest
 * @property {string} url
 * @property {{ticket: string} | {resume: string} | {watch: string}} secret
 * @property {number} keepAliveSeconds
 * @property {import("./formats.js").Format} format
 * @property {Session | null} before the session that is shown until this one is ready
 * @property {number} [attempt] failures before: after these it has more time to open
 */

/** @typedef {{resolve: (value: any) => void, reject: (error: CallError) => void}} Pending */

export class Session {
  /** The websocket URL of the room. */
  url;
  /** @type {Welcome | null} */
  welcome = null;
  copy = emptyCopy();
  /** @type {RoomClock | null} */
  clock = null;
  drawing = new Drawing();
  ready = false;
  #environment;
  #handlers;
  #connection;
  #keepAliveSeconds;
  /** @type {Map<number, Pending>} */
  #calls = new Map();
  #lastCall = 0;
  #pings = 0;
  /** @type {number | null} local time of the first ping since something was heard */
  #unansweredSince = null;
  #cancelTimer = () => {};
  /** A patch did not fit: nothing of the copy counts until the snapshot that was asked for. */
  #misfit = false;
  #cancelSnapshotWatch = () => {};
  /** A call went out, and whether the room is there is not known since. */
  #listening = false;
  /**
   * @type {number | null} local time of the ping that asks for that. Only a pong to it tells: other words may
   * have been on the way since before the call.
   */
  #probed = null;
  #cancelProbe = () => {};
  /** @type {Session | null} */
  #before;

  /**
   * @param {Environment} environment
   * @param {SessionRequest} request
   * @param {SessionHandlers} handlers
   */
  constructor(environment, { url, secret, keepAliveSeconds, format, before, attempt = 0 }, handlers) {
    this.url = url;
    this.#environment = environment;
    this.#handlers = handlers;
    this.#keepAliveSeconds = keepAliveSeconds;
    this.#before = before;
    const events = {
      open: () => {
        this.#connection.send(hello(secret, VERSION));
        this.#cancelTimer = environment.after(READY_SECONDS, () =>
          this.#connection.drop("the room did not answer"),
        );
      },
      /** @param {any} message */
      message: (message) => this.#received(message),
      /** @param {string} reason */
      closed: (reason) => {
        this.#end();
        handlers.dropped(reason);
      },
    };
    const openSeconds = Math.min(OPEN_SECONDS, FIRST_OPEN_SECONDS * 2 ** Math.min(attempt, 16));
    this.#connection = new Connection(environment, url, format.subprotocol, format, events, openSeconds);
  }

  /**
   * Call a command of the player's actor.
   * @param {string} method
   * @param {Data} args by name
   * @returns {Promise<any>} its result; rejects with CallError
   */
  call(method, args) {
    const id = this.#lastCall + 1;
    /** @type {object} */
    let message;
    try {
      message = plain({ type: "call", id, method, args });
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return Promise.reject(new CallError("bad-arguments", `${method} was not sent: ${error.message}`));
    }
    this.#lastCall = id;
    return new Promise((resolve, reject) => {
      if (this.ready && this.#connection.send(message)) {
        this.#calls.set(id, { resolve, reject });
        this.#listen();
      } else {
        reject(new CallError("not-connected", `${method} was not sent: not in a room at the moment`));
      }
    });
  }

  /** End the session for good and tell the node so. */
  leave() {
    this.#connection.send({ type: "leave" });
    this.close();
  }

  /** Close the connection; the node keeps the player's actor for a while. */
  close() {
    this.#connection.close();
    this.#end();
  }

  #end() {
    this.#cancelTimer();
    this.#cancelSnapshotWatch();
    this.#cancelProbe();
    this.#before = null;
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const { reject } of calls) {
      reject(new CallError("dropped", "the connection ended before the call was answered"));
    }
  }

  /** @param {ToClient} message */
  #received(message) {
    this.#unansweredSince = null;
    if (this.#listening) this.#heard(message);
    if (this.welcome === null && AFTER_WELCOME.has(message.type)) {
      this.#connection.drop("the room did not begin with a welcome");
      return;
    }
    if ("now" in message) this.clock?.heard(message.now, this.#environment.now());
    switch (message.type) {
      case "welcome":
        this.welcome = message;
        this.clock = new RoomClock(message.now, this.#environment.now());
        break;
      case "snapshot":
        this.#snapshot(message);
        break;
      case "patch":
        this.#patch(message);
        break;
      case "event":
        this.#handlers.event(message);
        break;
      case "result":
        this.#settle(message.id)?.resolve(message.value);
        break;
      case "error":
        this.#failed(message);
        break;
      case "pong":
        this.clock?.pong(message.t, this.#environment.now(), message.now);
        break;
      case "waiting":
        this.#handlers.waiting(message);
        break;
      case "travel":
        if (isRoomUrl(message.url)) this.#handlers.travel(message);
        else this.#connection.drop(`the room named ${message.url}, which is no room's address`);
        break;
      case "rejoin":
        this.close();
        this.#handlers.rejoin(message);
        break;
      case "bye":
        this.close();
        this.#handlers.bye(message);
        break;
      default:
        this.#connection.drop(`the room sent a message of unknown type ${Object(message).type}`);
    }
  }

  /** @param {import("./messages.js").Snapshot} message */
  #snapshot(message) {
    this.copy = { actors: message.actors, room: message.room };
    this.#misfit = false;
    this.#cancelSnapshotWatch();
    if (this.ready) {
      this.#handlers.changed(message);
      return;
    }
    this.ready = true;
    const before = this.#before;
    if (before !== null && before.clock !== null && before.welcome?.room.name === this.welcome?.room.name) {
      this.clock?.follow(before.clock, this.#environment.now());
      this.drawing = before.drawing;
    }
    this.#before = null;
    this.#cancelTimer();
    this.#tick();
    this.#handlers.ready();
  }

  /** @param {import("./messages.js").Patch} message */
  #patch(message) {
    if (!this.ready) {
      this.#connection.drop("the room did not begin with a snapshot");
      return;
    }
    if (this.#misfit) return;
    try {
      applyOps(this.copy, message.ops);
    } catch (error) {
      if (!(error instanceof PatchError)) throw error;
      this.#misfit = true;
      this.#connection.send({ type: "snapshot" });
      this.#cancelSnapshotWatch = this.#environment.after(READY_SECONDS, () =>
        this.#connection.drop("the room sent no snapshot"),
      );
      return;
    }
    this.#handlers.changed(message);
  }

  /** @param {import("./messages.js").Error_} message */
  #failed(message) {
    const call = message.id === null ? undefined : this.#settle(message.id);
    if (call !== undefined) call.reject(new CallError(message.code, message.message));
    else if (SPENT.has(message.code)) this.#connection.drop(message.message);
    else this.#handlers.error(message);
  }

  /** A call goes out: some word should come before long. */
  #listen() {
    if (this.#listening) return;
    this.#listening = true;
    this.#probed = null;
    this.#awaitWord();
  }

  #awaitWord() {
    this.#cancelProbe();
    this.#cancelProbe = this.#environment.after(SILENCE_SECONDS, () => {
      if (this.#probed !== null) {
        this.#connection.drop("the room fell silent");
        return;
      }
      this.#probed = this.#environment.now();
      this.#connection.send({ type: "ping", t: this.#probed });
      this.#awaitWord();
    });
  }

  /** @param {ToClient} message */
  #heard(message) {
    if (message.type === "pong" && this.#probed !== null && message.t >= this.#probed) this.#stopListening();
    else this.#awaitWord();
  }

  #stopListening() {
    this.#listening = false;
    this.#cancelProbe();
  }

  /** @param {number} id */
  #settle(id) {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (this.#calls.size === 0) this.#stopListening();
    return call;
  }

  /**
   * Ping, and again after a while; when a ping of one interval ago is the last thing that happened, the
   * connection is lost. Counted from a ping and not from the last message, because a hidden page's
   * timers come late.
   */
  #tick() {
    const now = this.#environment.now();
    if (this.#unansweredSince !== null && now - this.#unansweredSince >= this.#keepAliveSeconds) {
      this.#connection.drop("the room fell silent");
      return;
    }
    this.#unansweredSince ??= now;
    this.#connection.send({ type: "ping", t: now });
    this.#pings += 1;
    const pause = this.#pings < FIRST_PINGS ? FIRST_PING_SECONDS : this.#keepAliveSeconds;
    this.#cancelTimer = this.#environment.after(pause, () => this.#tick());
  }
}
