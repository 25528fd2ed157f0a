"""From drafts to a thread: ids that are unique, names without furniture, parents that exist."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from stance.extract.dates import dates_of
from stance.extract.draft import Draft
from stance.extract.page import Page
from stance.extract.replies import infer_parents
from stance.extract.reply_trees import infer_tree, is_tree
from stance.extract.sources import thread_id
from stance.extract.words import any_of
from stance.records import Post, Thread

#: What themes put around a name.
_SAYS = re.compile(rf"(?:\s+{any_of('says')})?\s*:?\s*$", re.IGNORECASE)
_SAYS_LINE = re.compile(rf"^\W*{any_of('says')}\s*:\s*\n", re.IGNORECASE)
_BY = re.compile(rf"^{any_of('by')}\s+(?=\S)", re.IGNORECASE)


def assemble(
    page: Page,
    drafts: Sequence[Draft],
    *,
    platform: str | None,
    title: str | None,
    declared: int | None = None,
    hidden: int | None = None,
    numbered: bool = False,
    notes: Sequence[str] = (),
) -> Thread:
    """Make a thread of what a reader found, in page order.

    Parameters
    ----------
    declared : int, optional
        How many posts the page says there are.
    hidden : int, optional
        How many posts the page shows to be missing, where it shows them one by one.
    numbered : bool
        Whether the posts' ids are numbers in the order of writing.
    """
    kept = _kept(_without_repeats(drafts))
    ids = _ids(kept)
    names = {draft.place: name for draft, name in zip(kept, ids, strict=True)}
    shown = {draft.id: names[draft.place] for draft in reversed(kept) if draft.id}
    dates = dates_of([draft.date for draft in kept], page.captured_at)
    posts = [_post(draft, names, shown, date) for draft, date in zip(kept, dates, strict=True)]
    found = len(posts)
    missing = max(0, declared - found) if declared is not None and found else hidden
    return Thread(
        id=thread_id(page),
        posts=infer_tree(posts) if numbered and is_tree(posts) else infer_parents(posts),
        title=title,
        url=page.url,
        platform=platform if posts else None,
        hidden=missing,
        notes=tuple(notes),
    )


def _post(draft: Draft, names: dict[int, str], shown: dict[str, str], date: str | None) -> Post:
    name = names[draft.place]
    parent = names.get(draft.parent) if draft.parent is not None else None
    basis = "page" if parent else None
    if parent is None and draft.quoted:
        parent = shown.get(draft.quoted)
        parent = None if parent == name else parent
        basis = "quote" if parent else None
    return Post(
        id=name,
        text=_SAYS_LINE.sub("", draft.text),
        author=clean_author(draft.author),
        posted_at=date,
        parent=parent,
        parent_basis=basis,
        quote=draft.quote,
    )


def clean_author(name: str | None) -> str | None:
    """Take "says:" and "Comment by" off a name.

    Examples
    --------
    >>> clean_author("Comment by Ada says:")
    'Ada'
    """
    if not name:
        return None
    name = _BY.sub("", _SAYS.sub("", name)).strip(" \t,:|·–—-")
    return name or None


def _without_repeats(drafts: Sequence[Draft]) -> list[Draft]:
    """Drop a post that a page shows twice under one id (a pinned copy, a second layout for phones)."""
    seen: dict[tuple[str, str], Draft] = {}
    kept = []
    for draft in drafts:
        if draft.id:
            key = (draft.id, draft.text)
            if key in seen:
                continue
            seen[key] = draft
        kept.append(draft)
    return kept


def _kept(drafts: Sequence[Draft]) -> list[Draft]:
    """Leave out posts that show nothing, except where one that does answers them: the tree must not break."""
    by_place = {draft.place: draft for draft in drafts}
    needed = set()
    for draft in drafts:
        if not (draft.text or draft.has_media):
            continue
        place: int | None = draft.place
        while place is not None and place not in needed:
            needed.add(place)
            place = by_place[place].parent if place in by_place else None
    return [draft for draft in drafts if draft.place in needed]


def _ids(drafts: Sequence[Draft]) -> list[str]:
    """Give each post the page's own id, made unique; a post without one gets its number in the thread."""
    counts: Counter[str] = Counter()
    taken = {draft.id for draft in drafts if draft.id}
    ids = []
    for number, draft in enumerate(drafts, start=1):
        name = draft.id or str(number)
        if not draft.id and name in taken:
            name = f"n{number}"
        counts[name] += 1
        ids.append(name if counts[name] == 1 else f"{name}-{counts[name]}")
    return ids
