/** What is shown of a room, to whoever plays in it or watches it. */

import { emptyCopy } from "./copy.js";
import { systemEnvironment } from "./environment.js";
import { formatNamed } from "./formats.js";
import { positionOf } from "./motion.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {import("./messages.js").Copy} Copy */
/** @typedef {import("./messages.js").Point} Point */
/** @typedef {import("./messages.js").Welcome} Welcome */
/** @typedef {import("./session.js").Session} Session */

/** The last session that was ready, seen from outside; changes of it come as events. */
export class Shown extends EventTarget {
  /**
   * @protected
   * @type {Session | null} the session that is shown
   */
  _shown = null;

  /** @param {{format?: "json" | "msgpack", environment?: Partial<Environment>}} options */
  constructor({ format = "json", environment }) {
    super();
    /** @protected */
    this._format = formatNamed(format);
    /** @protected */
    this._environment = { ...systemEnvironment(), ...environment };
  }

  /** @returns {Copy} what may be seen of the room; empty before the first snapshot. Not to be changed */
  get copy() {
    return this._shown?.copy ?? emptyCopy();
  }

  /** @returns {Welcome | null} the room that is shown: its map, doors, objects, commands */
  get welcome() {
    return this._shown?.welcome ?? null;
  }

  /** @returns {number} room time to show, seconds; never falls within a session */
  get now() {
    return this._shown?.clock?.now(this._environment.now()) ?? 0;
  }

  /**
   * Where an actor is right now, by all that is known: exact, so it jumps where a new course is heard of.
   * @param {string} actorId
   * @returns {Point | null} null when there is no such actor
   */
  positionOf(actorId) {
    return positionOf(this.copy, actorId, this.now);
  }

  /**
   * Where to draw an actor right now: where it is, but it never jumps unless it was put elsewhere. To be
   * asked at each animation frame.
   * @param {string} actorId
   * @returns {Point | null} null when there is no such actor
   */
  drawnPositionOf(actorId) {
    return this._shown?.drawing.positionOf(this.copy, actorId, this.now) ?? null;
  }

  /**
   * @protected
   * @param {string} name
   * @param {object} detail
   */
  _tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
