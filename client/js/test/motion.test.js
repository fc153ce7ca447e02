import assert from "node:assert/strict";
import { test } from "node:test";

import { applyOps } from "../src/copy.js";
import { arrivesAt, positionAt, positionOf, timedPath } from "../src/motion.js";
import { golden } from "./support/golden.js";

test("positions are the same numbers as in Python", () => {
  for (const { path, at } of golden("motion.positions")) {
    for (const [t, x, y] of at) assert.deepEqual(positionAt(path, t), { x, y });
  }
});

test("speed changes, stops, teleports, docking and ways of many legs are drawn as they are", () => {
  const { copy, steps } = golden("motion.scene");
  for (const { why, ops, drawn } of steps) {
    applyOps(copy, ops);
    for (const [now, id, x, y] of drawn) assert.deepEqual(positionOf(copy, id, now), { x, y }, why);
  }
});

test("timed paths are the same as in Python, to the last digits of a square root", () => {
  for (const { points, speed, now, path } of golden("motion.timed-paths")) {
    const ours = timedPath(points, speed, now);
    assert.equal(ours.length, path.length);
    ours.flat().forEach((value, i) => assert.ok(Math.abs(value - path.flat()[i]) < 1e-9));
  }
});

test("a path ends when its last point says", () => {
  assert.equal(arrivesAt([[0, 0, 1], [5, 5, 3.5]]), 3.5);
});

function actor(id, parent, x) {
  return { id, type: "T", name: id, player: false, parent, speed: 0, path: [[x, 0, 0]], state: {} };
}

function copyOf(...actors) {
  return { actors: Object.fromEntries(actors.map((one) => [one.id, one])), room: { state: {} } };
}

test("a docked actor is where its parent is, through every level", () => {
  const copy = copyOf(actor("ship", null, 7), actor("crew", "ship", 1), actor("parrot", "crew", 2));
  assert.deepEqual(positionOf(copy, "parrot", 0), { x: 7, y: 0 });
});

test("a docked actor whose parent cannot be seen is on its own path", () => {
  assert.deepEqual(positionOf(copyOf(actor("crew", "ship", 1)), "crew", 0), { x: 1, y: 0 });
});

test("actors that are each other's parents have a position nevertheless", () => {
  const copy = copyOf(actor("a", "b", 1), actor("b", "a", 2));
  assert.notEqual(positionOf(copy, "a", 0), null);
});

test("an actor that is not there has no position", () => {
  assert.equal(positionOf(copyOf(), "constructor", 0), null);
});
