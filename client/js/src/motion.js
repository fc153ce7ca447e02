/**
 * Motion by timed vectors: where something is along a path `[[x, y, t], …]`, exactly as
 * `roomfleet.wire.motion` says. World units and seconds of room time.
 *
 * Between two points the motion is straight and even; before the first and after the last it stands
 * still. One point means: standing there.
 */

/** @typedef {import("./messages.js").Path} Path */
/** @typedef {import("./messages.js").Point} Point */
/** @typedef {import("./messages.js").Copy} Copy */

/**
 * Where the owner of the path is at `now`.
 * @param {Path} path at least one point, times never falling
 * @param {number} now
 * @returns {Point}
 */
export function positionAt(path, now) {
  const first = path[0];
  if (now <= first[2]) return { x: first[0], y: first[1] };
  for (let i = 1; i < path.length; i++) {
    const before = path[i - 1];
    const after = path[i];
    if (now < after[2]) {
      const share = (now - before[2]) / (after[2] - before[2]);
      return {
        x: before[0] + (after[0] - before[0]) * share,
        y: before[1] + (after[1] - before[1]) * share,
      };
    }
  }
  const last = path[path.length - 1];
  return { x: last[0], y: last[1] };
}

/**
 * The path through `points` at `speed` units a second, begun at `now`. A speed of 0 or less stands at
 * the first point.
 * @param {[number, number][]} points at least one
 * @param {number} speed
 * @param {number} now
 * @returns {Path}
 */
export function timedPath(points, speed, now) {
  /** @type {Path} */
  const path = [[points[0][0], points[0][1], now]];
  if (speed <= 0) return path;
  for (let i = 1; i < points.length; i++) {
    const [x, y] = points[i];
    const distance = Math.hypot(x - points[i - 1][0], y - points[i - 1][1]);
    if (distance > 0) path.push([x, y, path[path.length - 1][2] + distance / speed]);
  }
  return path;
}

/**
 * The room time at which the path ends.
 * @param {Path} path
 */
export function arrivesAt(path) {
  return path[path.length - 1][2];
}

/**
 * Where an actor of the copy is at `now`: along its own path, or where its parent is when docked.
 * @param {Copy} copy
 * @param {string} id
 * @param {number} now
 * @returns {Point | null} null when there is no such actor
 */
export function positionOf(copy, id, now) {
  const found = pathOf(copy, id);
  return found === null ? null : positionAt(found.path, now);
}

/**
 * The path that an actor of the copy goes, and whose it is: its own, or its topmost parent's when docked.
 * @param {Copy} copy
 * @param {string} id
 * @returns {{path: Path, owner: string} | null} null when there is no such actor
 */
export function pathOf(copy, id) {
  const seen = new Set();
  let actor = Object.hasOwn(copy.actors, id) ? copy.actors[id] : null;
  while (actor !== null && actor.parent !== null && !seen.has(actor.id)) {
    // A parent that this client may not see leaves the child to its own path.
    if (!Object.hasOwn(copy.actors, actor.parent)) break;
    seen.add(actor.id);
    actor = copy.actors[actor.parent];
  }
  return actor === null ? null : { path: actor.path, owner: actor.id };
}
