import assert from "node:assert/strict";
import { test } from "node:test";

import { JoinRefused, SessionEnded, Watching } from "../src/index.js";
import { golden } from "./support/golden.js";
import { TAVERN_URL, TOWN_URL, World, welcome } from "./support/world.js";

const WATCHES = "https://play.example/base/v1/games/walkabout/rooms/the%20town/watches";
const SEEN = golden("node-to-client.snapshot")[3];
const NOT_RUNNING = {
  type: "https://roomfleet.io/problems/room-not-running",
  title: "Room not running",
  status: 409,
  detail: "town is Asleep",
};

const granted = (url = TOWN_URL, ticket = "w1") => [201, { room: "the town", url, ticket, expires_at: "" }];

/** Begin to watch, at a master that gives these answers in turn; an answer is [status, body], or an Error. */
function begin(answers, options = {}) {
  const world = new World();
  const asked = [];
  const fetch = (url, { method, signal }) => {
    asked.push({ method, url });
    const answer = answers.shift();
    if (answer === undefined) {
      return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    }
    if (answer instanceof Error) return Promise.reject(answer);
    return Promise.resolve({ status: answer[0], json: async () => answer[1] });
  };
  const environment = { ...world.environment, fetch };
  const where = { origin: "https://play.example/base/", game: "walkabout", room: "the town" };
  const watching = new Watching({ ...where, ...options, environment });
  const states = [];
  watching.addEventListener("state", ({ detail }) => states.push(detail));
  return { world, watching, states, asked, answers, entered: watching.connect() };
}

/** Until the answers that were given are read. */
async function settled() {
  for (let i = 0; i < 20; i++) await null;
}

function letIn(world, name = "the town") {
  world.socket.open();
  world.socket.say({ ...welcome(name, ""), you: { id: "", commands: [] } }, SEEN);
}

/** Watching, with the master's answers to come. */
async function live(...answers) {
  const all = begin([granted(), ...answers]);
  await settled();
  letIn(all.world);
  await all.entered;
  all.states.length = 0;
  return all;
}

test("an admin sees all there is, as it changes", async () => {
  const { world, watching, states, asked, entered } = begin([granted()]);
  assert.throws(() => watching.connect(), /already connecting/);
  assert.deepEqual(watching.copy, { actors: {}, room: { state: {} } });
  await settled();
  assert.deepEqual(asked, [{ method: "POST", url: WATCHES }]);
  assert.equal(world.socket.url, TOWN_URL);
  letIn(world);
  await entered;
  const [said] = world.socket.of("hello");
  assert.deepEqual({ ...said, version: "" }, { type: "hello", ticket: null, resume: null, watch: "w1", version: "" });
  assert.deepEqual(states.map(({ state }) => state), ["connecting", "live"]);
  assert.deepEqual(watching.copy, { actors: SEEN.actors, room: SEEN.room });
  assert.deepEqual(watching.copy.actors["p:Ada"].tiers.seen, "internal");
  assert.deepEqual(watching.positionOf("town-3-1"), { x: 100, y: 80 });
  assert.deepEqual(watching.drawnPositionOf("town-3-1"), { x: 100, y: 80 });
  assert.equal(watching.drawnPositionOf("nobody"), null);
  let changed = 0;
  watching.addEventListener("changed", () => (changed += 1));
  world.socket.say({ type: "patch", seq: 252, now: 12.9, ops: [["set", ["room", "state", "plot"], "thin"]] });
  assert.equal(watching.copy.room.state.plot, "thin");
  assert.equal(changed, 1);
  const told = [];
  watching.addEventListener("event", ({ detail }) => told.push(detail));
  world.socket.say({ type: "event", name: "bang", data: { loud: true } });
  assert.deepEqual(told, [{ name: "bang", data: { loud: true } }]);
});

test("a copy that does not fit is asked for anew", async () => {
  const { world, watching } = await live();
  world.socket.say({ type: "patch", seq: 252, now: 12.9, ops: [["del", ["nobody", "x"]]] });
  assert.equal(world.socket.of("snapshot").length, 1);
  assert.equal(watching.state, "live");
});

test("a refusal is final, and says why", async () => {
  const { watching, states, entered } = begin([[409, NOT_RUNNING]]);
  await assert.rejects(entered, (error) => error instanceof JoinRefused && error.problem.status === 409);
  assert.equal(watching.state, "ended");
  assert.match(states.at(-1).error.message, /town is Asleep/);
});

test("a master that is not there, not one, or that does not answer is named", async () => {
  const cases = [new TypeError("fetch failed"), [200, {}], [201, { url: "javascript:alert(1)", ticket: "t" }], [502, null]];
  for (const answer of cases) {
    const { entered } = begin([answer]);
    await assert.rejects(entered, /the master cannot be reached/);
  }
  const { world, entered } = begin([]);
  world.pass(10);
  await assert.rejects(entered, /the master cannot be reached: it did not answer/);
  assert.equal(world.timers, 0);
});

test("a room that moves is watched on, and what is shown meanwhile is the last copy", async () => {
  const { world, watching, states } = await live(granted(TAVERN_URL, "w2"));
  world.socket.say({ type: "rejoin", reason: "the room moves" });
  assert.equal(watching.state, "reconnecting");
  assert.equal(states[0].reason, "the room moves");
  assert.deepEqual(watching.copy.room, SEEN.room);
  world.pass(1);
  await settled();
  assert.equal(world.socket.url, TAVERN_URL);
  letIn(world);
  assert.equal(watching.state, "live");
});

test("a room that fell asleep is asked for until it wakes", async () => {
  const { world, watching, asked } = await live([409, NOT_RUNNING], new TypeError("no"), [409, NOT_RUNNING], granted());
  world.socket.fail();
  for (let i = 0; i < 4; i++) {
    world.pass(8);
    await settled();
  }
  assert.equal(asked.length, 5);
  letIn(world);
  assert.equal(watching.state, "live");
});

test("a connection that is lost before the first snapshot is tried again", async () => {
  const { world, entered } = begin([granted(), [409, NOT_RUNNING], granted()]);
  await settled();
  world.socket.fail();
  for (let i = 0; i < 2; i++) {
    world.pass(8);
    await settled();
  }
  letIn(world);
  await entered;
});

test("another refusal afterwards ends it", async () => {
  const { world, watching, states } = await live([404, { ...NOT_RUNNING, type: "…/no-such-room", status: 404 }]);
  world.socket.fail();
  world.pass(8);
  await settled();
  assert.equal(watching.state, "ended");
  assert.equal(states.at(-1).error.problem.status, 404);
});

test("a goodbye ends it", async () => {
  const { world, watching, states } = await live();
  world.socket.say({ type: "bye", code: "room-deleted", reason: "town is deleted" });
  assert.equal(watching.state, "ended");
  assert.ok(states[0].error instanceof SessionEnded);
  assert.equal(states[0].error.code, "room-deleted");
  assert.equal(world.timers, 0);
});

test("close says goodbye, leaves nothing behind, and one may watch again", async () => {
  const { world, watching, answers } = await live();
  watching.close();
  assert.equal(world.socket.of("leave").length, 1);
  assert.equal(world.timers, 0);
  assert.equal(watching.state, "ended");
  answers.push(granted());
  const again = watching.connect();
  await settled();
  letIn(world);
  await again;
});

test("close while the master is asked, or while it waits to ask again, asks no more", async () => {
  const asking = begin([]);
  asking.watching.close();
  await assert.rejects(asking.entered, SessionEnded);
  assert.equal(asking.world.timers, 0);
  const waiting = await live();
  waiting.world.socket.fail();
  waiting.watching.close();
  waiting.world.pass(60);
  await settled();
  assert.equal(waiting.asked.length, 1);
});

test("an answer that comes after close opens nothing", async () => {
  const { world, watching, entered } = begin([granted()]);
  watching.close();
  await assert.rejects(entered, SessionEnded);
  await settled();
  assert.equal(world.sockets.length, 0);
});

test("in MessagePack, too, and in no other format", async () => {
  const { world, watching, entered } = begin([granted()], { format: "msgpack" });
  await settled();
  assert.equal(world.socket.protocol, "roomfleet.v1.msgpack");
  letIn(world);
  await entered;
  assert.deepEqual(watching.copy.room, SEEN.room);
  assert.throws(() => new Watching({ game: "g", room: "r", format: "xml" }), /json and msgpack/);
});
