// Labels on their way to the server. An event is written to this browser's storage before anything else happens and
// removed only when the server says that it is on its disk. Sending an event twice does no harm: its id is its own.

const RETRY_MS = [300, 600, 1000, 2000, 3000];
const BATCH = 50;

export function newId() {
  // crypto.randomUUID is missing on plain http addresses other than this machine's own.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Outbox {
  constructor(database, annotator, listener) {
    this.database = database;
    this.annotator = annotator;
    this.listener = listener; // {state(name, count), stored(answer), refused(event, why)}
    this.prefix = `stance/${database}/${annotator}/event/`;
    this.drafts = `stance/${database}/${annotator}/draft/`;
    this.memory = new Map(); // where the browser keeps nothing, or its storage is full
    this.last = 0;
    this.failures = 0;
    this.sending = null;
    window.addEventListener("online", () => this.flush());
  }

  add(event) {
    // Sorted by name: the order of the keys pressed, also when the clock is set back.
    this.last = Math.max(Date.now(), this.last + 1);
    const name = `${this.prefix}${String(this.last).padStart(16, "0")}/${event.id}`;
    this.write(name, JSON.stringify(event));
    this.tell();
    this.flush();
  }

  write(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      this.memory.set(name, value);
    }
  }

  read(name) {
    return this.memory.get(name) ?? localStorage.getItem(name);
  }

  remove(name) {
    this.memory.delete(name);
    localStorage.removeItem(name);
  }

  names() {
    const kept = Object.keys(localStorage).filter((name) => name.startsWith(this.prefix));
    return [...kept, ...this.memory.keys()].filter((name) => name.startsWith(this.prefix)).sort();
  }

  pending() {
    return this.names().map((name) => JSON.parse(this.read(name)));
  }

  keepDraft(key, text) {
    this.write(this.drafts + key, text);
  }

  draft(key) {
    return this.read(this.drafts + key);
  }

  dropDraft(key) {
    this.remove(this.drafts + key);
  }

  flush() {
    clearTimeout(this.timer);
    // A second call while one is under way waits for that one, then looks again.
    this.sending ??= this.sendAll().finally(() => {
      this.sending = null;
    });
    return this.sending;
  }

  async sendAll() {
    let size = BATCH;
    for (let names = this.names(); names.length; names = this.names()) {
      const batch = names.slice(0, size);
      const outcome = await this.send(batch);
      if (outcome === "wait") return;
      // One bad event must not hold up the others: find it by sending singly.
      size = outcome === "refused" ? 1 : BATCH;
    }
    this.failures = 0;
    this.tell();
  }

  async send(names) {
    const events = names.map((name) => JSON.parse(this.read(name)));
    let answer;
    try {
      answer = await fetch("/api/events", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({ database: this.database, annotator: this.annotator, events }),
      });
    } catch {
      return this.retry("offline");
    }
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return this.sent(names, body);
    if (answer.status === 400) return this.refuse(names, events, body.error);
    return this.retry(answer.status === 403 ? "locked" : answer.status === 409 ? "foreign" : "offline");
  }

  sent(names, body) {
    names.forEach((name) => this.remove(name));
    this.failures = 0;
    this.tell();
    this.listener.stored(body);
    return "sent";
  }

  refuse(names, events, why) {
    if (names.length > 1) return "refused";
    this.remove(names[0]);
    this.listener.refused(events[0], why || "the server refused it");
    return "sent";
  }

  retry(state) {
    const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
    this.failures += 1;
    this.timer = setTimeout(() => this.flush(), wait);
    this.listener.state(state, this.names().length);
    return "wait";
  }

  tell() {
    const count = this.names().length;
    if (!this.failures) this.listener.state(count ? "sending" : "saved", count);
  }
}
