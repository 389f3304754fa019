// Pictures that answer: a Chart of a frame drawn over uPlot's axes; hover, keys, zoom, and one choice in all of them.

import { draw as DRAW, ends, onePath, rowed, ruled } from "./marks.js";
import { FONT, LETTER, Scale, fitting, named, range, repaint, spots, ticks, tone, write } from "./plane.js";
import { closest, columns, inside, items, nearest, placed, rulesAt, saysAt, tables, threads } from "./told.js";

const HEIGHTS = { tiny: 36, low: 170, small: 260, wide: 340 };
const PAPER = { small: 320, wide: 640 }; // widths in print
const AHEAD = 400; // pixels beyond the window in which pictures are kept up to date
const CLIPPED = new Set(["line", "paths", "arrows", "histogram", "region"]); // the others keep inside by themselves
const SLIP = 4; // pixels a hand may move within a click

// ------------------------------------------------------------------------------------------------------ the one choice

class Chosen extends EventTarget {
  link = "";
  names = new Set();
  source = "";
  set(link, names, source = "") {
    this.link = link; this.names = new Set(names); this.source = source;
    this.dispatchEvent(new Event("change"));
  }
  clear() { if (this.link || this.names.size) this.set("", []); }
}
export const chosen = new Chosen();

// ----------------------------------------------------------------------------------------------------- frames, unfolded

const taken = (value, floats) => {
  const [at, ...shape] = value.f32;
  return floats.subarray(at, at + shape.reduce((a, b) => a * b, 1));
};

// A chart with its arrays in place, views of the frame's floats; thin curves get `rows` and `n`, `y` row by row.
export function unfolded(chart, floats) {
  return { ...chart, marks: chart.marks.map((mark) => {
    const out = {};
    for (const key in mark) out[key] = mark[key]?.f32 ? taken(mark[key], floats) : mark[key];
    if (mark.kind === "paths") [out.rows, out.n] = mark.y.f32?.slice(1) ?? [0, 0];
    return out;
  }) };
}

// ------------------------------------------------------------------------------------------- all that are on the page

const living = new Set();
const every = (act) => living.forEach((picture) => act(picture));
chosen.addEventListener("change", () => every((p) => p.chart?.link && p.paint()));

const recolour = () => { repaint(); every((p) => p.paint()); };
const printing = (on) => {
  document.documentElement.classList.toggle("printing", on); // paper is white and narrow
  repaint();
  every((p) => p.print(on));
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
new MutationObserver(recolour).observe(document.documentElement, { attributes: true, attributeFilter: ["class", "style", "data-theme"] });
addEventListener("beforeprint", () => printing(true));
addEventListener("afterprint", () => printing(false));

const hosts = new WeakMap();
const sizes = new ResizeObserver((seen) => {
  for (const { target, contentRect } of seen) hosts.get(target)?.widen(contentRect.width);
});
const views = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) hosts.get(target)?.seen(isIntersecting);
}, { rootMargin: `${AHEAD}px` });

// ------------------------------------------------------------------------------------------------------------- pieces

const made = (tag, look, more = {}) => Object.assign(document.createElement(tag), { className: look }, more);
const button = (words, act, help) => {
  const out = made("button", "", { type: "button", textContent: words, title: help });
  out.addEventListener("click", act);
  return out;
};
const clamp = (v, low, high) => Math.min(Math.max(v, low), high);

const table = ([caption, heads, rows]) => {
  const out = made("table", "");
  if (caption) out.createCaption().textContent = caption;
  const cells = (row, tag, values) => row.append(...values.map((v) => made(tag, "", { textContent: v })));
  if (heads.some(Boolean)) cells(out.createTHead().insertRow(), "th", heads);
  const body = out.createTBody();
  for (const row of rows) cells(body.insertRow(), "td", row);
  return out;
};

// ------------------------------------------------------------------------------------------------------------ a picture

export class Picture {
  chart = null;
  plot = null;
  #host; #choose; #zoom = null; #xs = [0, 1]; #ys = [0, 1]; #sides = [0, 0, 0, 0]; #look = ""; #width = 0; #shown = true; #stale = false;
  #box; #told; #tools; #figures; #over; #mode = ""; #pointer = null; #stops = null; #items = null; #columns = null; #stop = -1; #from = null;
  #plane = { ctx: null, x: new Scale(), y: new Scale(), left: 0, right: 0, top: 0, bottom: 0, width: 0, above: 0, rows: null, picked: null, ratio: 1 };

  constructor(host, { choose = () => {} } = {}) {
    this.#host = host; this.#choose = choose;
    host.classList.add("picture");
    this.#box = made("div", "picture-plot");
    this.#told = made("p", "picture-told");
    this.#tools = made("div", "picture-tools");
    this.#figures = made("div", "picture-figures", { hidden: true, tabIndex: 0 });
    this.#over = made("canvas", "picture-over");
    host.replaceChildren(this.#box);
    this.#width = host.clientWidth;
    const place = host.getBoundingClientRect();
    this.#shown = place.top < innerHeight + AHEAD && place.bottom > -AHEAD;
    this.#box.addEventListener("keydown", (event) => this.#key(event));
    this.#box.addEventListener("blur", () => this.#point(null));
    living.add(this); hosts.set(host, this);
    sizes.observe(host); views.observe(host);
  }

  // ---------------------------------------------------------------------------------------------- what the page calls

  update(chart, floats, { live = false } = {}) {
    const other = chart.key !== this.chart?.key;
    if (other) { this.#zoom = null; this.#stop = -1; this.#from = null; this.#mode = chart.link ? "choose" : "zoom"; }
    const before = this.chart;
    this.chart = unfolded(chart, floats);
    this.#items = this.#stops = this.#columns = null;
    if (before?.described !== chart.described || other) this.#box.setAttribute("aria-label", chart.described || chart.title);
    if (other || before?.link !== chart.link || before?.size !== chart.size) this.#furnish();
    if (!live) this.#sides = [0, 0, 0, 0]; // while a hand moves, labels may only take more room
    this.paint();
    if (!this.#figures.hidden) this.#tabulate();
    if (this.#pointer) this.#point(this.#pointer);
  }

  resize() { this.widen(this.#host.clientWidth); }

  destroy() {
    living.delete(this); hosts.delete(this.#host);
    sizes.unobserve(this.#host); views.unobserve(this.#host);
    this.plot?.destroy();
    this.plot = null;
    this.#host.replaceChildren();
  }

  // The part of x that is shown, or null for all of it.
  get zoomed() { return this.#zoom; }
  set zoomed(part) {
    this.#zoom = part && part[1] > part[0] ? [part[0], part[1]] : null;
    this.#stops = this.#items = null;
    this.#tools.querySelector(".reset")?.classList.toggle("off", !this.#zoom);
    this.paint();
  }

  // -------------------------------------------------------------------------------------------- what its watchers call

  widen(width) {
    if (Math.abs(width - this.#width) < 0.5) return;
    this.#width = width; this.#stops = this.#items = null;
    this.paint();
  }

  seen(now) {
    this.#shown = now;
    if (now && this.#stale) this.paint();
  }

  print(on) {
    const width = this.#host.clientWidth, size = this.chart?.size;
    this.#width = on && PAPER[size] ? Math.min(width, PAPER[size]) : width;
    if (this.chart) this.paint(on);
  }

  // ------------------------------------------------------------------------------------------------------------ drawing

  paint(anyway = false) {
    this.#stale = !this.chart || this.#width < 10 || (!this.#shown && !anyway);
    if (this.#stale) return;
    const chart = this.chart, rows = rowed(chart, this.#width), height = rows ? rows.height + (chart.x.label ? 38 : 24) : HEIGHTS[chart.size];
    const look = [chart.size, chart.x.log, chart.y.log, chart.x.hidden, chart.y.hidden, Boolean(chart.x.label), Boolean(chart.y.label), Boolean(rows)].join();
    this.#plane.rows = rows; this.#plane.above = rows?.above ?? 0; this.#plane.width = this.#width;
    this.#plane.picked = chart.link && chosen.link === chart.link && chosen.names.size ? chosen.names : null;
    const moved = this.#fit(chart, rows, height);
    if (!this.plot || look !== this.#look) { this.#look = look; this.#create(chart, rows, height); return; }
    const plot = this.plot;
    plot.batch(() => {
      plot.redraw(false, moved);
      if (plot.width !== Math.floor(this.#width) || plot.height !== Math.ceil(height)) plot.setSize({ width: Math.floor(this.#width), height: Math.ceil(height) });
      const [x, y] = [plot.scales.x, plot.scales.y];
      if (x.min !== this.#xs[0] || x.max !== this.#xs[1]) plot.setScale("x", { min: this.#xs[0], max: this.#xs[1] });
      if (y.min !== this.#ys[0] || y.max !== this.#ys[1]) plot.setScale("y", { min: this.#ys[0], max: this.#ys[1] });
    });
  }

  // Ranges and sides of the plane for this chart at this width; true where a side has moved.
  #fit(chart, rows, height) {
    this.#xs = this.#zoom ?? range(chart.x); this.#ys = rows ? [0, 1] : range(chart.y);
    const sides = margins(chart, rows, this.#width, this.#ys), held = this.#sides;
    const next = sides.map((v, k) => (k % 2 ? Math.max(v, held[k]) : v)), moved = next.some((v, k) => v !== held[k]);
    this.#sides = next;
    if (chart.equal) this.#equal(this.#width - next[1] - next[3], height - next[0] - next[2]);
    return moved;
  }

  // One scale for both: the axis that has room to spare shows more.
  #equal(wide, high) {
    const spread = ([low, high_], by) => [(low + high_) / 2 - by / 2, (low + high_) / 2 + by / 2];
    const one = Math.max((this.#xs[1] - this.#xs[0]) / wide, this.#zoom ? 0 : (this.#ys[1] - this.#ys[0]) / high);
    this.#xs = spread(this.#xs, one * wide); this.#ys = spread(this.#ys, one * high);
  }

  #create(chart, rows, height) {
    this.plot?.destroy();
    const quiet = chart.size === "tiny";
    this.#box.className = `picture-plot s-${rows ? "rows" : chart.size}`;
    this.plot = new uPlot({
      width: Math.floor(this.#width), height: Math.ceil(height), ms: 1, legend: { show: false }, cursor: { show: false },
      padding: [0, 1, 2, 3].map((side) => () => this.#padding(side)),
      scales: { x: { time: false, distr: chart.x.log ? 3 : 1, range: () => this.#xs }, y: { distr: chart.y.log ? 3 : 1, range: () => this.#ys } },
      axes: [this.#axis("x"), this.#axis("y")],
      series: [{}, { paths: () => null, points: { show: false } }],
      hooks: { drawAxes: [() => this.#zero()], draw: [() => this.#marks()] },
    }, [[1, 2], [null, null]], this.#box);
    if (quiet) return;
    this.plot.over.append(this.#over);
    this.#listen(this.plot.over);
  }

  #axis(side) {
    const across = side === "x", axis = () => this.chart[side], shown = this.chart.size !== "tiny" && !axis().hidden && !(this.#plane.rows && !across);
    const most = () => (across ? (this.#width < 400 ? 5 : 9) : 5);
    const marked = ({ min, max }) => (across ? fitting(min, max, axis(), most(), long()) : ticks(min, max, axis(), most()));
    const long = () => (across ? this.plotted.width : this.plotted.height);
    return {
      show: shown, scale: side, side: across ? 2 : 3, stroke: () => tone("soft"), font: FONT, labelFont: FONT, gap: across ? 4 : 5,
      grid: { stroke: () => tone("line"), width: 1 }, ticks: { show: false }, size: () => (across ? 22 : this.#sides[3] - (axis().label ? 16 : 0)),
      ...(axis().label ? { label: () => named(axis(), Math.floor(long() / LETTER)), labelSize: 16, labelGap: 0 } : {}),
      splits: (u) => marked(u.scales[side]).map(([v]) => v), filter: (_, values) => values,
      values: (u) => marked(u.scales[side]).map(([, said]) => said),
    };
  }

  get plotted() { const { bbox, pxRatio = devicePixelRatio } = this.plot; return { width: bbox.width / pxRatio, height: bbox.height / pxRatio }; }

  #padding(side) {
    const [top, right, bottom, left] = this.#sides, { size, x, y } = this.chart;
    const drawn = [0, 0, size === "tiny" || x.hidden ? 0 : 22 + (x.label ? 16 : 0), size === "tiny" || y.hidden || this.#plane.rows ? 0 : left];
    return [top, right, bottom, left][side] - drawn[side];
  }

  // Zero is drawn where an axis marks it.
  #zero() {
    const { x, y } = this.plot.scales, f = this.#framed(), ctx = f.ctx;
    ctx.save(); ctx.scale(f.ratio, f.ratio);
    ctx.strokeStyle = tone("soft"); ctx.lineWidth = 1;
    ctx.beginPath();
    const shows = (side) => this.chart.size !== "tiny" && !this.chart[side].hidden && !this.chart[side].log && !(side === "y" && f.rows);
    if (shows("x") && x.min < 0 && x.max > 0) { const at = Math.round(f.x.at(0)) + 0.5; ctx.moveTo(at, f.top); ctx.lineTo(at, f.bottom); }
    if (shows("y") && y.min < 0 && y.max > 0) { const at = Math.round(f.y.at(0)) + 0.5; ctx.moveTo(f.left, at); ctx.lineTo(f.right, at); }
    ctx.stroke();
    ctx.restore();
  }

  #framed() {
    const f = this.#plane, u = this.plot, r = devicePixelRatio, { left, top, width, height } = u.bbox, { x, y } = u.scales;
    Object.assign(f, { ctx: u.ctx, ratio: r, left: left / r, top: top / r, right: (left + width) / r, bottom: (top + height) / r });
    f.x.set(x.min, x.max, f.left, f.right, this.chart.x.log);
    f.y.set(y.min, y.max, f.bottom, f.top, this.chart.y.log);
    return f;
  }

  #marks() {
    const f = this.#framed(), ctx = f.ctx, marks = this.chart.marks, tiny = this.chart.size === "tiny";
    ctx.save(); ctx.scale(f.ratio, f.ratio);
    ctx.font = FONT; ctx.textBaseline = "alphabetic";
    for (const mark of marks) {
      const within = CLIPPED.has(mark.kind) && !f.rows;
      if (within) { ctx.save(); ctx.beginPath(); ctx.rect(f.left, f.top, f.right - f.left, f.bottom - f.top); ctx.clip(); }
      DRAW[mark.kind]?.(mark, f);
      if (within) ctx.restore();
    }
    if (!tiny) {
      for (const mark of marks) if (mark.kind === "rule") ruled(mark, f);
      if (!marks.some(holds)) write(ctx, (f.left + f.right) / 2, (f.top + f.bottom) / 2, "nothing to show", "soft", "middle");
      ends(marks, f);
      for (const s of spots(marks, f)) write(ctx, s.x, s.y, s.words, "ink", s.anchor);
    }
    ctx.restore();
  }

  // ---------------------------------------------------------------------------------------------- what stands around it

  #furnish() {
    const tiny = this.chart.size === "tiny", named_ = Boolean(this.chart.link);
    this.#box.setAttribute("role", "img");
    if (tiny) { this.#box.removeAttribute("tabindex"); this.#host.replaceChildren(this.#box); return; }
    this.#box.tabIndex = 0;
    const modes = named_ ? ["zoom", "choose"].map((mode) => button(mode, () => this.#switch(mode), mode === "zoom" ? "Drag to zoom along x" : "Drag to choose what is inside")) : [];
    const reset = button("reset", () => this.#reset(), "Show all (double click, Home)");
    reset.className = this.#zoom ? "reset" : "reset off";
    const figures = button("figures", () => this.#unfold(figures), "Every figure of this picture as a table");
    figures.setAttribute("aria-expanded", String(!this.#figures.hidden));
    this.#tools.replaceChildren(reset, ...modes, figures);
    this.#figures.setAttribute("role", "region");
    this.#figures.setAttribute("aria-label", `Figures: ${this.chart.title || this.chart.key}`);
    const foot = made("div", "picture-foot");
    foot.append(this.#told, this.#tools);
    this.#host.replaceChildren(this.#box, foot, this.#figures);
    this.#switch(this.#mode);
    this.#say("");
  }

  #switch(mode) {
    this.#mode = mode;
    for (const b of this.#tools.querySelectorAll("button:not(.reset, [aria-expanded])")) b.setAttribute("aria-pressed", String(b.textContent === mode));
  }

  #unfold(by) {
    this.#figures.hidden = !this.#figures.hidden;
    by.setAttribute("aria-expanded", String(!this.#figures.hidden));
    if (this.#figures.hidden) this.#figures.replaceChildren(); else this.#tabulate();
  }

  #tabulate() { this.#figures.replaceChildren(...tables(this.chart).map(table)); }

  #say(words) {
    const thin = this.chart.marks.find((m) => m.kind === "paths" && m.rows && m.label);
    const said = words || (thin ? `thin: ${thin.label}` : "");
    if (this.#told.textContent !== said) this.#told.textContent = said;
  }

  // ----------------------------------------------------------------------------------------------- pointing at something

  // Show and tell what lies at a place of the picture, in its pixels; nothing for null.
  #point(place) {
    this.#pointer = place;
    const found = place && this.plot && this.chart.size !== "tiny" ? this.#find(place) : null;
    this.#say(found ? found.words : "");
    this.#light(found);
    return found;
  }

  #find({ x, y, item }) {
    const f = this.#framed(), all = this.#items ??= items(this.chart, f), hit = item ?? nearest(all, x, y);
    if (hit && !hit.column) return { item: hit, x: hit.x, y: hit.y, name: hit.name, words: hit.say() };
    const grid = this.#columns ??= columns(this.chart), rules = rulesAt(this.chart, f, x, y);
    if (!grid.length || x < f.left - 4 || x > f.right + 4) return rules.length ? { words: rules.join("; "), name: "" } : null;
    const at = grid[closest(grid, f.x.value(x))], thread = nearest(threads(this.chart, f, at), f.x.at(at), y);
    const said = [...saysAt(this.chart, at), ...(thread ? [thread.say()] : []), ...rules], where = placed(this.chart, at);
    if (!said.length) said.push("no value");
    return { column: at, x: f.x.at(at), y: thread?.y, thread, name: thread?.name ?? "", words: where ? `${where}: ${said.join("; ")}` : said.join("; ") };
  }

  // A line at the place along x, a ring at the thing, and a thin curve in full.
  #light(found) {
    const over = this.#over, r = devicePixelRatio, f = this.#plane;
    if (!this.plot || !over.isConnected) return;
    const wide = Math.round((f.right - f.left) * r), high = Math.round((f.bottom - f.top) * r), ctx = over.getContext("2d");
    if (over.width !== wide || over.height !== high) {
      over.width = wide; over.height = high;
      Object.assign(over.style, { width: `${wide / r}px`, height: `${high / r}px` });
    } else ctx.clearRect(0, 0, wide, high);
    if (!found || found.x === undefined) return;
    ctx.save(); ctx.scale(r, r); ctx.translate(-f.left, -f.top);
    ctx.lineWidth = 1; ctx.strokeStyle = tone("soft", 0.7);
    if (found.column !== undefined) { ctx.beginPath(); ctx.moveTo(found.x, f.top); ctx.lineTo(found.x, f.bottom); ctx.stroke(); }
    ctx.lineWidth = 2; ctx.strokeStyle = tone("ink");
    if (found.thread) { ctx.lineWidth = 1.6; onePath(found.thread.mark, f, found.thread.row, ctx); }
    if (found.item?.band) { ctx.fillStyle = tone("soft", 0.1); ctx.fillRect(f.left, found.item.y - found.item.band - 4, f.right - f.left, 2 * found.item.band); }
    else if (found.y !== undefined) { ctx.beginPath(); ctx.arc(found.x, found.y, 7, 0, 7); ctx.stroke(); }
    ctx.restore();
  }

  #pick(found) {
    if (!found?.name || !this.chart.link) return;
    chosen.set(this.chart.link, [found.name], this.chart.key);
    this.#choose(this.chart.link, found.name);
  }

  // ---------------------------------------------------------------------------------------------------------- the pointer

  #listen(over) {
    let start = null, dragged = false;
    const place = (event) => {
      const box = over.getBoundingClientRect();
      return { x: event.clientX - box.left + this.#plane.left, y: event.clientY - box.top + this.#plane.top };
    };
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      start = place(event); dragged = false;
    });
    over.addEventListener("pointermove", (event) => {
      const here = place(event);
      if (start && !dragged && Math.abs(here.x - start.x) + (this.#brushes(event) ? Math.abs(here.y - start.y) : 0) > SLIP) {
        dragged = true;
        over.setPointerCapture(event.pointerId);
      }
      if (dragged) this.#mark(start, here, this.#brushes(event)); else if (!start) { this.#told.setAttribute("aria-live", "off"); this.#point(here); }
    });
    over.addEventListener("pointerup", (event) => {
      if (!start) return;
      const here = place(event);
      if (dragged) this.#select(start, here, this.#brushes(event)); else this.#pick(this.#point(here));
      start = null; dragged = false;
    });
    over.addEventListener("pointercancel", () => { start = null; dragged = false; this.#mark(null); });
    over.addEventListener("pointerleave", () => { if (!dragged) { start = null; this.#point(null); } });
    over.addEventListener("dblclick", () => this.#reset());
  }

  #brushes(event) { return Boolean(this.chart.link) && (this.#mode === "choose") !== event.shiftKey; }

  #mark(a, b, box) {
    const f = this.#plane;
    if (!a) { this.plot?.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false); return; }
    const [x0, x1] = [a.x, b.x].map((v) => clamp(v, f.left, f.right)).sort((p, q) => p - q);
    const [y0, y1] = box ? [a.y, b.y].map((v) => clamp(v, f.top, f.bottom)).sort((p, q) => p - q) : [f.top, f.bottom];
    this.plot.setSelect({ left: x0 - f.left, top: y0 - f.top, width: x1 - x0, height: y1 - y0 }, false);
  }

  #select(a, b, box) {
    const f = this.#framed();
    this.#mark(null);
    const [x0, x1] = [a.x, b.x].map((v) => clamp(v, f.left, f.right)).sort((p, q) => p - q);
    if (box) {
      const [y0, y1] = [a.y, b.y].sort((p, q) => p - q), names = inside(this.chart, f, x0, x1, y0, y1);
      if (names.size) chosen.set(this.chart.link, names, this.chart.key); else chosen.clear();
      this.#say(names.size === 1 ? `${[...names][0]} chosen` : `${names.size} chosen`);
    } else if (x1 - x0 > SLIP) this.zoomed = [f.x.value(x0), f.x.value(x1)];
  }

  #reset() {
    this.#mark(null);
    this.#from = null;
    if (this.chart.link && chosen.link === this.chart.link) chosen.clear();
    if (this.#zoom) this.zoomed = null;
  }

  // ------------------------------------------------------------------------------------------------------------- the keys

  #key(event) {
    if (this.chart.size === "tiny" || !this.plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const f = this.#framed(), stops = this.#stops ??= stopped(this.chart, f, this.#items ??= items(this.chart, f), this.#columns ??= columns(this.chart));
    const act = {
      ArrowRight: () => this.#walk(stops, 1), ArrowLeft: () => this.#walk(stops, -1), ArrowUp: () => this.#climb(f, -1, stops), ArrowDown: () => this.#climb(f, 1, stops),
      "+": () => this.#closer(f, 0.5), "=": () => this.#closer(f, 0.5), "-": () => this.#closer(f, 2), Home: () => this.#reset(),
      Escape: () => { this.#reset(); this.#point(null); this.#stop = -1; },
      Enter: () => this.#pick(this.#pointer && this.#find(this.#pointer)), " ": () => this.#brush(event),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    this.#told.setAttribute("aria-live", "polite");
    act();
  }

  #walk(stops, by) {
    if (!stops.length) return;
    this.#stop = this.#stop < 0 ? (by > 0 ? 0 : stops.length - 1) : clamp(this.#stop + by, 0, stops.length - 1);
    this.#point(stops[this.#stop]);
    if (this.#from) this.#mark(this.#from, this.#pointer, false);
  }

  // Up and down: the next thin curve at this place, else the next row.
  #climb(f, by, stops) {
    const found = this.#pointer && this.#find(this.#pointer);
    if (found?.column === undefined) { this.#walk(stops, by); return; }
    const here = threads(this.chart, f, found.column).sort((a, b) => a.y - b.y);
    if (!here.length) return;
    const k = found.thread ? here.findIndex((t) => t.row === found.thread.row && t.mark === found.thread.mark) + by : by > 0 ? 0 : here.length - 1;
    const next = here[clamp(k, 0, here.length - 1)];
    this.#point({ x: next.x, y: next.y });
  }

  #closer(f, by) {
    const [low, high] = range(this.chart.x), scale = new Scale(), whole = [f.left, f.right];
    const centre = this.#pointer ? clamp(this.#pointer.x, f.left, f.right) : (f.left + f.right) / 2, half = ((f.right - f.left) * by) / 2;
    scale.set(low, high, ...whole, this.chart.x.log);
    const next = [f.x.value(centre - half), f.x.value(centre + half)].map((v) => clamp(v, low, high));
    this.zoomed = next[0] <= low && next[1] >= high ? null : next;
    this.#stop = -1;
  }

  #brush(event) {
    if (!this.#pointer) return;
    if (!this.#from) { this.#from = this.#pointer; this.#say(`from here: ${this.#told.textContent}`); return; }
    const from = this.#from, f = this.#plane;
    this.#from = null;
    this.#select({ x: Math.min(from.x, this.#pointer.x) - 1, y: f.top }, { x: Math.max(from.x, this.#pointer.x) + 1, y: f.bottom }, this.#brushes(event));
  }
}

const holds = (m) => [m.x, m.rows, m.nodes, m.edges, m.at, m.figure].some((v) => v !== undefined && v !== null && v.length !== 0);

// Where the arrow keys stop, from left to right: each place along x, and each thing but those of a crowd.
const stopped = (chart, f, all, grid) => {
  const first = chart.marks.find((m) => m.kind === "line" && m.strong) ?? chart.marks.find((m) => m.kind === "line");
  const level = (x) => { const k = first ? closest(first.x, x) : -1; return k >= 0 && first.y[k] === first.y[k] ? f.y.at(first.y[k]) : (f.top + f.bottom) / 2; };
  const places = Array.from(grid).filter((x) => f.x.has(x)).map((x) => ({ x: f.x.at(x), y: level(x), item: { column: true } }));
  const things = all.filter((item) => !item.quiet && item.x >= f.left - 1).map((item) => ({ x: item.x, y: item.y, item }));
  return things.some((s) => s.item.band) ? things : [...places, ...things].sort((a, b) => a.x - b.x || a.y - b.y);
};

// The room at the four sides: for ticks and labels below and left, for the labels of curves right.
const margins = (chart, rows, width, [low, high]) => {
  if (chart.size === "tiny") return [3, 4, 3, 4];
  const foot = chart.x.hidden ? 8 : 22 + (chart.x.label ? 16 : 0);
  if (rows) return [rows.top, 10, foot, 10];
  const said = chart.y.hidden ? [] : ticks(low, high, chart.y).map(([, words]) => words.length);
  const left = chart.y.hidden ? 8 : 10 + (chart.y.label ? 16 : 0) + Math.ceil(LETTER * Math.max(1, ...said));
  const labels = chart.marks.filter((m) => (m.kind === "line" || m.kind === "margin") && m.label).map((m) => m.label.length);
  const beside = (chart.marks.some((m) => m.kind === "margin") ? 16 : 0) + (labels.length ? LETTER * Math.max(...labels) + 8 : 0);
  return [8, 10 + Math.min(Math.ceil(beside), Math.floor(width * 0.35)), foot, left];
};
