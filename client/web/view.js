/** Which part of a room is shown: all of it, or, on a small screen, what lies around the own actor. */

/** @typedef {import("./js/src/messages.js").Point} Point */
/** @typedef {{width: number, height: number}} Size */
/** @typedef {{scale: number, left: number, top: number}} View CSS pixels a unit, and where the room's corner is */

/** Room around the room, CSS pixels. */
const MARGIN = 18;
/** Below this scale the whole room is too small to play in … */
const LEAST_SCALE = 0.7;
/** … and a part of it is shown instead, no larger than this. */
const PART_SCALE = 1;

/**
 * @param {Size} room world units
 * @param {Size} screen CSS pixels
 * @param {Point} centre what to have in the middle where not all can be seen, world units
 * @returns {View}
 */
export function viewOf(room, screen, centre) {
  const across = (screen.width - 2 * MARGIN) / room.width;
  const down = (screen.height - 2 * MARGIN) / room.height;
  const whole = Math.min(across, down);
  // Never so large that both sides stick out where one need not.
  const part = Math.min(PART_SCALE, Math.max(across, down));
  const scale = whole >= LEAST_SCALE ? whole : Math.max(0.01, whole, part);
  return {
    scale,
    left: offset(room.width * scale, screen.width, centre.x * scale),
    top: offset(room.height * scale, screen.height, centre.y * scale),
  };
}

/** @param {number} length of the room @param {number} space @param {number} centre all in CSS pixels */
function offset(length, space, centre) {
  if (length <= space - 2 * MARGIN) return (space - length) / 2;
  return Math.max(space - MARGIN - length, Math.min(MARGIN, space / 2 - centre));
}

/** @param {View} view @param {Point} pixel @returns {Point} in world units */
export function worldAt({ scale, left, top }, { x, y }) {
  return { x: (x - left) / scale, y: (y - top) / scale };
}

/** @param {View} view @param {Point} point in world units @returns {Point} CSS pixels */
export function pixelAt({ scale, left, top }, { x, y }) {
  return { x: left + x * scale, y: top + y * scale };
}
