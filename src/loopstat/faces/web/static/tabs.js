// Desks as tabs: those that read nothing first, then those of your data; arrow keys walk along them.

import { el } from "./dom.js";

export class Tabs {
  constructor(host, desks, chosen) {
    this.chosen = chosen;
    this.tabs = new Map();
    for (const reads of [false, true]) {
      const some = desks.filter((desk) => desk.reads === reads);
      if (reads && some.length) host.append(el("span", { class: "tabs-of", role: "presentation", text: "Your data" }));
      some.forEach((desk) => host.append(this.tab(desk)));
    }
    host.addEventListener("keydown", (event) => this.key(event));
  }

  tab(desk) {
    const made = el("button", { type: "button", role: "tab", class: "tab", tabindex: "-1",
      text: desk.title || desk.name,
      id: `tab-${this.tabs.size}`, "aria-selected": "false", "aria-controls": "bench", "data-desk": desk.name,
      onclick: () => this.chosen(desk.name) });
    this.tabs.set(desk.name, made);
    return made;
  }

  show(name) {
    for (const [desk, tab] of this.tabs) {
      tab.setAttribute("aria-selected", String(desk === name));
      tab.tabIndex = desk === name ? 0 : -1;
    }
    const tab = this.tabs.get(name);
    document.getElementById("bench").setAttribute("aria-labelledby", tab.id);
    tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  key(event) {
    const every = [...this.tabs.values()], at = every.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: every.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const next = every[(to + every.length) % every.length];
    next.focus();
    next.click();
  }
}
