/**
 * The messages of both conversations, as types. The Python package `roomfleet.wire` (`session.py`,
 * `joining.py`) is their definition; `tests/golden/messages` holds one of each.
 */

/** Subprotocol of the `play` websocket to the master. */
export const PLAY_PROTOCOL = "roomfleet.play.v1";

/** @typedef {[number, number, number][]} Path `[[x, y, t], …]`: world units and seconds of room time */
/** @typedef {{x: number, y: number}} Point */
/** @typedef {Record<string, any>} Data */

/**
 * @typedef {object} RoomInfo
 * @property {string} name
 * @property {string} map
 * @property {number} width world units
 * @property {number} height world units
 */
/** @typedef {{id: string, commands: string[]}} You */
/** @typedef {{name: string, x: number, y: number, to: string}} Door `to` names the room that it leads to */
/** @typedef {{name: string, x: number, y: number, data: Data}} Tag */
/**
 * @typedef {object} RoomObject a rectangle by its top left corner
 * @property {string} kind
 * @property {number} x
 * @property {number} y
 * @property {number} width
 * @property {number} height
 * @property {boolean} passable
 * @property {Data} info
 */
/**
 * @typedef {object} Actor
 * @property {string} id
 * @property {string} type
 * @property {string} name
 * @property {boolean} player
 * @property {string | null} parent
 * @property {number} speed world units a second
 * @property {Path} path
 * @property {Data} state
 * @property {boolean} [visible] false: invisible, and seen nevertheless
 * @property {Record<string, Tier>} [tiers] for one who watches: who sees which field of the state
 * @property {Failure | null} [failure] for one who watches: the last of its scripts that raised
 * @property {number} [failures] for one who watches: how many did since it came
 */
/** @typedef {"public" | "owner" | "internal"} Tier */
/** @typedef {{script: string, error: string, traceback: string, at: number}} Failure */
/** @typedef {{state: Data, tiers?: Record<string, Tier>, failure?: Failure | null, failures?: number}} Room */
/** @typedef {{actors: Record<string, Actor>, room: Room}} Copy */
/** @typedef {unknown[]} Op `["set"|"put"|"del"|"ins"|"enter"|"leave", …]` */

/**
 * @typedef {object} Welcome
 * @property {"welcome"} type
 * @property {number} now
 * @property {string} game
 * @property {RoomInfo} room
 * @property {You} you
 * @property {string} resume
 * @property {number} tick
 * @property {string} version
 * @property {Data} geography
 * @property {Door[]} doors
 * @property {Tag[]} tags
 * @property {RoomObject[]} objects
 */
/** @typedef {{type: "snapshot", seq: number, now: number, actors: Record<string, Actor>, room: Room}} Snapshot */
/** @typedef {{type: "patch", seq: number, now: number, ops: Op[]}} Patch */
/** @typedef {{type: "event", name: string, data: Data}} Event_ */
/** @typedef {{type: "result", id: number, value: any}} Result */
/** @typedef {{type: "error", id: number | null, code: string, message: string}} Error_ */
/** @typedef {{type: "pong", t: number, now: number}} Pong */
/** @typedef {{type: "waiting", room: string, position: number, eta_seconds: number | null}} TravelWaiting */
/** @typedef {{type: "travel", room: string, url: string, ticket: string}} Travel */
/** @typedef {{type: "rejoin", reason: string, room?: string | null, line_token?: string}} Rejoin */
/** @typedef {{type: "bye", code: string, reason: string}} Bye */
/**
 * What a node says.
 * @typedef {Welcome | Snapshot | Patch | Event_ | Result | Error_ | Pong | TravelWaiting | Travel | Rejoin | Bye} ToClient
 */

/**
 * @typedef {object} Problem RFC 9457
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} detail
 * @property {number} [retry_after] seconds
 */
/**
 * @typedef {object} Waiting
 * @property {"waiting"} type
 * @property {string} id
 * @property {string} room
 * @property {number} position 1 is next
 * @property {number | null} eta_seconds
 * @property {string} line_token
 * @property {number} [session] to be named when asking again
 * @property {string[]} [party] who is in it, oneself first
 * @property {string} [key] the room is the instance for this key, which was asked for
 */
/**
 * @typedef {object} Admitted
 * @property {"admitted"} type
 * @property {string} id
 * @property {string} room
 * @property {string} url the whole websocket URL of the room
 * @property {string} ticket
 * @property {string} expires_at
 * @property {number} [session] to be named when asking again
 * @property {{player: string, ticket: string}[]} [members] of a party, oneself first
 * @property {string} [key] the room is the instance for this key, which was asked for
 */
/** @typedef {{type: "refused", problem: Problem}} Refused */
/**
 * What the master says on the play socket.
 * @typedef {Waiting | Admitted | Refused} ToPlayer
 */

/**
 * The first message to a node: one of the three secrets.
 * @param {{ticket?: string, resume?: string, watch?: string}} secret
 * @param {string} version
 */
export function hello({ ticket, resume, watch }, version) {
  const message = { type: "hello", ticket: ticket ?? null, resume: resume ?? null };
  return watch === undefined ? { ...message, version } : { ...message, watch, version };
}

/**
 * The first message to the master: who I am, the place in line if there is one, the session that goes on,
 * and the tokens of those who come along.
 * @param {string} token
 * @param {string | null} lineToken
 * @param {number} [session] 0: a new one
 * @param {string[]} [party]
 */
export function join(token, lineToken, session = 0, party = []) {
  return {
    type: "join",
    token,
    ...(lineToken === null ? {} : { line_token: lineToken }),
    ...(session === 0 ? {} : { session }),
    ...(party.length === 0 ? {} : { party }),
  };
}
