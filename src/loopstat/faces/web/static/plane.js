// What a picture is drawn on: maps from values to pixels, round values along an axis, colours, and where names stand.

export const LETTER = 6.4; // pixels a letter of 12 takes, on average
export const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const LINE = 13, LONGEST = 30, DENSE = 9, ONE = 3, BESIDE = 7, UP = 3; // of names beside points, in pixels
const EARLY = 40; // pixels before the right side from which a curve has its label where it ends

// ---------------------------------------------------------------------------------------------------- values to pixels

export class Scale {
  set(low, high, start, end, log) {
    this.low = low; this.high = high; this.start = start; this.end = end; this.log = Boolean(log);
    this.base = log ? Math.log(low) : low;
    this.slope = (end - start) / ((log ? Math.log(high) : high) - this.base);
  }
  at(value) {
    const v = this.log ? Math.log(value > 1e-300 ? value : 1e-300) : value;
    const pixel = this.start + (v - this.base) * this.slope;
    return pixel > 2e4 ? 2e4 : pixel < -2e4 ? -2e4 : pixel; // far outside: canvases lose such lines
  }
  value(pixel) {
    const v = this.base + (pixel - this.start) / this.slope;
    return this.log ? Math.exp(v) : v;
  }
  has(value) { return value >= this.low && value <= this.high; }
  clamped(value) { return this.at(value < this.low ? this.low : value > this.high ? this.high : value); }
}

// The range of an axis as the frame gives it, made safe to draw over.
export const range = (axis) => {
  let low = typeof axis.low === "number" ? axis.low : NaN, high = typeof axis.high === "number" ? axis.high : NaN;
  if (!(low <= high)) return axis.log ? [1, 10] : [0, 1];
  if (axis.log && !(low > 0)) low = high > 0 ? high / 1e6 : 1;
  if (high - low > 1e-12 * Math.max(Math.abs(low), Math.abs(high))) return [low, high];
  return axis.log ? [low / 2, low * 2] : [low - 0.5, low + 0.5];
};

// ------------------------------------------------------------------------------------------------------- round values

export const label = (v) => {
  const size = Math.abs(v);
  if (size >= 1e4 && size < 1e7) return Math.round(v).toLocaleString("en-US");
  return size !== 0 && (size < 1e-4 || size >= 1e7) ? String(+v.toPrecision(6)) : String(+v.toPrecision(6) + 0);
};

// A few round values inside a range with their labels; the axis's own where it has any.
export const ticks = (low, high, axis, most = 5) => {
  if (axis.ticks) return axis.ticks.filter(([v]) => v >= low && v <= high);
  if (axis.log) return powers(low, high, most).map((v) => [v, label(v)]);
  const span = high - low;
  let step = 10 ** Math.floor(Math.log10(span / most));
  step *= [1, 2, 5, 10].find((m) => span / (step * m) <= most) ?? 10;
  if (axis.whole) step = Math.max(1, Math.ceil(step));
  const out = [], first = Math.ceil(low / step - 1e-9);
  for (let k = first; k * step <= high + 1e-9 * span; k++) out.push([k * step, label(k * step)]);
  return out;
};

// As many of them as stand beside each other in so many pixels.
export const fitting = (low, high, axis, most, pixels) => {
  const scale = new Scale();
  scale.set(low, high, 0, pixels, axis.log);
  const apart = ([v, said], k, all) => !k
    || Math.abs(scale.at(v) - scale.at(all[k - 1][0])) > (LETTER * (said.length + all[k - 1][1].length)) / 2 + 8;
  for (let fewer = most; ; fewer--) {
    const found = ticks(low, high, axis, fewer);
    if (fewer < 2 || axis.ticks || found.every(apart)) return found;
  }
};

// Powers of ten inside a range, and twice and five times them where there is room; under a power, round values.
const powers = (low, high, most) => {
  const from = Math.floor(Math.log10(low)), to = Math.ceil(Math.log10(high));
  let found = [];
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    found = [];
    for (let p = from; p <= to; p++) found.push(...factors.map((f) => f * 10 ** p));
    found = found.filter((v) => v >= low && v <= high);
    if (found.length <= most + 2) break;
  }
  if (found.length < 2) return ticks(low, high, {}, most).map(([v]) => v).filter((v) => v > 0);
  const every = found.length > most + 2 ? Math.ceil(found.length / most) : 1;
  return found.filter((_, k) => k % every === 0);
};

export const shorten = (words, most) =>
  words.length <= most ? words : words.slice(0, most >> 1) + "…" + words.slice(words.length - (most >> 1) + 1);

// What an axis is called, with an arrow towards what is better.
export const named = (axis, most) => {
  const better = axis.better || 0, words = axis.unit ? `${axis.label || ""}, ${axis.unit}` : axis.label || "";
  const short = shorten(words, Math.max(most - 2 * Math.abs(better), 4));
  return better > 0 ? `${short} →` : better < 0 ? `← ${short}` : short;
};

// ------------------------------------------------------------------------------------------------------------ colours

const rgb = new Map(), mixed = new Map();
let probe = null;

// The colour of a tone as the page has it now: red, green and blue.
export const colour = (tone) => {
  let found = rgb.get(tone);
  if (found) return found;
  if (!probe?.isConnected) {
    probe = document.createElement("i");
    probe.hidden = true;
    document.body.append(probe);
  }
  probe.style.color = `var(--${tone || "ink"}, var(--ink))`; // through an element: whatever the variable is made of
  found = (getComputedStyle(probe).color.match(/[\d.]+/g) ?? [0, 0, 0]).slice(0, 3).map(Number);
  rgb.set(tone, found);
  return found;
};

export const tone = (name, share = 1) => {
  const key = name + share;
  let found = mixed.get(key);
  if (!found) mixed.set(key, found = `rgba(${colour(name).join(",")},${share})`);
  return found;
};

export const repaint = () => { rgb.clear(); mixed.clear(); };

// -------------------------------------------------------------------------------------------------------------- words

export const write = (ctx, x, y, words, name, anchor = "start", halo = true) => {
  ctx.textAlign = anchor === "middle" ? "center" : anchor;
  if (halo) {
    ctx.strokeStyle = tone("paper"); ctx.lineWidth = 3; ctx.lineJoin = "round";
    ctx.strokeText(words, x, y);
  }
  ctx.fillStyle = tone(name);
  ctx.fillText(words, x, y);
};

// Names beside their points and labels of rules, each where it covers least: other words count most, then leaving the
// frame, then marks. What stood somewhere before stays there unless another place is much better.
export const spots = (marks, f) => {
  const wanted = [...marks.map((m) => labelled(m, f) ?? gone(m, f)).filter(Boolean), ...names(marks, f)];
  if (!wanted.length) return [];
  const covered = places(marks, f), taken = [];
  return wanted.map(({ words, ways, tone: name }, k) => {
    let best = null;
    const before = f.held.get(k + words);
    for (const [way, [x, y, anchor]] of ways.entries()) {
      const box = boxed(words, x, y, anchor), moved = before !== undefined && before !== way;
      const cost = price(box, taken, covered, f) + (moved ? 5 : 0);
      if (!best || cost < best.cost) best = { cost, box, x, y, words, anchor, way, tone: name };
    }
    taken.push(best.box);
    f.held.set(k + words, best.way);
    return best;
  });
};

const names = (marks, f) => {
  const found = [];
  for (const m of marks) {
    if (m.kind !== "points" || !m.named || m.faint) continue;
    m.names.forEach((said, k) => {
      const x = f.x.at(m.x[k]), y = f.y.at(m.y[k]);
      if (said && x >= f.left && x <= f.right && y >= f.top && y <= f.bottom) join(found, x, y, shorten(said, LONGEST));
    });
  }
  const ways = ({ x, y }) => WAYS.map(([dx, dy, anchor]) => [x + dx, y + dy, anchor]);
  return found.map((name) => ({ words: name.words, tone: "ink", ways: ways(name) }));
};

const WAYS = [[BESIDE, -UP, "start"], [-BESIDE, -UP, "end"], [BESIDE, UP + 0.8 * LINE, "start"],
  [-BESIDE, UP + 0.8 * LINE, "end"], [0, -UP - 4, "middle"], [0, UP + 0.8 * LINE + 4, "middle"]];

const join = (found, x, y, words) => {
  const near = found.find((n) => Math.abs(n.x - x) < ONE && Math.abs(n.y - y) < ONE);
  if (!near) found.push({ x, y, words });
  else if (!near.words.split(", ").includes(words)) near.words += `, ${words}`;
};

// Where the label of a rule may stand; that of one above or below the picture has an arrow towards it.
const labelled = (m, f) => {
  if (m.kind !== "rule" || !m.label || typeof m.at !== "number") return null;
  const fits = (room) => shorten(m.label, Math.max(Math.floor(room / LETTER), 6));
  return m.axis === "y" ? across(m, f, fits) : f.x.has(m.at) ? upright(m, f, fits) : null;
};

const across = (m, f, fits) => {
  const y = f.y.at(m.at), words = fits(f.right - f.left - 20), [x0, x1] = [f.left + 4, f.right - 4];
  if (m.at > f.y.high) return { words: `↑ ${words}`, tone: m.tone, ways: [[x0, f.top + 11, "start"]] };
  if (m.at < f.y.low) return { words: `↓ ${words}`, tone: m.tone, ways: [[x0, f.bottom - 4, "start"]] };
  const ways = [[x0, y - 4, "start"], [x0, y + 12, "start"], [x1, y - 4, "end"], [x1, y + 12, "end"]];
  return { words, tone: m.tone, ways };
};

const upright = (m, f, fits) => {
  const x = f.x.at(m.at), top = f.top - f.above + 11, late = x > f.left + 0.6 * (f.right - f.left);
  const right = [x + 4, top, "start"], left = [x - 4, top, "end"];
  const feet = f.rows ? [] : [[x + 4, f.bottom - 5, "start"], [x - 4, f.bottom - 5, "end"]];
  const ways = [...(late ? [left, right] : [right, left]), ...feet];
  return { words: fits(Math.max(x - f.left, f.right - x)), tone: m.tone, ways };
};

// The last value of a curve that is known, of those along the part that is shown.
export const last = (m, f) => {
  for (let k = m.x.length - 1; k >= 0; k--) if (m.y[k] === m.y[k] && m.x[k] <= f.x.high) return k;
  return -1;
};

// Whether a curve ends before it comes to the right side, or leaves above or below: there its label stands then.
export const leaves = (m, f) => {
  if (m.kind !== "line" || !m.label) return false;
  const seen = inView(m, f);
  return seen >= 0 && (!f.y.has(m.y[last(m, f)]) || f.x.at(m.x[seen]) < f.right - EARLY);
};

const inView = (m, f) => {
  for (let k = last(m, f); k >= 0; k--) if (f.x.has(m.x[k]) && f.y.has(m.y[k])) return k;
  return -1;
};

const gone = (m, f) => {
  if (!leaves(m, f)) return null;
  const k = inView(m, f), x = f.x.at(m.x[k]), y = f.y.at(m.y[k]);
  const beside = Math.min(Math.max(y + 4, f.top + 12), f.bottom - 4);
  const ways = [[x + 8, beside, "start"], [x - 8, beside, "end"], [x - 4, y + 18, "start"], [x - 4, y - 8, "middle"]];
  return { words: m.label, tone: m.tone, ways };
};

const places = (marks, f) => { // that marks cover, closely along a line
  const out = [];
  for (const m of marks) {
    if (m.kind === "points" ? m.faint : m.kind !== "line") continue;
    for (let k = 0; k < m.x.length; k++) {
      const x = f.x.at(m.x[k]), y = f.y.at(m.y[k]);
      out.push(x, y);
      if (m.kind === "points" || k + 1 === m.x.length) continue;
      const dx = f.x.at(m.x[k + 1]) - x, dy = f.y.at(m.y[k + 1]) - y, n = Math.min(DENSE, Math.hypot(dx, dy) / 4);
      for (let d = 1; d < n; d++) out.push(x + (d * dx) / n, y + (d * dy) / n);
    }
  }
  return out;
};

const boxed = (words, x, foot, anchor) => {
  const wide = LETTER * words.length, left = x - (anchor === "start" ? 0 : anchor === "middle" ? wide / 2 : wide);
  return [left, foot - 0.8 * LINE, left + wide, foot + 0.2 * LINE];
};

const price = ([left, top, right, bottom], taken, covered, f) => {
  let cost = 0;
  for (const b of taken) if (left < b[2] && b[0] < right && top < b[3] && b[1] < bottom) cost += 400;
  for (const v of [f.left - left, f.top - f.above - top, right - f.right, bottom - f.bottom]) cost += Math.max(0, v);
  for (let k = 0; k < covered.length; k += 2) {
    if (covered[k] > left && covered[k] < right && covered[k + 1] > top && covered[k + 1] < bottom) cost++;
  }
  return cost;
};
