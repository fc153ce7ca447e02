/**
 * Room time on this side of the wire: an offset to the local monotonic clock, estimated from messages.
 *
 * A pong says what room time was about half a round trip ago, and each message what it is at least
 * (Cristian, "Probabilistic clock synchronization", 1989). Of the last pongs those with a short round
 * trip count, the others are outliers. What is shown runs towards the estimate a little faster or slower.
 * It leaps ahead to what is certain when it is far behind that, stands still while it is far ahead, and
 * never runs backwards.
 */

const SAMPLES = 8;
/** A sample counts when its round trip is at most this much longer than the shortest one. */
const TOLERANCE = 1.5;
const GRACE_SECONDS = 0.005;
/** Share of elapsed time by which the shown clock may gain or lose. */
const SLEW = 0.1;
/** Seconds; a shown clock that far off was stopped, by a sleeping computer for one, or the room's was. */
const LEAP = 0.5;
/** Seconds that a clock before this one may be ahead, and still be gone on from. */
const FOLLOW = 5;
/** Share of elapsed time by which two clocks may part, at most. */
const DRIFT = 0.001;

export class RoomClock {
  /** @type {{offset: number, trip: number}[]} */
  #samples = [];
  /** Room time minus local time: the best estimate. */
  #offset;
  /** The same for what is shown. */
  #shown;
  #lastLocal;
  /** The offset was at least that at that local time. */
  #least;
  #leastAt;

  /**
   * @param {number} roomNow room time as the node said it, seconds
   * @param {number} local local time when that was heard, seconds
   */
  constructor(roomNow, local) {
    this.#offset = this.#shown = this.#least = roomNow - local;
    this.#lastLocal = this.#leastAt = local;
  }

  /**
   * The round trip of the best sample at hand, seconds; null before the first pong.
   * @returns {number | null}
   */
  get roundTrip() {
    return this.#samples.length === 0 ? null : Math.min(...this.#samples.map((one) => one.trip));
  }

  /**
   * Go on from what another clock of the same room showed until now, unless that is far off.
   * @param {RoomClock} before
   * @param {number} local
   */
  follow(before, local) {
    const shown = before.now(local) - local;
    const ahead = shown - this.#offset;
    if (-LEAP <= ahead && ahead <= FOLLOW) {
      this.#shown = shown;
      this.#lastLocal = local;
    }
  }

  /**
   * A pong came.
   * @param {number} sent local time of the ping
   * @param {number} received local time of the pong
   * @param {number} roomNow room time in the pong
   */
  pong(sent, received, roomNow) {
    if (received < sent) return;
    if (roomNow - sent < this.#certain(received) - GRACE_SECONDS) {
      // It was later than that once: the room's time stood still, and what was known is void.
      this.#samples = [];
      this.#know(roomNow - received, received);
    }
    this.heard(roomNow, received);
    if (this.#samples.length === 0) {
      // Nothing was seen by this clock for long: better a hop than seconds of catching up.
      this.#shown = Math.max(this.#shown, roomNow - received);
    }
    this.#samples.push({ offset: roomNow - (sent + received) / 2, trip: received - sent });
    if (this.#samples.length > SAMPLES) this.#samples.shift();
    const bound = Math.min(...this.#samples.map((one) => one.trip)) * TOLERANCE + GRACE_SECONDS;
    const good = this.#samples.filter((one) => one.trip <= bound);
    const estimate = good.reduce((sum, one) => sum + one.offset, 0) / good.length;
    this.#offset = Math.max(estimate, this.#certain(received));
  }

  /**
   * A message with a room time came: room time is at least that now.
   * @param {number} roomNow
   * @param {number} local
   */
  heard(roomNow, local) {
    const least = roomNow - local;
    if (least >= this.#certain(local)) this.#know(least, local);
    if (least > this.#offset + LEAP) this.#samples = [];
    this.#offset = Math.max(this.#offset, least);
    if (least > this.#shown + LEAP) this.#shown = least;
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
    const slower = lag < -LEAP ? 1 : SLEW;
    this.#shown += Math.max(-slower * elapsed, Math.min(SLEW * elapsed, lag));
    return this.#lastLocal + this.#shown;
  }

  /** @param {number} local */
  #certain(local) {
    return this.#least - DRIFT * (local - this.#leastAt);
  }

  /**
   * @param {number} least
   * @param {number} local
   */
  #know(least, local) {
    this.#least = least;
    this.#leastAt = local;
  }
}
