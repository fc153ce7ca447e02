/** What the player has, and what was said: panels over the canvas for a bag, quests and a room's talk. */

/** @typedef {import("./js/src/messages.js").Data} Data */

const TALK_LINES = 6;

/** @param {unknown} value @returns {value is Data} */
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * @param {string} tag
 * @param {string} text
 * @param {string} [kind] its class
 */
function made(tag, text, kind = "") {
  const one = document.createElement(tag);
  one.textContent = text;
  one.className = kind;
  return one;
}

/**
 * The panels. Each shows when the state has such a field: `bag` and `quests` of the own actor, `talk` of the room,
 * whose `things` say what an item is called and its colour.
 */
export class Belongings {
  #root;
  #give;
  #shown = "";

  /**
   * @param {HTMLElement} root
   * @param {(slot: number) => void} give a thing in the bag was clicked
   */
  constructor(root, give) {
    this.#root = root;
    this.#give = give;
  }

  /**
   * @param {Data | undefined} own the state of the own actor
   * @param {Data | undefined} room the room's
   */
  show(own, room) {
    const { bag, quests } = own ?? {};
    const { talk, things } = room ?? {};
    const shown = JSON.stringify([bag, quests, talk, things]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const panels = [];
    if (isObject(bag)) panels.push(this.#bag(bag, isObject(things) ? things : {}));
    if (Array.isArray(quests)) panels.push(this.#quests(quests));
    if (Array.isArray(talk)) panels.push(this.#talk(talk));
    this.#root.replaceChildren(...panels.filter((panel) => panel !== null));
  }

  /**
   * @param {Data} bag
   * @param {Data} things
   */
  #bag(bag, things) {
    const slots = Object.keys(bag).sort((a, b) => Number(a) - Number(b));
    if (slots.length === 0) return null;
    const panel = made("section", "", "panel bag");
    panel.append(made("h3", "Bag"));
    for (const slot of slots) {
      const { item, count } = bag[slot];
      const { name = item, colour = "#888" } = isObject(things[item]) ? things[item] : {};
      const one = made("button", "", "thing");
      one.title = `${name}: give one to who stands next to you`;
      const dot = made("i", "");
      dot.style.background = colour;
      one.append(dot, made("span", name), made("b", count > 1 ? `×${count}` : ""));
      one.addEventListener("click", () => this.#give(Number(slot)));
      panel.append(one);
    }
    return panel;
  }

  /** @param {Data[]} quests */
  #quests(quests) {
    if (quests.length === 0) return null;
    const panel = made("section", "", "panel quests");
    panel.append(made("h3", "Quests"));
    for (const { title, count, item, done } of quests) {
      panel.append(made("p", `${title} (${count} × ${item})`, done ? "done" : ""));
    }
    return panel;
  }

  /** @param {Data[]} talk */
  #talk(talk) {
    if (talk.length === 0) return null;
    const panel = made("details", "", "panel talk");
    if (this.#root.querySelector("details.talk[open]") !== null) panel.setAttribute("open", "");
    panel.append(made("summary", `Said here (${talk.length})`));
    for (const { name, text } of talk.slice(-TALK_LINES)) {
      const line = made("p", "");
      line.append(made("b", name), ` ${text}`);
      panel.append(line);
    }
    return panel;
  }
}
