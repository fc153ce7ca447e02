/**
 * What rooms are called for people: `dungeon · party-7` for an instance whose key this window gave, `dungeon`
 * for one that it came to by a door, and a room's own name.
 */

/** @typedef {import("./js/src/join.js").InstanceOf} InstanceOf */

/** What an instance's name has after that of its InstancedRoom. */
const INSTANCE = /^(.+)-(?:[a-z2-7]{16}|w-[0-9a-f]{13})$/;

/**
 * @typedef {object} Place
 * @property {string} name
 * @property {string} key empty for none, or one that is not known
 */

/** The InstancedRooms of the game, and which of its rooms were joined by a key. */
export class Places {
  /** @type {Set<string>} */
  #instancedRooms = new Set();
  /** @type {Map<string, InstanceOf>} */
  #joined = new Map();

  /** @param {string[]} names */
  know(names) {
    this.#instancedRooms = new Set(names);
  }

  /**
   * @param {string} room
   * @param {InstanceOf} instance that the room is
   */
  joined(room, instance) {
    this.#joined.set(room, instance);
  }

  /**
   * @param {string} room
   * @returns {Place}
   */
  of(room) {
    const joined = this.#joined.get(room);
    if (joined !== undefined) return { name: joined.instancedRoom, key: joined.key };
    const name = INSTANCE.exec(room)?.[1];
    return { name: name !== undefined && this.#instancedRooms.has(name) ? name : room, key: "" };
  }

  /**
   * @param {string} room
   * @returns {string} in one line
   */
  text(room) {
    const { name, key } = this.of(room);
    return key === "" ? name : `${name} · ${key}`;
  }
}
