"""Compressed files, told by their first bytes: gzip, bzip2, xz and Zstandard."""

from __future__ import annotations

import bz2
import gzip
import lzma
import sys
import zlib
from collections.abc import Callable
from typing import IO, Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

#: What reading a damaged one raises.
DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError)

#: Base-2 logarithm of the bytes that a reader may have to keep: the dumps of Reddit are written with 2 GB, where other
#: readers stop at 128 MB. Memory is taken as it fills, so that a small file takes little whatever it says.
_WINDOW = 31

_OPENERS: tuple[tuple[bytes, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", lambda stream: gzip.GzipFile(fileobj=stream)),
    (b"BZh", bz2.BZ2File),
    (b"\xfd7zXZ\x00", lzma.LZMAFile),
    (
        b"\x28\xb5\x2f\xfd",
        lambda stream: zstd.ZstdFile(stream, options={zstd.DecompressionParameter.window_log_max: _WINDOW}),
    ),
)


def opener(head: bytes) -> Callable[[IO[bytes]], IO[bytes]] | None:
    """What opens a stream that begins so, or None where it is not compressed.

    Examples
    --------
    >>> import io
    >>> data = gzip.compress(b"ban it")
    >>> opener(data)(io.BytesIO(data)).read()
    b'ban it'
    """
    return next((opened for magic, opened in _OPENERS if head.startswith(magic)), None)
