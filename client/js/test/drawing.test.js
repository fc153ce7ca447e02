import assert from "node:assert/strict";
import { test } from "node:test";

import { applyOps } from "../src/copy.js";
import { Drawing, FADE_SECONDS } from "../src/drawing.js";
import { positionAt, timedPath } from "../src/motion.js";
import { generator } from "./support/chance.js";
import { golden } from "./support/golden.js";

const SPEED = 100;
const LATEST = 0.15;

test("what is drawn is the same as in Python", () => {
  const { copy, frames } = golden("motion.drawn");
  const drawing = new Drawing();
  for (const { why, ops, now, drawn } of frames) {
    applyOps(copy, ops);
    for (const id of ["ada", "cart", "post"]) {
      const at = drawing.positionOf(copy, id, now);
      if (!(id in drawn)) continue;
      if (drawn[id] === null) assert.equal(at, null, why);
      else assert.ok(Math.hypot(at.x - drawn[id][0], at.y - drawn[id][1]) < 1e-6, `${why}: ${at.x}, ${at.y}`);
    }
  }
});

/** Courses of one who walks, turns and stops, each with the time at which the client hears of it. */
function coursesByChance(random) {
  let now = 10;
  let path = [[500, 500, 0]];
  const courses = [{ path, heard: 0 }];
  for (let i = 0; i < 30; i++) {
    now += 0.02 + random();
    const { x, y } = positionAt(path, now);
    path = random() < 0.3 ? [[x, y, now]] : timedPath([[x, y], [1000 * random(), 1000 * random()]], SPEED, now);
    courses.push({ path, heard: Math.max(now + LATEST * random(), courses[i].heard) });
  }
  return courses;
}

function copyWith(path) {
  return { actors: { a: { id: "a", parent: null, speed: SPEED, path } }, room: { state: {} } };
}

test("over any courses it never jumps, and is where the truth is once a difference had time to fade", () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = generator(seed);
    const courses = coursesByChance(random);
    const drawing = new Drawing();
    let [last, changed, most, next] = [null, -1, 0, 0];
    let copy = copyWith(courses[0].path);
    const end = courses[courses.length - 1].heard + FADE_SECONDS + 0.2;
    for (let now = 9; now < end; now += 0.002 + 0.05 * random()) {
      while (next < courses.length && courses[next].heard <= now) {
        copy = copyWith(courses[next].path);
        changed = now;
        next += 1;
      }
      const exact = positionAt(copy.actors.a.path, now);
      const at = drawing.positionOf(copy, "a", now);
      const off = Math.hypot(at.x - exact.x, at.y - exact.y);
      most = Math.max(most, off);
      if (last !== null) {
        const elapsed = now - last.now;
        const moved = Math.hypot(at.x - last.at.x, at.y - last.at.y);
        assert.ok(moved <= SPEED * elapsed + (most * elapsed) / FADE_SECONDS + 1e-6, `seed ${seed} at ${now}`);
      }
      if (now >= changed + FADE_SECONDS) assert.ok(off < 1e-9, `seed ${seed} at ${now}`);
      last = { now, at };
    }
    assert.equal(next, courses.length);
  }
});

test("who stands is drawn exactly there, whatever snapshots come", () => {
  const drawing = new Drawing();
  for (let now = 1; now < 3; now += 0.016) {
    assert.deepEqual(drawing.positionOf(copyWith([[3.3, 4.7, 0.5]]), "a", now), { x: 3.3, y: 4.7 });
  }
});
