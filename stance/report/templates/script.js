"use strict";
(() => {
  const sorting = () => {
    const table = document.querySelector(".sortable tbody");
    if (!table) return;
    document.querySelector(".sorting").hidden = false;
    const value = (row, key) => (key === "name" ? row.dataset.name : row.dataset[key] === "" ? -Infinity : +row.dataset[key]);
    const buttons = [...document.querySelectorAll("[data-sort]")];
    const order = (key) => {
      const [whole, ...rows] = table.children;
      const sign = key === "name" ? 1 : -1;
      rows.sort((a, b) => { const [x, y] = [value(a, key), value(b, key)]; return x < y ? -sign : x > y ? sign : 0; });
      table.replaceChildren(whole, ...rows);
      buttons.forEach((button) => button.setAttribute("aria-pressed", button.dataset.sort === key));
    };
    buttons.forEach((button) => button.addEventListener("click", () => order(button.dataset.sort)));
  };
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const id = (name) => document.getElementById(name);
  const form = document.querySelector(".tools");
  window.addEventListener("beforeprint", () => all("details").forEach((part) => { part.open = true; }));
  sorting();
  if (!form) return;
  form.hidden = false;
  const posts = all(".post");
  // Text once, in small letters: 5,000 posts are searched at every key.
  const part = (post, selector) => post.querySelector(selector)?.textContent ?? "";
  const authors = posts.map((post) => part(post, "h3 b"));
  const words = posts.map((post, number) => `${part(post, ".number")} ${authors[number]} ${part(post, ".text")}`.toLowerCase());
  const labels = posts.map((post) => ["favor", "none", "against"].find((name) => post.classList.contains(name)));
  const above = new Map(posts.map((post) => {
    const outer = post.parentElement.parentElement.closest("li");
    return [post, outer && outer.querySelector(".post")];
  }));

  const reveal = (post) => {
    for (let part = post.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
  };

  const filter = () => {
    const query = id("q").value.trim().toLowerCase();
    const author = id("author").value;
    const [low, high] = id("sure").value.split("-").map(Number);
    const stances = new Set(all("[name=stance]:checked", form).map((box) => box.value));
    const unsure = id("unsure").checked;
    const fits = (post, number) => stances.has(labels[number]) && +post.dataset.c >= low && +post.dataset.c <= high
      && (!author || authors[number] === author) && (!unsure || "u" in post.dataset)
      && (!query || words[number].includes(query));
    const shown = new Set(posts.filter(fits));
    // A post that does not fit stays as one line where something under it does.
    const kept = new Set();
    for (const post of shown) for (let up = post; up && !kept.has(up); up = above.get(up)) kept.add(up);
    for (const post of posts) {
      post.parentElement.hidden = !kept.has(post);
      post.classList.toggle("ghost", kept.has(post) && !shown.has(post));
    }
    if (shown.size < posts.length) all(".replies").forEach((part) => { part.open = true; });
    id("found").textContent = shown.size === posts.length ? `${posts.length} posts` : `${shown.size} of ${posts.length} posts`;
  };

  let waiting = 0;
  // Some tools that drive a page announce a choice by "change" alone.
  for (const event of ["input", "change"]) form.addEventListener(event, () => { cancelAnimationFrame(waiting); waiting = requestAnimationFrame(filter); });
  form.addEventListener("submit", (event) => event.preventDefault());

  let last = -1;
  const jump = (step) => {
    const doubtful = posts.map((post, number) => ("u" in post.dataset && !post.parentElement.hidden ? number : -1)).filter((number) => number >= 0);
    if (!doubtful.length) { id("found").textContent = "no unsure post is shown"; return; }
    const next = step > 0 ? doubtful.find((number) => number > last) : doubtful.findLast((number) => number < last);
    last = next ?? doubtful.at(step > 0 ? 0 : -1);
    reveal(posts[last]);
    posts[last].tabIndex = -1;
    posts[last].focus();
    id("found").textContent = `unsure post ${doubtful.indexOf(last) + 1} of ${doubtful.length}`;
  };
  id("next").addEventListener("click", () => jump(1));
  id("previous").addEventListener("click", () => jump(-1));
  id("fold").addEventListener("click", () => all(".replies").forEach((part) => { part.open = false; }));
  id("unfold").addEventListener("click", () => all(".replies").forEach((part) => { part.open = true; }));
  all(".who").forEach((button) => button.addEventListener("click", () => {
    id("author").value = button.dataset.who;
    filter();
    id("conversation").scrollIntoView();
    id("author").focus();
  }));
  const open = () => { const post = location.hash && id(decodeURIComponent(location.hash.slice(1))); if (post && post.matches(".post")) reveal(post); };
  window.addEventListener("hashchange", open);
  open();
})();
