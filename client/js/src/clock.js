/**
 * Room time on this side of the wire: an offset to the local monotonic clock, estimated from pings.
 *
 * A pong says what room time was half a round trip ago (Cristian, "Probabilistic clock
 * synchronization", 1989). Of the last samples those with a short round trip count, the others are
 * outliers. What is shown runs towards the estimate a little faster or slower, and never backwards.
 */

const SAMPLES = 8;
/** A sample counts when its round trip is at most this much longer than the shortest one. */
const TOLERANCE = 1.5;
const GRACE_SECONDS = 0.005;
/** Share of elapsed time by which the shown clock may gain or lose. */
const SLEW = 0.1;
/** Seconds; a clock that far off was stopped, by a sleeping computer for one: what it knew is void. */
const LEAP = 0.5;

export class RoomClock {
  /** @type {{offset: number, trip: number}[]} */
  #samples = [];
  /** Room time minus local time: the best estimate. */
  #offset;
  /** The same for what is shown. */
  #shown;
  #lastLocal;

  /**
   * @param {number} roomNow room time as the node said it, seconds
   * @param {number} local local time when that was heard, seconds
   */
  constructor(roomNow, local) {
    this.#offset = this.#shown = roomNow - local;
    this.#lastLocal = local;
  }

  /**
   * The round trip of the best sample at hand, seconds; null before the first pong.
   * @returns {number | null}
   */
  get roundTrip() {
    return this.#samples.length === 0 ? null : Math.min(...this.#samples.map((one) => one.trip));
  }

  /**
   * A pong came.
   * @param {number} sent local time of the ping
   * @param {number} received local time of the pong
   * @param {number} roomNow room time in the pong
   */
  pong(sent, received, roomNow) {
    if (received < sent) return;
    const trip = received - sent;
    const offset = roomNow - (sent + received) / 2;
    if (Math.abs(offset - this.#offset) > LEAP + trip) this.#samples = [];
    this.#samples.push({ offset, trip });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const bound = Math.min(...this.#samples.map((one) => one.trip)) * TOLERANCE + GRACE_SECONDS;
    const good = this.#samples.filter((one) => one.trip <= bound);
    this.#offset = good.reduce((sum, one) => sum + one.offset, 0) / good.length;
  }

  /**
   * A message with a room time came: room time is at least that now.
   * @param {number} roomNow
   * @param {number} local
   */
  heard(roomNow, local) {
    const least = roomNow - local;
    if (least > this.#offset + LEAP) this.#samples = [];
    this.#offset = Math.max(this.#offset, least);
  }

  /**
   * Room time to show at `local`: never less than what an earlier call gave.
   * @param {number} local seconds, never falling
   * @returns {number}
   */
  now(local) {
    const elapsed = Math.max(0, local - this.#lastLocal);
    this.#lastLocal += elapsed;
    const lag = this.#offset - this.#shown;
    if (lag > LEAP) {
      this.#shown = this.#offset;
    } else {
      const most = elapsed * SLEW;
      this.#shown += Math.max(-most, Math.min(most, lag));
    }
    return this.#lastLocal + this.#shown;
  }
}
