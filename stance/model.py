"""Matrix to labels: a TF-IDF + logistic-regression model as plain data, and its folder on disk.

A model is a handful of arrays and a card. Each post's text goes through one linear map with three heads: `text` (the
stance that the words show), `meaning` (the stance that posts with such words have in their conversation) and
`relation` (whether the words agree with a post that they answer); the last two are read by the conversation.
Calibration is folded into the coefficients, so that probability, explanation and the bulk scorer all read the same
numbers. Nothing in a model folder can be executed, and a changed byte is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import stance
from stance import features
from stance.conversation import RELATIONS, Couplings, Evidence, log_softmax
from stance.errors import ModelError
from stance.model_files import LARGEST_CARD, LARGEST_FILE, array_of, ngrams_of, read_file, strange_value
from stance.records import LABELS, shipped
from stance.tables import refuse_existing, replacing

Floats = NDArray[np.float64]

#: Version of the layout of a model folder; a folder of another version is refused by name.
FORMAT = 1

#: What each head of the linear map tells, and its classes.
HEADS: Mapping[str, tuple[str, ...]] = {"text": LABELS, "meaning": LABELS, "relation": RELATIONS}

#: What is taken where the caller names no model.
DEFAULT_MODEL = "huawei"

_CARD, _NGRAMS = "card.json", "ngrams.txt"
#: Arrays and their types on disk. Single precision halves a folder; training rounds to it before anything is computed
#: from a model, so that a saved model answers exactly as before.
_ARRAYS: Mapping[str, type] = {
    "block": np.uint8,
    "idf": np.float32,
    "coefficients": np.float32,
    "intercepts": np.float32,
}

#: Rows of one piece while many posts are labelled: its matrix stays below some 100 MB.
_BATCH = 20_000

#: From so many posts on the compiled scorer pays: it takes some 2 s to load, and saves 0.2 ms a post.
MANY = 10_000


@dataclass(frozen=True)
class Model:
    """A fitted model; every part of it is a value.

    Attributes
    ----------
    ngrams : tuple of str
        The feature of each row of `coefficients`.
    block : int array of shape (n_features,)
        Number in `stance.features.BLOCKS` of each feature.
    idf : array of shape (n_features,)
    coefficients : array of shape (n_features, n_outputs)
        Columns of all heads side by side, in the order of `HEADS`; calibrated.
    intercepts : array of shape (n_outputs,)
    couplings : Couplings
        How much the conversation counts.
    threshold : float
        A post whose most probable stance is less probable than this is not decided.
    target_names : tuple of str
        How the target's name begins, in lower case, with its misspellings.
    languages : tuple of str
        ISO 639-1 codes that the model was trained on.
    card : mapping
        What a person should know: target, settings, training data, scores, versions, intended use.
    """

    ngrams: tuple[str, ...]
    block: NDArray[np.int64]
    idf: Floats
    coefficients: Floats
    intercepts: Floats
    couplings: Couplings = field(default_factory=Couplings)
    threshold: float = 0.0
    target_names: tuple[str, ...] = ()
    languages: tuple[str, ...] = ("en",)
    card: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Name and the first digits of the hash of everything that decides a label."""
        return f"{self.card.get('name', 'model')}-{self.fingerprint[:8]}"

    @property
    def target(self) -> str:
        """Whom or what the stances are about."""
        return str(self.card.get("target", ""))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the arrays, the n-grams and the settings that labelling reads."""
        parts = [_ngram_bytes(self.ngrams), *(_array_bytes(self, name) for name in _ARRAYS)]
        parts.append(json.dumps(_decisions(self), sort_keys=True).encode())
        return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()

    @cached_property
    def vocabulary(self) -> features.Vocabulary:
        """The features, ready to be counted."""
        return features.Vocabulary(self.ngrams, self.block, features.Analyser(self.target_names))

    def logits(self, texts: Sequence[str], *, n_all: int = 0) -> Floats:
        """Outputs of the linear map, all heads side by side; shape (n_posts, n_outputs).

        Parameters
        ----------
        n_all : int
            How many posts are read in all, where these are a part of them. From `MANY` on the compiled scorer reads
            them, whose last digit may differ: the whole decides, so that it does not matter how it is cut.
        """
        if max(len(texts), n_all) >= MANY and stance.Scorer.compiled:
            return self._scorer.logits(texts)
        parts = [self._matrix(batch) @ self.coefficients for batch in features.batches(texts, _BATCH)]
        return np.vstack([np.zeros((0, len(self.intercepts))), *parts]) + self.intercepts

    @cached_property
    def _scorer(self) -> stance.Scorer:
        return stance.Scorer(self.vocabulary, self.idf, self.coefficients, self.intercepts)

    def _matrix(self, texts: Sequence[str]) -> features.Rows:
        return features.tfidf(self.vocabulary.find(texts), self.idf, self.block)

    def evidence(self, texts: Sequence[str], *, n_all: int = 0) -> Evidence:
        """What the words of each post say, for the conversation; see `logits`."""
        logits = self.logits(texts, n_all=n_all)
        return Evidence(
            text=log_softmax(head(logits, "text")),
            meaning=log_softmax(head(logits, "meaning")),
            relation=head(logits, "relation"),
        )

    def predict_log_proba(self, texts: Sequence[str]) -> Floats:
        """Log-probabilities of the stances by the words alone; shape (n_posts, 3), columns as `LABELS`."""
        return self.evidence(texts).text

    def predict_proba(self, texts: Sequence[str]) -> Floats:
        """Probabilities of the stances by the words alone; shape (n_posts, 3), rows sum to 1."""
        return np.exp(self.predict_log_proba(texts))

    def contributions(self, text: str) -> list[features.Contribution]:
        """What each n-gram of the text adds to the logit of each stance.

        With the intercepts they sum to the logits exactly, since the map is linear.
        """
        row = self._matrix([text])
        values = row.data[:, None] * head(self.coefficients[row.indices], "text")
        names = [self.ngrams[column] for column in row.indices]
        blocks = [features.BLOCKS[number] for number in self.block[row.indices]]
        return [
            features.Contribution(block, name, tuple(map(float, weights)))
            for block, name, weights in zip(blocks, names, values, strict=True)
        ]


def head(outputs: Floats, name: str) -> Floats:
    """Columns of one head; the last axis of `outputs` holds all heads."""
    start = 0
    for other, classes in HEADS.items():
        if other == name:
            return outputs[..., start : start + len(classes)]
        start += len(classes)
    raise ValueError(f"no head {name!r}")


def n_outputs() -> int:
    """Number of columns of all heads together."""
    return sum(len(classes) for classes in HEADS.values())


def _decisions(model: Model) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "labels": list(LABELS),
        "heads": {name: list(classes) for name, classes in HEADS.items()},
        "couplings": model.couplings.as_dict(),
        "threshold": model.threshold,
        "target_names": list(model.target_names),
        "languages": list(model.languages),
    }


def _array_bytes(model: Model, name: str) -> bytes:
    stream = io.BytesIO()
    np.save(stream, getattr(model, name).astype(_ARRAYS[name]), allow_pickle=False)
    return stream.getvalue()


def single(values: Floats) -> Floats:
    """Round to what a model folder holds."""
    return values.astype(np.float32).astype(np.float64)


#: Coefficients are multiples of this: below 64 they and their sums are then exact in single precision.
_GRID = 2.0**-18


def balanced(values: Floats) -> Floats:
    """Round coefficients so that those of each head sum to exactly zero; the last axis holds all heads.

    Penalised multinomial logistic regression has that sum at its optimum, and probabilities depend on differences
    alone. Where it holds exactly, the scorer need keep only two of three columns.
    """
    rounded = np.round(values / _GRID) * _GRID
    for name in HEADS:
        columns = head(rounded, name)
        columns[..., -1] = -columns[..., :-1].sum(axis=-1)
    return single(rounded)


def _ngram_bytes(ngrams: Sequence[str]) -> bytes:
    # An n-gram holds neither line breaks nor lone surrogates: tokens are made of word characters, ? and !.
    return "".join(f"{ngram}\n" for ngram in ngrams).encode()


def save_model(model: Model, folder: str | os.PathLike[str], *, force: bool = False) -> Path:
    """Write the model folder: `card.json`, `ngrams.txt` and an `.npy` file an array.

    Each file is written whole or not at all, the card last: a folder without a card is no model.

    Raises
    ------
    DataError
        If there is something in the folder already, and `force` does not say to replace it.
    ModelError
        If the folder cannot be made.
    """
    path = Path(folder)
    refuse_existing(path, force=force)
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(f"cannot be made ({error.strerror})", where=str(path), fix="name another folder") from error
    contents = {f"{name}.npy": _array_bytes(model, name) for name in _ARRAYS}
    contents[_NGRAMS] = _ngram_bytes(model.ngrams)
    files = {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()}
    card = {**model.card, **_decisions(model), "files": dict(sorted(files.items()))}
    card["card_sha256"] = _card_hash(card)
    contents[_CARD] = json.dumps(card, indent=2, ensure_ascii=False).encode() + b"\n"
    (path / _CARD).unlink(missing_ok=True)
    for name, data in contents.items():
        with replacing(path / name) as stream:
            stream.write(data)
    return path


def _card_hash(card: Mapping[str, Any]) -> str:
    rest = {key: value for key, value in card.items() if key != "card_sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_model(folder: str | os.PathLike[str]) -> Model:
    """Read a model folder, checking format, hashes, shapes and every value before anything is believed.

    Nothing in the folder is executed, whoever made it: texts and numbers are all that is read, and only from files of
    a size that a model may have.

    Raises
    ------
    ModelError
        If the folder is missing, of another format, has a changed byte, or holds what no training writes.
    """
    path = Path(folder)
    card = _read_card(path)
    ngrams = ngrams_of(_read_checked(path, _NGRAMS, card), where=str(path / _NGRAMS))
    shapes = {
        "block": (len(ngrams),),
        "idf": (len(ngrams),),
        "coefficients": (len(ngrams), n_outputs()),
        "intercepts": (n_outputs(),),
    }
    arrays = {name: _read_array(path, name, shape, card) for name, shape in shapes.items()}
    if (arrays["block"] >= len(features.BLOCKS)).any():
        raise ModelError("a block that there is not", where=str(path / "block.npy"), fix=_AGAIN)
    return Model(
        ngrams=ngrams,
        **arrays,
        couplings=Couplings(**card["couplings"]),
        threshold=card["threshold"],
        target_names=tuple(card["target_names"]),
        languages=tuple(card["languages"]),
        card={key: value for key, value in card.items() if key not in ("files", "card_sha256")},
    )


_AGAIN = "train it again with `stance train`, or get the folder again"


def _read_card(path: Path) -> dict[str, Any]:
    where = str(path / _CARD)
    try:
        card = json.loads(read_file(path / _CARD, LARGEST_CARD))
    except FileNotFoundError as error:
        fix = "name a folder that `stance train` has made"
        raise ModelError("no model there (it has no card.json)", where=str(path), fix=fix) from error
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError("the card cannot be read", where=where, fix=_AGAIN) from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else type(card).__name__
        is_later = isinstance(found, int) and found > FORMAT
        fix = "update stance, or train the model again with this version" if is_later else _AGAIN
        raise ModelError(f"format {str(found)[:20]}, this version reads format {FORMAT}", where=where, fix=fix)
    if card.get("card_sha256") != _card_hash(card):
        raise ModelError("the card has been changed since it was written", where=where, fix=_AGAIN)
    expected = {"labels": list(LABELS), "heads": {name: list(classes) for name, classes in HEADS.items()}}
    if any(card.get(key) != value for key, value in expected.items()):
        raise ModelError("labels or heads are not those of this version", where=where, fix=_AGAIN)
    strange = strange_value(card)
    if strange:
        raise ModelError(f"{strange!r} holds what no training writes", where=where, fix=_AGAIN)
    return card


def _read_checked(path: Path, name: str, card: Mapping[str, Any]) -> bytes:
    where = str(path / name)
    try:
        data = read_file(path / name, LARGEST_FILE)
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror})", where=where, fix=_AGAIN) from error
    if hashlib.sha256(data).hexdigest() != card["files"].get(name):
        raise ModelError("the file has been changed since the card was written", where=where, fix=_AGAIN)
    return data


def _read_array(path: Path, name: str, shape: tuple[int, ...], card: Mapping[str, Any]) -> NDArray[Any]:
    where = str(path / f"{name}.npy")
    array = array_of(_read_checked(path, f"{name}.npy", card), np.dtype(_ARRAYS[name]), shape, where=where)
    result: NDArray[Any] = array.astype(np.int64 if array.dtype == np.uint8 else np.float64)
    return result


@cache
def default_model() -> Model:
    """The Huawei model that comes with stance."""
    return read_model(shipped("models") / DEFAULT_MODEL)


def load_model(model: Model | str | os.PathLike[str] | None) -> Model:
    """Return the model itself, the one in that folder, or the one that comes with stance."""
    if isinstance(model, Model):
        return model
    return default_model() if model is None else read_model(model)
