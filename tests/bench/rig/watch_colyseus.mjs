// A few real clients of Colyseus, with its own SDK: what they received, and what they drew sixty times a second.
//
//     node watch_colyseus.mjs FOLDER PORT CLIENTS
//
// Says `ready` when they are in. For each line with a number of seconds it looks for so long and answers with a
// line of JSON, for each client: `came` [[time, x, y, x, y, …], …] for each patch, `drawn` [time, …] for each look.
// Times are seconds of the machine's monotonic clock.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

const [folder, port, count] = process.argv.slice(2);
const sdk = createRequire(pathToFileURL(`${folder}/`)).resolve('@colyseus/sdk');
const { Client } = await import(pathToFileURL(sdk));

const HZ = 60;
const now = () => Number(process.hrtime.bigint()) / 1e9;

class Watcher {
  static async join() {
    const room = await new Client(`http://127.0.0.1:${port}`).joinOrCreate('arena');
    const watcher = new Watcher();
    room.onStateChange((state) => watcher.changed(state));
    room.onError((code, message) => { throw new Error(`${code} ${message}`); });
    await new Promise((done) => room.onStateChange.once(done));
    return watcher;
  }
  changed(state) {
    if (!this.came) return;
    const row = [now()];
    state.players.forEach((player) => row.push(player.x, player.y));
    this.came.push(row);
  }
}

const watchers = [];
for (let i = 0; i < Number(count); i++) watchers.push(await Watcher.join());
console.log('ready');

for await (const line of createInterface({ input: process.stdin })) {
  if (!line) break;
  for (const each of watchers) { each.came = []; each.drawn = []; }
  const end = now() + Number(line);
  for (let due = now(); due < end; due += 1 / HZ) {
    await new Promise((done) => setTimeout(done, Math.max(0, (due - now()) * 1000)));
    for (const each of watchers) each.drawn.push(now());
  }
  console.log(JSON.stringify(watchers.map(({ came, drawn }) => ({ came, drawn }))));
  for (const each of watchers) each.came = null;
}
process.exit(0);
