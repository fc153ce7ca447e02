/**
 * Roomfleet's JavaScript client.
 *
 *     import { RoomfleetClient } from "roomfleet";
 *
 *     const client = new RoomfleetClient({ origin: "https://play.example", game: "walkabout", token: "Ada" });
 *     client.addEventListener("state", ({ detail }) => console.log(detail.state));
 *     await client.connect();
 *     await client.call("walk", { x: 100, y: 50 });
 *
 * client   the whole: in, through doors, and back in
 * watching looking into a room as an admin
 * copy     applying ops to the copy of a room
 * motion   where something is along its timed path
 * drawing  where it is drawn: it does not jump
 * clock    room time on this side of the wire
 * errors   what can go wrong
 */

export { RoomfleetClient } from "./client.js";
export { Drawing } from "./drawing.js";
export { applyOps, emptyCopy } from "./copy.js";
export { arrivesAt, positionAt, positionOf, timedPath } from "./motion.js";
export { RoomClock } from "./clock.js";
export { CallError, FormatError, JoinRefused, PatchError, RoomfleetError, SessionEnded } from "./errors.js";
export { Watching } from "./watching.js";
export { VERSION } from "./version.js";
