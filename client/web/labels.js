/**
 * Drawing what is written over an actor's head: its name, its mood, what it says; and keeping names of
 * actors who stand close together apart.
 */

import { font } from "./scenery.js";

/** @typedef {import("./js/src/messages.js").Actor} Actor */
/** @typedef {CanvasRenderingContext2D} Context */

const NAME_HEIGHT = 17;
const MOOD_HEIGHT = 14;
/** From the actor's middle up to the lower edge of what is written. */
const HEAD_ROOM = 14;
/** Between one name and the next. */
const GAP = 2;

/** @typedef {{x: number, bottom: number, half: number, height: number}} Box what a label takes, in world units */

/** @param {Actor} actor @returns {string | null} */
function moodOf(actor) {
  return typeof actor.state.mood === "string" && actor.state.mood !== "" ? actor.state.mood : null;
}

/** @param {boolean} own */
function nameFont(own) {
  return font(11.5, own ? 700 : 600);
}

/**
 * What an actor's label takes: half its width, and its height.
 * @param {Context} ctx
 * @param {Actor} actor
 * @param {boolean} own
 */
export function labelSize(ctx, actor, own) {
  ctx.font = nameFont(own);
  const name = ctx.measureText(actor.name).width / 2 + 7;
  return { half: name, height: NAME_HEIGHT + (moodOf(actor) === null ? 0 : MOOD_HEIGHT) };
}

/**
 * How far up each label has to go to lie over none of the earlier ones.
 * @param {Box[]} boxes the first stays where it is
 * @returns {number[]} in world units
 */
export function liftLabels(boxes) {
  /** @type {Box[]} */
  const placed = [];
  return boxes.map((box) => {
    let { bottom } = box;
    for (;;) {
      const top = bottom - box.height;
      const other = placed.find(
        (one) =>
          Math.abs(one.x - box.x) < one.half + box.half && top < one.bottom && one.bottom - one.height < bottom,
      );
      if (other === undefined) break;
      bottom = other.bottom - other.height - GAP;
    }
    placed.push({ ...box, bottom });
    return box.bottom - bottom;
  });
}

/** Where a label begins, over an actor at `y`, in its own units. */
export const LABEL_BOTTOM = -HEAD_ROOM;

/**
 * @param {Context} ctx
 * @param {string} text in the font that is set
 * @param {number} x its middle
 * @param {number} y its middle
 * @param {{text: string, back: string, half?: number, height?: number}} look
 */
export function pill(ctx, text, x, y, { text: colour, back, half, height = 20 }) {
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

/**
 * The name and the mood over the head of an actor at the origin.
 * @param {Context} ctx
 * @param {Actor} actor
 * @param {{own: boolean, lift: number}} how
 */
export function drawLabel(ctx, actor, { own, lift }) {
  const mood = moodOf(actor);
  let y = LABEL_BOTTOM - lift;
  if (mood !== null) {
    ctx.font = `italic ${font(9.5, 500)}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.lineWidth = 2.5;
    ctx.lineJoin = "round";
    ctx.strokeStyle = "rgb(14 20 17 / 0.75)";
    ctx.strokeText(mood, 0, y - MOOD_HEIGHT / 2 + 1);
    ctx.fillStyle = "#f1e3c2";
    ctx.fillText(mood, 0, y - MOOD_HEIGHT / 2 + 1);
    y -= MOOD_HEIGHT;
  }
  ctx.font = nameFont(own);
  const colour = own ? "#9ff0c5" : actor.player ? "#f2f5fb" : "#e6d6b2";
  pill(ctx, actor.name, 0, y - NAME_HEIGHT / 2, { text: colour, back: "rgb(12 15 21 / 0.68)", height: NAME_HEIGHT });
}

/**
 * What an actor at the origin says, over its label.
 * @param {Context} ctx
 * @param {string} words
 * @param {number} above height of the label, with its lift
 */
export function drawWords(ctx, words, above) {
  drawBubble(ctx, words, LABEL_BOTTOM - above - 6);
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
