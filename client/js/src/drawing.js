/**
 * Where actors are drawn, exactly as `roomfleet.client.drawing` says: where they are, and for a moment after
 * a change of course a little of where they were drawn before.
 *
 * A new course is heard of a moment after it began, so by what is known now an actor that stopped is behind
 * where it was drawn last. That difference fades instead of being a jump. Who was put elsewhere is there at
 * once: the new path does not begin where the old one led.
 */

import { pathOf, positionAt } from "./motion.js";

/** @typedef {import("./messages.js").Copy} Copy */
/** @typedef {import("./messages.js").Path} Path */
/** @typedef {import("./messages.js").Point} Point */

/** In that time a difference fades, evenly, to nothing. */
export const FADE_SECONDS = 0.2;
/** Of who was not drawn for so long nobody remembers where. */
const UNSEEN_SECONDS = 1;
/**
 * A path that begins farther from the one before than an actor goes in that time is a jump: less may be a turn
 * that was not told, twice as far as it goes in the time that messages are late by.
 */
const SLACK_SECONDS = 0.5;
const EXACT = 1e-6;
/** So many actors that went are kept before they are looked for. */
const SPARE = 64;

/** @typedef {{path: Path, owner: string, offset: Point, since: number, at: number}} Drawn */

/** What is drawn of one room. */
export class Drawing {
  /** @type {Map<string, Drawn>} */
  #drawn = new Map();
  #most = SPARE;

  /**
   * Where to draw an actor of the copy at `now`. To be asked at each frame: who was not drawn for a second is
   * where it is.
   * @param {Copy} copy
   * @param {string} id
   * @param {number} now room time, never falling
   * @returns {Point | null} null when there is no such actor
   */
  positionOf(copy, id, now) {
    const found = pathOf(copy, id);
    if (found === null) {
      this.#drawn.delete(id);
      return null;
    }
    const { path, owner } = found;
    const exact = positionAt(path, now);
    let drawn = this.#drawn.get(id);
    // Not drawn yet, or not for so long that nobody sees a jump.
    if (drawn === undefined || now < drawn.at || now > drawn.at + UNSEEN_SECONDS) {
      drawn = { path, owner, offset: { x: 0, y: 0 }, since: now, at: now };
      this.#keep(copy, id, drawn);
    } else if (drawn.path !== path) {
      drawn.offset = eased(drawn, found, exact, copy.actors[id].speed, now);
      drawn.since = now;
      drawn.path = path;
      drawn.owner = owner;
    }
    drawn.at = now;
    const left = remaining(drawn, now);
    return { x: exact.x + left.x, y: exact.y + left.y };
  }

  /**
   * @param {Copy} copy
   * @param {string} id
   * @param {Drawn} drawn
   */
  #keep(copy, id, drawn) {
    this.#drawn.set(id, drawn);
    if (this.#drawn.size <= this.#most) return;
    for (const each of this.#drawn.keys()) if (!Object.hasOwn(copy.actors, each)) this.#drawn.delete(each);
    this.#most = 2 * this.#drawn.size + SPARE;
  }
}

/** @param {Drawn} drawn @param {number} now @returns {Point} what has not faded yet */
function remaining({ offset, since }, now) {
  const share = Math.max(0, 1 - (now - since) / FADE_SECONDS);
  return { x: offset.x * share, y: offset.y * share };
}

/**
 * The difference that has to fade from `now` on.
 * @param {Drawn} drawn
 * @param {{path: Path, owner: string}} found
 * @param {Point} exact
 * @param {number} speed
 * @param {number} now
 * @returns {Point}
 */
function eased(drawn, { path, owner }, exact, speed, now) {
  // Of its own paths, the new one begins where and when the old one was left.
  const when = owner === drawn.owner ? path[0][2] : now;
  const [was, is] = [positionAt(drawn.path, when), positionAt(path, when)];
  const fastest = Math.max(speed, topSpeed(drawn.path), topSpeed(path));
  if (Math.hypot(is.x - was.x, is.y - was.y) > fastest * SLACK_SECONDS + EXACT) return { x: 0, y: 0 };
  const before = positionAt(drawn.path, now);
  const left = remaining(drawn, now);
  return { x: before.x + left.x - exact.x, y: before.y + left.y - exact.y };
}

/** @param {Path} path @returns {number} units a second on the fastest leg; 0 when standing */
function topSpeed(path) {
  let most = 0;
  for (let i = 1; i < path.length; i++) {
    const seconds = path[i][2] - path[i - 1][2];
    const distance = Math.hypot(path[i][0] - path[i - 1][0], path[i][1] - path[i - 1][1]);
    if (seconds > 0) most = Math.max(most, distance / seconds);
  }
  return most;
}
