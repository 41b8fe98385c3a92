"""Makes chance the same from run to run, so that two runs of a script that sets no seed can be compared.

An interpreter imports this at its start where the folder is on PYTHONPATH. What a script seeds itself is as it asks.
"""

import os
import random

_stream = random.Random(0)
_seed = random.Random.seed


def _urandom(size: int, /) -> bytes:
    """``os.urandom``, of which uuid, secrets and numpy take what they begin with."""
    return _stream.getrandbits(8 * size).to_bytes(size, "big") if size else b""


def _fixed(self: random.Random, a: object = None, version: int = 2) -> None:
    """``Random.seed``, which takes another beginning each time where it gets none."""
    _seed(self, _stream.getrandbits(64) if a is None else a, version)  # type: ignore[arg-type]


os.urandom = random._urandom = _urandom  # type: ignore[attr-defined]
random.Random.seed = _fixed  # type: ignore[method-assign]
random.seed(0)
