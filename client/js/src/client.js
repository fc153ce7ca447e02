/**
 * The whole client: from the master into a room, through doors, and back in after whatever was lost.
 *
 *     idle ─connect─► connecting ─► waiting ─► loading ─► playing ─► travelling ─► playing …
 *                         ▲            refused                └─► reconnecting ─► waiting, loading …
 *                         └── connect again after: refused, bye
 *
 * A lost connection is resumed once; if that fails, the master is asked again, for as long as it takes.
 * Only `refused` and `bye` are final.
 */

import { backoff } from "./backoff.js";
import { CallError, JoinRefused, RoomfleetError, SessionEnded } from "./errors.js";
import { isRoomUrl } from "./connection.js";
import { Join } from "./join.js";
import { Session } from "./session.js";
import { Shown } from "./shown.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {import("./messages.js").Data} Data */
/** @typedef {import("./messages.js").Admitted} Admitted */

/**
 * @typedef {"idle" | "connecting" | "waiting" | "loading" | "playing" | "travelling" | "reconnecting"
 *   | "refused" | "bye"} State
 */

/**
 * @typedef {object} Options
 * @property {string} game
 * @property {string} token who the player is: with `anonymous` identity, the player's name
 * @property {string} [origin] the master's, `http(s)://host[:port][/prefix]`; default: the page's own
 * @property {number} [keepAliveSeconds] pause between pings (default 20); after two without a word the
 *   connection counts as lost
 * @property {"json" | "msgpack"} [format] how messages to and from rooms are written: default "json";
 *   "msgpack" is quicker to read
 * @property {Partial<Environment>} [environment] time, chance and sockets of a test
 */

/**
 * @typedef {object} Invitation A way in for one member of a party, good for some seconds: to be handed to that
 *   player's client
 * @property {string} player
 * @property {string} room
 * @property {string} url
 * @property {string} ticket
 * @property {number} session
 */

/**
 * @typedef {object} Where
 * @property {string | null} [room] nothing: back to where the player's actor is, or the entry room
 * @property {string} [instancedRoom] instead of a room: the instance of this InstancedRoom for `key`, which
 *   is made if there is none
 * @property {string} [key]
 * @property {boolean} [bring] the actor goes to that room from wherever it is, if the room says
 *   `arrivals: Anyone`; without it, who asks for another room than the actor's gets into the actor's
 * @property {string[]} [party] tokens of other players, who are let in together with this one or not at all
 * @property {Invitation} [invitation] one was let in with a party
 */

/** Seconds in a room after which what failed before no longer counts. */
const STEADY_SECONDS = 5;

/**
 * Events, each a CustomEvent with its `detail`:
 *
 * - one per state, and `state` for all of them with the name as `detail.state`: `connecting`,
 *   `waiting {room, position, etaSeconds, party}`, `loading {room, invitations}`, `playing {room}`, `travelling {room}`,
 *   `waiting` and `loading` with `instance {instancedRoom, key}` too, if the room is the one that was asked for so;
 *   `reconnecting {reason}`, `refused {problem}`, `bye {code, reason}`
 * - `changed`: the copy changed; detail is the patch or snapshot
 * - `event {name, data}`: something happened in the room
 * - `ahead {room, position, etaSeconds}`: the room behind the door is starting or full; still here
 * - `error {code, message}`: the node did not like a message
 */
export class RoomfleetClient extends Shown {
  #options;
  /** @type {State} */
  #state = "idle";
  /** @type {Session | null} the session that counts: the shown one, or its successor on its way in */
  #live = null;
  /** @type {Join | null} */
  #join = null;
  /** @type {string | null} the room to ask the master for */
  #room = null;
  /** @type {import("./join.js").InstanceOf | null} the instance to ask for instead */
  #instance = null;
  /** @type {string | null} */
  #lineToken = null;
  /** The actor is to be brought to the room. */
  #bring = false;
  /** @type {string[]} */
  #party = [];
  /** The session's number, as the master names it: of two the higher one counts. */
  #number = 0;
  #attempt = 0;
  #resumed = false;
  #playingSince = 0;
  #cancelRetry = () => {};
  /** @type {{resolve: () => void, reject: (error: Error) => void} | null} */
  #entering = null;

  /** @param {Options} options */
  constructor(options) {
    super(options);
    this.#options = { origin: options.origin ?? globalThis.location?.origin ?? "", ...options };
  }

  /** @returns {State} */
  get state() {
    return this.#state;
  }

  /** @returns {number | null} seconds there and back; null while it is not known */
  get latency() {
    return this._shown?.clock?.roundTrip ?? null;
  }

  /**
   * Join, and stay in until `leave` or a final refusal or goodbye.
   * @param {Where} [where]
   * @returns {Promise<void>} settles when first playing; rejects with JoinRefused or SessionEnded. It
   *   may be ignored: the states come as events too
   */
  connect({ room = null, instancedRoom, key = "", bring = false, party = [], invitation } = {}) {
    if (!["idle", "refused", "bye"].includes(this.#state)) {
      throw new RoomfleetError(`already ${this.#state}; leave first`);
    }
    if (invitation !== undefined && !isRoomUrl(invitation.url)) {
      throw new RoomfleetError(`${invitation.url} is not the address of a room`);
    }
    this.#room = room;
    this.#instance = instancedRoom === undefined ? null : { instancedRoom, key };
    this.#bring = bring;
    this.#lineToken = null;
    this.#party = party;
    this.#number = 0;
    this.#attempt = 0;
    this.#resumed = false;
    this._shown = null;
    /** @type {Promise<void>} */
    const entered = new Promise((resolve, reject) => (this.#entering = { resolve, reject }));
    entered.catch(() => {});
    if (invitation === undefined) this.#ask();
    this.#enter("connecting", {});
    if (invitation !== undefined && this.#state === "connecting") {
      this.#number = invitation.session;
      this.#load(invitation.room, invitation.url, invitation.ticket, []);
    }
    return entered;
  }

  /**
   * Call a command of the player's actor.
   * @param {string} method
   * @param {Data} [args] by name
   * @returns {Promise<any>} its result; rejects with CallError
   */
  call(method, args = {}) {
    if (this.#live === null || this.#live !== this._shown) {
      const text = `${method} was not sent: not in a room at the moment`;
      return Promise.reject(new CallError("not-connected", text));
    }
    return this.#live.call(method, args);
  }

  /** End the session at once, whatever state it is in; the state becomes `bye` with code `left`. */
  leave() {
    if (["idle", "refused", "bye"].includes(this.#state)) return;
    this._shown?.leave();
    this.#live?.leave();
    this.#end("bye", { code: "left", reason: "you left" }, new SessionEnded("left", "you left"));
  }

  /**
   * The last step of each change, since a listener may leave or connect.
   * @param {State} state
   * @param {object} detail
   */
  #enter(state, detail) {
    this.#state = state;
    this._tell("state", { state, ...detail });
    if (this.#state === state) this._tell(state, detail);
  }

  /** Ask the master for the way in. */
  #ask() {
    const { origin, game, token } = this.#options;
    const wanted = { room: this.#room, instance: this.#instance, bring: this.#bring };
    const where = { ...wanted, lineToken: this.#lineToken };
    const who = { session: this.#number, party: this.#party };
    const request = { origin, game, token, ...where, ...who };
    this.#join = new Join(this._environment, request, {
      waiting: ({ room, position, eta_seconds, line_token, session, party, key }) => {
        this.#lineToken = line_token;
        this.#number = session ?? this.#number;
        const place = { room, position, etaSeconds: eta_seconds, ...this.#instanceFor(key) };
        this.#enter("waiting", party === undefined ? place : { ...place, party });
      },
      admitted: (admitted) => this.#admitted(admitted),
      refused: (problem) => this.#end("refused", { problem }, new JoinRefused(problem)),
      closed: (reason) => this.#askLater(`The master cannot be reached: ${reason}`),
    });
  }

  /** @param {Admitted} admitted */
  #admitted({ room, url, ticket, session, members = [], key }) {
    this.#join = null;
    this.#lineToken = null;
    this.#party = [];
    this.#number = session ?? this.#number;
    const number = this.#number;
    const others = members.slice(1).map((member) => ({ ...member, room, url, session: number }));
    this.#load(room, url, ticket, others, this.#instanceFor(key));
  }

  /**
   * @param {string | undefined} key of the instance that the room is
   * @returns {{instance?: import("./join.js").InstanceOf}} what to say of it
   */
  #instanceFor(key) {
    if (key === undefined || this.#instance === null) return {};
    return { instance: { instancedRoom: this.#instance.instancedRoom, key } };
  }

  /**
   * @param {string} room
   * @param {string} url
   * @param {string} ticket
   * @param {Invitation[]} invitations
   * @param {object} [more] to say
   */
  #load(room, url, ticket, invitations, more = {}) {
    this.#room = room;
    this.#connect(url, { ticket });
    this.#enter("loading", invitations.length === 0 ? { room, ...more } : { room, invitations, ...more });
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

  /** Let go of everything that is under way, and keep what is shown. */
  #drop() {
    this.#cancelRetry();
    this.#join?.close();
    this.#live?.close();
    this._shown?.close();
    this.#join = this.#live = null;
  }

  /**
   * @param {string} url
   * @param {{ticket: string} | {resume: string}} secret
   */
  #connect(url, secret) {
    const { keepAliveSeconds = 20 } = this.#options;
    const request = { url, secret, keepAliveSeconds, format: this._format, before: this._shown,
      attempt: this.#attempt };
    const session = new Session(this._environment, request, {
      ready: () => this.#ready(session, "resume" in secret),
      changed: (message) => this._tell("changed", message),
      event: ({ name, data }) => this._tell("event", { name, data }),
      error: ({ code, message }) => this._tell("error", { code, message }),
      waiting: ({ room, position, eta_seconds }) =>
        this._tell("ahead", { room, position, etaSeconds: eta_seconds }),
      travel: ({ room, url, ticket }) => {
        if (this.#live === session) this.#travel(room, url, ticket);
      },
      rejoin: ({ reason, room, line_token }) => {
        if (this.#live === session) this.#rejoin(reason, room ?? null, line_token ?? null);
      },
      bye: ({ code, reason }) => {
        if (this.#live === session) this.#end("bye", { code, reason }, new SessionEnded(code, reason));
      },
      dropped: (reason) => {
        if (this.#live === session) this.#dropped(session, reason);
      },
    });
    this.#live = session;
  }

  /**
   * @param {Session} session
   * @param {boolean} resumed
   */
  #ready(session, resumed) {
    if (this._shown !== session) this._shown?.close();
    this._shown = session;
    this.#resumed = resumed;
    this.#playingSince = this._environment.now();
    this.#room = session.welcome?.room.name ?? null;
    this.#bring = false;
    this.#entering?.resolve();
    this.#entering = null;
    this.#enter("playing", { room: this.#room });
  }

  /**
   * @param {string} room
   * @param {string} url
   * @param {string} ticket
   */
  #travel(room, url, ticket) {
    if (this.#live !== this._shown) this.#live?.close();
    this.#room = room;
    this.#instance = null;
    this.#connect(url, { ticket });
    this.#enter("travelling", { room });
  }

  /**
   * @param {string} reason
   * @param {string | null} room
   * @param {string | null} lineToken
   */
  #rejoin(reason, room, lineToken) {
    this.#settle();
    // Who is to be brought still wants that room, wherever the actor is.
    if (!this.#bring) {
      if (room !== this.#room) this.#instance = null;
      this.#room = room;
    }
    this.#lineToken = lineToken;
    if (this.#attempt > 0) {
      this.#askLater(reason);
      return;
    }
    this.#attempt += 1;
    this.#drop();
    this.#ask();
    this.#enter(this._shown === null ? "connecting" : "reconnecting", { reason });
  }

  /**
   * The session's connection was lost: resume once, else ask the master.
   * @param {Session} session
   * @param {string} reason
   */
  #dropped(session, reason) {
    this.#settle();
    const resume = session.welcome?.resume;
    const again = session === this._shown && !this.#resumed && resume !== undefined;
    if (!again) {
      this.#askLater(reason);
      return;
    }
    this.#resumed = true;
    this.#drop();
    this.#connect(session.url, { resume });
    this.#enter("reconnecting", { reason });
  }

  /** What failed before a steady while in a room no longer counts. */
  #settle() {
    const steady = this.#live === this._shown && this.#live !== null;
    if (!steady || this._environment.now() - this.#playingSince < STEADY_SECONDS) return;
    this.#attempt = 0;
    this.#resumed = false;
  }

  /**
   * @param {"refused" | "bye"} state
   * @param {object} detail
   * @param {Error} error
   */
  #end(state, detail, error) {
    this.#drop();
    this.#lineToken = null;
    const entering = this.#entering;
    this.#entering = null;
    entering?.reject(error);
    this.#enter(state, detail);
  }
}
