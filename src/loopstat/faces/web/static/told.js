// What a picture tells of its marks in words: of the one that is pointed at, of a place along x, and of all, as tables.

import { beside, bow, figure, isRow, radius, ROW, STACK, stacked } from "./marks.js";
import { label } from "./plane.js";

const MOST = 200; // rows of a table of figures

// ------------------------------------------------------------------------------------------------------------ numbers

const fixed = (value, decimals) => {
  const said = value.toFixed(decimals);
  return Number(said) === 0 ? said.replace("-", "") : said;
};

// A number with about so many significant digits, and no exponent in the ordinary range.
export const number = (value, digits = 3) => {
  if (!Number.isFinite(value)) return value === Infinity ? "∞" : value === -Infinity ? "-∞" : "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) return value.toExponential(digits - 1);
  return fixed(value, Math.min(12, Math.max(0, digits - 1 - (size ? Math.floor(Math.log10(size)) : -1))));
};

// A number with no more decimals than its interval deserves, and the interval.
export const show = (value, low, high) => {
  if (!Number.isFinite(value) || Number.isNaN(low) || Number.isNaN(high)) return number(value);
  const known = [low, high].filter(Number.isFinite).map((end) => Math.abs(end - value));
  let width = Math.max(0, ...known);
  if (!(width > 1e-6 * Math.abs(value))) width = Math.abs(value) / 10; // equal but for rounding to 32 bits
  const power = Math.floor(Math.log10(width || 0.01));
  const decimals = Math.min(Math.max(0, (width < 2 * 10 ** power ? 1 : 0) - power), 6);
  const [a, b] = [low, high].map((end) => (Number.isFinite(end) ? fixed(end, decimals) : number(end)));
  return `${fixed(value, decimals)} [${a}, ${b}]`;
};

const shown = (m, k) => (m.low && m.high ? show(m.y[k], m.low[k], m.high[k]) : number(m.y[k]));
const unit = (axis) => (axis.unit ? ` ${axis.unit}` : "");
const headed = (said, words) => (said ? `${said}: ${words}` : words);
const open = (m) => show(figure(m.at), figure(m.low), figure(m.high));
const ruled = (m) => {
  const at = figure(m.at), low = figure(m.low), high = figure(m.high);
  if (at === at) return `${m.label || `${m.axis} =`} ${open(m)}`;
  return low === low ? `${m.label || m.axis} ${number(low)} to ${number(high)}` : m.label;
};

// ------------------------------------------------------------------- things that can be pointed at, one by one: items

// An item lies at (x, y) in pixels, is hit within `reach`, of a `rank` above others, and tells `say()`; `name` is what
// it is chosen by. One with a `band` is hit all along its row.
const item = (x, y, reach, rank, say, more = {}) => ({ x, y, reach, rank, say, name: "", ...more });

const at = (m, k, c) =>
  `${named(c.x, "x")} ${label(rounded(m.x[k]))}${unit(c.x)}, ${named(c.y, "y")} ${shown(m, k)}${unit(c.y)}`;

const ITEMS = {
  points: (m, f, c) => {
    if (m.faint && !(c.link && m.names.length)) return [];
    const all = Array.from(m.x, (x, k) => item(f.x.at(x), f.y.at(m.y[k]), 12, 0,
      () => headed(m.names[k] || m.label, at(m, k, c)), { name: m.names[k] || "" }));
    return all.filter(({ x }) => x >= f.left - 1 && x <= f.right + 1);
  },
  graph: (m, f) => {
    const spot = new Map(m.nodes.map((n) => [n.key, { x: f.x.at(n.x), y: f.y.at(n.y), r: radius(n.size) }]));
    const nodes = m.nodes.map((n) => {
      const { x, y, r } = spot.get(n.key);
      return item(x, y, r + 3, 0, () => n.words || n.label || n.key);
    });
    const links = m.edges.filter((e) => spot.has(e.start) && spot.has(e.end)).map((e) => {
      const { x1, y1, cx, cy, x2, y2 } = bow(e, spot);
      return item((x1 + 2 * cx + x2) / 4, (y1 + 2 * cy + y2) / 4, 12, 1, () => e.words || `${e.start} → ${e.end}`);
    });
    return [...nodes, ...links];
  },
  margin: (m, f) => (Number.isFinite(m.figure.f[0])
    ? [item(f.right + 9, f.y.clamped(m.figure.f[0]), 12, 0, () => `${m.label} ${m.figure.t}`.trim())] : []),
  label: (m, f) => [item(f.x.at(m.x), f.y.at(m.y) - 4, 12, 2, () => m.text)],
  arrows: (m, f, c) => Array.from(m.x, (x, k) => item(f.x.at(x), f.y.at(m.y[k]), 9, 3, () => {
    const from = `${named(c.x, "x")} ${number(x)}, ${named(c.y, "y")} ${number(m.y[k])}`;
    return `${from}: a step adds ${number(m.dx[k])}, ${number(m.dy[k])}`;
  }, { quiet: true })),
  dots: (m, f, c) => m.rows.map((row, k) => item(rowAt(row.figure.f[0], f), f.top + ROW * k + 20, ROW, 0,
    () => headed(row.label, row.figure.t), { band: ROW / 2, name: c.link ? row.label : "" })),
  bars: (m, f) => m.rows.map((row, k) => item(rowAt(row.total?.f[0], f), f.top + STACK * k + 34, STACK, 0, () => {
    const pieces = stacked(row).map(({ piece }) => `${piece.label} ${number(piece.value)}`);
    return headed(row.label, [...pieces, ...(row.total ? [`${m.total} ${row.total.t}`] : [])].join("; "));
  }, { band: STACK / 2 })),
};
const named = (axis, letter) => axis.label || letter;
const rounded = (v) => +v.toPrecision(7); // what 32 bits hold
const rowAt = (value, f) => (Number.isFinite(value) ? f.x.clamped(value) : f.left);

export const items = (chart, f) => chart.marks.flatMap((m) => ITEMS[m.kind]?.(m, f, chart) ?? []);

// The item nearest to a place that is within reach of it; rows are hit all along.
export const nearest = (all, x, y) => {
  let best = null, cost = Infinity;
  for (const item of all) {
    const gap = item.band ? Math.abs(item.y - y) : Math.hypot(item.x - x, item.y - y);
    if (gap > (item.band ?? item.reach)) continue;
    if (gap + 20 * item.rank < cost) { cost = gap + 20 * item.rank; best = item; }
  }
  return best;
};

// The rules within some pixels of a place.
export const rulesAt = (chart, f, x, y, near = 4) => chart.marks.filter((m) => m.kind === "rule" && m.at !== null
  && Math.abs(m.axis === "x" ? f.x.at(figure(m.at)) - x : f.y.at(figure(m.at)) - y) <= near).map(ruled);

// ----------------------------------------------------------------------------------------- places along x: columns

const rising = (x) => {
  for (let k = 1; k < x.length; k++) if (!(x[k] >= x[k - 1])) return false;
  return x.length > 0;
};

// The marks that have a value for each x; none in a picture of a plane, where lines are ways through it.
export const along = (chart) => {
  if (chart.marks.some((m) => m.kind === "arrows" || m.kind === "graph" || m.kind === "region" || isRow(m))) return [];
  return chart.marks.filter((m) => m.kind === "paths" || m.kind === "histogram" || (m.kind === "line" && rising(m.x)));
};

const middle = (m) => Array.from(m.heights, (_, k) => (m.edges[k] + m.edges[k + 1]) / 2);
const own = (m) => (m.kind === "histogram" ? middle(m) : m.x);

export const columns = (chart) => {
  const every = new Set();
  for (const m of along(chart)) for (const x of own(m)) if (x === x) every.add(x);
  return Float64Array.from(every).sort();
};

export const closest = (sorted, value) => {
  let low = 0, high = sorted.length - 1;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (sorted[mid] < value) low = mid + 1; else high = mid;
  }
  return low > 0 && value - sorted[low - 1] <= sorted[low] - value ? low - 1 : low;
};

// What the curves say at an x: where a curve has no value there, its latest before, if it holds it until the next.
export const saysAt = (chart, x) => {
  const marks = along(chart), labelled = marks.some((m) => m.kind === "line" && m.label), said = [];
  for (const m of marks) {
    if (m.kind === "histogram") {
      const k = closest(middle(m), x), [from, to] = [m.edges[k], m.edges[k + 1]].map((v) => label(rounded(v)));
      said.push(headed(m.label, `${from} to ${to}: ${number(m.heights[k])}${unit(chart.y)}`));
    } else if (m.kind === "line" && (m.label || !labelled)) {
      const k = indexOf(m, x), known = k >= 0 && m.y[k] === m.y[k];
      if (known) said.push(`${m.label || named(chart.y, "")} ${shown(m, k)}${unit(chart.y)}`.trim());
    }
  }
  return said;
};

const indexOf = (m, x) => {
  const k = closest(m.x, x);
  if (m.x[k] === x) return k;
  return m.step && x < m.x[m.x.length - 1] ? (m.x[k] < x ? k : k - 1) : -1;
};

export const placed = (chart, x) => (along(chart).every((m) => m.kind === "histogram") ? ""
  : `${named(chart.x, "x")} ${label(rounded(x))}${unit(chart.x)}`);

// The thin curves at an x, with where they run, as items.
export const threads = (chart, f, x) => chart.marks.filter((m) => m.kind === "paths" && m.n).flatMap((m) => {
  const k = closest(m.x, x), out = [];
  if (m.x[k] !== x) return out;
  for (let row = 0; row < m.rows; row++) {
    const value = m.y[row * m.n + k];
    const name = m.names[row] || "", words = name || m.label || `curve ${row + 1}`;
    const said = () => `${words} ${number(value)}${unit(chart.y)}`;
    if (value === value) out.push(item(f.x.at(x), f.y.at(value) + beside(m, row), 14, 0, said, { name, mark: m, row }));
  }
  return out;
});

// The names of what lies in a box of pixels.
export const inside = (chart, f, x0, x1, y0, y1) => {
  const found = new Set(), held = (x, y) => x >= x0 && x <= x1 && y >= y0 && y <= y1;
  for (const m of chart.marks) {
    if (m.kind === "dots") {
      for (const { x, y, name } of ITEMS.dots(m, f, chart)) if (held(x, y)) found.add(name);
    }
    if (!m.names?.length) continue;
    m.names.forEach((name, row) => {
      const n = m.kind === "paths" ? m.n : 1, more = m.kind === "paths" ? beside(m, row) : 0;
      const x = (k) => f.x.at(m.x[m.kind === "paths" ? k : row]);
      for (let k = 0; k < n; k++) if (held(x(k), f.y.at(m.y[row * n + k]) + more)) found.add(name);
    });
  }
  found.delete("");
  return found;
};

// --------------------------------------------------------------------------------------------------- figures as tables

const TABLES = {
  paths: (m, c) => [m.label || "thin curves", ["", `first ${named(c.y, "")}`, "last", "lowest", "highest"],
    Array.from({ length: m.rows }, (_, row) => {
      const known = m.y.subarray(row * m.n, (row + 1) * m.n).filter((v) => v === v);
      const ends = [known[0], known[known.length - 1], Math.min(...known), Math.max(...known)];
      return [m.names[row] || String(row + 1), ...ends.map((v) => number(known.length ? v : NaN))];
    })],
  points: (m, c) => [m.label || "points", ["", named(c.x, "x") + unit(c.x), named(c.y, "y") + unit(c.y)],
    Array.from(m.x, (_, k) => [m.names[k] || "", number(m.x[k]), shown(m, k)])],
  arrows: (m, c) => ["change of a step", [named(c.x, "x"), named(c.y, "y"), "change", "change"],
    Array.from(m.x, (_, k) => [m.x[k], m.y[k], m.dx[k], m.dy[k]].map((v) => number(v)))],
  histogram: (m, c) => [m.label || "heights", ["from", "to", named(c.y, "height")],
    Array.from(m.heights, (v, k) => [label(rounded(m.edges[k])), label(rounded(m.edges[k + 1])), number(v)])],
  graph: (m) => ["nodes and links", ["", ""],
    [...m.nodes.map((n) => [n.label || n.key, n.words]), ...m.edges.map((e) => [`${e.start} → ${e.end}`, e.words])]],
  dots: (m, c) => ["", ["", named(c.x, "") + unit(c.x)], m.rows.map((row) => [row.label, row.figure.t])],
  bars: (m) => ["", ["", "piece", ""], m.rows.flatMap((row) => [
    ...row.pieces.map((p) => [row.label, p.label, number(p.value ?? NaN)]),
    ...(row.total ? [[row.label, m.total, row.total.t]] : []),
  ])],
};

// Every figure of a picture, as tables: [caption, heads, rows]; long ones are thinned evenly, and say so.
export const tables = (chart) => {
  const ofLines = (m) => m.kind === "line", flat = along(chart).filter(ofLines), out = [];
  const crowd = (m) => m.kind === "points" && m.faint && m.x.length > MOST;
  const single = chart.marks.filter((m) => m.kind === "rule" || m.kind === "margin").map((m) => m.kind === "rule"
    ? [m.label || `${m.axis}-axis`, open(m)] : [m.label, m.figure.t]);
  if (single.length) out.push(["", ["", ""], single]);
  if (flat.length) out.push(sideBySide(chart, flat));
  for (const m of chart.marks) {
    if (ofLines(m) && !flat.includes(m)) out.push(TABLES.points({ names: [], ...m }, chart));
    else if (TABLES[m.kind] && !crowd(m)) out.push(TABLES[m.kind](m, chart));
  }
  return out.filter(([, , rows]) => rows.length).map(thinned);
};

const sideBySide = (chart, lines) => {
  const every = Float64Array.from(new Set(lines.flatMap((m) => [...m.x]))).filter((v) => v === v).sort();
  const heads = lines.map((m) => m.label || (m.stroke === "solid" ? named(chart.y, "") : m.stroke));
  const cell = (m, k) => (k < 0 || m.y[k] !== m.y[k] ? "" : shown(m, k));
  const rows = Array.from(every, (x) => [label(rounded(x)), ...lines.map((m) => cell(m, indexOf(m, x)))]);
  return ["", [named(chart.x, "x") + unit(chart.x), ...heads], rows];
};

const thinned = ([caption, heads, rows]) => {
  if (rows.length <= MOST) return [caption, heads, rows];
  const every = Math.ceil(rows.length / MOST);
  return [`${caption} (one row in ${every})`.trim(), heads, rows.filter((_, k) => k % every === 0)];
};
