/** Drawing what lives in a room: doors that glow, actors, their names and what they say. */

import { disc, font } from "./scenery.js";

/** @typedef {import("/js/messages.js").Actor} Actor */
/** @typedef {import("/js/messages.js").Door} Door */
/** @typedef {import("/js/messages.js").Point} Point */
/** @typedef {CanvasRenderingContext2D} Context */

export const ACTOR_RADIUS = 11;
export const DOOR_RADIUS = 17;

/**
 * @param {Context} ctx
 * @param {Door} door
 * @param {{width: number, height: number}} room
 * @param {number} seconds for the glow
 * @param {boolean} hovered
 */
export function drawDoor(ctx, door, room, seconds, hovered) {
  const { x, y } = door;
  const pulse = 0.5 + 0.5 * Math.sin(seconds * 2.2);
  const glow = ctx.createRadialGradient(x, y, 4, x, y, DOOR_RADIUS * 2.4);
  glow.addColorStop(0, `rgb(255 212 121 / ${0.4 + 0.15 * pulse + (hovered ? 0.2 : 0)})`);
  glow.addColorStop(1, "rgb(255 212 121 / 0)");
  ctx.fillStyle = glow;
  ctx.beginPath();
  ctx.arc(x, y, DOOR_RADIUS * 2.4, 0, Math.PI * 2);
  ctx.fill();
  ctx.fillStyle = "#5b4026";
  ctx.beginPath();
  ctx.roundRect(x - 12, y - 17, 24, 32, [12, 12, 3, 3]);
  ctx.fill();
  ctx.fillStyle = hovered ? "#fff0c9" : "#ffd479";
  ctx.beginPath();
  ctx.roundRect(x - 8.5, y - 13.5, 17, 28.5, [8.5, 8.5, 2, 2]);
  ctx.fill();
  const arrow = x > room.width * 0.66 ? "→" : x < room.width * 0.34 ? "←" : y < room.height / 2 ? "↑" : "↓";
  const text = arrow === "←" ? `← ${door.to}` : `${door.to} ${arrow}`;
  ctx.font = font(12.5, 650);
  const half = ctx.measureText(text).width / 2 + 9;
  const centre = Math.max(half + 4, Math.min(room.width - half - 4, x));
  const below = y + 48 < room.height;
  pill(ctx, text, centre, below ? y + 31 : y - 34, {
    text: hovered ? "#191307" : "#ffe3a6",
    back: hovered ? "#ffd479" : "rgb(25 19 8 / 0.82)",
    half,
  });
}

/**
 * @param {Context} ctx
 * @param {string} text in the font that is set
 * @param {number} x its middle
 * @param {number} y its middle
 * @param {{text: string, back: string, half?: number, height?: number}} look
 */
function pill(ctx, text, x, y, { text: colour, back, half, height = 20 }) {
  const reach = half ?? ctx.measureText(text).width / 2 + 7;
  ctx.fillStyle = back;
  ctx.beginPath();
  ctx.roundRect(x - reach, y - height / 2, reach * 2, height, height / 2);
  ctx.fill();
  ctx.fillStyle = colour;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(text, x, y + 0.5);
}

/** @param {string} text @returns {number} a hue in degrees, the same for the same text */
function hueOf(text) {
  let hash = 2166136261;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16777619);
  return ((hash >>> 0) % 48) * 7.5;
}

/**
 * How an actor looks: the own one bright, other players in a colour of their own, the game's square and pale.
 * @param {Actor} actor
 * @param {boolean} own
 */
function lookOf(actor, own) {
  if (own) return { body: "#7dd3a8", edge: "#eafff4", eyes: "#0b2418" };
  if (actor.player) return { body: `hsl(${hueOf(actor.name)} 68% 66%)`, edge: "rgb(255 255 255 / 0.75)", eyes: "#14161d" };
  return { body: "#d8c7a3", edge: "#6d5b3c", eyes: "#3a2e19" };
}

/**
 * The body of an actor at `at`, looking along `heading`.
 * @param {Context} ctx
 * @param {Actor} actor
 * @param {Point} at
 * @param {{own: boolean, heading: Point | null, seconds: number}} how
 */
export function drawBody(ctx, actor, at, { own, heading, seconds }) {
  const { body, edge, eyes } = lookOf(actor, own);
  const bob = heading === null ? 0 : Math.abs(Math.sin(seconds * 9)) * 2.2;
  const [x, y] = [at.x, at.y - bob];
  ctx.fillStyle = "rgb(6 10 9 / 0.4)";
  ctx.beginPath();
  ctx.ellipse(at.x, at.y + ACTOR_RADIUS * 0.85, ACTOR_RADIUS * 0.95, ACTOR_RADIUS * 0.42, 0, 0, Math.PI * 2);
  ctx.fill();
  if (own) {
    ctx.strokeStyle = `rgb(125 211 168 / ${0.55 + 0.25 * Math.sin(seconds * 3)})`;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.ellipse(at.x, at.y + ACTOR_RADIUS * 0.8, ACTOR_RADIUS * 1.5, ACTOR_RADIUS * 0.75, 0, 0, Math.PI * 2);
    ctx.stroke();
  }
  ctx.fillStyle = body;
  ctx.strokeStyle = edge;
  ctx.lineWidth = own ? 2.2 : 1.6;
  ctx.beginPath();
  if (actor.player) ctx.arc(x, y, ACTOR_RADIUS, 0, Math.PI * 2);
  else ctx.roundRect(x - ACTOR_RADIUS * 0.9, y - ACTOR_RADIUS * 0.95, ACTOR_RADIUS * 1.8, ACTOR_RADIUS * 1.9, 5);
  ctx.fill();
  ctx.stroke();
  const look = heading ?? { x: 0, y: 0.35 };
  for (const side of [-1, 1]) {
    disc(ctx, x + side * 3.6 + look.x * 3.4, y - 1.2 + look.y * 3, 1.75, eyes);
  }
}

/**
 * The name over an actor's head, its mood, and what it says.
 * @param {Context} ctx
 * @param {Actor} actor
 * @param {Point} at
 * @param {{own: boolean, words: string | null}} how
 */
export function drawLabels(ctx, actor, at, { own, words }) {
  const mood = typeof actor.state.mood === "string" ? actor.state.mood : null;
  let y = at.y - ACTOR_RADIUS - 11;
  if (mood !== null) {
    ctx.font = `italic ${font(9.5, 500)}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 2.5;
    ctx.lineJoin = "round";
    ctx.strokeStyle = "rgb(14 20 17 / 0.75)";
    ctx.strokeText(mood, at.x, y + 1);
    ctx.fillStyle = "#f1e3c2";
    ctx.fillText(mood, at.x, y + 1);
    y -= 14;
  }
  ctx.font = font(11.5, own ? 700 : 600);
  const colour = own ? "#9ff0c5" : actor.player ? "#f2f5fb" : "#e6d6b2";
  pill(ctx, actor.name, at.x, y, { text: colour, back: "rgb(12 15 21 / 0.68)", height: 17 });
  if (words !== null) drawBubble(ctx, words, at.x, y - 15);
}

/** @param {Context} ctx @param {string} words @param {number} x @param {number} bottom */
function drawBubble(ctx, words, x, bottom) {
  ctx.font = font(12, 500);
  const lines = wrap(ctx, words, 170);
  const width = Math.max(...lines.map((line) => ctx.measureText(line).width)) + 18;
  const height = lines.length * 15 + 10;
  ctx.fillStyle = "#f4f6fb";
  ctx.beginPath();
  ctx.roundRect(x - width / 2, bottom - height, width, height, 9);
  ctx.moveTo(x - 5, bottom - 1);
  ctx.lineTo(x, bottom + 5);
  ctx.lineTo(x + 5, bottom - 1);
  ctx.fill();
  ctx.fillStyle = "#171c27";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  lines.forEach((line, i) => ctx.fillText(line, x, bottom - height + 13 + i * 15));
}

/** @param {Context} ctx @param {string} words @param {number} width @returns {string[]} at most three lines */
function wrap(ctx, words, width) {
  /** @type {string[]} */
  const lines = [""];
  for (const word of words.split(/\s+/)) {
    const longer = lines[lines.length - 1] === "" ? word : `${lines[lines.length - 1]} ${word}`;
    if (ctx.measureText(longer).width <= width || lines[lines.length - 1] === "") lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  if (lines.length > 3) lines.splice(2, lines.length, `${lines[2]} …`);
  return lines.map((line) => {
    if (ctx.measureText(line).width <= width) return line;
    let cut = line;
    while (cut.length > 1 && ctx.measureText(`${cut}…`).width > width) cut = cut.slice(0, -1);
    return `${cut}…`;
  });
}
