import assert from "node:assert/strict";
import { test } from "node:test";

import { RoomClock } from "../src/clock.js";
import { positionAt, timedPath } from "../src/motion.js";
import { generator } from "./support/chance.js";

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

test("where room time stood still what is shown waits for it", () => {
  const clock = new RoomClock(100, 0);
  for (let second = 1; second < 6; second += 1) {
    clock.pong(second, second + 0.02, 100 + second + 0.01);
    clock.now(second + 0.5);
  }
  let shown = clock.now(10);
  clock.pong(10, 10.02, 106.01); // it stood at 106 for 4 s
  for (let frame = 1; frame < 300; frame += 1) {
    const later = clock.now(10.02 + frame / 60);
    assert.ok(later >= shown);
    shown = later;
  }
  clock.now(20);
  assert.ok(Math.abs(clock.now(30) - 126) < 0.05);
});

test("a pong that took long makes nothing leap", () => {
  const clock = new RoomClock(0, 0);
  clock.pong(0, 4, 3.9); // nearly all of it on the way there: room time is 3.9 and not 5.9
  assert.ok(Math.abs(clock.now(4) - 4.4) < 0.001);
});

test("the clock of a resumed session goes on from what was shown, if that can be", () => {
  const before = new RoomClock(0, 0);
  before.pong(0, 0.2, 0.2);
  const shown = before.now(10);
  const after = new RoomClock(9.9, 10);
  after.follow(before, 10);
  assert.equal(after.now(10), shown);
  assert.ok(Math.abs(after.now(20) - 19.9) < 1e-9);
  const slept = new RoomClock(3, 100);
  slept.follow(before, 100);
  assert.equal(slept.now(100), 3);
});

/**
 * What is shown at 60 frames a second over a line with delays, jitter, stalls, and a clock that drifts, as
 * `[room time, shown, local]`. Room time is true time + 500.
 */
function* shownOver({ there, back, jitter, stalls, drift, patches, seconds }, random) {
  const local = (time) => 1000 + time * (1 + drift);
  const delay = (least) => least + random() * jitter + (random() < stalls ? 1 : 0);
  const first = delay(back);
  const events = [];
  for (const ping of [0, 0.25, 0.5, 0.75, 1, 20, 40]) {
    const answered = first + ping + delay(there);
    events.push({ at: answered + delay(back), ping: first + ping, told: 500 + answered });
  }
  for (let n = 0; n < seconds * patches; n += 1) {
    const told = first + n / patches;
    events.push({ at: told + delay(back), told: 500 + told });
  }
  events.sort((a, b) => a.at - b.at);
  const clock = new RoomClock(500, local(first));
  for (let frame = 0; frame < (seconds - first) * 60; frame += 1) {
    const time = first + frame / 60;
    while (events.length > 0 && events[0].at <= time) {
      const { at, ping, told } = events.shift();
      if (ping === undefined) clock.heard(told, local(at));
      else clock.pong(local(ping), local(at), told);
    }
    yield [500 + time, clock.now(local(time)), local(time)];
  }
}

function* linesByChance(count) {
  const random = generator(11);
  for (let i = 0; i < count; i += 1) {
    const line = {
      there: random() * 0.3,
      back: random() * 0.3,
      jitter: random() * 0.1,
      stalls: i % 2 === 0 ? 0 : random() * 0.2,
      drift: (random() - 0.5) * 2e-4,
      patches: i % 3 === 0 ? 5 : 0,
      seconds: 50,
    };
    yield [line, random];
  }
}

test("over any line it runs evenly and never backwards, and comes close", () => {
  for (const [line, random] of linesByChance(60)) {
    let last = null;
    for (const [truth, shown, local] of shownOver(line, random)) {
      if (last !== null) {
        const elapsed = local - last.local;
        const ran = shown - last.shown;
        assert.ok(ran >= -1e-9);
        assert.ok(ran >= 0.9 * elapsed - 1e-9 || last.shown > last.truth + 0.25, JSON.stringify(line));
        assert.ok(ran <= 1.1 * elapsed + 1e-9 || shown <= truth + (0.1 + Math.abs(line.drift)) * elapsed + 1e-9, JSON.stringify(line));
      }
      last = { truth, shown, local };
    }
    if (line.stalls > 0) continue;
    const { there, back, jitter } = line;
    const most = Math.abs(there - back) / 2 + jitter / 2 + (there + back) / 4 + 0.02;
    assert.ok(Math.abs(last.shown - last.truth) < most, JSON.stringify(line));
  }
});

test("who walks a way of many legs is never drawn going back on it", () => {
  const way = [[0, 0], [300, 0], [300, 200], [40, 200], [40, 20], [700, 20]];
  const path = timedPath(way, 60, 500);
  const lengths = way.map(([x, y], i) => (i === 0 ? 0 : Math.hypot(x - way[i - 1][0], y - way[i - 1][1])));
  for (const [line, random] of linesByChance(20)) {
    let walked = -1;
    let leg = 1;
    for (const [, shown] of shownOver(line, random)) {
      const { x, y } = positionAt(path, shown);
      while (leg < way.length - 1 && shown >= path[leg][2]) leg += 1;
      const before = lengths.slice(0, leg).reduce((sum, one) => sum + one, 0);
      const now = before + Math.hypot(x - way[leg - 1][0], y - way[leg - 1][1]);
      assert.ok(now >= walked - 1e-6, JSON.stringify(line));
      walked = now;
    }
  }
});
