/** Time, chance, sockets and requests as the client gets them: the browser's, or a test's own. */

/**
 * @typedef {object} Socket the part of a WebSocket that is used
 * @property {((event: any) => void) | null} onopen
 * @property {((event: any) => void) | null} onmessage
 * @property {((event: any) => void) | null} onclose
 * @property {string} [binaryType] set to "arraybuffer"
 * @property {(data: any) => void} send a string, or bytes
 * @property {(code?: number, reason?: string) => void} close
 */
/** @typedef {{status: number, json: () => Promise<any>}} Answer the part of a Response that is used */
/**
 * @typedef {object} Environment
 * @property {() => number} now monotonic time, seconds
 * @property {(seconds: number, then: () => void) => () => void} after calls `then` once, later; gives a cancel
 * @property {() => number} random evenly in [0, 1)
 * @property {new (url: string, protocols: string) => Socket} WebSocket
 * @property {(url: string, options: {method: string, signal: AbortSignal}) => Promise<Answer>} fetch
 */

/** @returns {Environment} that of a browser, or of a Node that has WebSocket (22 and later) */
export function systemEnvironment() {
  return {
    now: () => performance.now() / 1000,
    after: (seconds, then) => {
      const timer = setTimeout(then, seconds * 1000);
      return () => clearTimeout(timer);
    },
    random: Math.random,
    WebSocket: globalThis.WebSocket,
    fetch: (url, options) => globalThis.fetch(url, options),
  };
}
