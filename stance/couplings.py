"""Labelled threads to couplings: how much parents, replies and the author's other posts count.

Apart from `stance.conversation`, since an optimiser takes a second to import and labelling needs none.
"""

from __future__ import annotations

from dataclasses import astuple, fields

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from stance.conversation import Couplings, Evidence, Graph, infer, unlinked

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: While couplings are fitted, each inference takes the same few rounds: its loss is then smooth in the couplings.
_FITTING_ROUNDS = 12

#: How much the posts read without neighbours count in the fit, beside the posts in their threads. Without it the share
#: of `none` is put right through the neighbours, and a post that has none of them is called `none` too often.
_ALONE = 0.5

#: Where fitting begins. Not at zero: there an author's leaning has no side yet, and no direction to move in is better
#: than its mirror image, so that the fit would stay on the saddle.
_START = Couplings(text=-0.5, meaning=0.5, relation=0.5, author_same=1.5, author_opposite=-1.0, author_both_none=0.5)


#: What a fit may find, where a few threads would have it otherwise: words never count for the opposite of what they
#: say, and nobody writes against himself.
_BOUNDS = {
    "text": (-0.9, None),
    "meaning": (0.2, None),
    "relation": (0.0, None),
    "author_same": (0.0, None),
    "author_opposite": (None, 0.0),
}

#: The penalty of a fit to so few posts that one decides: half a ridge with unit spread, shared by all of them.
_PRIOR = 0.5


def fit_couplings(graph: Graph, evidence: Evidence, stance: Ints, *, penalty: float = 0.002) -> Couplings:
    """Fit couplings to labelled threads by the log-loss of the marginals.

    Parameters
    ----------
    evidence : Evidence
        From models that did not see these threads (cross-validation): a text model is too sure of its own training
        posts, and neighbours would seem to add nothing.
    stance : int array of shape (n_posts,)
        The label numbers, read in the conversation.
    penalty : float
        Ridge penalty that keeps couplings at zero unless the threads speak for them; few posts have a larger one.
    """
    rows = np.arange(len(stance))
    alone = unlinked(graph)
    ridge = penalty + _PRIOR / max(1, len(stance))

    def loss(values: Floats) -> float:
        couplings = Couplings(*values)
        marginals = infer(graph, evidence, couplings, rounds=_FITTING_ROUNDS, tolerance=0.0)[rows, stance]
        by_itself = infer(alone, evidence, couplings, rounds=0)[rows, stance]
        errors = -np.log(marginals + 1e-12) - _ALONE * np.log(by_itself + 1e-12)
        return float(errors.mean() + ridge * float(values @ values))

    bounds = [_BOUNDS.get(one.name, (None, None)) for one in fields(Couplings)]
    options = {"maxiter": 25, "ftol": 1e-5, "eps": 1e-3}
    found = minimize(loss, astuple(_START), method="L-BFGS-B", bounds=bounds, options=options)
    return Couplings(*(round(float(value), 3) for value in found.x))
