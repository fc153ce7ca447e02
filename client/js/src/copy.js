/**
 * Applying ops to the client's copy of a room, exactly as `roomfleet.wire.patch` does.
 *
 * A copy is `{actors: {id: actor}, room: {state}}`. A path begins with an actor's id or with `"room"`;
 * string segments index objects, integers index lists.
 */

import { PatchError } from "./errors.js";

/** @typedef {import("./messages.js").Copy} Copy */
/** @typedef {import("./messages.js").Op} Op */

/** @returns {Copy} a copy with nothing in it */
export function emptyCopy() {
  return { actors: {}, room: { state: {} } };
}

/**
 * Apply the ops in order, in place.
 * @param {Copy} copy
 * @param {Iterable<Op>} ops
 * @throws {PatchError} at the first op that does not fit; the ones before it stay applied
 */
export function applyOps(copy, ops) {
  for (const op of ops) {
    const flaw = apply(copy, op);
    if (flaw !== null) {
      throw new PatchError(`${JSON.stringify(op)} does not fit: ${flaw}; ask for a snapshot`);
    }
  }
}

/**
 * @param {Copy} copy
 * @param {Op} op
 * @returns {string | null} what is wrong, or null when it was applied
 */
function apply(copy, op) {
  if (!Array.isArray(op)) return "an op is a list";
  const [kind, target, value] = op;
  if (kind === "enter" && op.length === 3) {
    if (typeof target !== "string" || !isObject(value)) return "enter needs an id and an actor";
    put(copy.actors, target, value);
    return null;
  }
  if (kind === "leave" && op.length === 3) {
    if (typeof target !== "string" || !Object.hasOwn(copy.actors, target)) return "no such actor";
    delete copy.actors[target];
    return null;
  }
  if (kind === "put" && op.length === 3) {
    if (!Array.isArray(target) || !isObject(value)) return "put needs a path and fields";
    const object = find(copy, target);
    if (target.length === 0 || !isObject(object)) return "nothing there to put it in";
    for (const [field, each] of Object.entries(value)) put(object, field, each);
    return null;
  }
  const needed = kind === "del" ? 2 : kind === "set" || kind === "ins" ? 3 : 0;
  if (op.length !== needed || !Array.isArray(target)) return "no such op";
  if (target.length < 2) return "a path has at least two segments";
  const holder = find(copy, target.slice(0, -1));
  const last = target[target.length - 1];
  if (kind === "ins") return insert(holder, last, value);
  if (kind === "del") return remove(holder, last);
  return set(holder, last, value);
}

/**
 * @param {Copy} copy
 * @param {unknown[]} way
 * @returns {unknown} what stands there; undefined where there is nothing
 */
function find(copy, way) {
  /** @type {unknown} */
  let holder = copy.actors;
  if (way[0] === "room") {
    holder = copy.room;
    way = way.slice(1);
  }
  for (const segment of way) {
    if (Array.isArray(holder)) {
      if (!isIndex(segment, holder.length)) return undefined;
      holder = holder[segment];
    } else if (isObject(holder) && typeof segment === "string" && Object.hasOwn(holder, segment)) {
      holder = holder[segment];
    } else {
      return undefined;
    }
  }
  return holder;
}

/** @param {unknown} holder @param {unknown} last @param {unknown} value */
function set(holder, last, value) {
  if (Array.isArray(holder)) {
    if (!isIndex(last, holder.length)) return "no such index";
    holder[last] = value;
    return null;
  }
  if (!isObject(holder)) return "nothing there to set it in";
  if (typeof last !== "string") return "an object's key is a string";
  put(holder, last, value);
  return null;
}

/** @param {unknown} holder @param {unknown} last */
function remove(holder, last) {
  if (Array.isArray(holder)) {
    if (!isIndex(last, holder.length)) return "no such index";
    holder.splice(last, 1);
    return null;
  }
  if (!isObject(holder)) return "nothing there to delete it from";
  if (typeof last !== "string" || !Object.hasOwn(holder, last)) return "no such key";
  delete holder[last];
  return null;
}

/** @param {unknown} holder @param {unknown} last @param {unknown} value */
function insert(holder, last, value) {
  if (!Array.isArray(holder)) return "ins needs a list";
  if (!isIndex(last, holder.length + 1)) return "no such index";
  holder.splice(last, 0, value);
  return null;
}

/**
 * @param {Record<string, unknown>} holder
 * @param {string} key
 * @param {unknown} value
 */
function put(holder, key, value) {
  // Plain assignment to this one key would change the object's prototype instead.
  if (key === "__proto__") {
    Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    holder[key] = value;
  }
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** @param {unknown} segment @param {number} bound @returns {segment is number} */
function isIndex(segment, bound) {
  return Number.isInteger(segment) && 0 <= Number(segment) && Number(segment) < bound;
}
