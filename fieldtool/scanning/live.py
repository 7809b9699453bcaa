"""Scanning with the live camera: frames off the interface thread, a time budget each, votes across frames."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from typing import Protocol

import msgspec
import numpy as np

from drivers.camera import CameraLost, Frame

from .codes import Code
from .decoder import decode

#: A marginal reading needs so many frames that say the same; they must lie within the last `_MEMORY` frames.
VOTES = 2
_MEMORY = 15


class Cameralike(Protocol):
    """What the scanner needs of `drivers.camera.Camera`."""

    def latest(self, after: int = 0, timeout: float = 1.0) -> Frame | None:
        """The newest frame above a number, or None; raises CameraLost."""
        ...


class LiveState(msgspec.Struct, frozen=True):
    """What the scanner knows after a frame.

    accepted: codes in this frame that may be believed. pending: marginal ones that wait for the
        vote of another frame.
    width, height: size of the frame, in whose pixels the corners are. lost: the camera has stopped.
    """

    frame: int
    accepted: tuple[Code, ...]
    pending: tuple[Code, ...]
    width: int = 0
    height: int = 0
    lost: CameraLost | None = None


class FrameVotes:
    """Counts in how many different frames a marginal code was read.

    Equal frames (a frozen stream, the same picture again) are one vote: they make the same mistake.
    """

    def __init__(self, needed: int = VOTES) -> None:
        self._needed = needed
        self._seen: dict[tuple[str, str], dict[bytes, int]] = {}
        self._turn = 0

    def take(self, image: np.ndarray, codes: list[Code]) -> tuple[list[Code], list[Code]]:
        """Give a frame's codes; returns (accepted, pending)."""
        self._turn += 1
        look = _fingerprint(image)
        accepted: list[Code] = []
        pending: list[Code] = []
        for code in codes:
            votes = self._seen.setdefault((code.text, code.symbology), {})
            votes[look] = self._turn
            enough = sum(self._turn - turn < _MEMORY for turn in votes.values()) >= self._needed
            (accepted if enough or not code.marginal else pending).append(code)
        self._forget()
        return accepted, pending

    def _forget(self) -> None:
        for key in list(self._seen):
            recent = {k: t for k, t in self._seen[key].items() if self._turn - t < _MEMORY}
            if recent:
                self._seen[key] = recent
            else:
                del self._seen[key]


def _fingerprint(image: np.ndarray) -> bytes:
    """Two frames of a real sensor are never equal in every pixel; a repeated one is."""
    step = max(1, image.shape[0] // 64)
    return hashlib.blake2b(np.ascontiguousarray(image[::step, ::step]).tobytes(), digest_size=16).digest()


class LiveScanner:
    """Decodes the newest frame again and again in a thread, and tells what it sees.

    `on_state` is called in the scanner's thread after each frame; an interface passes it on to its own.
    """

    def __init__(
        self, camera: Cameralike, on_state: Callable[[LiveState], None], *, budget_ms: float = 150
    ) -> None:
        self._camera = camera
        self._on_state = on_state
        self._budget = budget_ms
        self._votes = FrameVotes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live scanner", daemon=True)

    def start(self) -> None:
        """Begin. Call once."""
        self._thread.start()

    def stop(self) -> None:
        """End; returns when no more call of `on_state` will come. Not from within `on_state`."""
        self._stop.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        number = 0
        while not self._stop.is_set():
            try:
                frame = self._camera.latest(number, timeout=0.25)
            except CameraLost as lost:
                self._on_state(LiveState(number, (), (), lost=lost))
                return
            if frame is None:
                continue
            number = frame.number
            accepted, pending = self._votes.take(frame.image, decode(frame.image, self._budget))
            height, width = frame.image.shape[:2]
            if not self._stop.is_set():
                self._on_state(LiveState(number, tuple(accepted), tuple(pending), width, height))
