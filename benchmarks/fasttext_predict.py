"""fastText's own training and predict on a file of labelled lines; prints posts a CPU second.

In an environment of its own, since the package has the module name of the one that the language detector brings:
python fasttext_predict.py posts.txt
"""

import sys
import time
from pathlib import Path

import fasttext


def main(path: str) -> None:
    """Train on the file with the n-grams of our model, and predict each of its lines through Python."""
    model = fasttext.train_supervised(path, minn=2, maxn=5, wordNgrams=2, epoch=1, thread=1, verbose=0)
    with Path(path).open() as stream:
        lines = [line.split(" ", 1)[1].rstrip("\n") + "\n" for line in stream]
    begun = time.process_time()
    for line in lines:
        model.f.predict(line, 1, 0.0, "strict")
    print(len(lines) / (time.process_time() - begun))


if __name__ == "__main__":
    main(sys.argv[1])
