import assert from "node:assert/strict";
import { test } from "node:test";

import { RoomfleetClient } from "../src/index.js";
import { golden } from "./support/golden.js";
import { TAVERN_URL, TOWN_URL, World, admitted, snapshot, welcome } from "./support/world.js";

const MILL_URL = "ws://node-3/v1/games/walkabout/rooms/mill/session";
const PLAY_URL = "wss://play.example/v1/games/walkabout/play";

function begin(where) {
  const world = new World();
  const { environment } = world;
  const client = new RoomfleetClient({ origin: "https://play.example", game: "walkabout", token: "Ada", environment });
  const states = [];
  client.addEventListener("state", ({ detail }) => states.push(detail));
  const entered = client.connect(where);
  return { world, client, states, entered };
}

/** The node takes the client in. */
function enter(world, room = "town", resume = "s1", now = 12.25) {
  world.socket.open();
  world.socket.say(welcome(room, resume, now), snapshot());
}

/** In town and playing, for a steady while. */
function playing() {
  const all = begin({ room: "town" });
  const { world, states } = all;
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t1"));
  enter(world);
  world.pass(6);
  states.length = 0;
  return { ...all, town: world.socket };
}

const names = (states) => states.map(({ state }) => state);

test("from connect to playing, by way of the line", async () => {
  const { world, client, states, entered } = begin({ room: "the town" });
  const play = world.socket;
  assert.equal(play.url, `${PLAY_URL}?room=the%20town`);
  assert.equal(play.protocol, "roomfleet.play.v1");
  play.open();
  assert.deepEqual(play.sent, [golden("player-to-master.join")[0]]);
  const [waiting] = golden("master-to-player.waiting");
  play.say(waiting);
  const [letIn] = golden("master-to-player.admitted");
  play.say(letIn);
  assert.equal(play.closedByClient, true);
  assert.equal(world.socket.url, letIn.url);
  enter(world);
  assert.equal(world.socket.sent[0].ticket, letIn.ticket);
  assert.deepEqual(states, [
    { state: "connecting" },
    { state: "waiting", room: "town", position: 3, etaSeconds: 4.5 },
    { state: "loading", room: "town" },
    { state: "playing", room: "town" },
  ]);
  await entered;
  assert.equal(client.state, "playing");
  assert.equal(client.welcome.you.id, "p:Ada");
  assert.deepEqual(client.positionOf("town-3-1"), { x: 300, y: 240 });
});

test("each state is an event of its own too", () => {
  const { client } = begin();
  const heard = [];
  client.addEventListener("bye", ({ detail }) => heard.push(detail));
  client.leave();
  assert.deepEqual(heard, [{ code: "left", reason: "you left" }]);
});

test("without a room the master decides", () => {
  assert.equal(begin().world.socket.url, PLAY_URL);
});

test("a refusal is final and says why", async () => {
  for (const message of golden("master-to-player.refused")) {
    const { world, states, entered } = begin();
    world.socket.open();
    world.socket.say(message);
    await assert.rejects(entered, { name: "JoinRefused", problem: message.problem });
    world.pass(1000);
    assert.equal(world.sockets.length, 1);
    assert.deepEqual(states.at(-1), { state: "refused", problem: message.problem });
  }
});

test("a master that cannot be reached is tried again, for as long as it takes, ever more slowly", () => {
  const { world, states } = begin();
  const pauses = [];
  for (let i = 0; i < 12; i += 1) {
    const count = world.sockets.length;
    world.socket.fail();
    const failed = world.time;
    while (world.sockets.length === count) world.pass(0.05);
    pauses.push(world.time - failed);
  }
  pauses.slice(1).forEach((pause, i) => assert.ok(pause >= pauses[i] - 0.06));
  assert.ok(pauses[0] < 0.5);
  assert.ok(pauses.at(-1) > 5 && pauses.at(-1) <= 8.1);
  assert.ok(names(states).every((state) => state === "connecting"));
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t1"));
  enter(world);
  assert.equal(states.at(-1).state, "playing");
});

test("chance spreads the pauses", () => {
  const pauses = [0, 0.999].map((chance) => {
    const { world } = begin();
    world.chance = chance;
    world.socket.fail();
    const failed = world.time;
    while (world.sockets.length === 1) world.pass(0.01);
    return world.time - failed;
  });
  assert.ok(pauses[1] > pauses[0] * 1.8);
});

test("a place in line is kept over a lost connection", () => {
  const { world } = begin({ room: "town" });
  world.socket.open();
  for (const message of golden("master-to-player.waiting")) world.socket.say(message);
  world.socket.fail();
  world.pass(1);
  world.socket.open();
  assert.equal(world.socket.sent[0].line_token, "eyJ.line.token2");
});

test("a session goes on under its number, and a new one has none", () => {
  const { world, client } = begin({ room: "town" });
  world.socket.open();
  assert.deepEqual(world.socket.sent, [{ type: "join", token: "Ada" }]);
  world.socket.say({ ...admitted("town", TOWN_URL, "t1"), session: 17 });
  world.socket.fail();
  world.pass(1);
  world.socket.open();
  assert.equal(world.socket.sent[0].session, 17);
  client.leave();
  client.connect();
  world.socket.open();
  assert.equal(world.socket.sent[0].session, undefined);
});

test("a party asks together, keeps its place, and has an invitation for each other member", () => {
  const { world, states } = begin({ room: "town", party: ["Bob"] });
  world.socket.open();
  assert.deepEqual(world.socket.sent, [{ type: "join", token: "Ada", party: ["Bob"] }]);
  const waiting = golden("master-to-player.waiting")[2];
  world.socket.say(waiting);
  assert.deepEqual(states.at(-1).party, ["Ada", "Bob"]);
  world.socket.fail();
  world.pass(1);
  world.socket.open();
  const { line_token, session } = waiting;
  assert.deepEqual(world.socket.sent, [
    { type: "join", token: "Ada", line_token, session, party: ["Bob"] },
  ]);
  const letIn = golden("master-to-player.admitted")[1];
  world.socket.say(letIn);
  assert.deepEqual(states.at(-1).invitations, [
    { player: "Bob", room: "town", url: letIn.url, ticket: letIn.members[1].ticket, session },
  ]);
  world.socket.fail();
  world.pass(1);
  world.socket.open();
  assert.deepEqual(world.socket.sent, [{ type: "join", token: "Ada", session }]);
});

test("an invitation leads into the room without the master, and back to the master where it is too late", () => {
  const invitation = { player: "Ada", room: "town", url: TOWN_URL, ticket: "t9", session: 17 };
  const { world, states } = begin({ invitation });
  assert.equal(world.socket.url, TOWN_URL);
  assert.deepEqual(names(states), ["connecting", "loading"]);
  world.socket.open();
  assert.equal(world.socket.sent[0].ticket, "t9");
  world.socket.say({ type: "error", id: null, code: "bad-ticket", message: "expired" });
  world.pass(1);
  assert.equal(world.socket.url, `${PLAY_URL}?room=town`);
  world.socket.open();
  assert.deepEqual(world.socket.sent, [{ type: "join", token: "Ada", session: 17 }]);
});

test("an invitation to nowhere is an error at once", () => {
  const invitation = { player: "Ada", room: "town", url: "https://x/", ticket: "t", session: 0 };
  assert.throws(() => begin({ invitation }), /not the address of a room/);
});

test("a master that falls silent while in line is dialled again before the place is void", () => {
  const { world } = begin({ room: "town" });
  world.socket.open();
  world.socket.say(golden("master-to-player.waiting")[0]);
  world.pass(50);
  assert.equal(world.sockets.length, 2);
  world.socket.open();
  assert.equal(world.socket.sent[0].line_token, "eyJ.line.token");
});

test("a ticket that opens nothing leads back to the master", () => {
  const { world, states } = begin();
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t1"));
  world.socket.open();
  world.socket.say({ type: "error", id: null, code: "bad-ticket", message: "expired" });
  world.pass(1);
  assert.equal(world.socket.url, `${PLAY_URL}?room=town`);
  assert.deepEqual(names(states), ["connecting", "loading", "connecting"]);
});

test("an address that is no room's is not dialled, and the master is asked again", () => {
  for (const address of ["not a url", "https://node-1/town", "ws://", "/relative"]) {
    const { world, states } = begin({ room: "town" });
    world.socket.open();
    world.socket.say(admitted("town", address, "t1"));
    assert.equal(world.sockets.length, 1);
    assert.deepEqual(names(states), ["connecting", "connecting"]);
    assert.match(states.at(-1).reason, /no room's address/);
    world.pass(1);
    assert.equal(world.socket.url, `${PLAY_URL}?room=town`);
  }
});

test("a journey to no room's address is not begun; the session is resumed where it was", () => {
  const { world, states, town } = playing();
  town.say({ type: "travel", room: "tavern", url: "https://node-2/tavern", ticket: "t2" });
  assert.equal(town.closedByClient, true);
  assert.equal(world.socket.url, TOWN_URL);
  assert.deepEqual(names(states), ["reconnecting"]);
});

test("a dropped connection is resumed at once, at the same place, with the secret", () => {
  const { world, client, states, town } = playing();
  town.fail();
  assert.equal(world.socket.url, TOWN_URL);
  world.socket.open();
  assert.equal(world.socket.sent[0].resume, "s1");
  assert.equal(world.socket.sent[0].ticket, null);
  assert.ok("p:Ada" in client.copy.actors, "the old room is shown meanwhile");
  world.socket.say(welcome("town", "s2"), snapshot());
  assert.deepEqual(names(states), ["reconnecting", "playing"]);
  world.pass(6);
  world.socket.fail();
  world.socket.open();
  assert.equal(world.socket.sent[0].resume, "s2", "each hello gives a fresh secret");
});

test("when the resume fails the master is asked, until it lets us in", () => {
  const { world, states, town } = playing();
  town.fail();
  world.socket.fail();
  world.pass(1);
  assert.equal(world.socket.url, `${PLAY_URL}?room=town`);
  world.socket.fail();
  world.pass(2);
  world.socket.open();
  world.socket.say(golden("master-to-player.waiting")[0], admitted("town", TAVERN_URL, "t2"));
  enter(world, "town", "s9");
  assert.equal(world.socket.url, TAVERN_URL);
  assert.deepEqual(names(states), [
    "reconnecting", "reconnecting", "reconnecting", "waiting", "loading", "playing",
  ]);
  world.pass(6);
  world.socket.fail();
  world.socket.open();
  assert.equal(world.socket.url, TAVERN_URL, "the first node's secret is forgotten");
  assert.equal(world.socket.sent[0].resume, "s9");
});

test("a session that drops again and again is not resumed without end", () => {
  const { world } = playing();
  for (let i = 0; i < 50; i += 1) {
    const { socket } = world;
    if (socket.url.startsWith(PLAY_URL)) {
      socket.open();
      socket.say(admitted("town", TOWN_URL, "t"));
    }
    enter(world);
    world.socket.fail();
    world.pass(1);
  }
  assert.ok(world.sockets.length < 120);
});

test("a silent node is left after two intervals", () => {
  const { world, states } = playing();
  const count = world.sockets.length;
  world.pass(60);
  assert.ok(world.sockets.length > count);
  assert.equal(states[0].state, "reconnecting");
});

test("a patch that does not fit gets a new snapshot, and the client stays in", () => {
  const { client, states, town } = playing();
  town.say({ type: "patch", seq: 300, now: 13, ops: [["set", ["p:Nobody", "speed"], 3]] });
  assert.equal(town.of("snapshot").length, 1);
  town.say(snapshot());
  assert.deepEqual(states, []);
  assert.deepEqual(client.copy.actors, snapshot().actors);
});

test("room time goes on where it was when a session is resumed, and begins anew in another room", () => {
  const { world, client, town } = playing();
  town.say({ type: "pong", t: world.time - 0.2, now: 18.35 }); // 0.1 s ahead of what welcome said
  world.pass(2);
  const shown = client.now;
  town.fail();
  world.socket.open();
  world.pass(0.05);
  world.socket.say(welcome("town", "s2", 20.2), snapshot());
  assert.ok(client.now >= shown + 0.05 * 0.9, `${client.now} after ${shown}`);
  world.socket.say({ ...golden("node-to-client.travel")[0], url: TAVERN_URL, room: "tavern" });
  enter(world, "tavern", "s3");
  assert.equal(client.now, 12.25);
});

test("the format is asked for as the subprotocol, and the master is asked in JSON", () => {
  const world = new World();
  const { environment } = world;
  const options = { origin: "https://play.example", game: "walkabout", token: "Ada", environment };
  assert.throws(() => new RoomfleetClient({ ...options, format: "xml" }), /json and msgpack/);
  const client = new RoomfleetClient({ ...options, format: "msgpack" });
  client.connect();
  assert.equal(world.socket.protocol, "roomfleet.play.v1");
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t1"));
  assert.equal(world.socket.protocol, "roomfleet.v1.msgpack");
  enter(world);
  assert.equal(client.state, "playing");
  assert.deepEqual(client.copy.actors, snapshot().actors);
});

test("through a door: the old room is shown until the new one is there", async () => {
  const { world, client, states, town } = playing();
  const ahead = [];
  client.addEventListener("ahead", ({ detail }) => ahead.push(detail));
  const [waiting] = golden("node-to-client.waiting");
  town.say(waiting);
  assert.deepEqual(ahead, [{ room: "tavern", position: 2, etaSeconds: 1.5 }]);
  assert.equal(client.state, "playing");
  const [travel] = golden("node-to-client.travel");
  town.say(travel);
  assert.equal(client.welcome.room.name, "town");
  assert.equal(town.closedByClient, false);
  await assert.rejects(client.call("walk"), { code: "not-connected" });
  town.say({ type: "patch", seq: 300, now: 13, ops: [["leave", "p:Ada", "door"]] });
  assert.equal("p:Ada" in client.copy.actors, false);
  town.fail();
  assert.equal(client.state, "travelling");
  assert.equal(world.socket.url, travel.url);
  world.socket.open();
  assert.equal(world.socket.sent[0].ticket, travel.ticket);
  world.socket.say(welcome("tavern", "s2", 99), snapshot());
  assert.deepEqual(states, [
    { state: "travelling", room: "tavern" },
    { state: "playing", room: "tavern" },
  ]);
  assert.equal(client.welcome.room.name, "tavern");
  assert.equal(town.closedByClient, true);
  world.pass(6);
  world.socket.fail();
  assert.equal(world.socket.url, travel.url);
});

test("a journey that goes on before it has ended lets go of the room between", () => {
  const { world, client, states, town } = playing();
  town.say({ type: "travel", room: "tavern", url: TAVERN_URL, ticket: "t2" });
  const between = world.socket;
  between.open();
  between.say(welcome("tavern", "s2", 99), { type: "travel", room: "mill", url: MILL_URL, ticket: "t3" });
  assert.equal(between.closedByClient, true);
  assert.equal(town.closedByClient, false, "what is shown stays until the next room is there");
  between.say(snapshot());
  assert.equal(client.welcome.room.name, "town");
  assert.equal(world.socket.url, MILL_URL);
  enter(world, "mill", "s3");
  assert.equal(client.welcome.room.name, "mill");
  assert.ok(world.sockets.every((socket) => socket === world.socket || socket.closedByClient));
  assert.deepEqual(states, [
    { state: "travelling", room: "tavern" },
    { state: "travelling", room: "mill" },
    { state: "playing", room: "mill" },
  ]);
});

test("a journey that fails goes on by way of the master", () => {
  const { world, states, town } = playing();
  town.say(golden("node-to-client.travel")[0]);
  world.socket.fail();
  world.pass(1);
  assert.equal(town.closedByClient, true);
  assert.equal(world.socket.url, `${PLAY_URL}?room=tavern`);
  assert.deepEqual(names(states), ["travelling", "reconnecting"]);
});

test("who asks to be brought asks until there, whatever a node says, and then no more", () => {
  const { world } = begin({ room: "town", bring: true });
  assert.equal(world.socket.url, `${PLAY_URL}?room=town&bring=true`);
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t1"));
  world.socket.open();
  world.socket.say({ type: "rejoin", reason: "you are in another room", room: "tavern" });
  assert.equal(world.socket.url, `${PLAY_URL}?room=town&bring=true`);
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t2"));
  enter(world);
  world.pass(6);
  world.socket.say({ type: "rejoin", reason: "moved", room: "town" });
  assert.equal(world.socket.url, `${PLAY_URL}?room=town`);
});

test("who asks for an instance asks by its key until a door leads elsewhere", () => {
  const { world } = begin({ instancedRoom: "cave", key: "ann & bob" });
  const url = `${PLAY_URL}?instanced_room=cave&key=ann%20%26%20bob`;
  assert.equal(world.socket.url, url);
  world.socket.open();
  world.socket.say(admitted("cave-1", TOWN_URL, "t1"));
  enter(world);
  world.pass(6);
  world.socket.say({ type: "rejoin", reason: "moved", room: "town" });
  assert.equal(world.socket.url, url);
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t2"));
  enter(world);
  world.pass(6);
  world.socket.say({ type: "rejoin", reason: "you are in another room", room: "tavern" });
  assert.equal(world.socket.url, `${PLAY_URL}?room=tavern`);
});

test("that the room is the instance that was asked for is told as the master says it", () => {
  const { world, states } = begin({ instancedRoom: "cave", key: "ann" });
  const instance = { instancedRoom: "cave", key: "ann" };
  world.socket.open();
  world.socket.say({ ...admitted("cave-1", TOWN_URL, "t1"), key: "ann" });
  assert.deepEqual(states.at(-1), { state: "loading", room: "cave-1", instance });
  const other = begin({ instancedRoom: "cave", key: "ann" });
  other.world.socket.open();
  other.world.socket.say(admitted("town", TOWN_URL, "t1"));
  assert.deepEqual(other.states.at(-1), { state: "loading", room: "town" });
});

test("a node that stands still is left for the master soon, and gets more time with each attempt", () => {
  const { world } = begin({ room: "town" });
  for (const seconds of [2.5, 5, 10, 10]) {
    world.socket.open();
    world.socket.say(admitted("town", TOWN_URL, "t1"));
    world.pass(seconds - 0.01);
    assert.equal(world.socket.url, TOWN_URL);
    assert.equal(world.socket.closedByClient, false);
    world.pass(0.02);
    assert.equal(world.socket.closedByClient, true);
    world.pass(8);
    assert.equal(world.socket.url, `${PLAY_URL}?room=town`);
  }
});

test("rejoin goes back to the master with its room and its place in line", () => {
  for (const rejoin of golden("node-to-client.rejoin")) {
    const { world, states, town } = playing();
    town.say(rejoin);
    assert.equal(town.closedByClient, true);
    assert.equal(world.socket.url, rejoin.room ? `${PLAY_URL}?room=${rejoin.room}` : PLAY_URL);
    world.socket.open();
    assert.equal(world.socket.sent[0].line_token, rejoin.line_token);
    assert.deepEqual(states, [{ state: "reconnecting", reason: rejoin.reason }]);
  }
});

test("rejoins without end are slowed down", () => {
  const { world } = playing();
  for (let i = 0; i < 20; i += 1) {
    world.socket.open();
    if (world.socket.url.startsWith(PLAY_URL)) world.socket.say(admitted("town", TOWN_URL, "t"));
    else world.socket.say({ type: "rejoin", reason: "not here" });
  }
  assert.ok(world.sockets.length < 8);
});

test("every bye is final", async () => {
  for (const { code, reason } of golden("node-to-client.bye")) {
    const { world, client, states, town } = playing();
    const pending = client.call("walk");
    town.say({ type: "bye", code, reason });
    await assert.rejects(pending, { code: "dropped" });
    const count = world.sockets.length;
    world.pass(1000);
    assert.equal(world.sockets.length, count);
    assert.equal(world.timers, 0);
    assert.deepEqual(states, [{ state: "bye", code, reason }]);
  }
});

test("after a bye one may connect again", () => {
  const { world, client, states, town } = playing();
  town.say({ type: "bye", code: "replaced", reason: "" });
  client.connect({ room: "town" });
  world.socket.open();
  world.socket.say(admitted("town", TOWN_URL, "t2"));
  enter(world, "town", "s2");
  assert.deepEqual(names(states), ["bye", "connecting", "loading", "playing"]);
});

test("one cannot connect twice", () => {
  assert.throws(() => begin().client.connect(), /already connecting/);
});

test("leave ends it at once, in every state", async () => {
  const inLine = begin();
  inLine.world.socket.open();
  inLine.client.leave();
  await assert.rejects(inLine.entered, { name: "SessionEnded", code: "left" });
  const inside = playing();
  inside.client.leave();
  assert.equal(inside.town.of("leave").length, 1);
  const backing = playing();
  backing.town.fail();
  backing.world.socket.fail();
  backing.client.leave();
  const way = playing();
  way.town.say(golden("node-to-client.travel")[0]);
  way.client.leave();
  for (const { world, states } of [inLine, inside, backing, way]) {
    const count = world.sockets.length;
    assert.ok(world.sockets.every((socket) => socket.closedByClient || socket.onclose === null));
    world.pass(1000);
    assert.equal(world.sockets.length, count);
    assert.equal(world.timers, 0);
    assert.deepEqual(states.at(-1), { state: "bye", code: "left", reason: "you left" });
  }
});

test("a room that is being entered hears of a leave too", () => {
  const arriving = begin({ room: "town" });
  arriving.world.socket.open();
  arriving.world.socket.say(admitted("town", TOWN_URL, "t1"));
  const travelling = playing();
  travelling.town.say(golden("node-to-client.travel")[0]);
  for (const { world, client } of [arriving, travelling]) {
    world.socket.open();
    client.leave();
    assert.deepEqual(world.socket.sent.map(({ type }) => type), ["hello", "leave"]);
    assert.equal(world.socket.closedByClient, true);
  }
  assert.equal(travelling.town.of("leave").length, 1);
});

test("a listener may leave in the middle of anything", () => {
  for (const moment of ["connecting", "loading", "playing", "travelling", "reconnecting"]) {
    const { world, client, states, town } = playing();
    client.leave();
    client.addEventListener(moment, () => client.leave());
    client.connect();
    world.socket.open();
    world.socket.say(admitted("town", TOWN_URL, "t2"));
    enter(world);
    if (moment === "travelling") world.socket.say(golden("node-to-client.travel")[0]);
    else world.socket.fail();
    world.pass(1000);
    assert.equal(world.timers, 0, moment);
    assert.equal(states.at(-1).state, "bye", moment);
    assert.equal(town.closedByClient, true);
  }
});

test("room events, changes and errors are told", () => {
  const { client, town } = playing();
  const told = [];
  for (const kind of ["event", "changed", "error"]) {
    client.addEventListener(kind, ({ detail }) => told.push([kind, detail]));
  }
  const [event] = golden("node-to-client.event");
  const [patch] = golden("node-to-client.patch");
  const error = golden("node-to-client.error")[1];
  town.say(event, patch, error);
  assert.deepEqual(told, [
    ["event", { name: event.name, data: event.data }],
    ["changed", patch],
    ["error", { code: error.code, message: error.message }],
  ]);
});
