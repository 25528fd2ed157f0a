// A thread as a tree: who answers whom, in the page's order, drawn once and then only touched where something changes.

import { element } from "./dom.js";

const DEEPEST = 10; // levels that are indented; deeper ones stand below each other
const SNIPPET = 90;
// Rows that come into view together: watching each of 2,000 rows by itself cost 5 ms at every key.
const BLOCK = 50;

export class Thread {
  constructor(data) {
    this.id = data.thread;
    this.posts = new Map(data.posts.map((post) => [post.post, post]));
    this.labels = new Map(Object.entries(data.labels));
    this.guesses = new Map(Object.entries(data.guesses));
    this.children = new Map();
    this.depth = new Map();
    this.order = this.inOrder(data.posts);
    this.place = new Map(this.order.map((id, place) => [id, place]));
    this.rows = new Map();
  }

  inOrder(posts) {
    const roots = [];
    for (const post of posts) {
      const parent = this.posts.has(post.parent) && post.parent !== post.post ? post.parent : null;
      if (parent === null) roots.push(post.post);
      else if (this.children.has(parent)) this.children.get(parent).push(post.post);
      else this.children.set(parent, [post.post]);
    }
    const order = [];
    // Posts that answer each other in a circle hang on no root; the first of them becomes one.
    for (const start of [...roots, ...this.posts.keys()]) this.walk(start, order);
    return order;
  }

  walk(start, order) {
    const stack = [[start, 0]];
    while (stack.length) {
      const [id, depth] = stack.pop();
      if (this.depth.has(id)) continue;
      this.depth.set(id, depth);
      order.push(id);
      const children = this.children.get(id) ?? [];
      for (let at = children.length - 1; at >= 0; at--) stack.push([children[at], depth + 1]);
    }
  }

  parents(id) {
    const chain = [];
    const seen = new Set([id]);
    for (let post = this.posts.get(this.posts.get(id).parent); post && !seen.has(post.post); post = this.posts.get(post.parent)) {
      seen.add(post.post);
      chain.unshift(post);
    }
    return chain;
  }

  byAuthor(author) {
    return this.order.map((id) => this.posts.get(id)).filter((post) => author && post.author === author);
  }

  setLabel(id, kind, value) {
    const labels = { ...this.labels.get(id) };
    if (value === undefined || value === null) delete labels[kind];
    else labels[kind] = value;
    this.labels.set(id, labels);
  }

  draw(onChoose) {
    if (this.drawn) return this.drawn;
    this.drawn = element("div", { class: "rows" });
    for (let at = 0; at < this.order.length; at += BLOCK) this.drawn.append(this.block(this.order.slice(at, at + BLOCK)));
    this.drawn.addEventListener("click", (event) => {
      const row = event.target.closest("[data-post]");
      if (row) onChoose([this.id, row.dataset.post]);
    });
    return this.drawn;
  }

  block(ids) {
    const block = element("div", { class: "block" }, ...ids.map((id) => this.row(id)));
    block.style.setProperty("--rows", ids.length);
    return block;
  }

  row(id) {
    const post = this.posts.get(id);
    const depth = Math.min(this.depth.get(id), DEEPEST);
    const row = element(
      "div",
      { class: `row depth-${depth}`, role: "treeitem", "aria-level": this.depth.get(id) + 1, "aria-selected": "false", "data-post": id },
      element("span", { class: "mark" }),
      element("span", { class: "who" }, post.author ?? "unknown"),
      element("span", { class: "snippet" }, post.text.slice(0, SNIPPET)),
      element("span", { class: "guess mark" }),
    );
    this.rows.set(id, row);
    return row;
  }

  paint(id, kind) {
    const row = this.rows.get(id);
    if (!row) return;
    const label = (this.labels.get(id) ?? {})[kind];
    const guess = this.guesses.get(id);
    row.dataset.label = label ?? "";
    row.dataset.guess = guess ? guess.stance : "";
    row.firstChild.title = label ?? "";
    row.lastChild.title = guess ? `model: ${guess.stance} ${Math.round(guess.probability * 100)} %` : "";
  }

  paintAll(kind) {
    for (const id of this.order) this.paint(id, kind);
  }

  select(id) {
    if (this.selected) {
      this.selected.classList.remove("current");
      this.selected.setAttribute("aria-selected", "false");
    }
    this.selected = this.rows.get(id);
    this.selected.classList.add("current");
    this.selected.setAttribute("aria-selected", "true");
  }
}
