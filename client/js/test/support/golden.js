/** The golden files that the Python tests read too. */

import { readFileSync } from "node:fs";

const FOLDER = new URL("../../../../tests/golden/messages/", import.meta.url);

/** @param {string} name without `.json` */
export function golden(name) {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));
}
