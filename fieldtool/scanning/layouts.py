"""Where in a matrix code each bit of each code word stands, and what its fixed modules look like.

Data Matrix ECC 200 up to 48×48 (one block of checks): ISO/IEC 16022, 5.8 and annex F. QR Code versions 1–6:
ISO/IEC 18004, 7.3, 7.5.1 and 7.7–7.9. More squares than that no label of a meter has.
"""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np

from .reedsolomon import DATA_MATRIX, QR_CODE, Field

#: side → code words of data, of checks, regions a side
_MATRIX_SIZES = {
    10: (3, 5, 1), 12: (5, 7, 1), 14: (8, 10, 1), 16: (12, 12, 1), 18: (18, 14, 1), 20: (22, 18, 1),
    22: (30, 20, 1), 24: (36, 24, 1), 26: (44, 28, 1), 32: (62, 36, 2), 36: (86, 42, 2), 40: (114, 48, 2),
    44: (144, 56, 2), 48: (174, 68, 2),
}  # fmt: skip
#: version → for L, M, Q, H: checks of a block, data words of each block
_QR_BLOCKS: dict[int, tuple[tuple[int, tuple[int, ...]], ...]] = {
    1: ((7, (19,)), (10, (16,)), (13, (13,)), (17, (9,))),
    2: ((10, (34,)), (16, (28,)), (22, (22,)), (28, (16,))),
    3: ((15, (55,)), (26, (44,)), (18, (17, 17)), (22, (13, 13))),
    4: ((20, (80,)), (18, (32, 32)), (26, (24, 24)), (16, (9, 9, 9, 9))),
    5: ((26, (108,)), (24, (43, 43)), (18, (15, 15, 16, 16)), (22, (11, 11, 12, 12))),
    6: ((18, (68, 68)), (16, (27,) * 4), (24, (19,) * 4), (28, (15,) * 4)),
}
_LEVEL_BITS = (1, 0, 3, 2)


@dataclasses.dataclass(frozen=True)
class Block:
    """Code words that are checked together: their numbers in the symbol, data first; how many are checks."""

    words: np.ndarray
    checks: int


@dataclasses.dataclass(frozen=True)
class Layout:
    """One kind and size of symbol, upright.

    fixed: N×N int8, +1 dark, −1 light, 0 where data stand. bits: words×8 indices into the flat N×N, the
    highest bit first. flip: N×N bool, True where the data are inverted by a mask. blocks: see there.
    """

    side: int
    fixed: np.ndarray
    bits: np.ndarray
    flip: np.ndarray
    blocks: tuple[Block, ...]
    field: Field


@cache
def data_matrix(side: int) -> Layout:
    """The layout of a square Data Matrix; its solid sides are left and bottom. KeyError: no such side."""
    data, checks, regions = _MATRIX_SIZES[side]
    fixed = np.zeros((side, side), np.int8)
    inner = side // regions
    for top in range(0, side, inner):
        for left in range(0, side, inner):
            part = fixed[top : top + inner, left : left + inner]
            part[0, :] = np.where(np.arange(inner) % 2 == 0, 1, -1)
            part[:, -1] = np.where(np.arange(inner) % 2 == 0, -1, 1)
            part[:, 0] = part[-1, :] = 1
    free = np.flatnonzero((fixed == 0).ravel())
    size = side - 2 * regions
    places = _utah(size)
    for row, column, colour in ((-1, -1, 1), (-2, -2, 1), (-1, -2, -1), (-2, -1, -1)):
        if places[row % size, column % size] < 0:
            fixed.ravel()[free.reshape(size, size)[row, column]] = colour
    bits = np.empty(8 * (data + checks), np.intp)
    known = places.ravel() >= 0
    bits[places.ravel()[known]] = free[known]
    block = Block(np.arange(data + checks), checks)
    none = np.zeros((side, side), bool)
    return Layout(side, fixed, bits.reshape(-1, 8), none, (block,), DATA_MATRIX)


def _utah(size: int) -> np.ndarray:
    """Annex F: number of the bit (8 × word + bit) at each place of the joined data regions, −1: none."""
    grid = np.full((size, size), -1, np.int32)
    count = 0

    def module(row: int, column: int, number: int) -> None:
        if row < 0:
            row, column = row + size, column + 4 - (size + 4) % 8
        if column < 0:
            row, column = row + 4 - (size + 4) % 8, column + size
        grid[row, column] = number

    def word(places: list[tuple[int, int]]) -> None:
        nonlocal count
        for bit, (row, column) in enumerate(places):
            module(row, column, 8 * count + bit)
        count += 1

    n = size
    right = [(0, n - 2), (0, n - 1), (1, n - 1), (2, n - 1), (3, n - 1)]
    below = [(n - 3, 0), (n - 2, 0), (n - 1, 0)]
    first = [(n - 1, 0), (n - 1, 1), (n - 1, 2), *right]
    second = [*below, (0, n - 4), (0, n - 3), (0, n - 2), (0, n - 1), (1, n - 1)]
    third = [*below, *right]
    fourth = [(n - 1, 0), (n - 1, n - 1), *((y, x) for y in (0, 1) for x in (n - 3, n - 2, n - 1))]
    shape = [(-2, -2), (-2, -1), (-1, -2), (-1, -1), (-1, 0), (0, -2), (0, -1), (0, 0)]
    row, column = 4, 0
    while row < n or column < n:
        if (row, column) == (n, 0):
            word(first)
        if (row, column) == (n - 2, 0) and n % 4:
            word(second)
        if (row, column) == (n - 2, 0) and n % 8 == 4:
            word(third)
        if (row, column) == (n + 4, 2) and n % 8 == 0:
            word(fourth)
        while True:
            if row < n and column >= 0 and grid[row, column] < 0:
                word([(row + y, column + x) for y, x in shape])
            row, column = row - 2, column + 2
            if row < 0 or column >= n:
                break
        row, column = row + 1, column + 3
        while True:
            if row >= 0 and column < n and grid[row, column] < 0:
                word([(row + y, column + x) for y, x in shape])
            row, column = row + 2, column - 2
            if row >= n or column < 0:
                break
        row, column = row + 3, column + 1
    return grid


@cache
def qr_fixed(side: int) -> np.ndarray:
    """N×N int8: +1 dark and −1 light modules that every QR Code of this side has, 2 where its format stands,
    0 elsewhere."""
    fixed = np.zeros((side, side), np.int8)
    ring = np.maximum(*np.abs(np.mgrid[-4:5, -4:5]))
    finder = np.where((ring == 2) | (ring == 4), -1, 1).astype(np.int8)
    fixed[:9, :9] = fixed[:9, -8:] = fixed[-8:, :9] = 2
    fixed[:8, :8], fixed[:8, -8:], fixed[-8:, :8] = finder[1:, 1:], finder[1:, :-1], finder[:-1, 1:]
    line = np.where(np.arange(8, side - 8) % 2 == 0, 1, -1)
    fixed[6, 8 : side - 8] = fixed[8 : side - 8, 6] = line
    fixed[side - 8, 8] = 1
    if side > 21:
        fixed[-9:-4, -9:-4] = np.where(ring[2:7, 2:7] == 1, -1, 1)
    return fixed


def _format(level: int, mask: int) -> int:
    data = _LEVEL_BITS[level] << 3 | mask
    rest = data << 10
    for bit in range(14, 9, -1):
        if rest >> bit & 1:
            rest ^= 0x537 << (bit - 10)
    return (data << 10 | rest) ^ 0x5412


@cache
def _format_places(side: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Both places of the fifteen bits of the format, the highest first."""
    columns = [0, 1, 2, 3, 4, 5, 7, 8]
    one = [(8, c) for c in columns] + [(r, 8) for r in (7, 5, 4, 3, 2, 1, 0)]
    two = [(side - 1 - i, 8) for i in range(7)] + [(8, side - 8 + i) for i in range(8)]
    return one, two


def known_modules(side: int, *, qr: bool) -> np.ndarray:
    """N×N int8: +1 dark, −1 light, 0 what is only known once it is read."""
    fixed = qr_fixed(side) if qr else data_matrix(side).fixed
    return np.where(fixed == 2, 0, fixed).astype(np.int8)


@cache
def qr_code(side: int, level: int, mask: int) -> Layout:
    """The layout of a QR Code. level: 0 L, 1 M, 2 Q, 3 H. mask: 0…7. KeyError: no such side."""
    checks, lengths = _QR_BLOCKS[(side - 17) // 4][level]
    fixed = qr_fixed(side).copy()
    told = _format(level, mask)
    for places in _format_places(side):
        for index, place in enumerate(places):
            fixed[place] = 1 if told >> (14 - index) & 1 else -1
    order = _zigzag(side)
    total = sum(lengths) + checks * len(lengths)
    y, x = np.mgrid[0:side, 0:side]
    flip = (
        (y + x) % 2, y % 2, x % 3, (y + x) % 3, (y // 2 + x // 3) % 2, y * x % 2 + y * x % 3,
        (y * x % 2 + y * x % 3) % 2, ((y + x) % 2 + y * x % 3) % 2,
    )[mask] == 0  # fmt: skip
    blocks: list[list[int]] = [[] for _ in lengths]
    number = 0
    for index in range(max(lengths) + checks):
        # data of all blocks come first, word by word in turn, the longer ones' last, then the checks
        for block, length in enumerate(lengths):
            if index < length or index >= max(lengths):
                blocks[block].append(number)
                number += 1
    made = tuple(Block(np.array(words), checks) for words in blocks)
    return Layout(side, fixed, order[: 8 * total].reshape(-1, 8), flip, made, QR_CODE)


@cache
def _zigzag(side: int) -> np.ndarray:
    """Flat indices of the data modules in the order of their bits."""
    free = qr_fixed(side) == 0
    order = []
    upwards = True
    for right in [c for c in range(side - 1, 0, -2) if c > 6] + [5, 3, 1]:
        for row in range(side - 1, -1, -1) if upwards else range(side):
            order += [row * side + c for c in (right, right - 1) if free[row, c]]
        upwards = not upwards
    return np.array(order)


def qr_formats(soft: np.ndarray, most: int = 2) -> list[tuple[int, int]]:
    """The likeliest (level, mask) of a QR Code whose modules read `soft` (N×N, + dark)."""
    side = soft.shape[0]
    seen = sum(np.array([soft[place] for place in places]) for places in _format_places(side))
    every = [(level, mask) for level in range(4) for mask in range(8)]
    words = np.array([[1 if _format(*one) >> (14 - i) & 1 else -1 for i in range(15)] for one in every])
    return [every[index] for index in np.argsort(-(words @ seen))[:most]]
