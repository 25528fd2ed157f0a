// Panels over the page: the same author's posts, progress with its curve, disagreements with their decision.

import { byId, chip, drawing, element } from "./dom.js";

const LABELS = ["favor", "against", "none"];
const DECIDING = { f: "favor", a: "against", n: "none" };

export function showOthers(thread, post, kind) {
  const posts = thread.byAuthor(post.author);
  byId("others-title").textContent = post.author ? `${posts.length} posts by ${post.author} in this thread` : "The author is not known";
  byId("others-posts").replaceChildren(
    ...posts.map((other) =>
      element(
        "section",
        { class: other.post === post.post ? "other this" : "other" },
        element("p", { class: "small" }, `post ${other.post}`, other.post === post.post ? " (this one)" : "", " ", labelChip(thread, other, kind)),
        element("p", { class: "words" }, other.text),
      ),
    ),
  );
}

function labelChip(thread, post, kind) {
  const label = (thread.labels.get(post.post) ?? {})[kind];
  return label && label !== "skip" ? chip(label, "your label") : null;
}

// Progress

export async function showProgress(ask, session, kind) {
  const progress = await ask("/api/progress");
  byId("progress-body").replaceChildren(
    annotators(progress, kind),
    ...agreement(progress.agreement?.[kind]),
    ...curve(progress, session.order),
  );
  const names = [...progress.annotators.map((one) => one.annotator), "majority", "adjudicated"];
  byId("whose").replaceChildren(...names.map((name) => element("option", {}, name)));
  byId("whose").value = names.includes(session.annotator) ? session.annotator : names[0];
  byId("whose").onchange = links;
  links();
}

function links() {
  const whose = encodeURIComponent(byId("whose").value);
  for (const link of document.querySelectorAll("[data-ending]")) link.href = `/export/${whose}/${whose}${link.dataset.ending}`;
}

function annotators(progress, kind) {
  const head = ["annotator", ...LABELS, "unsure", "skipped", "seconds each"].map((name) => element("th", {}, name));
  const rows = progress.annotators.map(({ annotator, counts, seconds }) => {
    const values = [...LABELS, "unsure", "skip"].map((value) => counts[kind][value] ?? 0);
    const cells = [...values, seconds === null ? "" : seconds.toFixed(1)];
    return element("tr", {}, element("th", {}, annotator), ...cells.map((cell) => element("td", {}, String(cell))));
  });
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
}

function agreement(found) {
  if (!found) return [];
  const alpha = `Krippendorff's alpha ${number(found.alpha)} (95 % interval ${number(found.low)} to ${number(found.high)})`;
  const pairs = found.kappas.map(({ annotators: [one, other], kappa, posts }) => element("li", {}, `${one} and ${other}: kappa ${number(kappa)} on ${posts} posts`));
  return [element("h3", {}, "Agreement"), element("p", {}, `${alpha}, ${found.posts} posts with two labels or more.`), element("ul", {}, ...pairs)];
}

const number = (value) => (value === null || value === undefined ? "not defined" : value.toFixed(2));

function curve(progress, order) {
  const rounds = progress.rounds.filter((one) => one.accuracy !== null);
  const waiting = progress.waiting_for ? [element("p", { class: "small" }, `The model waits: ${progress.waiting_for}.`)] : [];
  if (!rounds.length) return waiting;
  const last = rounds.at(-1);
  const now = `After ${last.labels} labels the model guesses ${percent(last.accuracy)} of them (± ${percent(1.96 * last.error)}), each without knowing that label.`;
  const hard = order === "active" ? " These posts were chosen because the model doubted them: on the posts that are left it is right more often." : "";
  return [element("h3", {}, "What the model has learned"), picture(rounds), element("p", {}, now, hard, " ", ahead(progress.forecast)), ...waiting];
}

const percent = (share) => `${Math.round(share * 100)} %`;

function ahead(forecast) {
  if (!forecast) return "It is too early to say what more labels would bring.";
  const gain = `${Math.round(forecast.gain * 100)} points more`;
  if (forecast.more === null) return `The curve does not rise enough to say how many labels would bring ${gain}.`;
  return `About ${forecast.more} more labels would bring ${gain}.`;
}

function picture(rounds) {
  const [width, height, left, low] = [520, 180, 40, 24];
  const most = rounds.at(-1).labels;
  const least = Math.max(0, Math.floor((Math.min(...rounds.map((one) => one.accuracy - one.error)) - 0.05) * 10) / 10);
  const x = (labels) => left + (labels / most) * (width - left - 12);
  const y = (accuracy) => height - low - ((accuracy - least) / (1 - least)) * (height - low - 12);
  const points = rounds.map((one) => `${x(one.labels)},${y(one.accuracy)}`).join(" ");
  const band = [...rounds.map((one) => [one.labels, one.accuracy + one.error]), ...rounds.toReversed().map((one) => [one.labels, one.accuracy - one.error])];
  const lines = [least, (1 + least) / 2, 1].map((value) => [
    drawing("line", { x1: left, x2: width - 12, y1: y(value), y2: y(value), class: "grid" }),
    drawing("text", { x: left - 6, y: y(value) + 4, "text-anchor": "end" }, percent(value)),
  ]);
  return drawing(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `accuracy rises from ${percent(rounds[0].accuracy)} to ${percent(rounds.at(-1).accuracy)}`, class: "curve" },
    ...lines.flat(),
    drawing("polygon", { points: band.map(([labels, value]) => `${x(labels)},${y(Math.min(value, 1))}`).join(" "), class: "band" }),
    drawing("polyline", { points, class: "line" }),
    ...rounds.map((one) => drawing("circle", { cx: x(one.labels), cy: y(one.accuracy), r: 3.5, class: "dot" })),
    drawing("text", { x: left, y: height - 6 }, "0"),
    drawing("text", { x: width - 12, y: height - 6, "text-anchor": "end" }, `${most} labels`),
  );
}

// Disagreements

export class Disagreements {
  constructor(ask, decide) {
    this.ask = ask;
    this.decide = decide;
    this.found = [];
    this.at = 0;
  }

  async open(kind, left) {
    this.kind = kind;
    this.allowed = this.allowed || left === 0;
    if (!this.allowed) return this.warn(left);
    this.found = await this.ask("/api/disagreements");
    this.at = Math.max(0, this.found.findIndex((one) => !one.decision));
    return this.draw();
  }

  warn(left) {
    const look = element("button", { type: "button", class: "chip", onclick: () => { this.allowed = true; this.open(this.kind, left); } }, "Show them anyway");
    byId("disagreements-body").replaceChildren(
      element("p", {}, `You have ${left} posts of your own to label. What others gave would sway you: labels that are meant to be compared should be given first.`),
      element("p", {}, look),
    );
  }

  draw() {
    const open = this.found.filter((one) => !one.decision).length;
    const head = this.found.length ? `${this.found.length} posts with different labels, ${open} to decide: f, a, n decide, j and k move.` : "No post has different labels.";
    byId("disagreements-body").replaceChildren(element("p", { class: "small" }, head), ...this.found.map((one, at) => this.card(one, at)));
    byId("disagreements-body").querySelector(".at")?.scrollIntoView({ block: "nearest" });
  }

  card(one, at) {
    const buttons = LABELS.map((label) =>
      element("button", { type: "button", class: label, "aria-pressed": String(one.decision === label), onclick: () => this.settle(at, label) }, element("span", { class: "mark", "aria-hidden": "true" }), label),
    );
    return element(
      "section",
      { class: at === this.at ? "case at" : "case", onclick: () => this.go(at) },
      one.parent ? element("p", { class: "parent" }, element("b", {}, one.parent.author ?? "unknown"), " ", one.parent.text) : null,
      element("p", { class: "words" }, element("b", {}, one.author ?? "unknown"), " ", one.text),
      element("div", { class: "sides" }, ...one.answers.map((given) => this.side(given))),
      element("p", { class: "decision" }, "decision ", ...buttons),
    );
  }

  side({ annotator, value, note, seconds, mode }) {
    const how = [mode, seconds === null ? null : `${seconds.toFixed(1)} s`].filter(Boolean).join(", ");
    return element("div", { class: "side" }, element("b", {}, annotator), LABELS.includes(value) ? chip(value) : element("span", { class: "label" }, value), element("span", { class: "small" }, how), note ? element("p", {}, note) : null);
  }

  go(at) {
    if (at < 0 || at >= this.found.length || at === this.at) return;
    this.at = at;
    const cards = byId("disagreements-body").querySelectorAll(".case");
    cards.forEach((card, place) => card.classList.toggle("at", place === at));
    cards[at].scrollIntoView({ block: "nearest" });
  }

  settle(at, label) {
    const one = this.found[at];
    one.decision = label;
    this.decide([one.thread, one.post], this.kind, label);
    this.at = at;
    const open = this.found.findIndex((other, place) => place > at && !other.decision);
    if (open >= 0) this.at = open;
    this.draw();
  }

  press(key) {
    if (!this.found.length) return false;
    if (DECIDING[key]) this.settle(this.at, DECIDING[key]);
    else if (key === "j") this.go(this.at + 1);
    else if (key === "k") this.go(this.at - 1);
    else return false;
    return true;
  }
}
