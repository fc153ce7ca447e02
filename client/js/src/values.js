/** Which values may go over a wire: JSON's, with numbers that both sides hold exactly. */

import { FormatError } from "./errors.js";

/** How deep lists and objects may nest within a message. */
export const MAX_DEPTH = 100;

/**
 * The value as plain JSON data. As `JSON.stringify` does, it asks `toJSON`, leaves out fields that are
 * undefined, and takes undefined in a list for null.
 * @param {unknown} value
 * @param {string} [where] what to call it
 * @returns {any}
 * @throws {FormatError} where it holds what JSON cannot say; the error names the place
 */
export function plain(value, where = "$") {
  return copy(value, where, 0);
}

/**
 * @param {any} value
 * @param {string} where
 * @param {number} depth
 * @returns {any}
 */
function copy(value, where, depth) {
  if (typeof value?.toJSON === "function") value = value.toJSON();
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new FormatError(`${where}: ${value} is no JSON number; use null`);
    return value;
  }
  if (typeof value === "string") return text(value, where);
  if (typeof value !== "object") throw new FormatError(`${where}: ${typeof value} is not JSON data`);
  if (depth >= MAX_DEPTH) {
    throw new FormatError(`${where.slice(0, 80)}…: nested deeper than ${MAX_DEPTH} levels, or in itself`);
  }
  if (Array.isArray(value)) {
    return Array.from(value, (each, index) => copy(each ?? null, `${where}[${index}]`, depth + 1));
  }
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries.map(([key, each]) => [text(key, where), copy(each, `${where}.${key}`, depth + 1)]),
  );
}

/** @param {string} value @param {string} where */
function text(value, where) {
  if (/\p{Surrogate}/u.test(value)) {
    throw new FormatError(`${where}: half of a surrogate pair is not Unicode text`);
  }
  return value;
}
