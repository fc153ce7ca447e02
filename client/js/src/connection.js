/**
 * One websocket: messages in its format, a time limit for opening, and a watch on silence.
 *
 * However it ends, `closed` is called exactly once, unless this side closed it: then nothing is called
 * any more.
 */

import { FormatError } from "./errors.js";

/** @typedef {import("./environment.js").Environment} Environment */
/** @typedef {import("./formats.js").Format} Format */

/** For the websocket's upgrade. */
export const OPEN_SECONDS = 10;

/**
 * @typedef {object} Handlers
 * @property {() => void} open
 * @property {(message: any) => void} message an object with a string `type`
 * @property {(reason: string) => void} closed for people
 */

export class Connection {
  #handlers;
  #format;
  /** @type {import("./environment.js").Socket | null} */
  #socket = null;
  #open = false;
  #ended = false;
  #cancelOpening;

  /**
   * @param {Environment} environment
   * @param {string} url
   * @param {string} protocol
   * @param {Format} format
   * @param {Handlers} handlers
   * @param {number} [openSeconds]
   */
  constructor(environment, url, protocol, format, handlers, openSeconds = OPEN_SECONDS) {
    this.#handlers = handlers;
    this.#format = format;
    this.#cancelOpening = environment.after(openSeconds, () => this.drop("it did not answer"));
    try {
      this.#socket = new environment.WebSocket(url, protocol);
    } catch (error) {
      // A URL that is none, or ws: from an https: page. Said later, as every other failure is.
      this.#cancelOpening();
      this.#cancelOpening = environment.after(0, () => this.drop(String(error)));
      return;
    }
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = () => this.#opened();
    this.#socket.onmessage = (event) => this.#received(event.data);
    this.#socket.onclose = (event) => this.drop(event?.reason || "the connection was closed");
  }

  /**
   * Send it, if the connection is open.
   * @param {object} message
   * @returns {boolean} whether it was handed to the socket
   * @throws {FormatError} when it is no JSON data
   */
  send(message) {
    if (this.#socket === null || !this.#open || this.#ended) return false;
    this.#socket.send(this.#format.encode(message));
    return true;
  }

  /** Close it from this side: no handler is called any more. */
  close() {
    if (this.#ended) return;
    this.#ended = true;
    this.#cancelOpening();
    if (this.#socket === null) return;
    this.#socket.binaryType = "arraybuffer";
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
  }

  /**
   * Close it as lost: `closed` is called with the reason.
   * @param {string} reason
   */
  drop(reason) {
    if (this.#ended) return;
    this.close();
    this.#handlers.closed(reason);
  }

  #opened() {
    this.#open = true;
    this.#cancelOpening();
    this.#handlers.open();
  }

  /** @param {unknown} data */
  #received(data) {
    let message;
    try {
      message = this.#format.decode(data);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      this.drop(`it sent what is not a message: ${error.message}`);
      return;
    }
    const isMessage = typeof message === "object" && message !== null && typeof message.type === "string";
    if (isMessage) this.#handlers.message(message);
    else this.drop("it sent what is not a message");
  }
}

/**
 * Whether that can be the websocket address of a room.
 * @param {unknown} url
 */
export function isRoomUrl(url) {
  return typeof url === "string" && /^wss?:\/\/[^/?#]/i.test(url);
}
