import assert from "node:assert/strict";
import { test } from "node:test";

import { CallError } from "../src/errors.js";
import { JSON_FORMAT, MSGPACK_FORMAT } from "../src/formats.js";
import { Session } from "../src/session.js";
import { golden } from "./support/golden.js";
import { TOWN_URL, World, snapshot, welcome } from "./support/world.js";

const KINDS = ["ready", "changed", "event", "error", "waiting", "travel", "rejoin", "bye", "dropped"];

/** A session and what it told, as `[kind, argument]`. */
function begin({ secret = { ticket: "t" }, ready = true, format = JSON_FORMAT } = {}) {
  const world = new World();
  const told = [];
  const handlers = Object.fromEntries(KINDS.map((kind) => [kind, (what) => told.push([kind, what])]));
  const session = new Session(
    world.environment,
    { url: TOWN_URL, secret, keepAliveSeconds: 20, format, before: null },
    handlers,
  );
  const { socket } = world;
  if (ready) {
    socket.open();
    socket.say(welcome("town", "s1"), snapshot());
    told.length = 0;
  }
  return { world, session, socket, told };
}

test("hello carries the one secret, word for word as agreed", () => {
  const [withTicket, withResume, withWatch] = golden("client-to-node.hello");
  const first = begin({ secret: { ticket: withTicket.ticket }, ready: false });
  first.socket.open();
  assert.equal(first.socket.url, TOWN_URL);
  assert.equal(first.socket.protocol, "roomfleet.v1");
  assert.deepEqual(first.socket.sent, [withTicket]);
  const second = begin({ secret: { resume: withResume.resume }, ready: false });
  second.socket.open();
  assert.deepEqual(second.socket.sent, [withResume]);
  const third = begin({ secret: { watch: withWatch.watch }, ready: false });
  third.socket.open();
  assert.deepEqual(third.socket.sent, [withWatch]);
});

test("it is ready with the first snapshot, and holds it", () => {
  const { session, socket, told } = begin({ ready: false });
  socket.open();
  socket.say(welcome("town", "s1"));
  assert.deepEqual(told, []);
  socket.say(snapshot());
  assert.deepEqual(told, [["ready", undefined]]);
  assert.equal(session.welcome.room.name, "town");
  assert.deepEqual(session.copy.actors, snapshot().actors);
});

test("patches change the copy; a later snapshot replaces it", () => {
  const { session, socket, told } = begin();
  const { patches, expected } = golden("copy.scenario");
  socket.say(...patches);
  assert.deepEqual(session.copy, expected);
  socket.say(snapshot());
  assert.deepEqual(session.copy.actors, snapshot().actors);
  assert.deepEqual(told.map(([kind]) => kind), Array(patches.length + 1).fill("changed"));
});

const MISFIT = { type: "patch", seq: 300, now: 13, ops: [["leave", "p:Nobody", "left"]] };

test("a patch that does not fit gets a new snapshot; the patches before it do not count", () => {
  const { session, socket, told } = begin();
  const fits = { type: "patch", seq: 301, now: 13, ops: [["set", ["room", "state", "x"], 1]] };
  socket.say(MISFIT, fits, MISFIT);
  assert.deepEqual(socket.of("snapshot"), golden("client-to-node.snapshot"));
  assert.deepEqual(told, []);
  socket.say(snapshot(), fits);
  assert.deepEqual(told.map(([kind]) => kind), ["changed", "changed"]);
  assert.equal(session.copy.room.state.x, 1);
  socket.say(MISFIT);
  assert.equal(socket.of("snapshot").length, 2);
  assert.equal(socket.closedByClient, false);
});

test("a room that sends no snapshot when asked is dropped", () => {
  const { world, socket, told } = begin();
  socket.say(MISFIT);
  world.pass(14.9);
  socket.say({ type: "pong", t: world.time, now: 30 });
  assert.deepEqual(told, []);
  world.pass(0.2);
  assert.deepEqual(told, [["dropped", "the room sent no snapshot"]]);
  assert.equal(world.timers, 0);
});

test("a patch before the snapshot drops the connection", () => {
  const { socket, told } = begin({ ready: false });
  socket.open();
  socket.say(welcome("town", "s1"), MISFIT);
  assert.deepEqual(told, [["dropped", "the room did not begin with a snapshot"]]);
});

test("in MessagePack it says and hears the same", async () => {
  const { session, socket, told } = begin({ format: MSGPACK_FORMAT });
  assert.equal(socket.protocol, "roomfleet.v1.msgpack");
  const { patches, expected } = golden("copy.scenario");
  socket.say(...patches);
  assert.deepEqual(session.copy, expected);
  const calls = golden("client-to-node.call");
  const answers = calls.map(({ method, args }) => session.call(method, args));
  assert.deepEqual(socket.of("call"), calls);
  const results = golden("node-to-client.result");
  socket.say(...results);
  assert.deepEqual(await Promise.all(answers), results.map(({ value }) => value));
  told.length = 0;
  socket.sayRaw('{"type":"event","name":"x","data":{}}');
  assert.match(told[0][1], /binary frames/);
});

test("a call that is no JSON data is rejected and not sent", async () => {
  const circle = {};
  circle.circle = circle;
  for (const format of [JSON_FORMAT, MSGPACK_FORMAT]) {
    const { session, socket } = begin({ format });
    for (const x of [NaN, Infinity, 1n, () => 1, Symbol("x"), "\ud800", circle, Array(99).fill().reduce((inner) => [inner], 1)]) {
      await assert.rejects(session.call("walk", { deep: [x] }), (error) => {
        assert.equal(error.code, "bad-arguments");
        assert.match(error.message, /^walk was not sent: \$\.args\.deep\[0\]/);
        return true;
      });
    }
    assert.deepEqual(socket.of("call"), []);
  }
});

test("calls are sent word for word as agreed, and answered by id", async () => {
  const { session, socket } = begin();
  const calls = golden("client-to-node.call");
  const answers = calls.map(({ method, args }) => session.call(method, args));
  assert.deepEqual(socket.of("call"), calls);
  const results = golden("node-to-client.result");
  socket.say(...[...results].reverse());
  assert.deepEqual(await Promise.all(answers), results.map(({ value }) => value));
});

test("an error rejects its call with code and message", async () => {
  const { session, socket, told } = begin();
  const answer = session.call("walk", { x: "a" });
  const [ofCall, ofNone] = golden("node-to-client.error");
  socket.say(ofCall, ofNone);
  await assert.rejects(answer, (error) => {
    assert.ok(error instanceof CallError);
    assert.equal(error.code, ofCall.code);
    assert.equal(error.message, ofCall.message);
    return true;
  });
  assert.deepEqual(told, [["error", ofNone]]);
});

test("a call before the room is there, or after it is gone, is rejected", async () => {
  const early = begin({ ready: false });
  await assert.rejects(early.session.call("walk", {}), { code: "not-connected" });
  const late = begin();
  const pending = late.session.call("walk", {});
  late.socket.fail();
  await assert.rejects(pending, { code: "dropped" });
  await assert.rejects(late.session.call("walk", {}), { code: "not-connected" });
});

for (const kind of ["event", "waiting", "travel", "rejoin", "bye"]) {
  for (const message of golden(`node-to-client.${kind}`)) {
    test(`${kind} is handed on: ${JSON.stringify(message)}`, () => {
      const { socket, told } = begin();
      socket.say(message);
      assert.deepEqual(told, [[kind, message]]);
      assert.equal(socket.closedByClient, kind === "rejoin" || kind === "bye");
    });
  }
}

test("nothing is told after the end", () => {
  const { world, socket, told } = begin();
  socket.say({ type: "bye", code: "left", reason: "" }, { type: "event", name: "late", data: {} });
  socket.fail();
  world.pass(1000);
  assert.deepEqual(told.map(([kind]) => kind), ["bye"]);
  assert.equal(world.timers, 0);
});

test("what is no message, or one of an unknown type, drops the connection", () => {
  for (const raw of ["", "{", "7", "null", "[]", "{}", '{"type":5}', '{"type":"dance"}', new ArrayBuffer(2)]) {
    const { socket, told } = begin();
    socket.sayRaw(raw);
    assert.deepEqual(told.map(([kind]) => kind), ["dropped"]);
  }
});

test("a room that does not begin with a welcome is left", () => {
  const [patch] = golden("node-to-client.patch");
  for (const message of [snapshot(), patch, { type: "pong", t: 1000, now: 12 }]) {
    const { socket, told } = begin({ ready: false });
    socket.open();
    socket.say(message);
    assert.equal(socket.closedByClient, true);
    assert.deepEqual(told, [["dropped", "the room did not begin with a welcome"]]);
  }
});

test("a refused ticket or resume secret ends it at once", () => {
  for (const code of ["bad-ticket", "bad-resume"]) {
    const { socket, told } = begin({ ready: false });
    socket.open();
    socket.say({ type: "error", id: null, code, message: "no" });
    assert.deepEqual(told, [["dropped", "no"]]);
  }
});

test("a node that cannot be reached, does not answer, or closes, drops it", () => {
  const refused = begin({ ready: false });
  refused.socket.fail();
  assert.equal(refused.told[0][0], "dropped");
  const deaf = begin({ ready: false });
  deaf.world.pass(2.4);
  assert.deepEqual(deaf.told, []);
  deaf.world.pass(0.1);
  assert.deepEqual(deaf.told, [["dropped", "it did not answer"]]);
  const mute = begin({ ready: false });
  mute.socket.open();
  mute.world.pass(15);
  assert.deepEqual(mute.told, [["dropped", "the room did not answer"]]);
});

test("the first pings come fast, then one each interval, and pongs set the clock", () => {
  const { world, session, socket } = begin();
  const answerAll = () => {
    const { t } = socket.of("ping").at(-1);
    socket.say({ type: "pong", t, now: 12.25 + (world.time - 1000) });
  };
  answerAll();
  for (let i = 0; i < 4; i += 1) {
    world.pass(0.25);
    answerAll();
  }
  assert.equal(socket.of("ping").length, 5);
  for (let i = 0; i < 3; i += 1) {
    world.pass(20);
    answerAll();
  }
  assert.equal(socket.of("ping").length, 8);
  assert.deepEqual(Object.keys(socket.of("ping")[0]), Object.keys(golden("client-to-node.ping")[0]));
  assert.equal(session.clock.roundTrip, 0);
});

test("two intervals without a word drop the connection", () => {
  const { world, socket, told } = begin();
  socket.say({ type: "pong", t: world.time, now: 12.25 });
  world.pass(1);
  socket.say({ type: "pong", t: world.time, now: 13.25 });
  world.pass(39);
  assert.deepEqual(told, []);
  world.pass(2);
  assert.deepEqual(told, [["dropped", "the room fell silent"]]);
});

test("a room that falls silent on a call is left within seconds", async () => {
  const { world, session, socket, told } = begin();
  socket.say({ type: "pong", t: world.time, now: 12.25 });
  world.pass(2);
  socket.say({ type: "pong", t: world.time, now: 14.25 });
  const pings = socket.of("ping").length;
  const call = assert.rejects(session.call("walk", { x: 1, y: 2 }), { code: "dropped" });
  world.pass(2.9);
  assert.equal(socket.of("ping").length, pings);
  world.pass(0.2);
  assert.equal(socket.of("ping").length, pings + 1);
  world.pass(2.8);
  assert.deepEqual(told, []);
  world.pass(0.2);
  assert.deepEqual(told, [["dropped", "the room fell silent"]]);
  await call;
  assert.equal(world.timers, 0);
});

test("a word that was on its way before a call does not vouch for the room", () => {
  const { world, session, socket, told } = begin();
  world.pass(2);
  socket.say({ type: "pong", t: world.time, now: 14.25 });
  session.call("walk", { x: 1, y: 2 }).catch(() => {});
  world.pass(0.1);
  socket.say({ type: "event", name: "noise", data: {} });
  world.pass(6.1);
  assert.deepEqual(told.at(-1), ["dropped", "the room fell silent"]);
});

test("a call that takes long costs one ping where the room answers, and none where it says anything", () => {
  const { world, session, socket, told } = begin();
  world.pass(2);
  socket.say({ type: "pong", t: world.time, now: 14.25 });
  const pings = socket.of("ping").length;
  session.call("walk", { x: 1, y: 2 });
  world.pass(3.1);
  socket.say({ type: "pong", t: world.time, now: 17.35 });
  world.pass(10);
  assert.equal(socket.of("ping").length, pings + 1);
  session.call("walk", { x: 1, y: 2 });
  world.pass(1);
  socket.say({ type: "event", name: "noise", data: {} });
  world.pass(2.5);
  assert.equal(socket.of("ping").length, pings + 1);
  assert.deepEqual(told.map(([kind]) => kind), ["event"]);
});

test("a timer that comes late, as in a hidden page, drops nothing", () => {
  const { world, socket, told } = begin();
  for (let i = 0; i < 5; i += 1) {
    socket.say({ type: "pong", t: world.time, now: 12.25 });
    world.time += 600;
    world.pass(0);
  }
  assert.deepEqual(told, []);
});

test("leave tells the node and closes", () => {
  const { world, session, socket, told } = begin();
  session.leave();
  assert.deepEqual(socket.of("leave"), golden("client-to-node.leave"));
  assert.equal(socket.closedByClient, true);
  assert.deepEqual(told, []);
  assert.equal(world.timers, 0);
});
