/**
 * What the page remembers: the name over visits, and whether this window was playing over a reload.
 *
 * A window's own name comes first, so that two windows may play under two names. Only a reload rejoins by
 * itself; a new window never does, since it would take the place of the first.
 */

const NAME = "roomfleet.name";
const PLAYING = "roomfleet.playing";

/** @returns {string} the name to suggest, or nothing */
export function rememberedName() {
  return read(() => sessionStorage.getItem(NAME) ?? localStorage.getItem(NAME)) ?? "";
}

/** @returns {boolean} whether this window was playing when it was last seen */
export function wasPlaying() {
  return read(() => sessionStorage.getItem(PLAYING)) === "yes";
}

/** @param {string} name */
export function rememberPlaying(name) {
  write(() => {
    localStorage.setItem(NAME, name);
    sessionStorage.setItem(NAME, name);
    sessionStorage.setItem(PLAYING, "yes");
  });
}

export function forgetPlaying() {
  write(() => sessionStorage.removeItem(PLAYING));
}

/** @param {() => string | null} how @returns {string | null} */
function read(how) {
  try {
    return how();
  } catch (error) {
    return blocked(error);
  }
}

/** @param {() => void} how */
function write(how) {
  try {
    how();
  } catch (error) {
    blocked(error);
  }
}

/**
 * A browser may forbid a page to store anything, or have no space left: then it forgets, and that is all.
 * @param {unknown} error
 * @returns {null}
 */
function blocked(error) {
  if (error instanceof DOMException) return null;
  throw error;
}
