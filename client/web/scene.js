/** The room on the canvas: a frame at each animation frame, and what was clicked. */

import { ACTOR_RADIUS, DOOR_RADIUS, drawBody, drawDoor, drawLabels } from "./figures.js";
import { drawScenery } from "./scenery.js";

/** @typedef {import("/js/index.js").RoomfleetClient} RoomfleetClient */
/** @typedef {import("/js/messages.js").Actor} Actor */
/** @typedef {import("/js/messages.js").Door} Door */
/** @typedef {import("/js/messages.js").Path} Path */
/** @typedef {import("/js/messages.js").Point} Point */
/** @typedef {import("/js/messages.js").Welcome} Welcome */

/** Room around the room, CSS pixels. */
const MARGIN = 18;
/** A correction of the course fades with this time constant, seconds; a farther one is a jump. */
const EASE_SECONDS = 0.07;
const JUMP_UNITS = 70;
const WORDS_SECONDS = 4.5;
/** Figures are never shown smaller than at this scale, but at most so much larger than the room. */
const LEAST_SCALE = 0.85;
const MOST_MAGNIFIED = 2;
/** A door is hit within this many CSS pixels, however small the room is shown. */
const DOOR_REACH_PIXELS = 22;

/** @typedef {{path: Path, x: number, y: number, error: Point}} Shown how an actor was drawn last */

export class Scene {
  #canvas;
  #ctx;
  /** @type {RoomfleetClient | null} */
  #client = null;
  /** @type {HTMLCanvasElement} ground and objects, drawn once for room and size */
  #backdrop = document.createElement("canvas");
  /** @type {Welcome | null} */
  #backdropOf = null;
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  /** @type {Map<string, {text: string, until: number}>} */
  #words = new Map();
  /** @type {(Point & {since: number}) | null} */
  #mark = null;
  /** @type {Point | null} the pointer, in CSS pixels */
  #pointer = null;
  #view = { scale: 1, left: 0, top: 0, ratio: 1 };
  #lastFrame = 0;
  /** How much larger than the room its figures are shown. */
  get #magnified() {
    return Math.max(1, Math.min(MOST_MAGNIFIED, LEAST_SCALE / this.#view.scale));
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {{walk: (to: Point) => void, enter: (door: Door) => void}} wish
   */
  constructor(canvas, wish) {
    this.#canvas = canvas;
    const ctx = canvas.getContext("2d");
    if (ctx === null) throw new Error("this browser has no 2D canvas");
    this.#ctx = ctx;
    new ResizeObserver(() => this.#resize()).observe(canvas);
    canvas.addEventListener("pointermove", (event) => (this.#pointer = { x: event.offsetX, y: event.offsetY }));
    canvas.addEventListener("pointerleave", () => (this.#pointer = null));
    canvas.addEventListener("click", (event) => this.#clicked({ x: event.offsetX, y: event.offsetY }, wish));
    this.#resize();
    requestAnimationFrame((time) => this.#frame(time));
  }

  /** @param {RoomfleetClient | null} client whose room to show */
  show(client) {
    this.#client = client;
    this.#shown.clear();
    this.#words.clear();
    this.#mark = null;
  }

  /**
   * Put words over an actor's head for a while.
   * @param {string} actorId
   * @param {string} text
   */
  say(actorId, text) {
    this.#words.set(actorId, { text, until: performance.now() / 1000 + WORDS_SECONDS });
  }

  #resize() {
    const ratio = globalThis.devicePixelRatio || 1;
    this.#canvas.width = Math.max(1, Math.round(this.#canvas.clientWidth * ratio));
    this.#canvas.height = Math.max(1, Math.round(this.#canvas.clientHeight * ratio));
    this.#backdropOf = null;
  }

  /** @param {Welcome} welcome */
  #fit(welcome) {
    const { width, height } = welcome.room;
    const { clientWidth, clientHeight } = this.#canvas;
    const ratio = this.#canvas.width / Math.max(1, clientWidth);
    const scale = Math.max(
      0.01,
      Math.min((clientWidth - 2 * MARGIN) / width, (clientHeight - 2 * MARGIN) / height),
    );
    this.#view = {
      ratio,
      scale,
      left: (clientWidth - width * scale) / 2,
      top: (clientHeight - height * scale) / 2,
    };
  }

  /** @param {CanvasRenderingContext2D} ctx from here on in world units */
  #toWorld(ctx) {
    const { scale, left, top, ratio } = this.#view;
    ctx.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio);
  }

  /**
   * Draw a figure that stands at `at`.
   * @param {Point} at
   * @param {(ctx: CanvasRenderingContext2D) => void} draw
   */
  #figure(at, draw) {
    const ctx = this.#ctx;
    ctx.save();
    ctx.translate(at.x, at.y);
    ctx.scale(this.#magnified, this.#magnified);
    draw(ctx);
    ctx.restore();
  }

  /** @param {Point} pixel @returns {Point} in world units */
  #worldAt({ x, y }) {
    const { scale, left, top } = this.#view;
    return { x: (x - left) / scale, y: (y - top) / scale };
  }

  /** @param {Point} pixel @returns {Door | null} */
  #doorAt(pixel) {
    const at = this.#worldAt(pixel);
    const reach = Math.max(DOOR_RADIUS * 1.3 * this.#magnified, DOOR_REACH_PIXELS / this.#view.scale);
    const near = (this.#client?.welcome?.doors ?? [])
      .map((door) => ({ door, distance: Math.hypot(door.x - at.x, door.y - at.y) }))
      .filter(({ distance }) => distance <= reach)
      .sort((a, b) => a.distance - b.distance);
    return near[0]?.door ?? null;
  }

  /**
   * @param {Point} pixel
   * @param {{walk: (to: Point) => void, enter: (door: Door) => void}} wish
   */
  #clicked(pixel, wish) {
    const room = this.#client?.welcome?.room;
    if (room === undefined || this.#client?.state !== "playing") return;
    const door = this.#doorAt(pixel);
    if (door !== null) {
      wish.enter(door);
      return;
    }
    const { x, y } = this.#worldAt(pixel);
    const to = { x: Math.max(0, Math.min(room.width, x)), y: Math.max(0, Math.min(room.height, y)) };
    this.#mark = { ...to, since: performance.now() / 1000 };
    wish.walk(to);
  }

  /** @param {number} milliseconds */
  #frame(milliseconds) {
    requestAnimationFrame((time) => this.#frame(time));
    const seconds = milliseconds / 1000;
    const elapsed = Math.min(0.25, Math.max(0, seconds - this.#lastFrame));
    this.#lastFrame = seconds;
    const ctx = this.#ctx;
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    const client = this.#client;
    const welcome = client?.welcome ?? null;
    if (client === null || welcome === null) return;
    if (this.#backdropOf !== welcome) this.#paintBackdrop(welcome);
    ctx.drawImage(this.#backdrop, 0, 0);
    this.#toWorld(ctx);
    this.#drawRoom(ctx, client, welcome, seconds, elapsed);
  }

  /** @param {Welcome} welcome */
  #paintBackdrop(welcome) {
    if (this.#backdropOf?.room.name !== welcome.room.name) this.#mark = null;
    this.#fit(welcome);
    this.#backdrop.width = this.#canvas.width;
    this.#backdrop.height = this.#canvas.height;
    const ctx = this.#backdrop.getContext("2d");
    if (ctx === null) throw new Error("this browser has no 2D canvas");
    this.#toWorld(ctx);
    drawScenery(ctx, welcome);
    this.#backdropOf = welcome;
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {RoomfleetClient} client
   * @param {Welcome} welcome
   * @param {number} seconds
   * @param {number} elapsed
   */
  #drawRoom(ctx, client, welcome, seconds, elapsed) {
    const hovered = this.#pointer === null ? null : this.#doorAt(this.#pointer);
    this.#canvas.style.cursor = hovered === null ? "crosshair" : "pointer";
    for (const door of welcome.doors) {
      const space = this.#spaceAround(door, welcome);
      this.#figure(door, (ctx) => drawDoor(ctx, door.to, space, { seconds, hovered: door === hovered }));
    }
    const actors = Object.values(client.copy.actors)
      .map((actor) => this.#place(actor, client, elapsed))
      .sort((a, b) => a.at.y - b.at.y);
    for (const id of this.#shown.keys()) if (!(id in client.copy.actors)) this.#shown.delete(id);
    const mine = welcome.you.id;
    this.#drawMark(ctx, client.copy.actors[mine], client.now, seconds);
    for (const { actor, at, heading } of actors) {
      this.#figure(at, (ctx) => drawBody(ctx, actor, { own: actor.id === mine, heading, seconds }));
    }
    for (const { actor, at } of actors) {
      const words = this.#wordsOf(actor.id, seconds);
      this.#figure(at, (ctx) => drawLabels(ctx, actor, { own: actor.id === mine, words }));
    }
  }

  /** @param {Point} at @param {Welcome} welcome */
  #spaceAround({ x, y }, { room }) {
    const size = this.#magnified;
    return { left: x / size, right: (room.width - x) / size, top: y / size, bottom: (room.height - y) / size };
  }

  /**
   * Where an actor is drawn: where it is, and for a moment after a change of course a little of where it
   * was, so that it never hops.
   * @param {Actor} actor
   * @param {RoomfleetClient} client
   * @param {number} elapsed
   * @returns {{actor: Actor, at: Point, heading: Point | null}}
   */
  #place(actor, client, elapsed) {
    const exact = client.positionOf(actor.id) ?? { x: 0, y: 0 };
    const before = this.#shown.get(actor.id);
    let error = { x: 0, y: 0 };
    if (before !== undefined) {
      const fade = Math.exp(-elapsed / EASE_SECONDS);
      const from = before.path === actor.path ? before.error : { x: before.x - exact.x, y: before.y - exact.y };
      if (Math.hypot(from.x, from.y) < JUMP_UNITS) error = { x: from.x * fade, y: from.y * fade };
    }
    const at = { x: exact.x + error.x, y: exact.y + error.y };
    this.#shown.set(actor.id, { path: actor.path, ...at, error });
    return { actor, at, heading: headingOf(actor.path, client.now) };
  }

  /** @param {string} id @param {number} seconds */
  #wordsOf(id, seconds) {
    const words = this.#words.get(id);
    if (words === undefined) return null;
    if (seconds < words.until) return words.text;
    this.#words.delete(id);
    return null;
  }

  /**
   * The own way ahead, and a ring where the click was.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Actor | undefined} me
   * @param {number} now
   * @param {number} seconds
   */
  #drawMark(ctx, me, now, seconds) {
    const at = me === undefined ? undefined : this.#shown.get(me.id);
    const ahead = me?.path.filter((point) => point[2] > now) ?? [];
    if (at !== undefined && ahead.length > 0) {
      ctx.strokeStyle = "rgb(159 240 197 / 0.55)";
      ctx.lineWidth = 2;
      ctx.setLineDash([2, 7]);
      ctx.lineCap = "round";
      ctx.beginPath();
      ctx.moveTo(at.x, at.y + ACTOR_RADIUS * 0.8);
      for (const [x, y] of ahead) ctx.lineTo(x, y + ACTOR_RADIUS * 0.8);
      ctx.stroke();
      ctx.setLineDash([]);
    }
    if (this.#mark === null) return;
    const age = seconds - this.#mark.since;
    if (age > 0.6) {
      this.#mark = null;
      return;
    }
    ctx.strokeStyle = `rgb(159 240 197 / ${0.9 * (1 - age / 0.6)})`;
    ctx.lineWidth = 2;
    ctx.beginPath();
    ctx.arc(this.#mark.x, this.#mark.y, 4 + Math.max(0, age) * 26, 0, Math.PI * 2);
    ctx.stroke();
  }
}

/** @param {Path} path @param {number} now @returns {Point | null} a unit vector; null when standing */
function headingOf(path, now) {
  const next = path.findIndex((point) => point[2] > now);
  if (next <= 0) return null;
  const [x, y] = [path[next][0] - path[next - 1][0], path[next][1] - path[next - 1][1]];
  const length = Math.hypot(x, y);
  return length === 0 ? null : { x: x / length, y: y / length };
}
