"""Compile a function with Numba, keep the machine code, and do without either where they are not to be had."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

try:
    import numba
except ImportError:  # the functions then run as the Python that they are
    numba = None  # type: ignore[assignment]

Function = TypeVar("Function", bound=Callable[..., Any])

AVAILABLE = numba is not None


def compiled(function: Function) -> Function:
    """Compile on first use; every later process loads the machine code from the cache.

    Numba keeps it beside the module or in the user's cache folder. Where it may write to neither (a read-only
    container without a home), each process compiles anew: some seconds, once.
    """
    if numba is None:
        return function
    # error_model: a division by zero gives inf as in NumPy, without a test at each division. _nrt: no counting of
    # references, which nothing here needs, since no loop makes an array; counting took half of the time.
    options: Any = {"error_model": "numpy", "_nrt": False}
    try:
        result: Function = numba.njit(cache=True, **options)(function)
    except RuntimeError:
        result = numba.njit(**options)(function)
    return result
