import assert from "node:assert/strict";
import { test } from "node:test";

import { applyOps, emptyCopy } from "../src/copy.js";
import { PatchError } from "../src/errors.js";
import { golden } from "./support/golden.js";

test("a snapshot and its patches give the expected copy", () => {
  const { snapshot, patches, expected } = golden("copy.scenario");
  const copy = { actors: snapshot.actors, room: snapshot.room };
  for (const patch of patches) applyOps(copy, patch.ops);
  assert.equal(JSON.stringify(sorted(copy)), JSON.stringify(sorted(expected)));
});

const { copy: base, misfits } = golden("copy.misfits");
for (const { why, op } of misfits) {
  test(`an op that does not fit is an error: ${why}`, () => {
    const copy = structuredClone(base);
    assert.throws(() => applyOps(copy, [op]), PatchError);
    assert.deepEqual(copy, base);
  });
}

test("the ops before the one that does not fit stay applied", () => {
  const copy = emptyCopy();
  assert.throws(() => applyOps(copy, [["set", ["room", "state", "a"], 1], ["no"]]), PatchError);
  assert.deepEqual(copy.room.state, { a: 1 });
});

test("a key named __proto__ is a key like any other", () => {
  const copy = emptyCopy();
  applyOps(copy, [["set", ["room", "state", "__proto__"], { evil: true }]]);
  assert.equal(copy.room.state.evil, undefined);
  assert.deepEqual(Object.keys(copy.room.state), ["__proto__"]);
  applyOps(copy, [["del", ["room", "state", "__proto__"]]]);
  assert.deepEqual(Object.keys(copy.room.state), []);
});

/** With the keys of all objects in order, since the order of a JSON object's keys means nothing. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, sorted(one)]);
}
