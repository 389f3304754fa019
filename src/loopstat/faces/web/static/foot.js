// What stands under a picture: the line that tells what is pointed at, a few buttons, and the figures as a table.

import { tables } from "./told.js";

const MODES = { zoom: "Drag to zoom along x", choose: "Drag to choose what is inside" };

const made = (tag, look, more = {}) => Object.assign(document.createElement(tag), { className: look }, more);

const button = (words, help, act) => {
  const out = made("button", "", { type: "button", textContent: words, title: help });
  out.addEventListener("click", act);
  return out;
};

const table = ([caption, heads, rows]) => {
  const out = made("table", ""), cells = (tag, values) => values.map((v) => made(tag, "", { textContent: v }));
  if (caption) out.createCaption().textContent = caption;
  if (heads.some(Boolean)) out.createTHead().insertRow().append(...cells("th", heads));
  const body = out.createTBody();
  for (const row of rows) body.insertRow().append(...cells("td", row));
  return out;
};

export class Foot {
  mode = "zoom"; // what a drag does

  constructor(reset) {
    this.told = made("p", "picture-told");
    this.figures = made("div", "picture-figures", { hidden: true, tabIndex: 0 });
    this.figures.setAttribute("role", "region");
    this.tools = made("div", "picture-tools");
    this.line = made("div", "picture-foot");
    this.line.append(this.told, this.tools);
    this.reset = button("reset", "Show all (double click, Home)", reset);
    this.opener = button("figures", "Every figure of this picture as a table", () => this.unfold());
    this.opener.setAttribute("aria-expanded", "false");
    this.modes = Object.entries(MODES).map(([mode, help]) => button(mode, help, () => this.turn(mode)));
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
    if (this.told.textContent !== words) this.told.textContent = words;
  }

  // Whether what is told is read aloud: not while a mouse passes over it.
  aloud(now) { this.told.setAttribute("aria-live", now ? "polite" : "off"); }

  show(chart) {
    this.chart = chart;
    if (!this.figures.hidden) this.figures.replaceChildren(...tables(chart).map(table));
  }

  unfold() {
    this.figures.hidden = !this.figures.hidden;
    this.opener.setAttribute("aria-expanded", String(!this.figures.hidden));
    if (this.figures.hidden) this.figures.replaceChildren(); else this.show(this.chart);
  }
}
