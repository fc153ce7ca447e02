/**
 * The `play` websocket: asking the master for a way into a room, and waiting in line for it.
 *
 * One object is one attempt. It ends with exactly one of `admitted`, `refused` or `closed`.
 */

import { Connection, isRoomUrl } from "./connection.js";
import { JSON_FORMAT } from "./formats.js";
import { PLAY_PROTOCOL, join } from "./messages.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {import("./messages.js").Waiting} Waiting */
/** @typedef {import("./messages.js").Admitted} Admitted */
/** @typedef {import("./messages.js").Problem} Problem */

/**
 * Seconds of silence after which the master counts as gone. Below the minute that a place in line
 * outlives its last message, so that coming back keeps the place.
 */
const SILENCE_SECONDS = 45;

/**
 * @typedef {object} JoinHandlers
 * @property {(waiting: Waiting) => void} waiting
 * @property {(admitted: Admitted) => void} admitted
 * @property {(problem: Problem) => void} refused
 * @property {(reason: string) => void} closed the transport failed: to be tried again
 */

/**
 * @typedef {object} InstanceOf The instance of an InstancedRoom for a key: a party, a match, a player
 * @property {string} instancedRoom
 * @property {string} key
 */

/**
 * @typedef {object} JoinRequest
 * @property {string} origin the master's, `http(s)://host[:port][/prefix]`
 * @property {string} game
 * @property {string | null} room null: back to where the player's actor is, or the entry room
 * @property {InstanceOf | null} [instance] instead of a room
 * @property {string} token who the player is
 * @property {string | null} lineToken
 * @property {boolean} [bring] the actor is to be brought to the room from wherever it is
 * @property {number} session 0: a new one
 * @property {string[]} party tokens of those who come along
 */

/**
 * @param {JoinRequest} request
 * @returns {string}
 */
export function playUrl({ origin, game, room, instance = null, bring = false }) {
  const query = asked(room, instance, bring);
  const base = origin.replace(/^http/, "ws").replace(/\/+$/, "");
  return `${base}/v1/games/${encodeURIComponent(game)}/play${query}`;
}

/**
 * @param {string | null} room
 * @param {InstanceOf | null} instance
 * @param {boolean} bring
 * @returns {string} the query that says what is asked for
 */
function asked(room, instance, bring) {
  if (room === null && instance === null) return "";
  const where =
    instance === null
      ? `room=${encodeURIComponent(room ?? "")}`
      : `instanced_room=${encodeURIComponent(instance.instancedRoom)}&key=${encodeURIComponent(instance.key)}`;
  return `?${where}${bring ? "&bring=true" : ""}`;
}

export class Join {
  #environment;
  #handlers;
  #connection;
  #cancelWatch = () => {};

  /**
   * @param {Environment} environment
   * @param {JoinRequest} request
   * @param {JoinHandlers} handlers
   */
  constructor(environment, request, handlers) {
    this.#environment = environment;
    this.#handlers = handlers;
    this.#connection = new Connection(environment, playUrl(request), PLAY_PROTOCOL, JSON_FORMAT, {
      open: () => {
        this.#connection.send(join(request.token, request.lineToken, request.session, request.party));
        this.#watch();
      },
      message: (message) => this.#received(message),
      closed: (reason) => {
        this.#cancelWatch();
        handlers.closed(reason);
      },
    });
  }

  /** Give up: the place in line, if there is one, stays for a minute. */
  close() {
    this.#cancelWatch();
    this.#connection.close();
  }

  #watch() {
    this.#cancelWatch();
    this.#cancelWatch = this.#environment.after(SILENCE_SECONDS, () =>
      this.#connection.drop("the master fell silent"),
    );
  }

  /** @param {any} message */
  #received(message) {
    switch (message.type) {
      case "waiting":
        this.#watch();
        this.#handlers.waiting(message);
        break;
      case "admitted":
        if (!isRoomUrl(message.url)) {
          this.#connection.drop(`the master named ${message.url}, which is no room's address`);
          break;
        }
        this.close();
        this.#handlers.admitted(message);
        break;
      case "refused":
        this.close();
        this.#handlers.refused(message.problem);
        break;
      default:
        this.#connection.drop(`the master sent a message of unknown type ${message.type}`);
    }
  }
}
