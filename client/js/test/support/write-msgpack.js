/** Write the golden messages between client and node in MessagePack, as this client writes them. */

import { writeFileSync } from "node:fs";

import { encode } from "../../src/msgpack.js";
import { MESSAGES, golden } from "./golden.js";

for (const name of MESSAGES) {
  const lines = golden(name).map((message) => `${Buffer.from(encode(message)).toString("hex")}\n`);
  const file = new URL(`../../../../tests/golden/messages/${name}.msgpack.js.txt`, import.meta.url);
  writeFileSync(file, lines.join(""));
}
