// The address: `#DESK?name=value&...` holds the desk and whatever is not at its default; lists repeat their name.

/** Read the fragment of an address: the desk's name and pairs of names and values. */
export const readAddress = (hash) => {
  const text = hash.replace(/^#/, ""), at = text.indexOf("?");
  const head = at < 0 ? text : text.slice(0, at);
  const found = new Map();
  for (const [name, value] of new URLSearchParams(at < 0 ? "" : text.slice(at + 1))) {
    found.set(name, found.has(name) ? [].concat(found.get(name), value) : value);
  }
  return { desk: decoded(head.replaceAll("+", " ")), pairs: [...found] };
};

const decoded = (text) => {
  try { return decodeURIComponent(text); } catch { return text; } // a lone % is no escape
};

/** Return the fragment of a desk and its settings. */
export const addressOf = (desk, values) => {
  const pairs = [...values].flatMap(([name, value]) => [].concat(value).map((v) => [name, String(v)]));
  return `#${encodeURIComponent(desk)}${pairs.length ? `?${new URLSearchParams(pairs)}` : ""}`;
};

/** Keeps address and page the same: a release is an entry of the history, so that back undoes it. */
export class Address {
  constructor(changed) {
    addEventListener("popstate", () => changed(this.now()));
  }

  now() { return readAddress(location.hash); }

  write(desk, values, { first = false } = {}) {
    const hash = addressOf(desk, values);
    if (hash === location.hash) return;
    history[first ? "replaceState" : "pushState"](null, "", hash);
  }
}
