import assert from "node:assert/strict";
import { test } from "node:test";

import { RoomClock } from "../src/clock.js";

/** Small seeded generator (Mulberry32), so that the jitter of a test is the same each time. */
function generator(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

test("before the first pong it runs from what welcome said", () => {
  const clock = new RoomClock(50, 1000);
  assert.equal(clock.now(1000), 50);
  assert.equal(clock.now(1002.5), 52.5);
  assert.equal(clock.roundTrip, null);
});

test("pongs correct it by half of the round trip", () => {
  const clock = new RoomClock(50, 1000); // heard 40 ms late: room time was 50.04
  clock.pong(1000, 1000.08, 50.08);
  assert.ok(Math.abs(clock.now(1005) - 55.04) < 1e-9);
  assert.ok(Math.abs(clock.roundTrip - 0.08) < 1e-9);
});

test("slow pongs are outliers", () => {
  const clock = new RoomClock(50, 1000);
  clock.pong(1000, 1000.02, 50.01);
  clock.pong(1001, 1001.9, 51.02); // 0.9 s there and back, nearly all of it on the way back
  assert.ok(Math.abs(clock.now(1010) - 60) < 1e-9);
});

test("it comes close to room time over a jittery line", () => {
  const random = generator(1);
  const truth = (local) => local - 950;
  const clock = new RoomClock(truth(1000) - 0.1, 1000);
  for (let local = 1000; local < 1020; local += 1) {
    const there = 0.02 + 0.03 * random();
    const back = 0.02 + 0.03 * random();
    clock.pong(local, local + there + back, truth(local + there));
    clock.now(local + 0.5);
  }
  assert.ok(Math.abs(clock.now(1021) - truth(1021)) < 0.02);
});

test("what is shown never falls, however the estimate changes", () => {
  const random = generator(2);
  const clock = new RoomClock(50, 1000);
  let last = -Infinity;
  for (let frame = 0; frame < 3000; frame += 1) {
    const local = 1000 + frame / 60;
    if (frame % 20 === 0) clock.pong(local - random(), local, 50 + frame / 60 + 4 * (random() - 0.5));
    if (frame % 33 === 0) clock.heard(50 + frame / 60 + random(), local);
    const shown = clock.now(local);
    assert.ok(shown >= last);
    last = shown;
  }
});

test("a small error is run in, not jumped over", () => {
  const clock = new RoomClock(50, 1000);
  clock.heard(50.2, 1000);
  const shown = clock.now(1000.016);
  assert.ok(shown > 50.016 && shown < 50.02);
  assert.ok(Math.abs(clock.now(1003) - 53.2) < 1e-9);
});

test("after the computer slept it leaps to what the room says, whatever older pongs said", () => {
  const clock = new RoomClock(50, 1000);
  for (let i = 0; i < 8; i += 1) clock.pong(1000 + i, 1000.02 + i, 50.01 + i);
  clock.heard(650, 1008);
  assert.equal(clock.now(1008), 650);
  clock.pong(1008, 1008.02, 650.01);
  assert.ok(Math.abs(clock.now(1009) - 651) < 1e-9);
});
