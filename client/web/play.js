/** The play page: a name, a client, and what each of its states and events looks like. */

import { CallError, RoomfleetClient } from "./js/src/index.js";

import { Belongings } from "./belongings.js";
import * as page from "./page.js";
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

/** @type {string | null} the room to ask for: the page's `?room=`, later the one that we were in */
let wanted = query.get("room");
/** @type {RoomfleetClient | null} */
let client = null;
/** Counts what was begun, so that what was left before the game was found is not begun after all. */
let attempt = 0;
/** Whether a connection was lost and is not back yet. */
let lost = false;

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

/** @param {string} name */
async function play(name) {
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
  next.connect({ room: wanted });
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
  page.showNameFlaw(name === "" ? "A name has at least one character." : "");
  if (name !== "") play(name);
});

page.leaveButton.addEventListener("click", () => {
  forgetPlaying();
  attempt += 1;
  if (document.body.dataset.state === "connecting") askName();
  client?.leave();
});

page.againButton.addEventListener("click", () => {
  rememberPlaying(rememberedName());
  client?.connect({ room: wanted });
});

page.renameButton.addEventListener("click", () => {
  forgetPlaying();
  askName();
});

// Frees the place at once. After a reload the page joins again by itself.
addEventListener("pagehide", () => client?.leave());
addEventListener("pageshow", (event) => {
  if (event.persisted && wasPlaying()) client?.connect({ room: wanted });
});

// -- what the client says ----------------------------------------------------------------------------------

/**
 * @param {RoomfleetClient} speaker
 * @param {Data} detail
 */
function onState(speaker, detail) {
  if (speaker !== client) return;
  page.showBanner("");
  switch (detail.state) {
    case "connecting":
      page.showStatus({ title: "Connecting…", detail: detail.reason });
      break;
    case "waiting":
      progress(`Waiting (position ${detail.position})`, `for ${detail.room}${eta(detail.etaSeconds)}`);
      break;
    case "loading":
      progress("Loading…", detail.room);
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

/** @param {RoomfleetClient} speaker */
function onPlaying(speaker) {
  const { welcome } = speaker;
  if (welcome === null) return;
  lost = false;
  wanted = welcome.room.name;
  page.showRoom(welcome.room.name);
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
  if (code === "room-deleted") wanted = null;
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
  page.showBanner(`Waiting${place} for ${room}${eta(etaSeconds)}`);
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
page.showCommands([]);
page.nameInput.value = rememberedName();
if (wasPlaying() && page.nameInput.value !== "") play(page.nameInput.value);
else askName();
