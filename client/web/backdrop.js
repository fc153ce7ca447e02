/** Ground and objects of a room, painted once for each room and scale, and then only copied. */

import { drawScenery } from "./scenery.js";

/** @typedef {import("./js/src/messages.js").Welcome} Welcome */

/** Around the room, for its border: world units. */
const EDGE = 4;
/** However large the room: a browser has a limit. */
const MOST_PIXELS = 16_000_000;

export class Backdrop {
  #canvas = document.createElement("canvas");
  /** @type {Welcome | null} */
  #of = null;
  #scale = 0;

  /**
   * @param {CanvasRenderingContext2D} ctx in pixels
   * @param {Welcome} welcome
   * @param {{scale: number, left: number, top: number}} view pixels a world unit, and the room's corner
   */
  draw(ctx, welcome, { scale, left, top }) {
    const width = welcome.room.width + 2 * EDGE;
    const height = welcome.room.height + 2 * EDGE;
    const fine = Math.min(scale, Math.sqrt(MOST_PIXELS / (width * height)));
    if (this.#of !== welcome || this.#scale !== fine) this.#paint(welcome, width, height, fine);
    const [x, y] = [left - EDGE * scale, top - EDGE * scale];
    // Pixel for pixel, which costs a fraction of what stretching does.
    if (fine === scale) ctx.drawImage(this.#canvas, Math.round(x), Math.round(y));
    else ctx.drawImage(this.#canvas, x, y, width * scale, height * scale);
  }

  /**
   * @param {Welcome} welcome
   * @param {number} width
   * @param {number} height
   * @param {number} scale
   */
  #paint(welcome, width, height, scale) {
    this.#canvas.width = Math.ceil(width * scale);
    this.#canvas.height = Math.ceil(height * scale);
    const ctx = this.#canvas.getContext("2d");
    if (ctx === null) throw new Error("this browser has no 2D canvas");
    ctx.scale(scale, scale);
    ctx.translate(EDGE, EDGE);
    drawScenery(ctx, welcome);
    this.#of = welcome;
    this.#scale = scale;
  }
}
