"""A post as a reader found it, before ids, dates and parents are put in order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader found of one post.

    Attributes
    ----------
    id : str or None
        As the page writes it; may be missing or stand twice.
    date : str or None
        As the page writes it.
    place : int
        The post's place among the elements of the page, posts without text included; `parent` names one.
    parent : int or None
        Place of the post that the page says this one answers.
    quoted : str or None
        Id of the post that a quotation in this one names.
    has_media : bool
        Whether it holds a picture or a film: then it is a post even without words.
    """

    text: str
    id: str | None = None
    author: str | None = None
    date: str | None = None
    quote: str | None = None
    place: int = 0
    parent: int | None = None
    quoted: str | None = None
    has_media: bool = False
