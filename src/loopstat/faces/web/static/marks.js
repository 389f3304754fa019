// One small function a mark kind: it draws the mark on a canvas, in pixels of the page, between the sides of a plane.
//
// A plane `f` has `ctx`, the scales `x` and `y`, its sides `left`, `right`, `top`, `bottom`, the `width` of the whole,
// the `rows` of a dot plot, and `picked`: null, or the set of names that are chosen, beside which all others are grey.

import { LETTER, colour, last, leaves, shorten, tone, write } from "./plane.js";

export const DASHES = { solid: [], dashed: [5, 4], dotted: [1.5, 4] };
export const ROW = 30, STACK = 46, HEADER = 4; // heights of a dot's row, of a bar's, and of what is above the first
const ARROW = 3.5, FARTHEST = 26, CROWD = 1500, LAYERS = 8, FEW = 12, SPREAD = 9;
const GREY = 0.16;

export const radius = (size) => 5 + 11 * Math.sqrt(Math.max(size, 0));
export const isRow = (m) => m.kind === "dots" || m.kind === "bars";

// A figure that may be open: a number, "inf" or "-inf" as the frame writes it, or nothing.
export const figure = (v) => (v === "inf" ? Infinity : v === "-inf" ? -Infinity : v ?? NaN);

const line = (ctx, x1, y1, x2, y2) => { ctx.beginPath(); ctx.moveTo(x1, y1); ctx.lineTo(x2, y2); ctx.stroke(); };

// Lay straight lines through places x, y, x, y, ... into the path.
const through = (ctx, ...at) => {
  ctx.moveTo(at[0], at[1]);
  for (let k = 2; k < at.length; k += 2) ctx.lineTo(at[k], at[k + 1]);
};

// The end of an interval on a scale; one that is open runs to the edge.
const reach = (scale, end, edge) => scale.clamped(Number.isFinite(end) ? end : edge);

const stroke = (f, name, width, share = 1, dash = "solid") => {
  f.ctx.strokeStyle = tone(name, share); f.ctx.lineWidth = width; f.ctx.setLineDash(DASHES[dash] ?? DASHES.solid);
  f.ctx.lineCap = dash === "dotted" ? "round" : "butt"; f.ctx.lineJoin = "round";
};

export const symbol = (ctx, shape, x, y, r) => { // in the colours that are set
  const q = r + 1;
  ctx.setLineDash(DASHES.solid);
  ctx.beginPath();
  if (shape === "square") ctx.rect(x - r + 0.5, y - r + 0.5, 2 * r - 1, 2 * r - 1);
  else if (shape === "triangle") through(ctx, x, y - r, x + r, y + 0.8 * r, x - r, y + 0.8 * r);
  else if (shape === "diamond") through(ctx, x, y - q, x + q, y, x, y + q, x - q, y);
  else if (shape === "cross") { through(ctx, x - r, y - r, x + r, y + r); through(ctx, x - r, y + r, x + r, y - r); }
  else ctx.arc(x, y, shape === "ring" ? Math.max(r - 1, 1) : r, 0, 7);
  ctx.lineWidth = 2.5;
  if (shape === "cross" || shape === "ring") ctx.stroke(); else ctx.fill();
};

const marked = (f, shape, x, y, name, r, share = 1) => {
  f.ctx.fillStyle = f.ctx.strokeStyle = tone(name, share);
  symbol(f.ctx, shape, x, y, r);
};

// ------------------------------------------------------------------------------------------------------------- curves

// Lay a curve into a path, broken where a value is missing; `back` runs it from its end, as the lower side of a band.
const trace = (path, f, x, y, from, to, step, joined) => {
  const way = from <= to ? 1 : -1;
  let pen = joined, before = 0;
  for (let k = from; k !== to + way; k += way) {
    const px = f.x.at(x[k]), py = f.y.at(y[k]);
    if (px !== px || py !== py) { pen = false; continue; }
    if (!pen) path.moveTo(px, py);
    else {
      if (step && k !== from) { if (way > 0) path.lineTo(px, before); else path.lineTo(f.x.at(x[k + 1]), py); }
      path.lineTo(px, py);
    }
    pen = true; before = py;
  }
};

const band = (m, f) => {
  const n = m.x.length, whole = (k) => m.x[k] === m.x[k] && m.low[k] === m.low[k] && m.high[k] === m.high[k];
  f.ctx.fillStyle = tone(m.tone, 0.16);
  f.ctx.beginPath();
  for (let start = 0; start < n; start++) {
    if (!whole(start)) continue;
    let end = start;
    while (end + 1 < n && whole(end + 1)) end++;
    trace(f.ctx, f, m.x, m.high, start, end, m.step, false);
    trace(f.ctx, f, m.x, m.low, end, start, m.step, true);
    f.ctx.closePath();
    start = end;
  }
  f.ctx.fill();
};

const curve = (m, f) => {
  if (m.low && m.high) band(m, f);
  stroke(f, m.tone, m.strong ? 2.8 : 1.6, 1, m.stroke);
  f.ctx.beginPath();
  trace(f.ctx, f, m.x, m.y, 0, m.x.length - 1, m.step, false);
  f.ctx.stroke();
  f.ctx.fillStyle = tone(m.tone);
  for (let k = 0; k < m.x.length; k++) { // a value between two gaps is a dot
    if (m.y[k] === m.y[k] && !(m.y[k - 1] === m.y[k - 1]) && !(m.y[k + 1] === m.y[k + 1])) {
      f.ctx.beginPath(); f.ctx.arc(f.x.at(m.x[k]), f.y.at(m.y[k]), m.strong ? 2.6 : 1.8, 0, 7); f.ctx.fill();
    }
  }
};

// Scores of a few values would lie on top of each other: their lines are spread by some pixels, each always the same.
export const spread = (m) => {
  if (m.rows <= FEW) return 0;
  if (m.spread !== undefined) return m.spread;
  const count = new Map(), every = Math.max(1, Math.floor(m.y.length / 1000));
  let known = 0;
  for (let k = 0; k < m.y.length; k += every) {
    if (m.y[k] === m.y[k]) { known++; count.set(m.y[k], (count.get(m.y[k]) || 0) + 1); }
  }
  const most = [...count.values()].sort((a, b) => b - a).slice(0, FEW).reduce((a, b) => a + b, 0);
  m.spread = known && most > 0.6 * known ? SPREAD : 0;
  return m.spread;
};
export const beside = (m, row) => spread(m) * (((row * 0.618034) % 1) - 0.5);

let xs = new Float64Array(512); // the pixels of a grid, kept from frame to frame
const grid = (m, f) => {
  if (xs.length < m.n) xs = new Float64Array(2 * m.n);
  for (let k = 0; k < m.n; k++) xs[k] = f.x.at(m.x[k]);
};

const thread = (path, m, f, row, more) => { // points closer than a pixel are left out, but for peaks between them
  const base = row * m.n, { log, slope, base: zero, start } = f.y;
  let pen = false, last = 0, height = 0;
  for (let k = 0; k < m.n; k++) {
    const value = m.y[base + k], x = xs[k];
    if (value !== value || x !== x) { pen = false; continue; }
    let y = log ? f.y.at(value) + more : start + (value - zero) * slope + more;
    if (!(y < 2e4)) y = 2e4; else if (y < -2e4) y = -2e4;
    if (!pen) {
      path.moveTo(x, y);
      if (k + 1 >= m.n || m.y[base + k + 1] !== m.y[base + k + 1]) path.lineTo(x + 1, y);
    } else if (x - last < 1 && Math.abs(y - height) < 1 && k + 1 < m.n) continue;
    else path.lineTo(x, y);
    pen = true;
    last = x;
    height = y;
  }
};

export const onePath = (m, f, row, ctx) => {
  grid(m, f);
  ctx.beginPath();
  thread(ctx, m, f, row, beside(m, row));
  ctx.stroke();
};

const paths = (m, f) => {
  const { ctx, picked } = f, grey = picked && m.names.length, layers = Math.min(LAYERS, m.rows);
  if (!m.n) return;
  grid(m, f);
  stroke(f, m.tone, 0.9, grey ? 0.07 : Math.min(0.45, Math.max(0.1, 14 / m.rows)));
  for (let layer = 0; layer < layers; layer++) { // in a few layers, so that where many run is darker
    ctx.beginPath();
    for (let row = layer; row < m.rows; row += layers) thread(ctx, m, f, row, beside(m, row));
    ctx.stroke();
  }
  if (!grey) return;
  const few = m.rows > 0 && picked.size <= 12;
  stroke(f, "ink", few ? 1.6 : 1, few ? 0.9 : 0.4);
  ctx.beginPath();
  for (let row = 0; row < m.rows; row++) if (picked.has(m.names[row])) thread(ctx, m, f, row, beside(m, row));
  ctx.stroke();
};

// ------------------------------------------------------------------------------------------------------------- points

const points = (m, f) => {
  const { ctx, picked } = f, n = m.x.length, named = picked && m.names.length;
  if (m.faint && !named) { if (n > CROWD) crowd(m, f); else cloud(m, f); return; }
  for (let turn = named ? 0 : 1; turn < 2; turn++) { // the grey ones below
    for (let k = 0; k < n; k++) {
      if (!f.x.has(m.x[k]) || !f.y.has(m.y[k])) continue;
      const grey = named && !picked.has(m.names[k]);
      if (named && grey !== (turn === 0)) continue;
      const x = f.x.at(m.x[k]), y = f.y.at(m.y[k]), share = grey ? GREY : 1;
      if (m.low && m.high && m.low[k] === m.low[k] && m.high[k] === m.high[k]) {
        stroke(f, m.tone, 2.5, 0.6 * share);
        line(ctx, x, f.y.clamped(m.low[k]), x, f.y.clamped(m.high[k]));
      }
      marked(f, m.shape, x, y, m.tone, m.faint ? 2 : 4.5, share);
    }
  }
};

const cloud = (m, f) => {
  f.ctx.fillStyle = tone(m.tone, 0.3);
  for (let k = 0; k < m.x.length; k++) {
    if (!f.x.has(m.x[k]) || !f.y.has(m.y[k])) continue;
    f.ctx.beginPath(); f.ctx.arc(f.x.at(m.x[k]), f.y.at(m.y[k]), 1.9, 0, 7); f.ctx.fill();
  }
};

// Very many points: counted by pixel, the more the darker, and laid on as one image.
let counts = new Uint16Array(0), sheet = null, image = null;
const crowd = (m, f) => {
  const r = f.ratio, wide = Math.ceil((f.right - f.left) * r), high = Math.ceil((f.bottom - f.top) * r);
  if (wide < 2 || high < 2) return;
  if (counts.length < wide * high) counts = new Uint16Array(wide * high); else counts.fill(0, 0, wide * high);
  const dot = Math.max(2, Math.round(2.4 * r));
  for (let k = 0; k < m.x.length; k++) {
    const x = Math.round((f.x.at(m.x[k]) - f.left) * r - dot / 2);
    const y = Math.round((f.y.at(m.y[k]) - f.top) * r - dot / 2);
    if (!(x >= 0 && y >= 0 && x + dot <= wide && y + dot <= high)) continue; // NaN too
    for (let j = 0; j < dot; j++) for (let i = 0, at = (y + j) * wide + x; i < dot; i++) counts[at + i]++;
  }
  sheet ??= document.createElement("canvas");
  if (sheet.width !== wide || sheet.height !== high || !image) {
    sheet.width = wide; sheet.height = high;
    image = sheet.getContext("2d").createImageData(wide, high);
  }
  tinted(colour(m.tone), wide * high, Math.min(0.3, Math.max(0.03, 600 / m.x.length)));
  sheet.getContext("2d").putImageData(image, 0, 0);
  f.ctx.drawImage(sheet, f.left, f.top, wide / r, high / r);
};

const tinted = ([red, green, blue], size, share) => {
  const whole = new Uint32Array(image.data.buffer), low = red | (green << 8) | (blue << 16), most = 64;
  const shades = new Uint32Array(most + 1);
  for (let k = 1; k <= most; k++) shades[k] = (low | (Math.round(255 * (1 - (1 - share) ** k)) << 24)) >>> 0;
  for (let k = 0; k < size; k++) whole[k] = shades[counts[k] < most ? counts[k] : most];
};

// ------------------------------------------------------------------------------------------------------ fields, bodies

const arrows = (m, f) => { // in pixels, the longest as long as the grid is wide
  const ends = [];
  let longest = 0;
  for (let k = 0; k < m.x.length; k++) {
    const x = f.x.at(m.x[k]), y = f.y.at(m.y[k]);
    const dx = f.x.at(m.x[k] + m.dx[k]) - x, dy = f.y.at(m.y[k] + m.dy[k]) - y, long = Math.hypot(dx, dy);
    if (!(long >= 0)) continue;
    longest = Math.max(longest, long);
    ends.push([x, y, dx, dy, long]);
  }
  if (!(longest > 0)) return;
  const shrink = Math.min(1, FARTHEST / longest);
  stroke(f, m.tone, 1.1);
  f.ctx.beginPath();
  for (const [x, y, dx, dy, long] of ends) {
    if (long * shrink < 1.5) continue;
    const ux = (ARROW * dx) / long, uy = (ARROW * dy) / long, px = x + dx * shrink, py = y + dy * shrink;
    through(f.ctx, x, y, px, py);
    through(f.ctx, px - ux - uy * 0.57, py - uy + ux * 0.57, px, py, px - ux + uy * 0.57, py - uy - ux * 0.57);
  }
  f.ctx.stroke();
};

const histogram = (m, f) => {
  const ground = f.y.at(Math.max(f.y.low, 0));
  f.ctx.fillStyle = tone(m.tone);
  for (let k = 0; k < m.heights.length; k++) {
    const x = f.x.at(m.edges[k]), top = f.y.at(m.heights[k]);
    const wide = Math.max(f.x.at(m.edges[k + 1]) - x - 1, 0.5);
    if (m.heights[k] === m.heights[k]) f.ctx.fillRect(x, top, wide, Math.max(ground - top, 0));
  }
};

const region = (m, f) => {
  const grey = f.picked && m.label && !f.picked.has(m.label);
  f.ctx.save();
  if (grey) f.ctx.globalAlpha *= GREY;
  f.ctx.beginPath();
  trace(f.ctx, f, m.x, m.y, 0, m.x.length - 1, false, false);
  if (m.closed) f.ctx.closePath();
  if (m.filled) { f.ctx.fillStyle = tone(m.tone, 0.12); f.ctx.fill(); }
  stroke(f, m.tone, 1.2);
  f.ctx.stroke();
  f.ctx.restore();
};

const words = (m, f) => write(f.ctx, f.x.at(m.x), f.y.at(m.y), m.text, m.tone, m.anchor);

// -------------------------------------------------------------------------------------------------------------- graphs

const graph = (m, f) => {
  const at = new Map(m.nodes.map((n) => [n.key, { x: f.x.at(n.x), y: f.y.at(n.y), r: radius(n.size) }]));
  for (const edge of m.edges) if (at.has(edge.start) && at.has(edge.end)) link(edge, f, bow(edge, at));
  for (const node of m.nodes) body(node, f, at.get(node.key));
};

// A link as a bow between the rims of its nodes: start, corner, end.
export const bow = (edge, at) => {
  const a = at.get(edge.start), b = at.get(edge.end), long = Math.hypot(b.x - a.x, b.y - a.y) || 1;
  const ux = (b.x - a.x) / long, uy = (b.y - a.y) / long, bend = edge.bend * long, gap = b.r + (edge.directed ? 6 : 0);
  return { x1: a.x + ux * a.r, y1: a.y + uy * a.r, cx: (a.x + b.x) / 2 - uy * bend, cy: (a.y + b.y) / 2 + ux * bend,
    x2: b.x - ux * gap, y2: b.y - uy * gap };
};

const link = (edge, f, { x1, y1, cx, cy, x2, y2 }) => {
  const wide = 1 + 5 * Math.max(edge.weight, 0);
  stroke(f, edge.tone, wide, 0.6, edge.stroke);
  f.ctx.beginPath(); f.ctx.moveTo(x1, y1); f.ctx.quadraticCurveTo(cx, cy, x2, y2); f.ctx.stroke();
  if (!edge.directed) return;
  const long = Math.hypot(x2 - cx, y2 - cy) || 1, ux = (x2 - cx) / long, uy = (y2 - cy) / long, half = (4 + wide) / 2;
  f.ctx.fillStyle = tone(edge.tone);
  f.ctx.beginPath();
  through(f.ctx, x2 + ux * 6, y2 + uy * 6, x2 - uy * half, y2 + ux * half, x2 + uy * half, y2 - ux * half);
  f.ctx.fill();
};

const body = (node, f, { x, y, r }) => {
  const low = figure(node.low), high = figure(node.high);
  stroke(f, node.tone, 2.5, 0.6);
  if (low === low && high === high) line(f.ctx, x, f.y.clamped(low), x, f.y.clamped(high));
  marked(f, node.shape, x, y, node.tone, r);
  if (!node.label) return;
  const half = (LETTER * node.label.length) / 2, middle = Math.min(Math.max(x, f.left + half), f.right - half);
  const sides = { above: [middle, y - r - 4, "middle"], below: [middle, y + r + 13, "middle"],
    right: [x + r + 4, y + 4, "start"], left: [x - r - 4, y + 4, "end"] };
  const [px, py, anchor] = sides[node.side] ?? sides.above;
  write(f.ctx, px, py, node.label, "ink", anchor);
};

// ----------------------------------------------------------------------------------------------------- rules, margins

const rule = (m, f) => {
  const across = m.axis === "y", scale = across ? f.y : f.x, ctx = f.ctx;
  const top = f.top - (f.above || 0), at = figure(m.at), low = figure(m.low), high = figure(m.high);
  if (low === low && high === high) {
    const a = scale.clamped(low), b = scale.clamped(high);
    ctx.fillStyle = tone(m.tone, 0.16);
    if (across) ctx.fillRect(f.left, Math.min(a, b), f.right - f.left, Math.abs(b - a));
    else ctx.fillRect(Math.min(a, b), top, Math.abs(b - a), f.bottom - top);
  }
  if (!scale.has(at)) return;
  const p = scale.at(at);
  stroke(f, m.tone, 1.5, 1, m.stroke);
  if (across) line(ctx, f.left, p, f.right, p); else line(ctx, p, top, p, f.bottom);
};

const margin = (m, f) => {
  const [value, low, high] = m.figure.f.map(figure), x = f.right + 9;
  if (!Number.isFinite(value)) return;
  if (m.figure.f[1] !== null) {
    stroke(f, m.tone, 2.5, 0.6);
    line(f.ctx, x, reach(f.y, low, f.y.low), x, reach(f.y, high, f.y.high));
  }
  marked(f, "diamond", x, f.y.clamped(value), m.tone, 4);
};

// Labels of curves and of figures at the right end, pushed apart so that they can be read.
export const ends = (marks, f) => {
  const found = [];
  for (const m of marks) {
    if (!m.label || (m.kind !== "line" && m.kind !== "margin")) continue;
    const value = m.kind === "margin" ? figure(m.figure.f[0]) : m.y[last(m, f)];
    if (value === value && !leaves(m, f)) found.push([f.y.clamped(value), m.label, m.tone]);
  }
  const x = f.right + (marks.some((m) => m.kind === "margin") ? 18 : 5), room = Math.floor((f.width - x) / LETTER);
  found.sort((a, b) => a[0] - b[0]);
  const foot = found.map(([y]) => y + 4);
  for (let k = 1; k < foot.length; k++) foot[k] = Math.max(foot[k], foot[k - 1] + 13);
  for (let k = foot.length - 1; k >= 0; k--) foot[k] = Math.min(foot[k], (foot[k + 1] ?? f.bottom + 21) - 13);
  found.forEach(([, said, name], k) => write(f.ctx, x, foot[k], shorten(said, Math.max(room, 4)), name, "start"));
};

// ---------------------------------------------------------------------------------------------- rows: dots, and bars

const dot = (row, f, y) => {
  const [value, start, end] = row.figure.f.map(figure), ctx = f.ctx;
  const share = f.picked && !f.picked.has(row.label) ? GREY : 1;
  if (row.label) write(ctx, f.left, y + 2, shorten(row.label, Math.floor((f.right - f.left) / LETTER)), "ink");
  if (!Number.isFinite(value)) { write(ctx, f.left, y + 15, "not known", "soft", "start", false); return; }
  if (row.figure.f[1] !== null || row.figure.f[2] !== null) {
    stroke(f, row.tone, 5, 0.4 * share);
    line(ctx, reach(f.x, start, f.x.low), y + 12, reach(f.x, end, f.x.high), y + 12);
  }
  if (f.x.has(value)) marked(f, row.shape, f.x.at(value), y + 12, row.tone, 5, share);
};

const dots = (m, f) => m.rows.forEach((row, k) => dot(row, f, f.top + ROW * k + 8));

// The pieces of a bar with the values between which each lies: positive ones to the right, negative ones to the left.
export const stacked = (row) => {
  let right = 0, left = 0;
  return row.pieces.filter((p) => Number.isFinite(p.value) && p.value !== 0).map((piece) => {
    const from = piece.value > 0 ? right : left + piece.value, to = piece.value > 0 ? right + piece.value : left;
    if (piece.value > 0) right = to; else left = from;
    return { piece, from, to };
  });
};

const bars = (m, f) => {
  for (const [k, row] of m.rows.entries()) {
    const y = f.top + STACK * k + 14;
    write(f.ctx, f.left, y, shorten(row.label, Math.floor((f.right - f.left) / LETTER)), "ink");
    for (const { piece, from, to } of stacked(row)) {
      const start = f.x.clamped(from), end = f.x.clamped(to);
      f.ctx.fillStyle = tone(piece.tone);
      f.ctx.fillRect(start, y + 16, Math.max(end - start - 0.5, 0.5), 9);
    }
    if (row.total) dot({ label: "", figure: row.total, tone: "ink", shape: "diamond" }, f, y - 5);
  }
  for (const { x, y, words: said, name } of f.rows.key) {
    f.ctx.fillStyle = tone(name);
    if (name) f.ctx.fillRect(x, y, 10, 10); else marked(f, "diamond", x + 6, y + 5, "ink", 4);
    write(f.ctx, x + 16, y + 9, said, "ink", "start", false);
  }
};

// Where rows stand: the key of bars wrapped into the width, then room for labels of rules, then the rows.
export const rowed = (chart, width) => {
  const first = chart.marks.find(isRow);
  if (!first) return null;
  const key = first.kind === "bars" ? keyed(first, width) : [];
  const step = first.kind === "bars" ? STACK : ROW;
  const above = chart.marks.some((m) => m.kind === "rule" && m.label) ? 14 : 0;
  const top = (key.length ? key[key.length - 1].y + 17 : HEADER) + above;
  return { first, key, step, above, top, height: top + step * first.rows.length + 4 };
};

const keyed = (bars_, width) => {
  const tones = new Map(bars_.rows.flatMap((row) => row.pieces.map((p) => [p.label, p.tone])));
  if (bars_.rows.some((row) => row.total)) tones.set(bars_.total, "");
  const out = [];
  let x = 10, y = 3;
  for (const [said, name] of tones.size > 1 ? tones : []) {
    const long = 28 + 6.6 * said.length;
    if (x > 10 && x + long - 10 > width) { x = 10; y += 17; }
    out.push({ x, y, words: said, name });
    x += long;
  }
  return out;
};

export const draw = {
  line: curve, paths, points, arrows, histogram, region, label: words, graph, rule, margin, dots, bars,
};
