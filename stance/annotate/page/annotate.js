// The page: one post at a time, one key an answer. What a key does happens here at once; the server hears of it through
// the outbox, and the next posts are here before they are needed.

import { byId, chip, element } from "./dom.js";
import { Outbox, newId } from "./outbox.js";
import { Disagreements, showOthers, showProgress } from "./panels.js";
import { Thread } from "./tree.js";

const LABELS = ["favor", "against", "none"];
const KEYS = { f: "favor", a: "against", n: "none", u: "unsure", s: "skip" };
const KIND_NAMES = { stance: "In conversation", text_only: "Words alone" };
const SHOWN_PARENTS = 5;
const PREFETCH = 4; // threads
const FEW_LEFT = 30; // posts in the queue that make the page ask for more

const state = {
  kind: "stance",
  queue: [],
  left: 0, // to label, this post included
  done: 0,
  answered: new Map(), // this session's answers of this kind, also those the server has not heard of
  history: [],
  threads: new Map(),
  current: null,
  thread: null,
  model: null,
  times: [],
  treeTop: 0,
  treeHeight: 0, // kept by observers: asking for it at each key would lay the page out anew
  clock: { seconds: 0, since: null },
};
let outbox = null;
let session = null;
let disagreements = null;

const joined = (key) => key.join("\u001f");
const same = (one, other) => one && other && one[0] === other[0] && one[1] === other[1];

async function ask(path, values = {}) {
  const query = new URLSearchParams({ annotator: session?.annotator ?? document.body.dataset.annotator, kind: state.kind, ...values });
  const answer = await fetch(`${path}?${query}`);
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error ?? answer.statusText);
  return body;
}

// Beginning

async function begin() {
  if (!document.body.dataset.annotator) return openPanel("who");
  session = await ask("/api/state");
  outbox = new Outbox(session.database, session.annotator, { state: showSaved, stored, refused });
  if (outbox.names().length) {
    // Labels of a tab that died: the server must hear of them before it says what is left.
    await outbox.flush();
    session = await ask("/api/state");
  }
  byId("annotator").textContent = session.annotator;
  disagreements = new Disagreements(ask, decide);
  state.history = session.history;
  take(session);
  await next();
  state.ready = true;
  document.body.dataset.ready = "true";
}

function take(answer) {
  state.queue = answer.queue.filter((key) => !settled(key) && !same(key, state.current));
  state.left = answer.left;
  state.done = answer.done;
  state.model = answer.model;
  for (const event of outbox.pending()) {
    // Not yet in the server's count.
    if (event.kind === state.kind && event.value !== "skip") state.done += 1;
  }
  drawProgress();
}

const isDone = (value) => value !== undefined && value !== "skip";

function settled(key) {
  const thread = state.threads.get(key[0]);
  const known = thread instanceof Thread ? thread.labels.get(key[1])?.[state.kind] : undefined;
  return isDone(state.answered.get(joined(key)) ?? known);
}

async function refill() {
  if (state.refilling) return;
  state.refilling = true;
  try {
    const [thread, post] = state.current ?? ["", ""];
    take(await ask("/api/queue", { after_thread: thread, after_post: post }));
    prefetch();
  } catch {
    // Offline: what is here must do; the next answer asks again.
  } finally {
    state.refilling = false;
  }
}

// Threads

async function load(id) {
  if (!state.threads.has(id)) {
    const coming = ask("/api/thread", { thread: id }).then((data) => {
      const thread = new Thread(data);
      // Answers that are still in the outbox count.
      for (const event of outbox.pending()) {
        if (event.thread === id && event.kind !== "undo") thread.setLabel(event.post, event.kind, event.value);
      }
      thread.draw(choose);
      thread.paintAll(state.kind);
      state.threads.set(id, thread);
      return thread;
    });
    coming.catch(() => state.threads.delete(id));
    state.threads.set(id, coming);
  }
  return state.threads.get(id);
}

function prefetch() {
  const wanted = new Set(state.queue.slice(0, 60).map(([thread]) => thread));
  [...wanted].slice(0, PREFETCH).forEach((id) => load(id).catch(() => {}));
}

async function reload(id) {
  state.threads.delete(id);
  const thread = await load(id);
  if (state.current?.[0] !== id) return;
  state.thread = thread;
  place();
}

// Showing

async function choose(key) {
  saveNote();
  document.body.classList.remove("tree-open");
  await show(key);
}

async function next() {
  while (state.queue.length && settled(state.queue[0])) state.queue.shift();
  const key = state.queue.shift();
  if (!key) return finish();
  return show(key);
}

async function show(key) {
  const found = state.threads.get(key[0]);
  // Without waiting where the thread is here: the next post stands there within the same frame.
  const thread = found instanceof Thread ? found : await load(key[0]);
  if (state.current && !settled(state.current) && !same(state.current, key)) state.queue.unshift(state.current);
  state.queue = state.queue.filter((other) => !same(other, key));
  state.current = key;
  state.thread = thread;
  state.clock = { seconds: 0, since: document.hidden ? null : performance.now() };
  byId("reading").hidden = false;
  byId("finished").hidden = true;
  place();
  prefetch();
}

function place() {
  const tree = byId("tree");
  if (tree.firstChild !== state.thread.drawn) {
    tree.replaceChildren(state.thread.drawn);
    state.treeTop = tree.scrollTop;
  }
  const post = state.thread.posts.get(state.current[1]);
  state.thread.select(post.post);
  scrollTree(state.thread.place.get(post.post));
  byId("thread-title").textContent = state.thread.posts.values().next().value.title ?? state.thread.id;
  drawPost(post);
  drawParents(post);
  drawGuess(post);
  byId("note").value = outbox.draft(joined(state.current)) ?? labelsHere().note ?? "";
  drawAnswers();
  bringIntoView(byId("reading"), byId("post"));
}

// Rows are of one height, so that a tree of thousands need not be laid out to find one of them.
function scrollTree(row) {
  const tree = byId("tree");
  const height = state.thread.rowHeight ??= state.thread.selected.offsetHeight || 28;
  const top = row * height;
  if (top < state.treeTop || top + height > state.treeTop + state.treeHeight) {
    state.treeTop = Math.max(0, top - state.treeHeight / 3);
    tree.scrollTop = state.treeTop;
  }
}

// The whole post and the note below it, and as much of what it answers as there is room for; a long post from its top.
function bringIntoView(box, post) {
  const end = post.offsetTop + post.offsetHeight + 90 - box.offsetTop - box.clientHeight;
  box.scrollTop = Math.max(0, Math.min(end, post.offsetTop - box.offsetTop - 20));
}

const labelsHere = () => state.thread.labels.get(state.current[1]) ?? {};

function drawPost(post) {
  const alone = state.kind === "text_only";
  byId("author").textContent = alone ? "One post" : post.author ?? "unknown author";
  byId("meta").textContent = alone ? "" : [`post ${post.post}`, post.posted_at].filter(Boolean).join(" · ");
  byId("text").textContent = post.text || "(no words)";
  byId("text").classList.toggle("long", post.text.length > 600);
  byId("quote").textContent = post.quote ?? "";
  byId("quote").hidden = alone || !post.quote;
  byId("basis").hidden = alone || !["quote", "address", "order"].includes(post.parent_basis);
  byId("basis").textContent = {
    quote: "The page does not say whom this answers: found by the words it quotes.",
    address: "The page does not say whom this answers: found by the name it addresses.",
    order: "The page does not say whom this answers: guessed from the order of posts.",
  }[post.parent_basis] ?? "";
}

function drawParents(post) {
  const chain = state.kind === "text_only" ? [] : state.thread.parents(post.post);
  const shown = chain.slice(-SHOWN_PARENTS);
  const further = chain.length - shown.length;
  byId("parents").replaceChildren(
    ...(further ? [element("li", { class: "further" }, `${further} more above`)] : []),
    ...shown.map((parent) =>
      element(
        "li",
        { onclick: (event) => event.currentTarget.classList.toggle("open") },
        element("b", {}, parent.author ?? "unknown author"),
        ownChip(parent),
        element("p", {}, parent.text),
      ),
    ),
  );
}

function ownChip(post) {
  const label = (state.thread.labels.get(post.post) ?? {})[state.kind];
  return label && label !== "skip" ? chip(label, "your label") : null;
}

function drawGuess(post) {
  const guess = state.thread.guesses.get(post.post);
  byId("guess").hidden = !guess;
  byId("guess").replaceChildren(...(guess ? ["the model guesses ", chip(guess.stance), ` with ${Math.round(guess.probability * 100)} %`] : []));
}

function drawAnswers() {
  const given = labelsHere()[state.kind];
  for (const button of document.querySelectorAll("[data-answer]")) {
    button.setAttribute("aria-pressed", String(button.dataset.answer === given));
  }
}

function drawProgress() {
  const total = state.done + state.left;
  byId("bar").max = Math.max(total, 1);
  byId("bar").value = state.done;
  const recent = state.times.slice(-20).sort((one, other) => one - other);
  const pace = recent.length >= 3 ? recent[Math.floor(recent.length / 2)] : null;
  const rest = pace && state.left ? ` · ${pace.toFixed(pace < 10 ? 1 : 0)} s each · ${duration(pace * state.left)} to go` : "";
  byId("pace").textContent = `${state.done} of ${total}${rest}`;
}

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

function finish() {
  state.current = null;
  byId("reading").hidden = true;
  byId("finished").hidden = false;
  byId("finished-text").textContent = `${state.done} posts labelled as ${session.annotator}, ${KIND_NAMES[state.kind].toLowerCase()}.`;
  drawProgress();
}

function showSaved(name, count) {
  const waiting = `${count} ${count === 1 ? "answer" : "answers"} kept in this browser`;
  byId("saved").dataset.state = name;
  byId("saved").textContent = {
    saved: "saved",
    sending: "saving",
    offline: `server not reachable: ${waiting}`,
    locked: `the link is not valid any more: ask for the new one; ${waiting}`,
    foreign: `another database is served here now; ${waiting} for the old one`,
  }[name];
}

// Answering

function seconds() {
  const { seconds: before, since } = state.clock;
  return before + (since === null ? 0 : (performance.now() - since) / 1000);
}

function makeEvent(kind, value, key = state.current) {
  const seen = state.threads.get(key[0])?.guesses?.has(key[1]) ?? false;
  return {
    id: newId(),
    thread: key[0],
    post: key[1],
    kind,
    value,
    // Whether the guess was to be seen, not how the session was meant: a label changed after it was shown is not blind.
    mode: seen ? "assisted" : "blind",
    seconds: Math.round(seconds() * 1000) / 1000,
    model: state.model,
    given_at: new Date().toISOString(),
  };
}

function put(event) {
  state.history.push({ id: event.id, thread: event.thread, post: event.post, kind: event.kind, value: event.value });
  outbox.add(event);
}

async function answer(value) {
  if (!state.current) return;
  saveNote();
  const key = state.current;
  const before = labelsHere()[state.kind];
  put(makeEvent(state.kind, value));
  state.times.push(seconds());
  count(before, value);
  state.answered.set(joined(key), value);
  state.thread.setLabel(key[1], state.kind, value);
  state.thread.paint(key[1], state.kind);
  if (value === "skip") {
    state.queue.push(key);
    state.current = null;
  }
  showLast(key, value);
  if (state.queue.length < FEW_LEFT && state.left > state.queue.length + 1) refill();
  await next();
  drawProgress();
}

function count(before, after) {
  const step = Number(isDone(after)) - Number(isDone(before));
  state.done += step;
  state.left = Math.max(0, state.left - step);
}

function showLast(key, value, guess = null) {
  const author = state.kind === "text_only" ? `post ${key[1]}` : state.threads.get(key[0]).posts.get(key[1]).author ?? `post ${key[1]}`;
  const parts = ["last: ", author, " ", LABELS.includes(value) ? chip(value, "your label") : value];
  if (guess) parts.push(guess.stance === value ? ", as the model guessed" : ", the model guessed ", ...(guess.stance === value ? [] : [chip(guess.stance)]));
  byId("last").replaceChildren(...parts);
  state.last = { key, value };
}

async function undo() {
  saveNote();
  const taken = state.history.pop();
  if (!taken) return;
  const key = [taken.thread, taken.post];
  const thread = await load(taken.thread);
  const earlier = state.history.findLast((one) => one.thread === taken.thread && one.post === taken.post && one.kind === taken.kind);
  outbox.add({ ...makeEvent("undo", taken.id, key), mode: "blind" });
  if (taken.kind === state.kind) {
    count(taken.value, earlier?.value);
    state.answered.delete(joined(key));
    if (earlier) state.answered.set(joined(key), earlier.value);
  }
  outbox.dropDraft(joined(key));
  thread.setLabel(taken.post, taken.kind, earlier?.value);
  thread.paint(taken.post, state.kind);
  byId("last").replaceChildren(`taken back: ${taken.kind === "note" ? "the note" : taken.value}`);
  await show(key);
  drawProgress();
}

function saveNote() {
  if (!state.current || byId("note").value === (labelsHere().note ?? "")) return;
  put(makeEvent("note", byId("note").value));
  state.thread.setLabel(state.current[1], "note", byId("note").value);
  outbox.dropDraft(joined(state.current));
}

function decide(key, kind, value) {
  outbox.add(makeEvent(`${kind}_decision`, value, key));
}

function stored(answer) {
  for (const [id, post, guess] of answer.guesses) {
    const thread = state.threads.get(id);
    if (!(thread instanceof Thread)) continue;
    thread.guesses.set(post, guess);
    thread.paint(post, state.kind);
    if (state.last && same(state.last.key, [id, post])) showLast(state.last.key, state.last.value, guess);
    // The mode of a label is what was to be seen when its key was pressed, so the post in view shows it too.
    if (same(state.current, [id, post])) drawGuess(state.thread.posts.get(post));
  }
  if (answer.model !== state.model && session.order === "active") refill();
}

function refused(event, why) {
  byId("last").replaceChildren(`not stored (${why})`);
  state.history = state.history.filter((one) => one.id !== event.id);
  reload(event.thread).catch(() => {});
}

async function move(step) {
  const place = state.thread.place.get(state.current[1]) + step;
  if (place < 0 || place >= state.thread.order.length) return;
  await choose([state.thread.id, state.thread.order[place]]);
}

async function toggleKind() {
  saveNote();
  state.kind = state.kind === "stance" ? "text_only" : "stance";
  state.answered = new Map();
  for (const event of outbox.pending()) {
    if (event.kind === state.kind) state.answered.set(joined([event.thread, event.post]), event.value);
  }
  document.body.classList.toggle("alone", state.kind === "text_only");
  byId("kind").textContent = KIND_NAMES[state.kind];
  byId("kind").setAttribute("aria-pressed", String(state.kind === "text_only"));
  for (const thread of state.threads.values()) if (thread instanceof Thread) thread.paintAll(state.kind);
  state.refilling = false;
  await refill();
  // What is answered already in this way of reading need not be seen again.
  if (state.current && !settled(state.current)) place();
  else await next();
}

// Panels

function openPanel(name) {
  const dialog = byId(name);
  if (name === "tree-panel") return document.body.classList.toggle("tree-open");
  if (dialog.open) return dialog.close();
  document.querySelectorAll("dialog[open]").forEach((other) => other.close());
  dialog.showModal();
  if (name === "progress") showProgress(ask, session, state.kind).catch(sayOffline);
  if (name === "disagreements") disagreements.open(state.kind, state.left).catch(sayOffline);
  return undefined;
}

function sayOffline() {
  showSaved("offline", outbox.names().length);
}

function others() {
  if (!state.current || state.kind === "text_only") return;
  const post = state.thread.posts.get(state.current[1]);
  showOthers(state.thread, post, state.kind);
  openPanel("others");
}

// Input

const actions = {
  z: undo,
  j: () => state.current && move(1),
  k: () => state.current && move(-1),
  t: toggleKind,
  e: () => byId("note").focus(),
  o: others,
  c: () => openPanel("codebook"),
  p: () => openPanel("progress"),
  d: () => openPanel("disagreements"),
  "?": () => openPanel("keys"),
};

// One key after the other: a fast hand must not answer a post that is not there yet.
let queueOfKeys = Promise.resolve();

function press(key, pressedAt) {
  const act = KEYS[key] ? () => answer(KEYS[key]) : actions[key];
  if (!act || !state.ready) return;
  queueOfKeys = queueOfKeys.then(act).catch(report);
  if (KEYS[key]) queueOfKeys.then(() => measure(pressedAt));
}

function report(error) {
  byId("last").replaceChildren(`this did not work: ${error.message}`);
}

function measure(pressedAt) {
  // From the key to the painted next post; read by the benchmark.
  requestAnimationFrame(() => {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => performance.measure("stance-next", { start: pressedAt, end: performance.now() });
    channel.port2.postMessage(null);
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches("textarea, input, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  const open = document.querySelector("dialog[open]");
  if (open) {
    if (open.id === "disagreements" && disagreements.press(event.key)) event.preventDefault();
    else if (actions[event.key] && ["codebook", "progress", "keys", "others", "disagreements"].includes(open.id)) open.close();
    return;
  }
  if (event.repeat || !(event.key in KEYS || event.key in actions)) return;
  event.preventDefault();
  press(event.key, event.timeStamp);
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.answer) press(Object.keys(KEYS).find((key) => KEYS[key] === button.dataset.answer), event.timeStamp);
  if (button.id === "undo") press("z", event.timeStamp);
  if (button.id === "kind") press("t", event.timeStamp);
  if (button.id === "author") press("o", event.timeStamp);
  if (button.dataset.panel) openPanel(button.dataset.panel);
});

byId("note").addEventListener("input", () => outbox.keepDraft(joined(state.current), byId("note").value));
byId("note").addEventListener("blur", saveNote);

byId("who-form").addEventListener("submit", (event) => {
  event.preventDefault();
  location.search = `?annotator=${encodeURIComponent(byId("who-name").value.trim())}`;
});

byId("tree").addEventListener("scroll", () => {
  state.treeTop = byId("tree").scrollTop;
});
new ResizeObserver(([entry]) => {
  state.treeHeight = entry.contentRect.height;
  if (state.thread?.selected) scrollTree(state.thread.place.get(state.current?.[1]) ?? 0);
}).observe(byId("tree"));

document.addEventListener("visibilitychange", () => {
  if (document.hidden) state.clock = { seconds: seconds(), since: null };
  else state.clock.since ??= performance.now();
  if (document.hidden && outbox) saveNote();
});

window.addEventListener("beforeunload", (event) => {
  // Only where the browser keeps nothing; else the outbox survives.
  if (outbox?.memory.size) event.preventDefault();
});

begin().catch((error) => {
  byId("saved").dataset.state = "offline";
  byId("saved").textContent = error.message;
});
