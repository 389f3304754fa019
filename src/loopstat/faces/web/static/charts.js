// Pictures that answer: a Chart of a frame drawn over uPlot's axes; hover, keys, zoom, and one choice in all of them.

import { chosen } from "./chosen.js";
import { Foot } from "./foot.js";
import { Hand } from "./hand.js";
import { draw as DRAW, ends, rowed } from "./marks.js";
import { FONT, LETTER, Scale, fitting, named, range, repaint, spots, ticks, tone, write } from "./plane.js";

export { chosen };

const HEIGHTS = { tiny: 36, low: 170, small: 260, wide: 340 }; // `low` is the reader's
const PAPER = { low: 320, small: 320, wide: 640 }; // widths in print
const AHEAD = 400; // pixels beyond the window in which pictures are kept up to date
const FOOT = 22, NAME = 16; // pixels of ticks below the plane, and of what an axis is called
const CLIPPED = new Set(["line", "paths", "arrows", "histogram", "region"]); // the others keep inside by themselves

// ------------------------------------------------------------------------------------------------- frames, unfolded

const taken = ({ f32: [at, ...shape] }, floats) => floats.subarray(at, at + shape.reduce((a, b) => a * b, 1));

// A chart with its arrays in place, views of the frame's floats; thin curves get `rows` and `n`, `y` row by row.
export function unfolded(chart, floats) {
  const marks = chart.marks.map((mark) => {
    const out = {};
    for (const key in mark) out[key] = mark[key]?.f32 ? taken(mark[key], floats) : mark[key];
    if (mark.kind === "paths") [out.rows, out.n] = mark.y.f32?.slice(1) ?? [0, 0];
    return out;
  });
  return { ...chart, marks };
}

// --------------------------------------------------------------------------------------- all that are on the page

const living = new Set(), hosts = new WeakMap();
const every = (act) => living.forEach((picture) => act(picture));
const recolour = () => { repaint(); every((p) => p.paint()); };
const printing = (on) => {
  document.documentElement.classList.toggle("printing", on); // paper is white and narrow
  repaint();
  every((p) => p.print(on));
};
const themed = { attributes: true, attributeFilter: ["class", "style", "data-theme"] };
chosen.addEventListener("change", () => every((p) => p.chart?.link && p.chose()));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
new MutationObserver(recolour).observe(document.documentElement, themed);
addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));

const sizes = new ResizeObserver((all) => {
  for (const { target, contentRect } of all) hosts.get(target)?.widen(contentRect.width);
});
const views = new IntersectionObserver((all) => {
  for (const { target, isIntersecting } of all) hosts.get(target)?.seen(isIntersecting);
}, { rootMargin: `${AHEAD}px` });

// ----------------------------------------------------------------------------------------------------- a picture

export class Picture {
  chart = null; // unfolded
  plot = null; // uPlot's
  plane = { ctx: null, x: new Scale(), y: new Scale(), left: 0, right: 0, top: 0, bottom: 0, width: 0, above: 0,
    rows: null, picked: null, held: new Map(), ratio: 1 }; // what marks are drawn on
  #host; #box; #foot; #hand;
  #zoom = null; #xs = [0, 1]; #ys = [0, 1]; #sides = [0, 0, 0, 0]; #look = "";
  #width = 0; #shown = true; #stale = false;

  // `choose(link, name)` is called for a named thing that is clicked, or entered.
  constructor(host, { choose = () => {} } = {}) {
    this.#host = host;
    this.choose = choose;
    host.classList.add("picture");
    this.#box = document.createElement("div");
    this.#box.setAttribute("role", "img");
    this.#foot = new Foot(() => this.#hand.reset());
    this.#hand = new Hand(this, this.#foot);
    this.#box.addEventListener("keydown", (event) => { if (this.chart?.size !== "tiny") this.#hand.key(event); });
    this.#box.addEventListener("blur", () => { if (this.chart) this.#hand.point(null); });
    host.replaceChildren(this.#box);
    this.#width = host.clientWidth;
    const place = host.getBoundingClientRect();
    this.#shown = place.top < innerHeight + AHEAD && place.bottom > -AHEAD;
    living.add(this);
    hosts.set(host, this);
    sizes.observe(host);
    views.observe(host);
  }

  // ------------------------------------------------------------------------------------------- what the page calls

  // Draw a chart of a frame in place of the last one, before returning. The same key keeps zoom and choice; `live`
  // keeps the room for labels, which may only grow while a hand moves.
  update(chart, floats, { live = false } = {}) {
    const before = this.chart, other = chart.key !== before?.key;
    this.chart = unfolded(chart, floats);
    this.#hand.forget(true);
    if (other) { this.#zoom = null; this.#hand.start(); }
    if (other || before.link !== chart.link || before.size !== chart.size) this.#furnish();
    const said = chart.described || chart.title;
    if (this.#box.ariaLabel !== said) this.#box.ariaLabel = said;
    if (other || !live) { this.#sides = [0, 0, 0, 0]; this.plane.held.clear(); }
    this.paint();
    this.#foot.show(this.chart, live);
    if (chart.size !== "tiny") this.#hand.again();
  }

  resize() { this.widen(this.#host.clientWidth); }

  destroy() {
    living.delete(this);
    hosts.delete(this.#host);
    sizes.unobserve(this.#host);
    views.unobserve(this.#host);
    this.plot?.destroy();
    this.plot = null;
    this.#host.replaceChildren();
  }

  // The part of x that is shown, or null for all of it.
  get zoomed() { return this.#zoom; }
  set zoomed(part) {
    this.#zoom = part && part[1] > part[0] ? [part[0], part[1]] : null;
    this.#foot.zoomed(this.#zoom);
    this.#hand.forget();
    this.paint();
  }

  // ---------------------------------------------------------------------------------------- what its watchers call

  widen(width) {
    if (Math.abs(width - this.#width) < 0.5) return;
    this.#width = width;
    this.#hand.forget();
    this.paint();
  }

  seen(now) {
    this.#shown = now;
    if (now && this.#stale) this.paint();
  }

  print(on) {
    const width = this.#host.clientWidth, most = PAPER[this.chart?.size];
    this.#width = on && most ? Math.min(width, most) : width;
    this.paint(on);
  }

  // Show what is chosen now, and say so unless something is pointed at.
  chose() {
    this.paint();
    if (this.chart.size !== "tiny") this.#hand.again();
  }

  // ------------------------------------------------------------------------------------------------------- drawing

  // Draw what is there now, unless nobody sees it.
  paint(anyway = false) {
    const chart = this.chart;
    this.#stale = !chart || this.#width < 10 || (!this.#shown && !anyway);
    if (this.#stale) return;
    const rows = rowed(chart, this.#width), width = Math.floor(this.#width);
    const height = Math.ceil(rows ? rows.height + FOOT + (chart.x.label ? NAME : 2) : HEIGHTS[chart.size]);
    Object.assign(this.plane, { rows, above: rows?.above ?? 0, width, picked: chosen.of(chart.link) });
    const moved = this.#fit(height), look = looks(chart, rows);
    if (!this.plot || look !== this.#look) { this.#look = look; this.#create(width, height); return; }
    const plot = this.plot, { x, y } = plot.scales, [xs, ys] = [this.#xs, this.#ys];
    plot.batch(() => {
      plot.redraw(false, moved);
      if (plot.width !== width || plot.height !== height) plot.setSize({ width, height });
      if (x.min !== xs[0] || x.max !== xs[1]) plot.setScale("x", { min: xs[0], max: xs[1] });
      if (y.min !== ys[0] || y.max !== ys[1]) plot.setScale("y", { min: ys[0], max: ys[1] });
    });
  }

  // Set ranges and sides of the plane for this chart at this size; true where a side has moved.
  #fit(height) {
    const { rows, width } = this.plane, held = this.#sides;
    this.#xs = this.#zoom ?? range(this.chart.x);
    this.#ys = rows ? [0, 1] : range(this.chart.y);
    this.#sides = margins(this.chart, rows, width, this.#xs, this.#ys).map((v, k) => (k % 2 ? Math.max(v, held[k]) : v));
    const [top, right, bottom, left] = this.#sides;
    if (this.chart.equal) this.#equal(width - right - left, height - top - bottom);
    return this.#sides.some((v, k) => v !== held[k]);
  }

  // One scale for both: the axis that has room to spare shows more.
  #equal(wide, high) {
    const about = ([low, high_], by) => [(low + high_ - by) / 2, (low + high_ + by) / 2];
    const one = Math.max((this.#xs[1] - this.#xs[0]) / wide, this.#zoom ? 0 : (this.#ys[1] - this.#ys[0]) / high);
    this.#xs = about(this.#xs, one * wide);
    this.#ys = about(this.#ys, one * high);
  }

  #create(width, height) {
    const { size, x, y } = this.chart, powers = (axis) => ({ distr: axis.log ? 3 : 1 });
    this.plot?.destroy();
    this.#box.className = `picture-plot s-${this.plane.rows ? "rows" : size}`;
    this.plot = new uPlot({
      width, height, ms: 1, legend: { show: false }, cursor: { show: false },
      padding: [0, 1, 2, 3].map((side) => () => this.#padding(side)),
      scales: { x: { time: false, ...powers(x), range: () => this.#xs }, y: { ...powers(y), range: () => this.#ys } },
      axes: [this.#axis("x"), this.#axis("y")],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { drawAxes: [() => this.#on((f) => this.#zero(f))], draw: [() => this.#on((f) => this.#marks(f))] },
    }, [[1, 2], [null, null]], this.#box); // marks are drawn by the hooks, from the frame's own arrays
    if (size !== "tiny") this.#hand.listen(this.plot.over);
  }

  #axis(side) {
    const across = side === "x", axis = () => this.chart[side];
    const long = () => this.plot.bbox[across ? "width" : "height"] / devicePixelRatio;
    const beside = (low, high) => fitting(low, high, axis(), this.plane.width < 400 ? 5 : 9, long());
    const marked = ({ min, max }) => (across ? beside(min, max) : ticks(min, max, axis()));
    const words = { label: () => named(axis(), Math.floor(long() / LETTER)), labelSize: NAME, labelGap: 0 };
    return {
      show: this.#draws(side), scale: side, side: across ? 2 : 3, gap: across ? 4 : 5, font: FONT, labelFont: FONT,
      stroke: () => tone("soft"), grid: { stroke: () => tone("line"), width: 1 }, ticks: { show: false },
      size: () => (across ? FOOT : this.#sides[3] - (axis().label ? NAME : 0)), ...(axis().label ? words : {}),
      splits: (u) => marked(u.scales[side]).map(([v]) => v), filter: (_, values) => values,
      values: (u) => marked(u.scales[side]).map(([, said]) => said),
    };
  }

  #draws(side) { return this.chart.size !== "tiny" && !this.chart[side].hidden && !(side === "y" && this.plane.rows); }

  // What is left of a side beyond its axis.
  #padding(side) {
    const { x } = this.chart, below = this.#draws("x") ? FOOT + (x.label ? NAME : 0) : 0;
    return this.#sides[side] - [0, 0, below, this.#draws("y") ? this.#sides[3] : 0][side];
  }

  // The plane with its scales and sides as they stand.
  framed() {
    const f = this.plane, { bbox, ctx, scales: { x, y } } = this.plot, r = devicePixelRatio;
    f.ctx = ctx;
    f.ratio = r;
    [f.left, f.right] = [bbox.left / r, (bbox.left + bbox.width) / r];
    [f.top, f.bottom] = [bbox.top / r, (bbox.top + bbox.height) / r];
    f.x.set(x.min, x.max, f.left, f.right, this.chart.x.log);
    f.y.set(y.min, y.max, f.bottom, f.top, this.chart.y.log);
    return f;
  }

  #on(act) {
    const f = this.framed();
    f.ctx.save();
    f.ctx.scale(f.ratio, f.ratio);
    f.ctx.font = FONT;
    f.ctx.textBaseline = "alphabetic";
    act(f);
    f.ctx.restore();
  }

  // Zero is drawn where an axis has it.
  #zero({ ctx, x, y, left, right, top, bottom }) {
    const crosses = (side, scale) => this.#draws(side) && !scale.log && scale.low < 0 && scale.high > 0;
    const [px, py] = [x, y].map((scale) => Math.round(scale.at(0)) + 0.5);
    ctx.strokeStyle = tone("soft");
    ctx.lineWidth = 1;
    ctx.beginPath();
    if (crosses("x", x)) { ctx.moveTo(px, top); ctx.lineTo(px, bottom); }
    if (crosses("y", y)) { ctx.moveTo(left, py); ctx.lineTo(right, py); }
    ctx.stroke();
  }

  #marks(f) {
    const { ctx } = f, { marks, size } = this.chart;
    for (const mark of f.rows ? rulesFirst(marks) : marks) {
      ctx.save();
      if (CLIPPED.has(mark.kind)) {
        ctx.beginPath();
        ctx.rect(f.left, f.top, f.right - f.left, f.bottom - f.top);
        ctx.clip();
      }
      DRAW[mark.kind]?.(mark, f);
      ctx.restore();
    }
    if (size === "tiny") return;
    ends(marks, f);
    for (const s of spots(marks, f)) write(ctx, s.x, s.y, s.words, s.tone, s.anchor);
    if (marks.some(holds)) return;
    write(ctx, (f.left + f.right) / 2, (f.top + f.bottom) / 2, "nothing to show", "soft", "middle");
  }

  #furnish() {
    const tiny = this.chart.size === "tiny";
    this.#box.tabIndex = tiny ? -1 : 0;
    if (tiny) this.#box.removeAttribute("tabindex");
    this.#foot.furnish(this.chart);
    this.#host.replaceChildren(this.#box, ...(tiny ? [] : [this.#foot.line, this.#foot.figures]));
  }
}

// Rules lie below the names of rows, which stand inside the picture.
const rulesFirst = (marks) => [...marks.filter((m) => m.kind === "rule"), ...marks.filter((m) => m.kind !== "rule")];

const holds = (m) => [m.x, m.rows, m.nodes, m.edges, m.at ?? m.low, m.figure].some((v) => (v ?? "").length !== 0);

// What uPlot cannot change in a plot that it has made.
const looks = ({ size, x, y }, rows) =>
  [size, x.log, y.log, x.hidden, y.hidden, Boolean(x.label), Boolean(y.label), Boolean(rows)].join();

// The room at the four sides: for ticks and labels below and left, for the labels of curves right.
const margins = (chart, rows, width, xs, [low, high]) => {
  if (chart.size === "tiny") return [3, 4, 3, 4];
  const foot = chart.x.hidden ? 8 : FOOT + (chart.x.label ? NAME : 0);
  if (rows) return [rows.top, 10, foot, 10];
  const letters = (words) => Math.ceil(LETTER * Math.max(1, ...words.map((said) => said.length)));
  const marked = ticks(low, high, chart.y).map(([, said]) => said);
  const left = chart.y.hidden ? 8 : 10 + (chart.y.label ? NAME : 0) + letters(marked);
  const labels = chart.marks.filter((m) => (m.kind === "line" || m.kind === "margin") && m.label).map((m) => m.label);
  const beside = (chart.marks.some((m) => m.kind === "margin") ? 16 : 0) + (labels.length ? letters(labels) + 8 : 0);
  const right = 10 + Math.min(beside, Math.floor(width * 0.35));
  return [8, chart.x.hidden ? right : right + Math.max(0, overhang(chart.x, xs, width - left - right) - right), foot, left];
};

// How far the last value below an axis reaches beyond its end.
const overhang = (axis, [low, high], wide) => {
  if (!(wide > 0)) return 0;
  const scale = new Scale(), found = fitting(low, high, axis, wide < 300 ? 5 : 9, wide).at(-1);
  if (!found) return 0;
  scale.set(low, high, 0, wide, axis.log);
  return Math.ceil(scale.at(found[0]) + (LETTER * found[1].length) / 2 + 2 - wide);
};
