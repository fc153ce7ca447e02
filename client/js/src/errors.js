/**
 * What can go wrong for one who uses this client.
 *
 *     RoomfleetError
 *     ├── CallError      a call was refused, or can never be answered; `code` says why
 *     ├── FormatError    bytes that are no message, or a value that cannot be sent
 *     ├── PatchError     an op that does not fit the copy it is applied to
 *     ├── JoinRefused    the master says no; `problem` says why
 *     └── SessionEnded   the session has ended for good; `code` says why
 */

/** @typedef {import("./messages.js").Problem} Problem */

/** Base of all errors of this client. */
export class RoomfleetError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = new.target.name;
  }
}

/**
 * A call failed. `code` is one of the node's error codes, or, when there is no answer to be had,
 * `not-connected` (never sent) or `dropped` (sent, and whether it was carried out is not known).
 */
export class CallError extends RoomfleetError {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** What came is no message of its format, or what was to be sent is no JSON data; the text says where. */
export class FormatError extends RoomfleetError {}

/** An op does not fit the copy: the copy is not what the node believes it is. */
export class PatchError extends RoomfleetError {}

/** The master refused the join, or to let a room be watched; it is not tried again. */
export class JoinRefused extends RoomfleetError {
  /** @param {Problem} problem */
  constructor(problem) {
    super(problem.detail || problem.title || "the join was refused");
    this.problem = problem;
  }
}

/** The session ended before the client was in, or for good; `code` is a bye code. */
export class SessionEnded extends RoomfleetError {
  /**
   * @param {string} code
   * @param {string} reason
   */
  constructor(code, reason) {
    super(reason || `the session has ended (${code})`);
    this.code = code;
  }
}
