// The line to the server: frames read, stale ones dropped, one live request at a time, tried again when it is cut.

const PAUSES = [250, 500, 1000, 2000, 4000, 8000];
const PATIENCE = 1500; // ms after which a live request that was never answered holds nothing up
const BEAT = 15000;

/** Return the header of a frame and its floats. */
export const readFrame = (buffer) => {
  const size = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, size)));
  return { header, floats: new Float32Array(buffer, 4 + Math.ceil(size / 4) * 4) };
};

/** What is under way in one slot: what is shown, what flies, what waits for it. */
class Slot {
  constructor() {
    this.seen = 0;
    this.flying = 0;
    this.since = 0;
    this.wanted = null; // live, waiting for the one that flies
    this.settle = null; // to be asked as a whole once its live answer is there
    this.running = 0; // a whole run
    this.last = ""; // the live request sent last
    this.exact = ""; // the request whose answer left nothing out
  }
}

export class Link {
  /** `told(header, floats)` for every frame that counts; `state("open" | "lost", seconds)` as the line comes, goes. */
  constructor({ told, state }) {
    this.told = told;
    this.state = state;
    this.seq = 0;
    this.tries = 0;
    this.slots = new Map();
    this.address = new URL("socket", location.href.split("#")[0]);
    this.address.protocol = "ws:";
    this.open();
    setInterval(() => this.send({ do: "ping" }), BEAT);
  }

  open() {
    clearTimeout(this.timer);
    this.socket = new WebSocket(this.address);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => { this.tries = 0; this.slots.clear(); this.state("open"); };
    this.socket.onmessage = (event) => this.frame(event.data);
    this.socket.onclose = () => this.closed();
  }

  closed() {
    const pause = PAUSES[Math.min(this.tries++, PAUSES.length - 1)];
    this.state("lost", pause / 1000);
    this.timer = setTimeout(() => this.open(), pause);
  }

  /** Try at once instead of when the pause is over. */
  retry() { if (this.socket.readyState === WebSocket.CLOSED) this.open(); }

  get up() { return this.socket.readyState === WebSocket.OPEN; }

  send(message) { if (this.up) this.socket.send(JSON.stringify(message)); }

  slot(k) {
    if (!this.slots.has(k)) this.slots.set(k, new Slot());
    return this.slots.get(k);
  }

  /** Ask while a hand moves: at most one request is under way, and the newest waits for it. */
  live(k, request) {
    const slot = this.slot(k);
    const text = JSON.stringify(request);
    slot.settle = null;
    if (slot.flying && slot.last === text) { slot.wanted = null; return; }
    if (slot.flying && performance.now() - slot.since < PATIENCE) { slot.wanted = request; return; }
    slot.wanted = null;
    slot.last = text;
    slot.flying = this.ask(k, request, true);
    slot.since = performance.now();
  }

  /** Ask for good: what can be said at once, then the whole where something was left out; false if it is there. */
  settle(k, request, live) {
    const slot = this.slot(k);
    if (!live) { this.whole(k, request); return true; }
    if (!slot.flying && slot.exact === JSON.stringify(request)) return false;
    this.live(k, request);
    slot.settle = request;
    return true;
  }

  whole(k, request) {
    const slot = this.slot(k);
    Object.assign(slot, { wanted: null, settle: null, flying: 0, exact: "" });
    slot.running = this.ask(k, request, false);
  }

  cancel(k) {
    Object.assign(this.slot(k), { wanted: null, settle: null, flying: 0, exact: "" });
    this.send({ do: "cancel", slot: k });
  }

  /** Whether a whole answer is still to come. */
  busy(k) {
    const slot = this.slot(k);
    return Boolean(slot.running || slot.settle);
  }

  ask(k, request, live) {
    this.seq += 1;
    this.send({ do: "answer", seq: this.seq, slot: k, ...request, live });
    return this.seq;
  }

  frame(buffer) {
    const { header, floats } = readFrame(buffer);
    if (header.seq === undefined) { this.told(header, floats); return; }
    const slot = this.slot(header.slot);
    if (header.seq < slot.seen) return;
    slot.seen = header.seq;
    if (header.kind !== "progress") this.landed(header.slot, slot, header);
    this.told(header, floats);
  }

  landed(k, slot, header) {
    if (header.seq >= slot.running) slot.running = 0;
    if (header.seq < slot.flying || !slot.flying) return;
    slot.flying = 0;
    const { wanted, settle } = slot, exact = header.kind === "document" && header.live && !header.document.rough;
    slot.exact = exact ? slot.last : "";
    if (wanted) {
      this.live(k, wanted);
      slot.settle = settle;
    } else if (settle) {
      slot.settle = null;
      if (!exact && header.kind !== "error") this.whole(k, settle);
    }
  }
}
