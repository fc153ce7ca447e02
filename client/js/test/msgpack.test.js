import assert from "node:assert/strict";
import { test } from "node:test";

import { FormatError } from "../src/errors.js";
import { decode, encode } from "../src/msgpack.js";
import { generator } from "./support/chance.js";
import { MESSAGES, golden, goldenBytes } from "./support/golden.js";

const bytes = (hex) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const hex = (data) => Buffer.from(data).toString("hex");

for (const name of MESSAGES) {
  test(`${name}: what Python writes is read`, () => {
    assert.deepEqual(goldenBytes(name, "python").map(decode), golden(name));
  });
  test(`${name}: what is written here is what Python's tests read`, () => {
    assert.deepEqual(golden(name).map((message) => hex(encode(message))), goldenBytes(name, "js").map(hex));
  });
}

test("numbers take the smallest form that holds them", () => {
  for (const [value, expected] of [
    [0, "00"],
    [127, "7f"],
    [128, "cc80"],
    [255, "ccff"],
    [256, "cd0100"],
    [65535, "cdffff"],
    [65536, "ce00010000"],
    [4294967295, "ceffffffff"],
    [4294967296, "cf0000000100000000"],
    [9007199254740991, "cf001fffffffffffff"],
    [9007199254740992, "cb4340000000000000"],
    [-1, "ff"],
    [-32, "e0"],
    [-33, "d0df"],
    [-128, "d080"],
    [-129, "d1ff7f"],
    [-32768, "d18000"],
    [-32769, "d2ffff7fff"],
    [-2147483648, "d280000000"],
    [-2147483649, "d3ffffffff7fffffff"],
    [-9007199254740991, "d3ffe0000000000001"],
    [-0, "cb8000000000000000"],
    [1.5, "cb3ff8000000000000"],
    [5e-324, "cb0000000000000001"],
  ]) {
    assert.equal(hex(encode(value)), expected);
    assert.ok(Object.is(decode(bytes(expected)), value), String(value));
  }
});

test("sizes of strings, lists and objects go to the next form where they must", () => {
  for (const size of [0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536]) {
    for (const value of [
      "x".repeat(size),
      Array(size).fill(7),
      Object.fromEntries(Array.from({ length: size }, (_, i) => [`k${i}`, null])),
    ]) {
      assert.deepEqual(decode(encode(value)), value);
    }
  }
});

test("what JSON.stringify leaves out or changes is left out or changed here too", () => {
  const date = new Date(0);
  const value = { a: undefined, b: [undefined, 1], c: date, d: Object.create(null) };
  assert.deepEqual(decode(encode(value)), JSON.parse(JSON.stringify(value)));
});

test("a key __proto__ is a key", () => {
  const back = decode(encode(JSON.parse('{"__proto__": {"x": 1}}')));
  assert.deepEqual(Object.keys(back), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(back), Object.prototype);
});

test("text keeps its byte order mark, its zeros and its cats", () => {
  for (const text of ["\ufeffx", "\0", "🐈", "ö".repeat(40), "\ufeff" + "x".repeat(40)]) {
    assert.equal(decode(encode(text)), text);
  }
});

const nested = (depth) => {
  let value = 1;
  for (let i = 0; i < depth; i += 1) value = [value];
  return value;
};

test("what JSON cannot say is not written, and the place is named", () => {
  const circle = [];
  circle.push(circle);
  for (const [value, place] of [
    [NaN, /^\$: NaN/],
    [[1, { x: -Infinity }], /^\$\[1\]\.x: -Infinity/],
    [{ n: 1n }, /^\$\.n: bigint/],
    [{ f() {} }, /^\$\.f: function/],
    [{ s: "\ud800" }, /surrogate/],
    [{ "\udc00": 1 }, /surrogate/],
    [circle, /nested deeper/],
    [nested(101), /nested deeper/],
  ]) {
    assert.throws(() => encode(value), (error) => error instanceof FormatError && place.test(error.message));
  }
  assert.deepEqual(decode(encode(nested(100))), nested(100));
});

test("what is no message of JSON's values is an error with a name", () => {
  for (const [data, what] of [
    ["", /truncated/],
    ["a2 78", /truncated/],
    ["cb 00 00", /truncated/],
    ["dd ff ff ff ff", /truncated/],
    ["df ff ff ff ff", /truncated/],
    ["db ff ff ff ff 78", /truncated/],
    ["92 01", /truncated/],
    ["01 02", /follow/],
    ["c1", /0xc1/],
    ["c4 01 00", /0xc4/],
    ["d4 05 00", /0xd4/],
    ["d6 ff 00 00 00 01", /0xd6/],
    ["a1 ff", /UTF-8/],
    ["a3 ed a0 80", /UTF-8/],
    ["d9 21 ff" + "20".repeat(32), /UTF-8/],
    ["81 01 02", /key/],
    ["81 c0 02", /key/],
    ["cb 7f f8 00 00 00 00 00 00", /NaN/],
    ["cb 7f f0 00 00 00 00 00 00", /Infinity/],
    ["ca 7f 80 00 00", /Infinity/],
    ["cf 00 20 00 00 00 00 00 00", /2\*\*53/],
    ["cf ff ff ff ff ff ff ff ff", /2\*\*53/],
    ["d3 ff e0 00 00 00 00 00 00", /2\*\*53/],
    ["91".repeat(101) + "01", /nested deeper/],
    ["91".repeat(200_000), /nested deeper/],
  ]) {
    assert.throws(() => decode(bytes(data)), (error) => error instanceof FormatError && what.test(error.message), data);
  }
});

/** A random JSON value. */
function value(random, depth) {
  const kind = Math.floor(random() * (depth > 3 ? 6 : 8));
  const whole = (most) => Math.floor(random() * most);
  if (kind === 0) return [null, true, false][whole(3)];
  if (kind === 1) return (whole(2) === 0 ? 1 : -1) * whole(2 ** whole(54));
  if (kind === 2) return (random() - 0.5) * 10 ** whole(300);
  if (kind === 3) return String.fromCodePoint(...Array.from({ length: whole(40) }, () => whole(0xd800)));
  if (kind === 4) return "a".repeat(whole(300));
  if (kind === 5) return whole(300);
  if (kind === 6) return Array.from({ length: whole(20) }, () => value(random, depth + 1));
  return Object.fromEntries(Array.from({ length: whole(20) }, () => [`${whole(1e6)}`, value(random, depth + 1)]));
}

test("any JSON value is the same after the wire", () => {
  const random = generator(3);
  for (let i = 0; i < 100; i += 1) {
    const one = value(random, 0);
    assert.deepEqual(decode(encode(one)), one);
  }
});

test("any bytes are a value or a named error, and so is any message cut short or changed", () => {
  const random = generator(5);
  const tried = (data) => {
    try {
      decode(data);
    } catch (error) {
      assert.ok(error instanceof FormatError, String(error));
      return true;
    }
    return false;
  };
  for (let i = 0; i < 3000; i += 1) {
    tried(Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256)));
  }
  for (const whole of goldenBytes("node-to-client.snapshot", "python")) {
    for (let end = 0; end < whole.length; end += 1) assert.ok(tried(whole.subarray(0, end)), "truncated");
    for (let i = 0; i < 500; i += 1) {
      const changed = whole.slice();
      changed[Math.floor(random() * changed.length)] = Math.floor(random() * 256);
      tried(changed);
    }
  }
});
