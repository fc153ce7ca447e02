/**
 * MessagePack (https://github.com/msgpack/msgpack/blob/master/spec.md), of which this speaks what JSON can
 * say: null, booleans, finite numbers, strings, lists, and objects with strings for keys.
 *
 * A number that is whole and exact goes as an integer, any other as a 64-bit float.
 */

import { FormatError } from "./errors.js";
import { MAX_DEPTH, plain } from "./values.js";

const writer = new TextEncoder();
const reader = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Strings up to that many bytes are read without the decoder's overhead while they are ASCII. */
const SHORT = 32;

/**
 * @param {unknown} value JSON data
 * @returns {Uint8Array}
 * @throws {FormatError} where it holds what JSON cannot say; the error names the place
 */
export function encode(value) {
  const out = new Writer();
  out.value(plain(value));
  return out.bytes();
}

/**
 * @param {ArrayBuffer | Uint8Array} data exactly one value
 * @returns {any}
 * @throws {FormatError} when it is truncated, no MessagePack, or says what JSON cannot
 */
export function decode(data) {
  const bytes = data instanceof Uint8Array ? data : new Uint8Array(data);
  const input = new Reader(bytes);
  const value = input.value(0);
  input.end();
  return value;
}

class Writer {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #at = 0;

  bytes() {
    return this.#bytes.slice(0, this.#at);
  }

  /** @param {any} value plain JSON data */
  value(value) {
    if (value === null) this.#byte(0xc0);
    else if (typeof value === "boolean") this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "string") this.#string(value);
    else if (Array.isArray(value)) {
      this.#head(value.length, 0x90, 15, 0xdc);
      for (const each of value) this.value(each);
    } else {
      const entries = Object.entries(value);
      this.#head(entries.length, 0x80, 15, 0xde);
      for (const [key, each] of entries) {
        this.#string(key);
        this.value(each);
      }
    }
  }

  /** @param {number} value */
  #number(value) {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      this.#byte(0xcb);
      this.#room(8);
      this.#view.setFloat64(this.#at, value);
      this.#at += 8;
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.#unsigned(0xcc, value, 1);
      else if (value < 0x10000) this.#unsigned(0xcd, value, 2);
      else if (value < 0x100000000) this.#unsigned(0xce, value, 4);
      else this.#long(0xcf, value);
    } else if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#unsigned(0xd0, value & 0xff, 1);
    else if (value >= -0x8000) this.#unsigned(0xd1, value & 0xffff, 2);
    else if (value >= -0x80000000) this.#unsigned(0xd2, value >>> 0, 4);
    else this.#long(0xd3, value);
  }

  /** @param {string} text */
  #string(text) {
    const bytes = writer.encode(text);
    const size = bytes.length;
    if (size < 32) this.#byte(0xa0 | size);
    else if (size < 0x100) this.#unsigned(0xd9, size, 1);
    else if (size < 0x10000) this.#unsigned(0xda, size, 2);
    else this.#unsigned(0xdb, size, 4);
    this.#room(size);
    this.#bytes.set(bytes, this.#at);
    this.#at += size;
  }

  /**
   * The head of a list or an object.
   * @param {number} size
   * @param {number} fixed code of size 0
   * @param {number} most that the fixed code can say
   * @param {number} code of the 16-bit form; that of the 32-bit form is the next
   */
  #head(size, fixed, most, code) {
    if (size <= most) this.#byte(fixed | size);
    else if (size < 0x10000) this.#unsigned(code, size, 2);
    else this.#unsigned(code + 1, size, 4);
  }

  /** @param {number} byte */
  #byte(byte) {
    this.#room(1);
    this.#bytes[this.#at++] = byte;
  }

  /** @param {number} code @param {number} value @param {1 | 2 | 4} size */
  #unsigned(code, value, size) {
    this.#byte(code);
    this.#room(size);
    if (size === 1) this.#view.setUint8(this.#at, value);
    else if (size === 2) this.#view.setUint16(this.#at, value);
    else this.#view.setUint32(this.#at, value);
    this.#at += size;
  }

  /** @param {number} code @param {number} value */
  #long(code, value) {
    this.#byte(code);
    this.#room(8);
    this.#view.setBigInt64(this.#at, BigInt(value));
    this.#at += 8;
  }

  /** @param {number} more */
  #room(more) {
    if (this.#at + more <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more));
    larger.set(this.#bytes);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

class Reader {
  #bytes;
  #view;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end() {
    if (this.#at !== this.#bytes.length) throw new FormatError(`bytes follow the message, at ${this.#at}`);
  }

  /**
   * @param {number} depth
   * @returns {any}
   */
  value(depth) {
    const at = this.#take(1);
    const code = this.#bytes[at];
    if (code < 0x80) return code;
    if (code < 0x90) return this.#map(code & 15, depth);
    if (code < 0xa0) return this.#list(code & 15, depth);
    if (code < 0xc0) return this.#string(code & 31);
    if (code >= 0xe0) return code - 0x100;
    switch (code) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#finite(this.#view.getFloat32(this.#take(4)));
      case 0xcb:
        return this.#finite(this.#view.getFloat64(this.#take(8)));
      case 0xcc:
        return this.#view.getUint8(this.#take(1));
      case 0xcd:
        return this.#view.getUint16(this.#take(2));
      case 0xce:
        return this.#view.getUint32(this.#take(4));
      case 0xcf:
        return this.#exact(this.#view.getBigUint64(this.#take(8)));
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return this.#exact(this.#view.getBigInt64(this.#take(8)));
      case 0xd9:
        return this.#string(this.#view.getUint8(this.#take(1)));
      case 0xda:
        return this.#string(this.#view.getUint16(this.#take(2)));
      case 0xdb:
        return this.#string(this.#view.getUint32(this.#take(4)));
      case 0xdc:
        return this.#list(this.#view.getUint16(this.#take(2)), depth);
      case 0xdd:
        return this.#list(this.#view.getUint32(this.#take(4)), depth);
      case 0xde:
        return this.#map(this.#view.getUint16(this.#take(2)), depth);
      case 0xdf:
        return this.#map(this.#view.getUint32(this.#take(4)), depth);
      default:
        throw new FormatError(`code 0x${code.toString(16)} says what JSON cannot, at ${at}`);
    }
  }

  /** @param {number} size @returns {string} */
  #string(size) {
    const at = this.#take(size);
    if (size <= SHORT) {
      let text = "";
      for (let i = at; i < at + size; i++) {
        const byte = this.#bytes[i];
        if (byte >= 0x80) return this.#decoded(at, size);
        text += String.fromCharCode(byte);
      }
      return text;
    }
    return this.#decoded(at, size);
  }

  /** @param {number} at @param {number} size */
  #decoded(at, size) {
    try {
      return reader.decode(this.#bytes.subarray(at, at + size));
    } catch {
      throw new FormatError(`a string is not UTF-8, at ${at}`);
    }
  }

  /** @param {number} size @param {number} depth */
  #list(size, depth) {
    this.#nest(size, depth);
    const list = [];
    for (let i = 0; i < size; i++) list.push(this.value(depth + 1));
    return list;
  }

  /** @param {number} size @param {number} depth */
  #map(size, depth) {
    this.#nest(size * 2, depth);
    /** @type {Record<string, unknown>} */
    const map = {};
    for (let i = 0; i < size; i++) {
      const at = this.#at;
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw new FormatError(`a key is no string, at ${at}`);
      const value = this.value(depth + 1);
      // Plain assignment to this one key would change the object's prototype instead.
      if (key !== "__proto__") map[key] = value;
      else Object.defineProperty(map, key, { value, writable: true, enumerable: true, configurable: true });
    }
    return map;
  }

  /** @param {number} least bytes that must follow @param {number} depth */
  #nest(least, depth) {
    if (depth >= MAX_DEPTH) throw new FormatError(`nested deeper than ${MAX_DEPTH} levels, at ${this.#at}`);
    if (this.#at + least > this.#bytes.length) throw new FormatError("truncated");
  }

  /** @param {number} size @returns {number} where these bytes begin */
  #take(size) {
    const at = this.#at;
    if (at + size > this.#bytes.length) throw new FormatError("truncated");
    this.#at = at + size;
    return at;
  }

  /** @param {number} value */
  #finite(value) {
    if (!Number.isFinite(value)) throw new FormatError(`${value} is no JSON number, at ${this.#at - 8}`);
    return value;
  }

  /** @param {bigint} value */
  #exact(value) {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new FormatError(`${value} is beyond 2**53 - 1`);
    return number;
  }
}
