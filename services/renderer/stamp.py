"""A frame number written into the picture, for tests and measurements that look at pictures only.

A row of 26 squares of 16 pixels from the top left corner of the luma plane: white, black (the marker), 20 bits of the
number and 4 bits of check sum, most significant first, white for 1. Squares that large survive a lossy video codec.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SQUARE = 16
BITS = 26
NUMBERS = 1 << 20
WHITE, BLACK = 235, 16


def _bits(number: int) -> int:
    number %= NUMBERS
    check = 0
    for shift in range(0, 20, 4):
        check ^= number >> shift & 15
    return 0b10 << 24 | number << 4 | check


def write(luma: NDArray[np.uint8], number: int) -> None:
    """Writes number modulo 2**20 into luma, uint8 [height >= 16, width >= 416], in place."""
    bits = _bits(number)
    row = np.array([WHITE if bits >> (BITS - 1 - i) & 1 else BLACK for i in range(BITS)], np.uint8)
    luma[:SQUARE, : SQUARE * BITS] = np.repeat(row, SQUARE)


def read(luma: NDArray[np.uint8]) -> int | None:
    """The number in luma, uint8 [height, width], or None where no sound stamp is found."""
    if luma.shape[0] < SQUARE or luma.shape[1] < SQUARE * BITS:
        return None
    inner = luma[4:12, : SQUARE * BITS].reshape(8, BITS, SQUARE)[:, :, 4:12].mean((0, 2))
    bits = 0
    for value in inner:
        bits = bits << 1 | int(value > 125)
    number = bits >> 4 & (NUMBERS - 1)
    return number if _bits(number) == bits else None
