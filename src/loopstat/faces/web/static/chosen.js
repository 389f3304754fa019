// The one choice of names on the page, which every picture of the same kind of names shows.

class Chosen extends EventTarget {
  link = ""; // what the names are names of
  names = new Set();
  source = ""; // the picture, or whatever else, that it was made in

  set(link, names, source = "") {
    this.link = link;
    this.names = new Set(names);
    this.source = source;
    this.dispatchEvent(new Event("change"));
  }

  clear() {
    if (this.link || this.names.size) this.set("", []);
  }

  // The names that are chosen of a kind, or null where none is.
  of(link) {
    return link && this.link === link && this.names.size ? this.names : null;
  }
}

export const chosen = new Chosen();
