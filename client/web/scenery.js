/** Drawing what stands still in a room: its ground, the objects of its map, its doors. */

/** @typedef {import("./js/src/messages.js").Welcome} Welcome */
/** @typedef {import("./js/src/messages.js").RoomObject} RoomObject */
/** @typedef {import("./js/src/messages.js").Door} Door */
/** @typedef {CanvasRenderingContext2D} Context */

const GROUND = "#486b50";
const SHADOW = "rgb(8 14 12 / 0.35)";
const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** @param {number} size world units @param {number} [weight] */
export function font(size, weight = 600) {
  return `${weight} ${size}px ${FONT}`;
}

/**
 * Chance that is the same each time, from a seed (Mulberry32).
 * @param {number} seed
 */
function chance(seed) {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * Ground and objects, in world units.
 * @param {Context} ctx
 * @param {Welcome} welcome
 */
export function drawScenery(ctx, welcome) {
  const { room, objects } = welcome;
  ctx.save();
  ctx.beginPath();
  ctx.roundRect(0, 0, room.width, room.height, 10);
  ctx.clip();
  ctx.fillStyle = GROUND;
  ctx.fillRect(0, 0, room.width, room.height);
  grass(ctx, room.width, room.height);
  const flat = objects.filter((one) => one.passable);
  const tall = objects.filter((one) => !one.passable).sort((a, b) => a.y + a.height - b.y - b.height);
  for (const one of flat) drawObject(ctx, one);
  for (const one of tall) drawObject(ctx, one);
  ctx.restore();
  ctx.lineWidth = 2;
  ctx.strokeStyle = "rgb(255 255 255 / 0.14)";
  ctx.beginPath();
  ctx.roundRect(0, 0, room.width, room.height, 10);
  ctx.stroke();
}

/** @param {Context} ctx @param {number} width @param {number} height */
function grass(ctx, width, height) {
  const random = chance(width * 31 + height);
  for (let i = 0; i < 26; i += 1) {
    const [x, y, size] = [random() * width, random() * height, 60 + random() * 110];
    const patch = ctx.createRadialGradient(x, y, 0, x, y, size);
    const tint = random() < 0.5 ? "150 190 110" : "20 45 40";
    patch.addColorStop(0, `rgb(${tint} / 0.13)`);
    patch.addColorStop(1, `rgb(${tint} / 0)`);
    disc(ctx, x, y, size, patch);
  }
  const tufts = Math.min(1200, (width * height) / 700);
  for (let i = 0; i < tufts; i += 1) {
    ctx.fillStyle = random() < 0.5 ? "rgb(255 255 255 / 0.035)" : "rgb(0 0 0 / 0.06)";
    const size = 2 + random() * 5;
    ctx.fillRect(random() * width, random() * height, size, size * 0.5);
  }
}

/** @type {Record<string, (ctx: Context, one: RoomObject) => void>} */
const KINDS = { path, house, well, pond, fence, tree, flowers, rock };

/** @param {Context} ctx @param {RoomObject} one */
function drawObject(ctx, one) {
  ctx.save();
  (Object.hasOwn(KINDS, one.kind) ? KINDS[one.kind] : thing)(ctx, one);
  ctx.restore();
}

/** @param {Context} ctx @param {RoomObject} one @param {number} radius */
function shadow(ctx, one, radius) {
  ctx.fillStyle = SHADOW;
  ctx.beginPath();
  ctx.roundRect(one.x + 4, one.y + 6, one.width, one.height, radius);
  ctx.fill();
}

/** @param {Context} ctx @param {RoomObject} one @param {string} text @param {number} [y] */
function sign(ctx, one, text, y = one.y + one.height / 2) {
  ctx.font = font(11, 650);
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  const width = Math.min(ctx.measureText(text).width + 14, one.width + 40);
  ctx.fillStyle = "rgb(22 18 14 / 0.72)";
  ctx.beginPath();
  ctx.roundRect(one.x + one.width / 2 - width / 2, y - 9, width, 18, 5);
  ctx.fill();
  ctx.fillStyle = "#f3e6cf";
  ctx.fillText(text, one.x + one.width / 2, y + 0.5, width - 8);
}

/** @param {Context} ctx @param {RoomObject} one */
function path(ctx, one) {
  ctx.fillStyle = "#8d7d5f";
  ctx.beginPath();
  ctx.roundRect(one.x, one.y, one.width, one.height, 6);
  ctx.fill();
  const random = chance(one.x * 7 + one.y);
  for (let i = 0; i < (one.width * one.height) / 260; i += 1) {
    ctx.fillStyle = random() < 0.5 ? "rgb(255 240 210 / 0.12)" : "rgb(40 30 20 / 0.12)";
    ctx.beginPath();
    ctx.arc(
      one.x + 4 + random() * (one.width - 8),
      one.y + 4 + random() * (one.height - 8),
      1 + random() * 1.8,
      0,
      7,
    );
    ctx.fill();
  }
}

/** @param {Context} ctx @param {RoomObject} one */
function house(ctx, one) {
  const { x, y, width, height } = one;
  shadow(ctx, one, 5);
  ctx.fillStyle = typeof one.info.roof === "string" ? one.info.roof : "#8a5a44";
  ctx.beginPath();
  ctx.roundRect(x, y, width, height, 5);
  ctx.fill();
  // Four slopes of a hipped roof, lit from the upper left.
  const inset = Math.min(width, height) / 2;
  const ridge = [x + inset, y + height / 2, x + width - inset, y + height / 2];
  const slopes = [
    { fill: "rgb(255 255 255 / 0.14)", points: [x, y, x + width, y, ridge[2], ridge[3], ridge[0], ridge[1]] },
    { fill: "rgb(0 0 0 / 0.20)", points: [x, y + height, x + width, y + height, ridge[2], ridge[3], ridge[0], ridge[1]] },
    { fill: "rgb(255 255 255 / 0.05)", points: [x, y, x, y + height, ridge[0], ridge[1]] },
    { fill: "rgb(0 0 0 / 0.12)", points: [x + width, y, x + width, y + height, ridge[2], ridge[3]] },
  ];
  ctx.save();
  ctx.clip();
  for (const { fill, points } of slopes) {
    ctx.fillStyle = fill;
    ctx.beginPath();
    for (let i = 0; i < points.length; i += 2) ctx.lineTo(points[i], points[i + 1]);
    ctx.fill();
  }
  ctx.strokeStyle = "rgb(0 0 0 / 0.09)";
  ctx.lineWidth = 1;
  for (let row = y + 9; row < y + height; row += 9) {
    ctx.beginPath();
    ctx.moveTo(x, row);
    ctx.lineTo(x + width, row);
    ctx.stroke();
  }
  ctx.restore();
  ctx.fillStyle = "#c9bba6";
  ctx.fillRect(x + width * 0.74, y + height * 0.2, 10, 10);
  ctx.fillStyle = "#4a4038";
  ctx.fillRect(x + width * 0.74 + 2.5, y + height * 0.2 + 2.5, 5, 5);
  if (typeof one.info.sign === "string") sign(ctx, one, one.info.sign, y + height - 14);
}

/** @param {Context} ctx @param {RoomObject} one */
function well(ctx, one) {
  const [cx, cy] = [one.x + one.width / 2, one.y + one.height / 2];
  const radius = Math.min(one.width, one.height) / 2;
  disc(ctx, cx + 3, cy + 5, radius, SHADOW);
  disc(ctx, cx, cy, radius, "#9a9fa6");
  ctx.strokeStyle = "rgb(0 0 0 / 0.25)";
  ctx.lineWidth = 1.5;
  for (let i = 0; i < 10; i += 1) {
    const angle = (i / 10) * Math.PI * 2;
    ctx.beginPath();
    ctx.moveTo(cx + Math.cos(angle) * radius * 0.62, cy + Math.sin(angle) * radius * 0.62);
    ctx.lineTo(cx + Math.cos(angle) * radius, cy + Math.sin(angle) * radius);
    ctx.stroke();
  }
  disc(ctx, cx, cy, radius * 0.62, "#1f4d66");
  disc(ctx, cx - radius * 0.15, cy - radius * 0.18, radius * 0.22, "rgb(255 255 255 / 0.22)");
}

/** @param {Context} ctx @param {RoomObject} one */
function pond(ctx, one) {
  const radius = Math.min(one.width, one.height) * 0.45;
  const layers = [
    { inset: 0, fill: "#a39a72" },
    { inset: 5, fill: "#2f6f8c" },
    { inset: 14, fill: "#37809f" },
  ];
  for (const { inset, fill } of layers) {
    ctx.fillStyle = fill;
    ctx.beginPath();
    ctx.roundRect(
      one.x + inset,
      one.y + inset,
      Math.max(0, one.width - 2 * inset),
      Math.max(0, one.height - 2 * inset),
      Math.max(0, radius - inset),
    );
    ctx.fill();
  }
  const random = chance(one.x + one.y * 13);
  ctx.strokeStyle = "rgb(255 255 255 / 0.28)";
  ctx.lineWidth = 1.5;
  ctx.lineCap = "round";
  for (let i = 0; i < 6; i += 1) {
    const x = one.x + one.width * (0.2 + 0.5 * random());
    const y = one.y + one.height * (0.25 + 0.5 * random());
    ctx.beginPath();
    ctx.moveTo(x, y);
    ctx.quadraticCurveTo(x + 6, y - 3, x + 12, y);
    ctx.stroke();
  }
}

/** @param {Context} ctx @param {RoomObject} one */
function fence(ctx, one) {
  shadow(ctx, one, 2);
  const along = one.width >= one.height;
  ctx.fillStyle = "#7a5f43";
  if (along) ctx.fillRect(one.x, one.y + one.height * 0.3, one.width, one.height * 0.4);
  else ctx.fillRect(one.x + one.width * 0.3, one.y, one.width * 0.4, one.height);
  ctx.fillStyle = "#a58460";
  const length = along ? one.width : one.height;
  const posts = Math.max(2, Math.round(length / 16) + 1);
  for (let i = 0; i < posts; i += 1) {
    const at = (i / (posts - 1)) * (length - 6);
    ctx.beginPath();
    if (along) ctx.roundRect(one.x + at, one.y, 6, one.height, 1.5);
    else ctx.roundRect(one.x, one.y + at, one.width, 6, 1.5);
    ctx.fill();
  }
}

/** @param {Context} ctx @param {RoomObject} one */
function tree(ctx, one) {
  const [cx, cy] = [one.x + one.width / 2, one.y + one.height / 2];
  const radius = Math.max(one.width, one.height) / 2;
  const random = chance(one.x * 3 + one.y * 5);
  disc(ctx, cx + 5, cy + 7, radius * 1.02, SHADOW);
  const leaves = ["#23503a", "#2b6045", "#34734f"];
  leaves.forEach((fill, layer) => {
    const size = radius * (1.04 - layer * 0.26);
    const [x, y] = [cx - layer * radius * 0.14, cy - layer * radius * 0.16];
    for (let i = 0; i < 9; i += 1) {
      const angle = (i / 9) * Math.PI * 2 + random();
      disc(ctx, x + Math.cos(angle) * size * 0.55, y + Math.sin(angle) * size * 0.55, size * 0.46, fill);
    }
    disc(ctx, x, y, size * 0.7, fill);
  });
  disc(ctx, cx - radius * 0.36, cy - radius * 0.4, radius * 0.16, "rgb(255 255 255 / 0.13)");
}

/** @param {Context} ctx @param {RoomObject} one */
function rock(ctx, one) {
  const { x, y, width, height } = one;
  const outline = [0.2, 0.04, 0.72, 0, 0.98, 0.34, 0.94, 0.8, 0.6, 1, 0.14, 0.92, 0, 0.45];
  /** @param {number} dx @param {number} dy @param {number} size */
  const stone = (dx, dy, size) => {
    ctx.beginPath();
    for (let i = 0; i < outline.length; i += 2) {
      ctx.lineTo(x + width * outline[i] * size + dx, y + height * outline[i + 1] * size + dy);
    }
    ctx.closePath();
    ctx.fill();
  };
  ctx.fillStyle = SHADOW;
  stone(4, 6, 1);
  ctx.fillStyle = "#6f7680";
  stone(0, 0, 1);
  ctx.fillStyle = "#8b929c";
  stone(width * 0.08, height * 0.05, 0.72);
  ctx.fillStyle = "rgb(255 255 255 / 0.16)";
  stone(width * 0.16, height * 0.1, 0.4);
}

/** @param {Context} ctx @param {RoomObject} one */
function flowers(ctx, one) {
  const random = chance(one.x * 11 + one.y);
  const petals = ["#f2b5c7", "#ffd479", "#d9c2ff", "#ff9d7e", "#f6f1e4"];
  ctx.fillStyle = "rgb(30 62 44 / 0.55)";
  ctx.beginPath();
  ctx.roundRect(one.x, one.y, one.width, one.height, Math.min(one.height / 2, 9));
  ctx.fill();
  for (let i = 0; i < (one.width * one.height) / 75; i += 1) {
    const x = one.x + 4 + random() * Math.max(0, one.width - 8);
    const y = one.y + 4 + random() * Math.max(0, one.height - 8);
    disc(ctx, x, y, 2.4, petals[Math.floor(random() * petals.length)]);
    disc(ctx, x, y, 0.9, "rgb(90 60 20 / 0.7)");
  }
}

/** An object of a kind that has no picture here: a block with its name. @type {(ctx: Context, one: RoomObject) => void} */
function thing(ctx, one) {
  if (!one.passable) shadow(ctx, one, 5);
  ctx.fillStyle = one.passable ? "rgb(255 255 255 / 0.08)" : "#6b7280";
  ctx.strokeStyle = "rgb(255 255 255 / 0.14)";
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.roundRect(one.x, one.y, one.width, one.height, 5);
  ctx.fill();
  ctx.stroke();
  const text = typeof one.info.sign === "string" ? one.info.sign : one.kind;
  if (one.width > 36 && one.height > 18) sign(ctx, one, text);
}

/** @param {Context} ctx @param {number} x @param {number} y @param {number} radius @param {string | CanvasGradient} fill */
export function disc(ctx, x, y, radius, fill) {
  ctx.fillStyle = fill;
  ctx.beginPath();
  ctx.arc(x, y, Math.max(0, radius), 0, Math.PI * 2);
  ctx.fill();
}
