"""The live camera: frames in a thread, votes from different frames, a camera that goes away."""

from __future__ import annotations

import queue
from pathlib import Path

import cv2
import numpy as np
import pytest

from drivers.camera import Camera, CameraLost, NoCamera
from fieldtool.scanning import Code, Symbology
from fieldtool.scanning.labels_out import code_image
from fieldtool.scanning.live import FrameVotes, LiveScanner, LiveState

SQUARE = ((0.0, 0.0), (9.0, 0.0), (9.0, 9.0), (0.0, 9.0))


def put(folder: Path, name: str, text: str) -> None:
    picture = np.pad(code_image(text, Symbology.CODE_128), 60, constant_values=200)
    (folder / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (64, 64, 3)).astype(np.uint8)


def test_a_folder_is_a_camera_and_taking_it_away_is_a_typed_error(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "ZIV0012345678")
    with Camera(tmp_path.as_uri()) as camera:
        first = camera.latest(timeout=5)
        assert first is not None
        assert first.image.shape[2] == 3
        second = camera.latest(first.number, timeout=5)
        assert second is not None
        assert second.number > first.number
        (tmp_path / "a.png").unlink()
        with pytest.raises(CameraLost):
            camera.latest(second.number + 20, timeout=5)


@pytest.mark.parametrize("url", ["file:///nowhere/x.mp4", "file:///nowhere/x.png", "camera:93", "gopher://x"])
def test_what_cannot_be_opened_is_no_camera(url: str) -> None:
    with pytest.raises(NoCamera) as error:
        Camera(url)
    assert error.value.hint


def test_the_scanner_says_what_it_sees_and_that_the_camera_went(tmp_path: Path) -> None:
    put(tmp_path, "a.png", "ZIV0012345678")
    states: queue.Queue[LiveState] = queue.Queue()
    with Camera(tmp_path.as_uri()) as camera:
        scanner = LiveScanner(camera, states.put)
        scanner.start()
        seen = states.get(timeout=10)
        assert [c.text for c in seen.accepted] == ["ZIV0012345678"]
        assert seen.width > 100
        (tmp_path / "a.png").unlink()
        while states.get(timeout=10).lost is None:
            pass
        scanner.stop()


def test_a_marginal_code_needs_two_frames_that_differ() -> None:
    votes = FrameVotes()
    weak = Code("0012", Symbology.CODE_128, SQUARE, marginal=True)
    assert votes.take(frame(1), [weak]) == ([], [weak])
    assert votes.take(frame(1), [weak]) == ([], [weak]), "the same picture again is no second vote"
    assert votes.take(frame(2), [weak]) == ([weak], [])


def test_votes_are_forgotten_and_sure_codes_need_none() -> None:
    votes = FrameVotes()
    weak = Code("0012", Symbology.CODE_128, SQUARE, marginal=True)
    sure = Code("0013", Symbology.CODE_128, SQUARE)
    votes.take(frame(0), [weak])
    for seed in range(1, 20):
        assert votes.take(frame(seed), [sure]) == ([sure], [])
    assert votes.take(frame(99), [weak]) == ([], [weak])
