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

// An item lies at (x, y) in pixels, is hit within `reach`, and tells `say()`; `name` is what it is chosen by.
const ITEMS = {
  points: (m, f, c) => (m.faint && !(c.link && m.names.length)) ? [] : Array.from(m.x, (_, k) => ({
    x: f.x.at(m.x[k]), y: f.y.at(m.y[k]), reach: 12, rank: 0, name: m.names[k] || "",
    say: () => headed(m.names[k] || m.label, `${named(c.x, "x")} ${label(rounded(m.x[k]))}${unit(c.x)}, ${named(c.y, "y")} ${shown(m, k)}${unit(c.y)}`),
  })).filter((item) => item.x >= f.left - 1 && item.x <= f.right + 1),
  graph: (m, f) => {
    const at = new Map(m.nodes.map((n) => [n.key, { x: f.x.at(n.x), y: f.y.at(n.y), r: radius(n.size) }]));
    const nodes = m.nodes.map((n) => ({ ...at.get(n.key), reach: radius(n.size) + 3, rank: 0, name: "", say: () => n.words || n.label || n.key }));
    const links = m.edges.filter((e) => at.has(e.start) && at.has(e.end)).map((e) => {
      const { x1, y1, cx, cy, x2, y2 } = bow(e, at);
      return { x: (x1 + 2 * cx + x2) / 4, y: (y1 + 2 * cy + y2) / 4, reach: 12, rank: 1, name: "", say: () => e.words || `${e.start} → ${e.end}` };
    });
    return [...nodes, ...links];
  },
  margin: (m, f) => Number.isFinite(m.figure.f[0]) ? [{ x: f.right + 9, y: f.y.clamped(m.figure.f[0]), reach: 12, rank: 0, name: "",
    say: () => `${m.label} ${m.figure.t}`.trim() }] : [],
  label: (m, f) => [{ x: f.x.at(m.x), y: f.y.at(m.y) - 4, reach: 12, rank: 2, name: "", say: () => m.text }],
  arrows: (m, f, c) => Array.from(m.x, (_, k) => ({ x: f.x.at(m.x[k]), y: f.y.at(m.y[k]), reach: 9, rank: 3, name: "", quiet: true,
    say: () => `${named(c.x, "x")} ${number(m.x[k])}, ${named(c.y, "y")} ${number(m.y[k])}: a step adds ${number(m.dx[k])}, ${number(m.dy[k])}` })),
  dots: (m, f) => m.rows.map((row, k) => ({ x: rowAt(row.figure.f[0], f), y: f.top + ROW * k + 20, reach: ROW, band: ROW / 2, rank: 0, name: "",
    say: () => headed(row.label, row.figure.t) })),
  bars: (m, f) => m.rows.map((row, k) => ({ x: rowAt(row.total?.f[0], f), y: f.top + STACK * k + 34, reach: STACK, band: STACK / 2, rank: 0, name: "",
    say: () => `${headed(row.label, stacked(row).map(({ piece }) => `${piece.label} ${number(piece.value)}`).join("; "))}${row.total ? `; ${m.total} ${row.total.t}` : ""}` })),
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
      const k = closest(middle(m), x);
      said.push(`${headed(m.label, `${label(rounded(m.edges[k]))} to ${label(rounded(m.edges[k + 1]))}`)}: ${number(m.heights[k])}${unit(chart.y)}`);
    } else if (m.kind === "line" && (m.label || !labelled)) {
      const k = indexOf(m, x);
      if (k >= 0 && m.y[k] === m.y[k]) said.push(`${m.label || named(chart.y, "")} ${shown(m, k)}${unit(chart.y)}`.trim());
    }
  }
  return said;
};

const indexOf = (m, x) => {
  const k = closest(m.x, x);
  if (m.x[k] === x) return k;
  return m.step && x < m.x[m.x.length - 1] ? (m.x[k] < x ? k : k - 1) : -1;
};

export const placed = (chart, x) => (along(chart).every((m) => m.kind === "histogram") ? "" : `${named(chart.x, "x")} ${label(rounded(x))}${unit(chart.x)}`);

// The thin curves at an x, with where they run, as items.
export const threads = (chart, f, x) => chart.marks.filter((m) => m.kind === "paths" && m.n).flatMap((m) => {
  const k = closest(m.x, x), out = [];
  if (m.x[k] !== x) return out;
  for (let row = 0; row < m.rows; row++) {
    const value = m.y[row * m.n + k];
    if (value === value) {
      out.push({ x: f.x.at(x), y: f.y.at(value) + beside(m, row), reach: 14, rank: 0, name: m.names[row] || "", mark: m, row,
        say: () => `${m.names[row] || m.label || `curve ${row + 1}`} ${number(value)}${unit(chart.y)}` });
    }
  }
  return out;
});

// The names of what lies in a box of pixels.
export const inside = (chart, f, x0, x1, y0, y1) => {
  const found = new Set(), held = (x, y) => x >= x0 && x <= x1 && y >= y0 && y <= y1;
  for (const m of chart.marks) {
    if (!m.names?.length) continue;
    if (m.kind === "points") m.names.forEach((name, k) => { if (name && held(f.x.at(m.x[k]), f.y.at(m.y[k]))) found.add(name); });
    if (m.kind !== "paths") continue;
    for (let row = 0; row < m.rows; row++) {
      const more = beside(m, row);
      for (let k = 0; k < m.n; k++) {
        if (held(f.x.at(m.x[k]), f.y.at(m.y[row * m.n + k]) + more)) { found.add(m.names[row]); break; }
      }
    }
  }
  found.delete("");
  return found;
};

// --------------------------------------------------------------------------------------------------- figures as tables

const TABLES = {
  paths: (m, c) => [m.label || "thin curves", ["", `first ${named(c.y, "")}`, "last", "lowest", "highest"],
    Array.from({ length: m.rows }, (_, row) => {
      const known = m.y.subarray(row * m.n, (row + 1) * m.n).filter((v) => v === v);
      return [m.names[row] || String(row + 1), ...(known.length ? [known[0], known[known.length - 1], known.reduce((a, b) => Math.min(a, b)), known.reduce((a, b) => Math.max(a, b))] : [NaN, NaN, NaN, NaN]).map((v) => number(v))];
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
  bars: (m) => ["", ["", "piece", ""], m.rows.flatMap((row) => [...row.pieces.map((p) => [row.label, p.label, number(p.value ?? NaN)]),
    ...(row.total ? [[row.label, m.total, row.total.t]] : [])])],
};

// Every figure of a picture, as tables: [caption, heads, rows]; long ones are thinned evenly, and say so.
export const tables = (chart) => {
  const out = [], lines = chart.marks.filter((m) => m.kind === "line"), flat = along(chart).filter((m) => m.kind === "line");
  const single = chart.marks.filter((m) => m.kind === "rule" || m.kind === "margin").map((m) => m.kind === "rule"
    ? [m.label || `${m.axis}-axis`, open(m)] : [m.label, m.figure.t]);
  if (single.length) out.push(["", ["", ""], single]);
  if (flat.length) out.push(sideBySide(chart, flat));
  for (const m of lines) if (!flat.includes(m)) out.push(TABLES.points({ names: [], ...m }, chart));
  for (const m of chart.marks) if (TABLES[m.kind] && !(m.kind === "points" && m.faint && m.x.length > MOST)) out.push(TABLES[m.kind](m, chart));
  return out.filter(([, , rows]) => rows.length).map(thinned);
};

const sideBySide = (chart, lines) => {
  const every = Float64Array.from(new Set(lines.flatMap((m) => [...m.x]))).filter((v) => v === v).sort();
  const heads = lines.map((m) => m.label || (m.stroke === "solid" ? named(chart.y, "") : m.stroke));
  return ["", [named(chart.x, "x") + unit(chart.x), ...heads], Array.from(every, (x) => [label(rounded(x)), ...lines.map((m) => {
    const k = indexOf(m, x);
    return k < 0 || m.y[k] !== m.y[k] ? "" : shown(m, k);
  })])];
};

const thinned = ([caption, heads, rows]) => {
  if (rows.length <= MOST) return [caption, heads, rows];
  const every = Math.ceil(rows.length / MOST);
  return [`${caption} (one row in ${every})`.trim(), heads, rows.filter((_, k) => k % every === 0)];
};
