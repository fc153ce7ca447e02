/**
 * Drawing what lives in a room: doors that glow, actors, and where the own one goes.
 *
 * Each figure stands at the origin, so that whoever draws it may magnify it where the room is small.
 */

import { pill } from "./labels.js";
import { disc, font } from "./scenery.js";

/** @typedef {import("./js/src/messages.js").Actor} Actor */
/** @typedef {import("./js/src/messages.js").Point} Point */
/** @typedef {CanvasRenderingContext2D} Context */

const ACTOR_RADIUS = 11;
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
  drawSign(ctx, text, centre, space.bottom > 48 ? 31 : -34, hovered);
}

/**
 * A door that is out of sight: its name at the edge of what is shown.
 * @param {Context} ctx
 * @param {string} to the room that it leads to
 * @param {Point} way from what is shown to the door
 * @param {boolean} hovered
 */
export function drawFarDoor(ctx, to, { x, y }, hovered) {
  const sideways = Math.abs(x) > Math.abs(y);
  const text = sideways ? (x < 0 ? `← ${to}` : `${to} →`) : y < 0 ? `${to} ↑` : `${to} ↓`;
  ctx.font = font(12.5, 650);
  const half = ctx.measureText(text).width / 2 + 9;
  drawSign(ctx, text, sideways ? -Math.sign(x) * (half - 14) : 0, 0, hovered);
}

/**
 * @param {Context} ctx
 * @param {string} text
 * @param {number} x
 * @param {number} y
 * @param {boolean} hovered
 */
function drawSign(ctx, text, x, y, hovered) {
  ctx.font = font(12.5, 650);
  pill(ctx, text, x, y, {
    text: hovered ? "#191307" : "#ffe3a6",
    back: hovered ? "#ffd479" : "rgb(25 19 8 / 0.82)",
    half: ctx.measureText(text).width / 2 + 9,
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

/** @param {Actor} actor @returns {boolean} whether it is a thing that lies about, and nobody */
export function isThing({ state }) {
  return typeof state.item === "string" && typeof state.colour === "string";
}

/**
 * A thing that lies about, of the colour that its state names.
 * @param {Context} ctx
 * @param {string} colour
 */
export function drawThing(ctx, colour) {
  ctx.fillStyle = "rgb(6 10 9 / 0.35)";
  ctx.beginPath();
  ctx.ellipse(0, 4, 6, 2.6, 0, 0, Math.PI * 2);
  ctx.fill();
  disc(ctx, 0, 0, 5.2, colour);
  disc(ctx, -1.6, -1.8, 1.3, "rgb(255 255 255 / 0.6)");
}

/**
 * The own way ahead.
 * @param {Context} ctx
 * @param {Point} from
 * @param {import("./js/src/messages.js").Path} ahead
 */
export function drawWay(ctx, from, ahead) {
  ctx.strokeStyle = "rgb(159 240 197 / 0.55)";
  ctx.lineWidth = 2;
  ctx.setLineDash([2, 7]);
  ctx.lineCap = "round";
  ctx.beginPath();
  ctx.moveTo(from.x, from.y + ACTOR_RADIUS * 0.8);
  for (const [x, y] of ahead) ctx.lineTo(x, y + ACTOR_RADIUS * 0.8);
  ctx.stroke();
  ctx.setLineDash([]);
}

/**
 * A ring where the click was.
 * @param {Context} ctx
 * @param {Point} at
 * @param {number} age from 0 to 1
 */
export function drawMark(ctx, at, age) {
  ctx.strokeStyle = `rgb(159 240 197 / ${0.9 * (1 - age)})`;
  ctx.lineWidth = 2;
  ctx.beginPath();
  ctx.arc(at.x, at.y, 4 + age * 16, 0, Math.PI * 2);
  ctx.stroke();
}
