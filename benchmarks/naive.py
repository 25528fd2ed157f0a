"""What a user would write himself: pandas reads, joblib shares out scikit-learn's pipeline of the same features."""

import json
import sys

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy.special import softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from stance import features, load_model
from stance.data import LABELS
from stance.model import Model

NGRAMS = (features.word_ngrams, features.char_ngrams, features.edge_ngrams, features.near_ngrams)


class Analyse:
    """One vectoriser's analyser."""

    def __init__(self, number: int, analyser: features.Analyser) -> None:
        self.number = number
        self.analyser = analyser

    def __call__(self, text: str) -> list[str]:
        """Text to the n-grams of one block."""
        return list(NGRAMS[self.number](self.analyser.tokens(text)))


class Pipeline:
    """A `FeatureUnion` of `TfidfVectorizer`s, one a block, and the linear model."""

    def __init__(self, model: Model) -> None:
        blocks = [np.flatnonzero(model.block == number) for number in range(len(features.BLOCKS))]
        vectorizers = [
            (name, self._vectorizer(number, blocks[number], model)) for number, name in enumerate(features.BLOCKS)
        ]
        weights = dict(zip(features.BLOCKS, features.BLOCK_WEIGHTS, strict=True))
        self.union = FeatureUnion(vectorizers, transformer_weights=weights)
        self.coefficients = model.coefficients[np.concatenate(blocks)]
        self.intercepts = model.intercepts

    def _vectorizer(self, number: int, columns: np.ndarray, model: Model) -> TfidfVectorizer:
        names = [model.ngrams[column] for column in columns]
        vectorizer = TfidfVectorizer(analyzer=Analyse(number, model.vocabulary.analyser), vocabulary=names, binary=True)
        vectorizer.idf_ = model.idf[columns]
        return vectorizer

    def logits(self, texts: list[str]) -> np.ndarray:
        """Outputs of the linear map; shape (n_posts, n_outputs)."""
        return np.asarray(self.union.transform(texts) @ self.coefficients + self.intercepts)


def main(source: str, output: str, model: str, jobs: int) -> None:
    """Label a file of JSON Lines, read whole."""
    pipeline = Pipeline(load_model(model))
    posts = pd.read_json(source, lines=True, dtype=False)
    pieces = np.array_split(posts["text"].to_numpy(), max(1, len(posts) // 20_000))
    logits = Parallel(n_jobs=jobs)(delayed(pipeline.logits)(list(piece)) for piece in pieces)
    probabilities = softmax(np.vstack(logits)[:, : len(LABELS)], axis=1)
    posts["stance"] = np.array(LABELS)[probabilities.argmax(axis=1)]
    posts[[f"p_{label}" for label in LABELS]] = probabilities
    posts.to_json(output, orient="records", lines=True, force_ascii=False)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], json.loads(sys.argv[4]))
