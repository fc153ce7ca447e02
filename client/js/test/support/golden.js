/** The golden files that the Python tests read too. */

import { readFileSync, readdirSync } from "node:fs";

const FOLDER = new URL("../../../../tests/golden/messages/", import.meta.url);

/** @param {string} name without `.json` */
export function golden(name) {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));
}

/** The names of the files with messages between client and node, one for each type. */
export const MESSAGES = readdirSync(FOLDER)
  .filter((name) => /^(client-to-node|node-to-client)\..*\.json$/.test(name))
  .map((name) => name.slice(0, -".json".length))
  .sort();

/**
 * The same messages in MessagePack.
 * @param {string} name
 * @param {"python" | "js"} writer who wrote them
 * @returns {Uint8Array[]}
 */
export function goldenBytes(name, writer) {
  const lines = readFileSync(new URL(`${name}.msgpack.${writer}.txt`, FOLDER), "utf8").trimEnd().split("\n");
  return lines.map((line) => Uint8Array.from(Buffer.from(line, "hex")));
}
