// The hand on a picture: pointing, dragging and keys, all of which tell, zoom and choose alike.

import { chosen } from "./chosen.js";
import { onePath } from "./marks.js";
import { range, tone } from "./plane.js";
import { closest, columns, inside, items, nearest, placed, rulesAt, saysAt, threads } from "./told.js";

const SLIP = 4; // pixels a hand may move within a click
const BESIDE = 4; // pixels beside the plane that still count as it

const clamp = (v, low, high) => Math.min(Math.max(v, low), high);
const ordered = (a, b, low, high) => [clamp(Math.min(a, b), low, high), clamp(Math.max(a, b), low, high)];

export class Hand {
  #picture; #foot; #over = document.createElement("canvas");
  #place = null; // where it points, in pixels of the picture; with the thing, if it was led there by keys
  #stop = -1; // which of the places that arrow keys lead to
  #from = null; // where a brush by keys has begun
  #items = null; #columns = null; #stops = null;

  constructor(picture, foot) {
    this.#picture = picture;
    this.#foot = foot;
    this.#over.className = "picture-over";
  }

  get #chart() { return this.#picture.chart; }
  get #plane() { return this.#picture.plane; }

  // The chart or its place is another than before.
  forget(chart = false) {
    this.#items = this.#stops = null;
    if (chart) this.#columns = null;
  }

  start() {
    this.#stop = -1;
    this.#place = this.#from = null;
  }

  // Tell again what is pointed at, after the picture has changed under the hand.
  again() {
    if (this.#place) this.point({ x: this.#place.x, y: this.#place.y });
    else this.#foot.say(this.#resting());
  }

  // -------------------------------------------------------------------------------------------------------- pointing

  // Show and tell what lies at a place of the picture, in its pixels; nothing for null.
  point(place) {
    this.#place = place;
    const found = place && this.#picture.plot ? this.#find(place) : null;
    this.#foot.say(found ? found.words : this.#resting());
    this.#light(found);
    return found;
  }

  #resting() {
    const names = chosen.of(this.#chart.link);
    if (names) return `${names.size > 1 ? names.size : [...names][0]} chosen; a double click or Escape shows all again`;
    const thin = this.#chart.marks.find((m) => m.kind === "paths" && m.rows && m.label);
    return thin ? `thin: ${thin.label}` : "";
  }

  #find({ x, y, item }) {
    const chart = this.#chart, f = this.#picture.framed(), hit = item ?? nearest(this.#things(f), x, y);
    if (hit && !hit.column) return { item: hit, x: hit.x, y: hit.y, name: hit.name, words: hit.say() };
    const rules = rulesAt(chart, f, x, y);
    if (!this.#grid.length || x < f.left - BESIDE || x > f.right + BESIDE) {
      return rules.length ? { words: rules.join("; "), name: "" } : null;
    }
    const at = this.#grid[closest(this.#grid, f.x.value(x))], thread = nearest(threads(chart, f, at), f.x.at(at), y);
    const said = [...saysAt(chart, at), ...(thread ? [thread.say()] : []), ...rules], where = placed(chart, at);
    const words = said.length ? said.join("; ") : "no value";
    return { column: at, x: f.x.at(at), y: thread?.y, thread, name: thread?.name ?? "",
      words: where ? `${where}: ${words}` : words };
  }

  #things(f) { return this.#items ??= items(this.#chart, f); }
  get #grid() { return this.#columns ??= columns(this.#chart); }

  // A line at the place along x, a ring at the thing, and a thin curve in full.
  #light(found) {
    const over = this.#over, r = devicePixelRatio, f = this.#plane;
    if (!over.isConnected) return;
    const wide = Math.round((f.right - f.left) * r), high = Math.round((f.bottom - f.top) * r);
    const ctx = over.getContext("2d");
    if (over.width !== wide || over.height !== high) {
      over.width = wide;
      over.height = high;
      Object.assign(over.style, { width: `${wide / r}px`, height: `${high / r}px` });
    } else ctx.clearRect(0, 0, wide, high);
    if (found?.x === undefined) return;
    ctx.save();
    ctx.scale(r, r);
    ctx.translate(-f.left, -f.top);
    this.#ring(ctx, found, f);
    ctx.restore();
  }

  #ring(ctx, { x, y, column, thread, item }, f) {
    ctx.lineWidth = 1;
    ctx.strokeStyle = tone("soft", 0.7);
    ctx.beginPath();
    if (column !== undefined) { ctx.moveTo(x, f.top); ctx.lineTo(x, f.bottom); }
    ctx.stroke();
    ctx.lineWidth = 1.8;
    ctx.strokeStyle = tone("ink");
    if (thread) onePath(thread.mark, f, thread.row, ctx);
    ctx.beginPath();
    if (item?.band) {
      ctx.fillStyle = tone("soft", 0.1);
      ctx.fillRect(f.left, y - item.band - 4, f.right - f.left, 2 * item.band);
    } else if (y !== undefined) ctx.arc(x, y, 7, 0, 7);
    ctx.stroke();
  }

  #pick(found) {
    const { link, key } = this.#chart;
    if (!found?.name || !link) return;
    if (!chosen.of(link)?.has(found.name)) chosen.set(link, [found.name], key); // else one of those is read
    this.#picture.choose(link, found.name);
  }

  // ------------------------------------------------------------------------------------------------------ by pointer

  listen(over) {
    let start = null, dragged = false;
    const end = () => { start = null; dragged = false; };
    const place = (event) => {
      const box = over.getBoundingClientRect();
      return { x: event.clientX - box.left + this.#plane.left, y: event.clientY - box.top + this.#plane.top };
    };
    over.append(this.#over);
    over.addEventListener("pointerdown", (event) => {
      end();
      if (event.button === 0) start = place(event);
    });
    over.addEventListener("pointermove", (event) => {
      const here = place(event), brush = this.#brushes(event);
      if (start && !dragged && Math.abs(here.x - start.x) + (brush ? Math.abs(here.y - start.y) : 0) > SLIP) {
        dragged = true;
        over.setPointerCapture(event.pointerId);
      }
      if (dragged) this.#mark(start, here, brush); else if (!start) { this.#foot.aloud(false); this.point(here); }
    });
    over.addEventListener("pointerup", (event) => {
      const from = start, far = dragged, here = place(event);
      end();
      if (!from) return;
      if (far) this.#select(from, here, this.#brushes(event)); else this.#pick(this.point(here));
    });
    over.addEventListener("pointercancel", () => { end(); this.#mark(null); });
    over.addEventListener("pointerleave", () => { if (!dragged) { end(); this.point(null); } });
    over.addEventListener("dblclick", () => this.reset());
  }

  #brushes(event) { return Boolean(this.#chart.link) && (this.#foot.mode === "choose") !== event.shiftKey; }

  // Show what is being selected: a box, or all between two places along x.
  #mark(a, b, box) {
    const f = this.#plane, plot = this.#picture.plot;
    if (!a) { plot?.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false); return; }
    const [x0, x1] = ordered(a.x, b.x, f.left, f.right);
    const [y0, y1] = box ? ordered(a.y, b.y, f.top, f.bottom) : [f.top, f.bottom];
    plot.setSelect({ left: x0 - f.left, top: y0 - f.top, width: x1 - x0, height: y1 - y0 }, false);
  }

  #select(a, b, box) {
    const f = this.#picture.framed(), chart = this.#chart, [x0, x1] = ordered(a.x, b.x, f.left, f.right);
    this.#mark(null);
    if (!box) {
      if (x1 - x0 > SLIP) this.#picture.zoomed = [f.x.value(x0), f.x.value(x1)];
      return;
    }
    const names = inside(chart, f, x0, x1, ...ordered(a.y, b.y, -Infinity, Infinity));
    if (names.size) chosen.set(chart.link, names, chart.key); else chosen.clear();
    this.#foot.say(names.size === 1 ? `${[...names][0]} chosen` : `${names.size || "none"} chosen`);
  }

  reset() {
    this.#mark(null);
    this.#from = null;
    if (chosen.of(this.#chart.link)) chosen.clear();
    this.#picture.zoomed = null;
  }

  // --------------------------------------------------------------------------------------------------------- by keys

  key(event) {
    if (!this.#picture.plot || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = {
      ArrowRight: () => this.#walk(1), ArrowLeft: () => this.#walk(-1),
      ArrowUp: () => this.#climb(-1), ArrowDown: () => this.#climb(1),
      "+": () => this.#closer(0.5), "=": () => this.#closer(0.5), "-": () => this.#closer(2),
      Home: () => this.reset(), Escape: () => { this.reset(); this.start(); this.point(null); },
      Enter: () => this.#pick(this.#place && this.#find(this.#place)), " ": () => this.#brush(event),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    this.#foot.aloud(true);
    act();
  }

  #walk(by) {
    const f = this.#picture.framed(), stops = this.#stops ??= stopped(this.#chart, f, this.#things(f), this.#grid);
    if (!stops.length) return;
    const first = by > 0 ? 0 : stops.length - 1;
    this.#stop = this.#stop < 0 ? first : clamp(this.#stop + by, 0, stops.length - 1);
    this.point(stops[this.#stop]);
    if (this.#from) this.#mark(this.#from, this.#place, false);
  }

  // Up and down: the next thin curve at this place, else the next thing.
  #climb(by) {
    const found = this.#place && this.#find(this.#place);
    const here = found?.column === undefined ? [] : threads(this.#chart, this.#picture.framed(), found.column);
    if (!here.length) { this.#walk(by); return; }
    here.sort((a, b) => a.y - b.y);
    const now = here.findIndex((t) => t.row === found.thread?.row && t.mark === found.thread?.mark);
    const next = now < 0 ? here[by > 0 ? 0 : here.length - 1] : here[clamp(now + by, 0, here.length - 1)];
    this.point({ x: next.x, y: next.y });
  }

  // Zoom about what is pointed at, else about the middle.
  #closer(by) {
    const f = this.#picture.framed(), [low, high] = range(this.#chart.x), half = ((f.right - f.left) * by) / 2;
    const centre = clamp(this.#place?.x ?? (f.left + f.right) / 2, f.left, f.right);
    const next = [f.x.value(centre - half), f.x.value(centre + half)].map((v) => clamp(v, low, high));
    this.#stop = -1;
    this.#picture.zoomed = next[0] <= low && next[1] >= high ? null : next;
  }

  #brush(event) {
    const here = this.#place, f = this.#plane, from = this.#from;
    if (!here) return;
    this.#from = from ? null : here;
    if (!from) { this.#foot.say(`from here: ${this.#foot.told.textContent}`); return; }
    const [x0, x1] = ordered(from.x, here.x, f.left, f.right);
    this.#select({ x: x0 - 1, y: f.top }, { x: x1 + 1, y: f.bottom }, this.#brushes(event));
  }
}

// Where the arrow keys stop, from left to right: each place along x, and each thing but those of a crowd.
const stopped = (chart, f, all, grid) => {
  const lines = chart.marks.filter((m) => m.kind === "line"), first = lines.find((m) => m.strong) ?? lines[0];
  const level = (x) => {
    const value = first ? first.y[closest(first.x, x)] : NaN;
    return value === value ? f.y.at(value) : (f.top + f.bottom) / 2;
  };
  const places = Array.from(grid).filter((x) => f.x.has(x));
  const along = places.map((x) => ({ x: f.x.at(x), y: level(x), item: { column: true } }));
  const things = all.filter((item) => !item.quiet).map((item) => ({ x: item.x, y: item.y, item }));
  const rows = things.some((stop) => stop.item.band); // which stay in their order
  return rows ? things : [...along, ...things].sort((a, b) => a.x - b.x || a.y - b.y);
};
