/**
 * Watching a room as an admin: a copy of everything in it, without being in it.
 *
 *     idle ─connect─► connecting ─► live ─► reconnecting ─► live … ─► ended
 *
 * A room that moves, or falls asleep and wakes again, is watched on. Only a goodbye, a refusal other than
 * `room-not-running`, and `close` are final.
 */

import { backoff } from "./backoff.js";
import { isRoomUrl } from "./connection.js";
import { JoinRefused, RoomfleetError, SessionEnded } from "./errors.js";
import { Session } from "./session.js";
import { Shown } from "./shown.js";

/** @typedef {import("./environment.js").Environment} Environment */

/** @typedef {"idle" | "connecting" | "live" | "reconnecting" | "ended"} WatchState */
/** @typedef {{room: string, url: string, ticket: string, expires_at: string}} WatchAnswer */

/**
 * @typedef {object} WatchOptions
 * @property {string} game
 * @property {string} room a Room's name
 * @property {string} [origin] the master's, `http(s)://host[:port][/prefix]`; default: the page's own
 * @property {number} [keepAliveSeconds] pause between pings (default 20); after two without a word the
 *   connection counts as lost
 * @property {"json" | "msgpack"} [format] how messages from the room are written: default "json"
 * @property {Partial<Environment>} [environment] time, chance, sockets and requests of a test
 */

/** Seconds for the master's answer. */
const ASK_SECONDS = 10;

/** The master did not answer, or not as one does. */
class Unreachable extends Error {}

/**
 * Events, each a CustomEvent with its `detail`:
 *
 * - one per state, and `state` for all of them with the name as `detail.state`: `connecting`, `live`,
 *   `reconnecting {reason}`, `ended {error}`
 * - `changed`: the copy changed; detail is the patch or snapshot
 * - `event {name, data}`: something happened in the room
 */
export class Watching extends Shown {
  #options;
  /** @type {WatchState} */
  #state = "idle";
  /** @type {Session | null} the session that counts: the shown one, or its successor on its way in */
  #live = null;
  #attempt = 0;
  #cancelRetry = () => {};
  /** @type {AbortController | null} of the question that is under way */
  #asking = null;
  /** @type {{resolve: () => void, reject: (error: Error) => void} | null} */
  #entering = null;

  /** @param {WatchOptions} options */
  constructor(options) {
    super(options);
    this.#options = { origin: options.origin ?? globalThis.location?.origin ?? "", ...options };
  }

  /** @returns {WatchState} */
  get state() {
    return this.#state;
  }

  /**
   * Watch until `close`, or until it is over for good.
   * @returns {Promise<void>} settles with the first snapshot; rejects with JoinRefused, also where the
   *   master cannot be reached or the room does not run, or SessionEnded
   */
  connect() {
    if (!["idle", "ended"].includes(this.#state)) throw new RoomfleetError(`already ${this.#state}; close first`);
    this._shown = null;
    this.#attempt = 0;
    /** @type {Promise<void>} */
    const entered = new Promise((resolve, reject) => (this.#entering = { resolve, reject }));
    entered.catch(() => {});
    this.#ask();
    this.#enter("connecting", {});
    return entered;
  }

  /** End it at once; the state becomes `ended`. */
  close() {
    if (["idle", "ended"].includes(this.#state)) return;
    this.#live?.leave();
    this.#end(new SessionEnded("left", "you left"));
  }

  /**
   * The last step of each change, since a listener may close or connect.
   * @param {WatchState} state
   * @param {object} detail
   */
  #enter(state, detail) {
    this.#state = state;
    this._tell("state", { state, ...detail });
    if (this.#state === state) this._tell(state, detail);
  }

  /** Ask the master for a ticket, and go in with it. */
  async #ask() {
    const { origin, game, room } = this.#options;
    const asking = (this.#asking = new AbortController());
    const cancel = this._environment.after(ASK_SECONDS, () => asking.abort("it did not answer"));
    try {
      const answer = await askToWatch(this._environment, { origin, game, room }, asking.signal);
      if (this.#asking === asking) this.#connect(answer);
    } catch (error) {
      if (this.#asking !== asking) return;
      if (error instanceof Unreachable) this.#unreachable(error.message);
      else if (error instanceof JoinRefused) this.#refused(error);
      else throw error;
    } finally {
      cancel();
    }
  }

  /** Whether it was let in once: after that it asks for as long as it takes. */
  get #wasIn() {
    return this._shown !== null || this.#attempt > 0;
  }

  /** @param {string} reason */
  #unreachable(reason) {
    const detail = `the master cannot be reached: ${reason}`;
    if (this.#wasIn) this.#askLater(detail);
    else this.#end(new JoinRefused({ type: "about:blank", title: "Cannot watch", status: 503, detail }));
  }

  /** @param {JoinRefused} error */
  #refused(error) {
    if (this.#wasIn && error.problem.type.endsWith("/room-not-running")) this.#askLater(error.message);
    else this.#end(error);
  }

  /**
   * Ask the master again, after a pause that grows with each failure.
   * @param {string} reason
   */
  #askLater(reason) {
    this.#drop();
    const pause = backoff(this.#attempt, this._environment.random());
    this.#attempt += 1;
    this.#cancelRetry = this._environment.after(pause, () => this.#ask());
    this.#enter(this._shown === null ? "connecting" : "reconnecting", { reason });
  }

  /** @param {WatchAnswer} answer */
  #connect({ url, ticket }) {
    this.#asking = null;
    const { keepAliveSeconds = 20 } = this.#options;
    const request = { url, secret: { watch: ticket }, keepAliveSeconds, format: this._format, before: this._shown };
    /** @param {string} reason */
    const lost = (reason) => {
      if (this.#live === session) this.#askLater(reason);
    };
    const session = new Session(this._environment, request, {
      ready: () => this.#ready(session),
      changed: (message) => this._tell("changed", message),
      event: ({ name, data }) => this._tell("event", { name, data }),
      error: () => {},
      waiting: () => {},
      travel: () => {},
      rejoin: ({ reason }) => lost(reason),
      bye: ({ code, reason }) => {
        if (this.#live === session) this.#end(new SessionEnded(code, reason));
      },
      dropped: lost,
    });
    this.#live = session;
  }

  /** @param {Session} session */
  #ready(session) {
    this._shown = session;
    this.#attempt = 0;
    this.#entering?.resolve();
    this.#entering = null;
    this.#enter("live", {});
  }

  /** Let go of everything that is under way, and keep what is shown. */
  #drop() {
    this.#cancelRetry();
    this.#asking?.abort();
    this.#live?.close();
    this.#asking = this.#live = null;
  }

  /** @param {RoomfleetError} error */
  #end(error) {
    this.#drop();
    const entering = this.#entering;
    this.#entering = null;
    entering?.reject(error);
    this.#enter("ended", { error });
  }
}

/**
 * A ticket from the master.
 * @param {Environment} environment
 * @param {{origin: string, game: string, room: string}} request
 * @param {AbortSignal} signal
 * @returns {Promise<WatchAnswer>}
 * @throws {JoinRefused | Unreachable}
 */
async function askToWatch(environment, { origin, game, room }, signal) {
  const base = origin.replace(/\/+$/, "");
  const url = `${base}/v1/games/${encodeURIComponent(game)}/rooms/${encodeURIComponent(room)}/watches`;
  let status;
  let body;
  try {
    const answer = await environment.fetch(url, { method: "POST", signal });
    status = answer.status;
    body = await answer.json();
  } catch (error) {
    throw new Unreachable(status === undefined ? String(error) : `it answers ${status}, not as a master does`);
  }
  if (status === 201 && isRoomUrl(body?.url) && typeof body.ticket === "string") return body;
  if (status !== 201 && typeof body?.type === "string") throw new JoinRefused(body);
  throw new Unreachable(`it answers ${status}, not as a master does`);
}
