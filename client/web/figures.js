/**
 * Drawing what lives in a room: doors that glow, actors, their names and what they say.
 *
 * Each figure stands at the origin, so that whoever draws it may magnify it where the room is small.
 */

import { disc, font } from "./scenery.js";

/** @typedef {import("/js/messages.js").Actor} Actor */
/** @typedef {import("/js/messages.js").Point} Point */
/** @typedef {CanvasRenderingContext2D} Context */

export const ACTOR_RADIUS = 11;
export const DOOR_RADIUS = 17;

/**
 * A door at the origin.
 * @param {Context} ctx
 * @param {string} to the room that it leads to
 * @param {{left: number, right: number, top: number, bottom: number}} space from the door to the room's edges
 * @param {{seconds: number, hovered: boolean}} how
 */
export function drawDoor(ctx, to, space, { seconds, hovered }) {
  const pulse = 0.5 + 0.5 * Math.sin(seconds * 2.2);
  const glow = ctx.createRadialGradient(0, 0, 4, 0, 0, DOOR_RADIUS * 2.4);
  glow.addColorStop(0, `rgb(255 212 121 / ${0.4 + 0.15 * pulse + (hovered ? 0.2 : 0)})`);
  glow.addColorStop(1, "rgb(255 212 121 / 0)");
  disc(ctx, 0, 0, DOOR_RADIUS * 2.4, glow);
  ctx.fillStyle = "#5b4026";
  ctx.beginPath();
  ctx.roundRect(-12, -17, 24, 32, [12, 12, 3, 3]);
  ctx.fill();
  ctx.fillStyle = hovered ? "#fff0c9" : "#ffd479";
  ctx.beginPath();
  ctx.roundRect(-8.5, -13.5, 17, 28.5, [8.5, 8.5, 2, 2]);
  ctx.fill();
  const text = arrowTo(to, space);
  ctx.font = font(12.5, 650);
  const half = ctx.measureText(text).width / 2 + 9;
  const centre = Math.max(half + 4 - space.left, Math.min(space.right - half - 4, 0));
  pill(ctx, text, centre, space.bottom > 48 ? 31 : -34, {
    text: hovered ? "#191307" : "#ffe3a6",
    back: hovered ? "#ffd479" : "rgb(25 19 8 / 0.82)",
    half,
  });
}

/**
 * The room's name with an arrow to the nearest edge.
 * @param {string} to
 * @param {{left: number, right: number, top: number, bottom: number}} space
 */
function arrowTo(to, { left, right, top, bottom }) {
  const nearest = Math.min(left, right, top, bottom);
  if (nearest === left) return `← ${to}`;
  if (nearest === right) return `${to} →`;
  return nearest === top ? `${to} ↑` : `${to} ↓`;
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

/** @param {string} text @returns {number} a hue in degrees, the same for the same text; never the own actor's green */
function hueOf(text) {
  let hash = 2166136261;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16777619);
  return 185 + ((hash >>> 0) % 35) * 7;
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
 * The body of an actor, looking along `heading`.
 * @param {Context} ctx
 * @param {Actor} actor
 * @param {{own: boolean, heading: Point | null, seconds: number}} how
 */
export function drawBody(ctx, actor, { own, heading, seconds }) {
  const { body, edge, eyes } = lookOf(actor, own);
  const bob = heading === null ? 0 : Math.abs(Math.sin(seconds * 9)) * 2.2;
  const y = -bob;
  ctx.fillStyle = "rgb(6 10 9 / 0.4)";
  ctx.beginPath();
  ctx.ellipse(0, ACTOR_RADIUS * 0.85, ACTOR_RADIUS * 0.95, ACTOR_RADIUS * 0.42, 0, 0, Math.PI * 2);
  ctx.fill();
  if (own) {
    ctx.strokeStyle = `rgb(125 211 168 / ${0.55 + 0.25 * Math.sin(seconds * 3)})`;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.ellipse(0, ACTOR_RADIUS * 0.8, ACTOR_RADIUS * 1.5, ACTOR_RADIUS * 0.75, 0, 0, Math.PI * 2);
    ctx.stroke();
  }
  ctx.fillStyle = body;
  ctx.strokeStyle = edge;
  ctx.lineWidth = own ? 2.2 : 1.6;
  ctx.beginPath();
  if (actor.player) ctx.arc(0, y, ACTOR_RADIUS, 0, Math.PI * 2);
  else ctx.roundRect(-ACTOR_RADIUS * 0.9, y - ACTOR_RADIUS * 0.95, ACTOR_RADIUS * 1.8, ACTOR_RADIUS * 1.9, 5);
  ctx.fill();
  ctx.stroke();
  const look = heading ?? { x: 0, y: 0.35 };
  for (const side of [-1, 1]) {
    disc(ctx, side * 3.6 + look.x * 3.4, y - 1.2 + look.y * 3, 1.75, eyes);
  }
}

/**
 * The name over an actor's head, its mood, and what it says.
 * @param {Context} ctx
 * @param {Actor} actor
 * @param {{own: boolean, words: string | null}} how
 */
export function drawLabels(ctx, actor, { own, words }) {
  const mood = typeof actor.state.mood === "string" ? actor.state.mood : null;
  let y = -ACTOR_RADIUS - 11;
  if (mood !== null) {
    ctx.font = `italic ${font(9.5, 500)}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 2.5;
    ctx.lineJoin = "round";
    ctx.strokeStyle = "rgb(14 20 17 / 0.75)";
    ctx.strokeText(mood, 0, y + 1);
    ctx.fillStyle = "#f1e3c2";
    ctx.fillText(mood, 0, y + 1);
    y -= 14;
  }
  ctx.font = font(11.5, own ? 700 : 600);
  const colour = own ? "#9ff0c5" : actor.player ? "#f2f5fb" : "#e6d6b2";
  pill(ctx, actor.name, 0, y, { text: colour, back: "rgb(12 15 21 / 0.68)", height: 17 });
  if (words !== null) drawBubble(ctx, words, y - 15);
}

/** @param {Context} ctx @param {string} words @param {number} bottom */
function drawBubble(ctx, words, bottom) {
  ctx.font = font(12, 500);
  const lines = wrap(ctx, words, 170);
  const width = Math.max(...lines.map((line) => ctx.measureText(line).width)) + 18;
  const height = lines.length * 15 + 10;
  ctx.fillStyle = "#f4f6fb";
  ctx.beginPath();
  ctx.roundRect(-width / 2, bottom - height, width, height, 9);
  ctx.moveTo(-5, bottom - 1);
  ctx.lineTo(0, bottom + 5);
  ctx.lineTo(5, bottom - 1);
  ctx.fill();
  ctx.fillStyle = "#171c27";
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  lines.forEach((line, i) => ctx.fillText(line, 0, bottom - height + 13 + i * 15));
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
