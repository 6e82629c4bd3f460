"""From grey levels to what a model is fed."""

import numpy as np
import numpy.typing as npt

from inference_gaps.errors import UserError
from inference_gaps.replication.specs.data import Binarisation

__all__ = ["binarise"]

Bytes = npt.NDArray[np.uint8]

_HALF = 128
# Each part has a stream of random numbers of its own: it is binarised the same whatever else is read.
_STREAMS = {"train": 0, "validation": 1, "test": 2}


def binarise(pixels: Bytes, method: Binarisation, seed: int, part: str, already_binary: bool) -> Bytes:
    """Binarise the rows of one part.

    - ``static``: one Bernoulli draw for each pixel with probability grey/255, made once with ``seed``.
    - ``threshold``: 1 where grey/255 is at least one half.
    - ``grey256``: grey levels as they are; the model reads grey/256, as the authors' Table-2 code does.
    - ``given``: bits as the files have them.

    Args:
        pixels: bytes [N, D].
        method: one of the four.
        seed: of the Bernoulli draws; the others ignore it.
        part: ``train``, ``validation`` or ``test``.
        already_binary: whether the files hold 0 and 1 instead of grey levels.

    Returns:
        Bytes [N, D], 0 or 1; for ``grey256`` 0 to 255.

    Raises:
        UserError: ``given`` for grey levels, or another method for bits.
    """
    if already_binary != (method == "given"):
        problem = (
            "the files are binary already; the only binarisation is given"
            if already_binary
            else "the files hold grey levels; write static, threshold or grey256 instead of given"
        )
        raise UserError(f"{problem}.")
    if method == "threshold":
        return (pixels >= _HALF).astype(np.uint8)
    if method == "static":
        sequence = np.random.SeedSequence(seed, spawn_key=(_STREAMS[part],))
        # u uniform on 0..254 is below g with probability g/255 exactly.
        uniform = np.random.Generator(np.random.PCG64(sequence)).integers(
            0, 255, pixels.shape, dtype=np.uint8
        )
        return (uniform < pixels).astype(np.uint8)
    return pixels
