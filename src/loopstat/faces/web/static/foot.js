// What stands under a picture: the line that tells what is pointed at, a few buttons, and the figures as a table.

import { button, el, say } from "./dom.js";
import { tables } from "./told.js";

const MODES = { zoom: "Drag to zoom along x", choose: "Drag to choose what is inside" };

const REST = 150; // milliseconds after which a hand rests

const table = ([caption, heads, rows]) => {
  const out = el("table"), cells = (tag, values) => values.map((v) => el(tag, { text: v }));
  if (caption) out.createCaption().textContent = caption;
  if (heads.some(Boolean)) out.createTHead().insertRow().append(...cells("th", heads));
  const body = out.createTBody();
  for (const row of rows) body.insertRow().append(...cells("td", row));
  return out;
};

export class Foot {
  mode = "zoom"; // what a drag does

  constructor(reset) {
    this.told = el("p", { class: "picture-told" });
    this.figures = el("div", { class: "picture-figures", hidden: true, tabindex: "0", role: "region" });
    this.tools = el("div", { class: "picture-tools" });
    this.line = el("div", { class: "picture-foot" }, this.told, this.tools);
    this.reset = button("reset", reset, { title: "Show all (double click, Home)" });
    this.opener = button("figures", () => this.unfold(),
      { title: "Every figure of this picture as a table", "aria-expanded": "false" });
    this.modes = Object.entries(MODES).map(([mode, help]) => button(mode, () => this.turn(mode), { title: help }));
  }

  // Buttons for a chart: what a drag does only where there are names to choose.
  furnish(chart) {
    this.figures.setAttribute("aria-label", `Figures: ${chart.title || chart.key}`);
    this.tools.replaceChildren(this.reset, ...(chart.link ? this.modes : []), this.opener);
    this.zoomed(false);
    this.turn(chart.link ? "choose" : "zoom");
  }

  turn(mode) {
    this.mode = mode;
    for (const one of this.modes) one.setAttribute("aria-pressed", String(one.textContent === mode));
  }

  zoomed(now) { this.reset.classList.toggle("off", !now); }

  say(words) {
    say(this.told, words);
  }

  // Whether what is told is read aloud: not while a mouse passes over it.
  aloud(now) { this.told.setAttribute("aria-live", now ? "polite" : "off"); }

  // Figures of a chart, where they are unfolded; while a hand moves they wait until it rests.
  show(chart, live = false) {
    this.chart = chart;
    clearTimeout(this.waiting);
    if (this.figures.hidden) return;
    if (live) this.waiting = setTimeout(() => this.show(chart), REST);
    else this.figures.replaceChildren(...tables(chart).map(table));
  }

  unfold() {
    this.figures.hidden = !this.figures.hidden;
    this.opener.setAttribute("aria-expanded", String(!this.figures.hidden));
    if (this.figures.hidden) this.figures.replaceChildren(); else this.show(this.chart);
  }
}
