/** The room on the canvas: a frame at each animation frame, and what was clicked. */

import { Backdrop } from "./backdrop.js";
import { DOOR_RADIUS, drawBody, drawDoor, drawFarDoor, drawMark, drawThing, drawWay, isThing } from "./figures.js";
import { LABEL_BOTTOM, drawLabel, drawWords, labelSize, liftLabels } from "./labels.js";
import { pixelAt, viewOf, worldAt } from "./view.js";

/** @typedef {import("./js/src/index.js").RoomfleetClient} RoomfleetClient */
/** @typedef {import("./js/src/messages.js").Actor} Actor */
/** @typedef {import("./js/src/messages.js").Door} Door */
/** @typedef {import("./js/src/messages.js").Path} Path */
/** @typedef {import("./js/src/messages.js").Point} Point */
/** @typedef {import("./js/src/messages.js").Welcome} Welcome */

const WORDS_SECONDS = 4.5;
const MARK_SECONDS = 0.6;
/** Figures are never shown smaller than at this scale, but at most so much larger than the room. */
const LEAST_SCALE = 0.85;
const MOST_MAGNIFIED = 2;
/** A door is hit within this many CSS pixels, however small the room is shown. */
const DOOR_REACH_PIXELS = 22;
/** The sign of a door out of sight stands this far inside the edge, and is hit within that many CSS pixels. */
const SIGN_INSET = 22;
const SIGN_REACH = 40;
/** A label moves up or down with this time constant, seconds. */
const LIFT_SECONDS = 0.12;

/** @typedef {{x: number, y: number, lift: number}} Shown how an actor was drawn last */
/** @typedef {{actor: Actor, at: Point, heading: Point | null, own: boolean, shown: Shown}} Placed */

export class Scene {
  #canvas;
  #ctx;
  /** @type {RoomfleetClient | null} */
  #client = null;
  #backdrop = new Backdrop();
  /** The room that was drawn last. */
  #room = "";
  /** @type {Point | null} the middle of what is shown, where that is not all */
  #centre = null;
  /** @type {Map<string, Shown>} */
  #shown = new Map();
  /** @type {Map<string, {text: string, until: number}>} */
  #words = new Map();
  /** @type {(Point & {since: number}) | null} */
  #mark = null;
  /** @type {Point | null} the pointer, in CSS pixels */
  #pointer = null;
  #view = { scale: 1, left: 0, top: 0 };
  /** Canvas pixels a CSS pixel. */
  #ratio = 1;
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
    this.#mark = this.#centre = null;
  }

  /**
   * Where a point of the room is shown at the moment, CSS pixels from the canvas's corner.
   * @param {Point} point world units
   * @returns {Point}
   */
  pixelAt(point) {
    this.#aim();
    return pixelAt(this.#view, point);
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
    this.#ratio = this.#canvas.width / Math.max(1, this.#canvas.clientWidth);
  }

  /** Look at the room, or at the part of it around the own actor. */
  #aim() {
    const welcome = this.#client?.welcome ?? null;
    if (this.#client === null || welcome === null) return;
    const { room, you } = welcome;
    this.#centre = this.#client.drawnPositionOf(you.id) ?? this.#centre ?? { x: room.width / 2, y: room.height / 2 };
    const screen = { width: this.#canvas.clientWidth, height: this.#canvas.clientHeight };
    this.#view = viewOf(room, screen, this.#centre);
  }

  #toWorld() {
    const { scale, left, top } = this.#view;
    const ratio = this.#ratio;
    this.#ctx.setTransform(scale * ratio, 0, 0, scale * ratio, left * ratio, top * ratio);
  }

  /**
   * Draw a figure that stands at `at`.
   * @param {Point} at
   * @param {() => void} draw
   */
  #figure(at, draw) {
    const ctx = this.#ctx;
    ctx.save();
    ctx.translate(at.x, at.y);
    ctx.scale(this.#magnified, this.#magnified);
    draw();
    ctx.restore();
  }

  /** @param {Point} pixel @returns {Door | null} */
  #doorAt(pixel) {
    const at = worldAt(this.#view, pixel);
    const reach = Math.max(DOOR_RADIUS * 1.3 * this.#magnified, DOOR_REACH_PIXELS / this.#view.scale);
    const near = (this.#client?.welcome?.doors ?? [])
      .map((door) => ({ door, distance: Math.hypot(door.x - at.x, door.y - at.y), sign: this.#signOf(door) }))
      .filter(({ distance, sign }) =>
        sign === null ? distance <= reach : Math.hypot(sign.x - pixel.x, sign.y - pixel.y) <= SIGN_REACH)
      .sort((a, b) => a.distance - b.distance);
    return near[0]?.door ?? null;
  }

  /** @param {Door} door @returns {Point | null} where its sign stands when it is out of sight, CSS pixels */
  #signOf(door) {
    const { x, y } = pixelAt(this.#view, door);
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    if (0 <= x && x <= width && 0 <= y && y <= height) return null;
    return {
      x: Math.max(SIGN_INSET, Math.min(width - SIGN_INSET, x)),
      y: Math.max(SIGN_INSET, Math.min(height - SIGN_INSET, y)),
    };
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
    const { x, y } = worldAt(this.#view, pixel);
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
    this.#aim();
    if (this.#room !== welcome.room.name) this.#mark = null;
    this.#room = welcome.room.name;
    const { scale, left, top } = this.#view;
    const ratio = this.#ratio;
    this.#backdrop.draw(ctx, welcome, { scale: scale * ratio, left: left * ratio, top: top * ratio });
    this.#toWorld();
    this.#drawRoom(ctx, client, welcome, seconds, elapsed);
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
      this.#figure(door, () => drawDoor(ctx, door.to, space, { seconds, hovered: door === hovered }));
    }
    const mine = welcome.you.id;
    const actors = Object.values(client.copy.actors)
      .map((actor) => this.#place(actor, client, actor.id === mine))
      .sort((a, b) => a.at.y - b.at.y || Number(a.own) - Number(b.own));
    for (const id of this.#shown.keys()) if (!(id in client.copy.actors)) this.#shown.delete(id);
    this.#drawMark(ctx, client.copy.actors[mine], client.now, seconds);
    for (const { actor, at, heading, own } of actors) {
      const { colour } = actor.state;
      if (isThing(actor)) this.#figure(at, () => drawThing(ctx, String(colour)));
      else this.#figure(at, () => drawBody(ctx, actor, { own, heading, seconds }));
    }
    this.#drawLabels(ctx, actors.filter(({ actor }) => !isThing(actor)), seconds, elapsed);
    for (const door of welcome.doors) this.#drawSign(ctx, door, door === hovered);
  }

  /**
   * Names side by side or one over the other, the own one where it belongs, and over them what is said.
   * @param {CanvasRenderingContext2D} ctx
   * @param {Placed[]} actors
   * @param {number} seconds
   * @param {number} elapsed
   */
  #drawLabels(ctx, actors, seconds, elapsed) {
    const size = this.#magnified;
    const labels = actors
      .map((one) => ({ ...one, ...labelSize(ctx, one.actor, one.own) }))
      .sort((a, b) => Number(b.own) - Number(a.own) || b.at.y - a.at.y);
    const lifts = liftLabels(
      labels.map(({ at, half, height }) => (
        { x: at.x, bottom: at.y + LABEL_BOTTOM * size, half: half * size, height: height * size }
      )),
    );
    labels.forEach(({ actor, at, own, shown }, i) => {
      const goal = lifts[i] / size;
      shown.lift += (goal - shown.lift) * (1 - Math.exp(-elapsed / LIFT_SECONDS));
      this.#figure(at, () => drawLabel(ctx, actor, { own, lift: shown.lift }));
    });
    for (const { actor, at, height, shown } of labels) {
      const words = this.#wordsOf(actor.id, seconds);
      if (words !== null) this.#figure(at, () => drawWords(ctx, words, height + shown.lift));
    }
  }

  /**
   * @param {CanvasRenderingContext2D} ctx
   * @param {Door} door
   * @param {boolean} hovered
   */
  #drawSign(ctx, door, hovered) {
    const sign = this.#signOf(door);
    if (sign === null) return;
    const at = pixelAt(this.#view, door);
    const way = { x: at.x - sign.x, y: at.y - sign.y };
    this.#figure(worldAt(this.#view, sign), () => drawFarDoor(ctx, door.to, way, hovered));
  }

  /** @param {Point} at @param {Welcome} welcome */
  #spaceAround({ x, y }, { room }) {
    const size = this.#magnified;
    return { left: x / size, right: (room.width - x) / size, top: y / size, bottom: (room.height - y) / size };
  }

  /**
   * @param {Actor} actor
   * @param {RoomfleetClient} client
   * @param {boolean} own
   * @returns {Placed}
   */
  #place(actor, client, own) {
    const at = client.drawnPositionOf(actor.id) ?? { x: 0, y: 0 };
    const shown = { ...at, lift: this.#shown.get(actor.id)?.lift ?? 0 };
    this.#shown.set(actor.id, shown);
    return { actor, at, heading: headingOf(actor.path, client.now), own, shown };
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
    if (at !== undefined && ahead.length > 0) drawWay(ctx, at, ahead);
    if (this.#mark === null) return;
    const age = (seconds - this.#mark.since) / MARK_SECONDS;
    if (age > 1) this.#mark = null;
    else drawMark(ctx, this.#mark, Math.max(0, age));
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
