"""Rows and columns of labels seen at an angle: from the neighbours of each label, then a homography of all.

Clustering rows and columns by gaps fails under perspective. Here a label, its right and its lower neighbour
(each
in the label's own axes) begin a lattice; it grows to what lies where a row or column should go on, is fitted
by a
homography as soon as there is enough of it, and the begun lattice that explains most labels wins.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence

import cv2
import numpy as np

from .codes import Code

#: How far from its place a label may lie, in steps of the lattice: labels are not glued to a tenth.
_TOLERANCE = 0.32
#: A row goes on behind a gap of at most so many missing labels.
_REACH = 3
_MOST_LABELS = 400


@dataclasses.dataclass(frozen=True)
class Lattice:
    """A fitted lattice.

    cells: (row, column) of each label by its index in what was given; row and column begin at 0 at the label
    that
        lies highest and furthest left, in the labels' own reading direction. Labels that lie on no cell are
        absent.
    matrix: 3×3, from (column, row, 1) to pixels.
    """

    cells: dict[int, tuple[int, int]]
    matrix: np.ndarray

    @property
    def rows(self) -> int:
        """Number of rows between the first and the last label."""
        return 1 + max((row for row, _ in self.cells.values()), default=-1)

    @property
    def columns(self) -> int:
        """Number of columns between the first and the last label."""
        return 1 + max((column for _, column in self.cells.values()), default=-1)

    def at(self, row: float, column: float) -> tuple[float, float]:
        """Where a cell's label should be, in pixels."""
        x, y, w = self.matrix @ np.array([column, row, 1.0])
        return (float(x / w), float(y / w))

    def cell_of(self, point: tuple[float, float]) -> tuple[float, float]:
        """(row, column) of a point of the picture, not rounded."""
        x, y, w = np.linalg.inv(self.matrix) @ np.array([*point, 1.0])
        return (float(y / w), float(x / w))

    def moved(self, rows: int, columns: int) -> Lattice:
        """The same lattice with its first cell so many rows and columns further up and left."""
        shift = np.array([[1.0, 0, -columns], [0, 1.0, -rows], [0, 0, 1.0]])
        cells = {index: (row + rows, column + columns) for index, (row, column) in self.cells.items()}
        return Lattice(cells, self.matrix @ shift)

    def turned(self) -> Lattice:
        """The same lattice with rows for columns, its rows running to the right of the picture: labels glued
        upright."""
        flipped = {index: (column, row) for index, (row, column) in self.cells.items()}
        swap = np.array([[0, 1.0, 0], [1.0, 0, 0], [0, 0, 1.0]])
        lattice = Lattice(flipped, self.matrix @ swap)
        here, right, below = lattice.at(0, 0), lattice.at(0, 1), lattice.at(1, 0)
        if right[0] < here[0]:
            lattice = lattice._mirrored(columns=True)
        if below[1] < here[1]:
            lattice = lattice._mirrored(columns=False)
        return lattice

    def _mirrored(self, *, columns: bool) -> Lattice:
        last = (self.columns if columns else self.rows) - 1
        flip = np.diag([-1.0 if columns else 1.0, 1.0 if columns else -1.0, 1.0])
        flip[0 if columns else 1, 2] = last
        cells = {
            index: (row, last - column) if columns else (last - row, column)
            for index, (row, column) in self.cells.items()
        }
        return Lattice(cells, self.matrix @ flip)


def fit(codes: Sequence[Code], rows: int | None = None, columns: int | None = None) -> Lattice | None:
    """The lattice of labels; None where there are too few of them (two rows or two columns at the least are
    needed
    to see an angle; a single row or column is taken as it lies).

    rows, columns: how many there are at most, where that is known: lattices that do not fit are no
    candidates.
    """
    if len(codes) < 2 or len(codes) > _MOST_LABELS:
        return None
    points = np.array([code.centre for code in codes], np.float64)
    axes = np.array([_axes(code) for code in codes])
    best: Lattice | None = None
    for seed in _seeds(points, axes):
        grown = _grown(points, seed)
        if grown is None or not _fits(grown, rows, columns):
            continue
        if best is None or _score(grown) > _score(best):
            best = grown
            if len(best.cells) == len(codes) and _is_dense(best):
                break
    return best


def _axes(code: Code) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors of the label's reading direction and of the direction down."""
    one, two, three, four = (np.array(corner) for corner in code.corners)
    along, down = (two - one) + (three - four), (four - one) + (three - two)
    along = along / max(float(np.hypot(*along)), 1e-6)
    square = np.array([-along[1], along[0]])
    length = float(np.hypot(*down))
    down = down / length if length > 0.15 * float(np.hypot(*(two - one))) else square
    # a thin line has no direction down; and what slants by more than the camera could is no direction either
    return (along, down) if abs(float(along @ down)) < 0.7 and float(square @ down) > 0 else (along, square)


_Seed = dict[int, tuple[int, int]]


def _seeds(points: np.ndarray, axes: np.ndarray) -> list[_Seed]:
    """Beginnings: a label with its right and its lower neighbour; the middle of the picture first."""
    middle = np.median(points, axis=0)
    seeds: list[_Seed] = []
    for index in np.argsort(np.hypot(*(points - middle).T)):
        along, down = axes[index]
        local = (points - points[index]) @ np.linalg.inv(np.array([along, down]))
        rights, lowers = _ahead(local[:, 0], local[:, 1]), _ahead(local[:, 1], local[:, 0])
        for right, lower in itertools.product(rights, lowers):
            seeds.append({int(index): (0, 0), right: (0, 1), lower: (1, 0)})
        if not lowers:
            seeds += [{int(index): (0, 0), right: (0, 1)} for right in rights[:1]]
        if not rights:
            seeds += [{int(index): (0, 0), lower: (1, 0)} for lower in lowers[:1]]
    return seeds


def _ahead(forward: np.ndarray, aside: np.ndarray) -> list[int]:
    """The two nearest labels in a direction, within 30° of it."""
    ahead = np.nonzero((forward > 1) & (np.abs(aside) < 0.58 * forward))[0]
    return [int(i) for i in ahead[np.argsort(np.hypot(forward[ahead], aside[ahead]))][:2]]


def _grown(points: np.ndarray, seed: _Seed) -> Lattice | None:
    """Go on from a beginning until no label is added."""
    cells = dict(seed)
    for _ in range(24):
        matrix = _model(points, cells)
        if matrix is None:
            return None
        added = _reached(points, cells, matrix)
        if added == cells:
            break
        cells = added
    else:
        return None
    if len(cells) < 3 and len(points) > 2:
        return None
    top, left = (min(cell[i] for cell in cells.values()) for i in (0, 1))
    return Lattice(cells, matrix).moved(-top, -left)


def _model(points: np.ndarray, cells: _Seed) -> np.ndarray | None:
    """The mapping (column, row) → pixels: as rich as the labels allow."""
    indices = list(cells)
    source = np.array([(cells[i][1], cells[i][0]) for i in indices], np.float64)
    target = points[indices]
    rows, columns = (len({cell[i] for cell in cells.values()}) for i in (0, 1))
    if rows >= 2 and columns >= 2 and len(indices) >= 8:
        matrix, _ = cv2.findHomography(source, target, 0)
        return None if matrix is None else np.asarray(matrix)
    if rows == 1 or columns == 1:
        return _along_a_line(source, target, row=rows == 1)
    design = np.c_[source, np.ones(len(source))]
    solved, *_ = np.linalg.lstsq(design, target, rcond=None)
    return np.vstack([solved.T, [0, 0, 1]])


def _along_a_line(source: np.ndarray, target: np.ndarray, *, row: bool) -> np.ndarray:
    """One row or one column: the step across is taken as long as the one along it, square to it."""
    steps = source[:, 0 if row else 1]
    design = np.c_[steps, np.ones(len(steps))]
    (step, origin), *_ = np.linalg.lstsq(design, target, rcond=None)
    across = np.array([-step[1], step[0]]) if row else np.array([step[1], -step[0]])
    right, down = (step, across) if row else (across, step)
    return np.array([[right[0], down[0], origin[0]], [right[1], down[1], origin[1]], [0, 0, 1.0]])


def _reached(points: np.ndarray, cells: _Seed, matrix: np.ndarray) -> _Seed:
    """Labels that lie on a cell near one that is known, each cell with the one that lies best."""
    try:
        inverse = np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return cells
    local = np.c_[points, np.ones(len(points))] @ inverse.T
    local = local[:, :2] / np.where(np.abs(local[:, 2:]) < 1e-9, 1e-9, local[:, 2:])
    if not np.all(np.isfinite(local)) or np.abs(local).max() > 1e6:
        return cells
    whole = np.round(local)
    off = np.abs(local - whole).max(axis=1)
    known = np.array([(column, row) for row, column in cells.values()], np.float64)
    near = np.abs(whole[:, None, :] - known[None, :, :]).sum(axis=2).min(axis=1) <= _reach(len(cells))
    taken: dict[tuple[int, int], int] = {}
    for index in np.argsort(off):
        if off[index] > _TOLERANCE:
            break
        cell = (int(whole[index][1]), int(whole[index][0]))
        if near[index] and cell not in taken:
            taken[cell] = int(index)
    found = {index: cell for cell, index in taken.items()}
    return found if len(found) >= len(cells) else cells


def _reach(known: int) -> int:
    """At the beginning the angle is hardly known: only to the next."""
    return 1 if known < 6 else _REACH


def _fits(lattice: Lattice, rows: int | None, columns: int | None) -> bool:
    """Whether a lattice, as it lies or turned, has no more rows and columns than there are."""
    if rows is None or columns is None:
        return True
    straight = lattice.rows <= rows and lattice.columns <= columns
    return straight or (lattice.rows <= columns and lattice.columns <= rows)


def _is_dense(lattice: Lattice) -> bool:
    """False for a lattice of half the step that has every second cell empty."""
    rows = {row for row, _ in lattice.cells.values()}
    columns = {column for _, column in lattice.cells.values()}
    return len(rows) >= 0.75 * lattice.rows and len(columns) >= 0.75 * lattice.columns


def _score(lattice: Lattice) -> tuple[int, int]:
    """More labels first; of lattices that explain as many, the one with fewer cells."""
    return (len(lattice.cells), -lattice.rows * lattice.columns)
