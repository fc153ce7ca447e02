/** How the messages of a session are written: JSON in text frames, or MessagePack in binary ones. */

import { FormatError, RoomfleetError } from "./errors.js";
import * as msgpack from "./msgpack.js";

/**
 * @typedef {object} Format
 * @property {string} name
 * @property {string} subprotocol by which a node is asked for it
 * @property {(message: object) => string | Uint8Array} encode throws FormatError
 * @property {(data: unknown) => any} decode one frame's payload; throws FormatError
 */

/** @type {Format} */
export const JSON_FORMAT = {
  name: "JSON",
  subprotocol: "roomfleet.v1",
  encode: JSON.stringify,
  decode: (data) => {
    if (typeof data !== "string") throw new FormatError("JSON comes in text frames, and this one was binary");
    try {
      return JSON.parse(data);
    } catch (error) {
      // A RangeError: nested too deeply.
      if (error instanceof SyntaxError || error instanceof RangeError) throw new FormatError(error.message);
      throw error;
    }
  },
};

/** @type {Format} */
export const MSGPACK_FORMAT = {
  name: "MessagePack",
  subprotocol: "roomfleet.v1.msgpack",
  encode: msgpack.encode,
  decode: (data) => {
    if (data instanceof ArrayBuffer || data instanceof Uint8Array) return msgpack.decode(data);
    throw new FormatError("MessagePack comes in binary frames, and this one was text");
  },
};

/** By the name that the clients' option has. */
const FORMATS = { json: JSON_FORMAT, msgpack: MSGPACK_FORMAT };

/**
 * The format of that name.
 * @param {"json" | "msgpack"} name
 * @returns {Format}
 * @throws {RoomfleetError} where there is none
 */
export function formatNamed(name) {
  if (!Object.hasOwn(FORMATS, name)) {
    throw new RoomfleetError(`format ${name}: there are ${Object.keys(FORMATS).join(" and ")}`);
  }
  return FORMATS[name];
}
