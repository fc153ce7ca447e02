/** The page around the canvas: header, overlay, toasts, chat. It shows; it decides nothing. */

const CHAT_LINES = 7;
const CHAT_SECONDS = 14;
const TOAST_SECONDS = 5;
const TOASTS = 4;

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page lacks #${id}`);
  return found;
}

export const canvas = element("scene", HTMLCanvasElement);
export const nameForm = element("name-form", HTMLFormElement);
export const nameInput = element("name", HTMLInputElement);
export const choice = element("instanced-room", HTMLSelectElement);
export const keyInput = element("key", HTMLInputElement);
export const chatForm = element("chat-form", HTMLFormElement);
export const chatText = element("chat-text", HTMLInputElement);
export const leaveButton = element("leave", HTMLButtonElement);
export const waveButton = element("wave", HTMLButtonElement);
export const pickButton = element("pick", HTMLButtonElement);
export const belongings = element("belongings", HTMLElement);
export const againButton = element("again", HTMLButtonElement);
export const renameButton = element("rename", HTMLButtonElement);

const roomName = element("room-name", HTMLElement);
const gameName = element("game-name", HTMLElement);
const where = element("where", HTMLElement);
const keyPart = element("key-part", HTMLElement);
const nameFlaw = element("name-flaw", HTMLElement);
const players = element("players", HTMLElement);
const latency = element("latency", HTMLElement);
const me = element("me", HTMLElement);
const title = element("status-title", HTMLElement);
const detail = element("status-detail", HTMLElement);
const banner = element("banner", HTMLElement);
const chatLog = element("chat-log", HTMLElement);
const toasts = element("toasts", HTMLElement);

/** @param {string} state for style and tests: `document.body.dataset.state` */
export function setState(state) {
  document.body.dataset.state = state;
}

/** @param {string} game */
export function showGame(game) {
  gameName.textContent = game;
}

/**
 * @param {string} room empty for none
 * @param {import("./places.js").Place} [place] what it is called
 */
export function showRoom(room, { name, key } = { name: room, key: "" }) {
  document.body.dataset.room = room;
  roomName.textContent = name || "Roomfleet";
  if (key !== "") {
    const part = document.createElement("span");
    part.className = "key";
    part.textContent = ` · ${key}`;
    roomName.append(part);
  }
  const title = key === "" ? name : `${name} · ${key}`;
  document.title = room ? `${title} · Roomfleet` : "Roomfleet";
}

/**
 * Let the player choose where to go.
 * @param {string[]} instancedRooms none: there is nothing to choose
 */
export function showChoices(instancedRooms) {
  const chosen = choice.value;
  choice.replaceChildren(new Option("Where I left off", ""), ...instancedRooms.map((name) => new Option(name)));
  where.hidden = instancedRooms.length === 0;
  choose(instancedRooms.includes(chosen) ? chosen : "", keyInput.value);
}

/**
 * @param {string} instancedRoom empty: where the player left off
 * @param {string} key
 */
export function choose(instancedRoom, key) {
  choice.value = instancedRoom;
  keyInput.value = key;
  keyPart.hidden = instancedRoom === "";
}

/** @param {string} name */
export function showMe(name) {
  me.textContent = name;
}

/** @param {number} count */
export function showPlayers(count) {
  players.textContent = count === 1 ? "1 player" : `${count} players`;
}

/** @param {number | null} seconds */
export function showLatency(seconds) {
  if (seconds === null) {
    latency.textContent = "";
    return;
  }
  const milliseconds = Math.round(seconds * 1000);
  latency.textContent = milliseconds < 1 ? "< 1 ms" : `${milliseconds} ms`;
  latency.dataset.grade = milliseconds < 100 ? "good" : milliseconds < 250 ? "fair" : "poor";
}

/**
 * What the overlay's card says.
 * @param {{title: string, detail?: string, again?: string, rename?: boolean}} status
 */
export function showStatus({ title: head, detail: more = "", again = "", rename = false }) {
  title.textContent = head;
  detail.textContent = more;
  againButton.textContent = again;
  againButton.hidden = again === "";
  renameButton.hidden = !rename;
}

/** @param {string} flaw empty for none */
export function showNameFlaw(flaw) {
  nameFlaw.textContent = flaw;
}

/** @param {string} text empty hides it */
export function showBanner(text) {
  banner.textContent = text;
  banner.hidden = text === "";
}

/** @param {string[]} commands what the player's actor can be told */
export function showCommands(commands) {
  chatForm.hidden = !commands.includes("say");
  waveButton.hidden = !commands.includes("wave");
  pickButton.hidden = !commands.includes("pick");
}

/**
 * @param {string} text
 * @param {boolean} [bad]
 */
export function toast(text, bad = false) {
  const one = document.createElement("div");
  one.className = bad ? "toast bad" : "toast";
  one.textContent = text;
  toasts.append(one);
  while (toasts.childElementCount > TOASTS) toasts.firstElementChild?.remove();
  setTimeout(() => one.remove(), TOAST_SECONDS * 1000);
}

/**
 * @param {string} name
 * @param {string} text
 */
export function chat(name, text) {
  const line = document.createElement("li");
  const who = document.createElement("b");
  who.textContent = name;
  line.append(who, text);
  chatLog.append(line);
  while (chatLog.childElementCount > CHAT_LINES) chatLog.firstElementChild?.remove();
  setTimeout(() => line.classList.add("old"), CHAT_SECONDS * 1000);
  setTimeout(() => line.remove(), (CHAT_SECONDS + 2) * 1000);
}
