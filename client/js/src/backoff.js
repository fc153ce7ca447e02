/** How long to wait before trying again: exponential, jittered, bounded. */

const FIRST_SECONDS = 0.4;
const MOST_SECONDS = 8;

/**
 * Half of it is chance, so that thousands who lost the same node do not come back at the same moment.
 * @param {number} attempt 0 for the first
 * @param {number} random in [0, 1)
 * @returns {number} seconds
 */
export function backoff(attempt, random) {
  const whole = Math.min(MOST_SECONDS, FIRST_SECONDS * 2 ** Math.min(attempt, 16));
  return whole * (0.5 + random / 2);
}
