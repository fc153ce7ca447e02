/** The play page: a name, a client, and what each of its states and events looks like. */

import { CallError, RoomfleetClient } from "./js/src/index.js";

import { Belongings } from "./belongings.js";
import * as page from "./page.js";
import { Places } from "./places.js";
import { forgetPlaying, rememberPlaying, rememberedName, wasPlaying } from "./remember.js";
import { Scene } from "./scene.js";

/** @typedef {import("./js/src/messages.js").Data} Data */

/** Seconds between pings: often enough for a latency that is worth showing. */
const PING_SECONDS = 5;
const GAMES_RETRY_SECONDS = 2;
const FACTS_SECONDS = 0.5;

const belongings = new Belongings(page.belongings, (slot) => order("give", { slot }));
const query = new URLSearchParams(location.search);
/** Where the master is: the page stands at the root of what it serves, which may be below a path. */
const master = new URL(".", location.href).href;
const scene = new Scene(page.canvas, {
  walk: ({ x, y }) => order("walk", { x, y }),
  enter: (door) => order("enter_door", { door: door.name }),
});

const places = new Places();

/** @type {string | null} the room to ask for: the page's `?room=`, later the one that we were in */
let wanted = query.get("room");
/** @type {import("./js/src/join.js").InstanceOf | null} the instance to ask for instead: `?instanced_room=&key=` */
let instance = null;
if (query.has("instanced_room")) {
  instance = { instancedRoom: query.get("instanced_room") ?? "", key: query.get("key") ?? "" };
}
/** @type {RoomfleetClient | null} */
let client = null;
/** Counts what was begun, so that what was left before the game was found is not begun after all. */
let attempt = 0;
/** Whether a connection was lost and is not back yet. */
let lost = false;
/** Whether to be brought to the instance was asked for. */
let bringing = false;

// -- joining and leaving -----------------------------------------------------------------------------------

/**
 * The game to play: the page's `?game=`, or the first that the master has.
 * @returns {Promise<string>}
 */
async function findGame() {
  for (;;) {
    try {
      const answer = await fetch(new URL("v1/games", master));
      if (!answer.ok) throw new TypeError(`the master answers ${answer.status}`);
      const { games } = await answer.json();
      const asked = query.get("game");
      if (games.length > 0) return asked !== null && games.includes(asked) ? asked : games[0];
      page.showStatus({ title: "Connecting…", detail: "There is no game here yet." });
    } catch (error) {
      if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
      page.showStatus({ title: "Connecting…", detail: `The master cannot be reached: ${error.message}` });
    }
    await new Promise((resolve) => setTimeout(resolve, GAMES_RETRY_SECONDS * 1000));
  }
}

const game = findGame();

/** Let the player choose among the game's InstancedRooms, those that are closed left out. */
async function findChoices() {
  const path = `v1/games/${encodeURIComponent(await game)}/instanced-rooms`;
  try {
    const answer = await fetch(new URL(path, master));
    if (!answer.ok) throw new TypeError(`the master answers ${answer.status}`);
    /** @type {{name: string, closed: boolean}[]} */
    const found = (await answer.json()).instanced_rooms;
    places.know(found.map(({ name }) => name));
    const open = found.filter(({ closed }) => !closed).map(({ name }) => name);
    const asked = instance?.instancedRoom;
    page.showChoices(asked === undefined || open.includes(asked) ? open : [...open, asked]);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error;
    // A master that was there a moment ago: without choices one can play as well.
    page.showChoices(instance === null ? [] : [instance.instancedRoom]);
  }
  if (instance !== null) page.choose(instance.instancedRoom, instance.key);
  const room = client?.welcome?.room.name;
  if (room !== undefined) page.showRoom(room, places.of(room));
}

/**
 * The address of the page leads others to the same instance.
 * @param {import("./js/src/join.js").InstanceOf | null} chosen
 */
function want(chosen) {
  instance = chosen;
  const here = new URL(location.href);
  here.searchParams.delete("instanced_room");
  here.searchParams.delete("key");
  if (chosen !== null) {
    here.searchParams.delete("room");
    here.searchParams.set("instanced_room", chosen.instancedRoom);
    here.searchParams.set("key", chosen.key);
  }
  history.replaceState(null, "", here);
}

/**
 * @param {RoomfleetClient} joining
 * @param {boolean} [bring] whoever chose an instance wants to be there, wherever they were
 */
function connect(joining, bring = false) {
  bringing = bring && instance !== null;
  joining.connect(instance === null ? { room: wanted } : { ...instance, bring: bringing });
}

/**
 * @param {string} name
 * @param {boolean} [bring]
 */
async function play(name, bring = false) {
  const mine = (attempt += 1);
  rememberPlaying(name);
  lost = false;
  page.showMe(name);
  page.showStatus({ title: "Connecting…" });
  page.setState("connecting");
  const found = await game;
  if (mine !== attempt) return;
  const next = new RoomfleetClient({
    origin: master,
    game: found,
    token: name,
    keepAliveSeconds: PING_SECONDS,
  });
  client = next;
  Object.assign(window, { roomfleet: next, roomfleetScene: scene });
  scene.show(next);
  next.addEventListener("state", (event) => onState(next, detailOf(event)));
  next.addEventListener("changed", () => showBelongings(next));
  next.addEventListener("event", (event) => onEvent(detailOf(event)));
  next.addEventListener("error", (event) => page.toast(detailOf(event).message, true));
  next.addEventListener("ahead", (event) => onAhead(detailOf(event)));
  connect(next, bring);
}

/** @param {Event} event @returns {Data} */
function detailOf(event) {
  return event instanceof CustomEvent ? event.detail : {};
}

function askName() {
  page.nameInput.value ||= rememberedName();
  page.setState("name");
  page.nameInput.focus();
  page.nameInput.select();
}

page.nameForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const name = page.nameInput.value.trim();
  const [instancedRoom, key] = [page.choice.value, page.keyInput.value.trim()];
  const flaw = name === "" ? "A name" : instancedRoom !== "" && key === "" ? "A key" : "";
  page.showNameFlaw(flaw === "" ? "" : `${flaw} has at least one character.`);
  if (flaw !== "") return;
  want(instancedRoom === "" ? null : { instancedRoom, key });
  play(name, true);
});

page.choice.addEventListener("change", () => {
  page.choose(page.choice.value, page.keyInput.value);
  if (page.choice.value !== "") page.keyInput.focus();
});

page.leaveButton.addEventListener("click", () => {
  forgetPlaying();
  attempt += 1;
  if (document.body.dataset.state === "connecting") askName();
  client?.leave();
});

page.againButton.addEventListener("click", () => {
  rememberPlaying(rememberedName());
  if (client !== null) connect(client);
});

page.renameButton.addEventListener("click", () => {
  forgetPlaying();
  askName();
});

// Frees the place at once. After a reload the page joins again by itself.
addEventListener("pagehide", () => client?.leave());
addEventListener("pageshow", (event) => {
  if (event.persisted && wasPlaying() && client !== null) connect(client);
});

// -- what the client says ----------------------------------------------------------------------------------

/**
 * @param {RoomfleetClient} speaker
 * @param {Data} detail
 */
function onState(speaker, detail) {
  if (speaker !== client) return;
  page.showBanner("");
  if (detail.instance !== undefined) places.joined(detail.room, detail.instance);
  switch (detail.state) {
    case "connecting":
      page.showStatus({ title: "Connecting…", detail: detail.reason });
      break;
    case "waiting":
      progress(`Waiting (position ${detail.position})`, `for ${places.text(detail.room)}${eta(detail.etaSeconds)}`);
      break;
    case "loading":
      progress("Loading…", places.text(detail.room));
      break;
    case "playing":
      onPlaying(speaker);
      break;
    case "reconnecting":
      lost = true;
      page.showStatus({ title: "Connection lost – getting back in…", detail: detail.reason });
      break;
    case "refused":
      if (detail.problem.type?.endsWith("/replaced")) {
        onReplaced();
        return;
      }
      if (bringing && detail.problem.type?.endsWith("/doors-only")) {
        onDoorsOnly(speaker);
        return;
      }
      forgetPlaying();
      page.showStatus({
        title: detail.problem.title || "The door stays shut",
        detail: detail.problem.detail,
        again: "Try again",
        rename: true,
      });
      break;
    case "bye":
      onBye(detail);
      return;
  }
  page.setState(detail.state);
}

/**
 * A step on the way in. After a loss the card keeps saying so.
 * @param {string} step
 * @param {string} more
 */
function progress(step, more) {
  if (!lost) page.showStatus({ title: step, detail: more });
  else page.showStatus({ title: "Connection lost – getting back in…", detail: `${step} ${more}` });
}

/** @param {number | null} seconds */
function eta(seconds) {
  return seconds === null ? "" : `, about ${Math.max(1, Math.round(seconds))} s`;
}

/**
 * Nobody is brought to the instance: back to where the player was.
 * @param {RoomfleetClient} speaker
 */
function onDoorsOnly(speaker) {
  page.toast(`One comes to ${instance?.instancedRoom} by its doors only: you are where you left off.`, true);
  want(null);
  wanted = null;
  connect(speaker);
}

/** @param {RoomfleetClient} speaker */
function onPlaying(speaker) {
  const { welcome } = speaker;
  if (welcome === null) return;
  lost = false;
  wanted = welcome.room.name;
  page.showRoom(wanted, places.of(wanted));
  page.showCommands(welcome.you.commands);
  showBelongings(speaker);
  showFacts();
}

/** The player joined from another window: in the room, or in line. */
function onReplaced() {
  lost = false;
  forgetPlaying();
  page.showStatus({ title: "You joined from another window", detail: "This one is on hold.", again: "Take back" });
  page.setState("replaced");
}

/** @param {Data} detail */
function onBye({ code, reason }) {
  lost = false;
  if (code === "left") {
    page.showRoom("");
    scene.show(null);
    askName();
    page.setState("left");
    return;
  }
  if (code === "replaced") {
    onReplaced();
    return;
  }
  forgetPlaying();
  if (code === "room-deleted") {
    wanted = null;
    want(null);
  }
  page.showStatus({ title: "The session has ended", detail: reason, again: "Join again", rename: true });
  page.setState("ended");
}

/** @param {Data} detail */
function onEvent({ name, data }) {
  const who = typeof data.name === "string" ? data.name : "";
  if (typeof data.text === "string") {
    if (typeof data.who === "string") scene.say(data.who, data.text);
    if (who === "") page.toast(data.text);
    else page.chat(who, data.text);
    return;
  }
  const own = client?.welcome?.you.id;
  if (data.who === undefined || data.who !== own) page.toast(who === "" ? name : `${who} ${name}`);
}

/** @param {Data} detail */
function onAhead({ room, position, etaSeconds }) {
  const place = position > 0 ? ` (position ${position})` : "";
  page.showBanner(`Waiting${place} for ${places.text(room)}${eta(etaSeconds)}`);
}

/** @param {RoomfleetClient} speaker */
function showBelongings(speaker) {
  if (speaker !== client) return;
  const { copy, welcome } = speaker;
  belongings.show(copy.actors[welcome?.you.id ?? ""]?.state, copy.room.state);
}

function showFacts() {
  if (client === null) return;
  page.showPlayers(Object.values(client.copy.actors).filter((actor) => actor.player).length);
  page.showLatency(client.latency);
}

setInterval(showFacts, FACTS_SECONDS * 1000);

// -- what the player wants ---------------------------------------------------------------------------------

/**
 * Call a command; what goes wrong is said in a toast.
 * @param {string} method
 * @param {Data} args
 */
async function order(method, args) {
  // A new wish ends the wait for the old one.
  if (method === "walk") page.showBanner("");
  try {
    showAnswer(await client?.call(method, args));
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    // A call that is cut off by going through a door, or by a loss that the page shows anyway.
    if (error.code === "dropped" || error.code === "not-connected") return;
    if (method === "enter_door") page.showBanner("");
    page.toast(error.message, true);
  }
}

/** @param {any} value what a command gave: words are shown */
function showAnswer(value) {
  for (const one of Array.isArray(value) ? value : [value]) if (typeof one === "string") page.toast(one);
}

page.chatForm.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = page.chatText.value.trim();
  page.chatText.value = "";
  if (text !== "") order("say", { text });
});

page.waveButton.addEventListener("click", () => order("wave", {}));
page.pickButton.addEventListener("click", () => order("pick", {}));

document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLButtonElement;
  if (event.key === "Enter" && !typing && client?.state === "playing" && !page.chatForm.hidden) {
    event.preventDefault();
    page.chatText.focus();
  }
  if (event.key === "Escape" && event.target === page.chatText) page.chatText.blur();
});

// -- start -------------------------------------------------------------------------------------------------

game.then((found) => page.showGame(found));
findChoices();
page.showCommands([]);
page.nameInput.value = rememberedName();
if (wasPlaying() && page.nameInput.value !== "") play(page.nameInput.value);
else askName();
