"""Camera frames by URL, read in a thread of their own: a device, a stream, a video, a folder of pictures.

What a camera may be:

- `camera:0`, or just `0`: a device by its number;
- `rtsp://…`, `http://…`: what OpenCV opens as a stream;
- `file:///path`: a virtual camera. A video plays in a loop; a picture is shown again and again; of a folder
  the pictures are shown in the order of their names, and the folder is looked at again each time, so that
  another program can put the next picture there.

No Qt and no windows: frames are OpenCV arrays, H×W×3 BGR uint8.
"""

from __future__ import annotations

import dataclasses
import re
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from drivers.errors import DriverError

_PICTURES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
#: A device that gives no frame for so long has vanished (seconds).
_STALLED = 4.0
_VIRTUAL_RATE = 15.0
_DEVICES = Path("/sys/class/video4linux")


class NoCamera(DriverError):
    """Nothing can be opened at the URL."""

    code = "no-camera"
    message = "The camera cannot be opened."
    hint = "Check that it is plugged in and that no other program uses it, or choose another one."


class CameraLost(DriverError):
    """It worked and then stopped giving frames."""

    code = "camera-lost"
    message = "The camera stopped giving pictures."
    hint = "Plug it in again; or type the number, or scan a photo from a file."


@dataclasses.dataclass(frozen=True)
class Frame:
    """One picture. number: 1, 2, 3 …; at: monotonic seconds when it was taken over."""

    number: int
    image: np.ndarray
    at: float


class _Source(Protocol):
    def frames(self) -> Iterator[np.ndarray]: ...
    def release(self) -> None: ...


def discover() -> list[str]:
    """URLs of cameras that seem to be there, those that look away from the screen first where their names say
    so. Opens none of them."""
    if sys.platform == "linux":
        numbers = [int(p.name[5:]) for p in Path("/dev").glob("video*") if p.name[5:].isdigit()]
        # one camera has several devices: the further ones give no pictures
        first = [number for number in numbers if _said(number, "index") in ("", "0")]
        rear = re.compile(r"rear|back|world", re.IGNORECASE)
        return [f"camera:{n}" for n in sorted(first, key=lambda n: (not rear.search(_said(n, "name")), n))]
    return ["camera:0", "camera:1"]


def _said(number: int, what: str) -> str:
    """What Linux says of a device, or nothing."""
    try:
        return (_DEVICES / f"video{number}" / what).read_text(errors="replace").strip()
    except OSError:
        return ""


class Camera:
    """An open camera. Frames are read in a thread; `latest` gives the newest one, old ones are dropped."""

    def __init__(self, url: str, *, size: tuple[int, int] = (1920, 1080)) -> None:
        """Open the camera at `url`; `size` (width, height) is asked of a device and not promised.

        Raises NoCamera.
        """
        self.url = url
        self._source = _open(url, size)
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._lost: CameraLost | None = None
        self._closing = False
        self._last = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"camera {url}", daemon=True)
        self._thread.start()

    def latest(self, after: int = 0, timeout: float = 1.0) -> Frame | None:
        """The newest frame whose number is above `after`; None where none came within `timeout` seconds.

        Raises CameraLost once the camera has stopped.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            while not self._closing:
                if self._frame is not None and self._frame.number > after:
                    return self._frame
                if self._lost is not None:
                    raise self._lost
                now = time.monotonic()
                if now - self._last > _STALLED:
                    raise CameraLost(detail=f"no frame for {_STALLED} s")
                if now >= deadline:
                    return None
                self._changed.wait(deadline - now)
        return None

    def close(self) -> None:
        """Stop reading and let the device go. A driver that hangs does not hold us up."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout=2.0)

    def __enter__(self) -> Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        detail = "end of the pictures"
        try:
            for number, image in enumerate(self._source.frames(), start=1):
                with self._changed:
                    if self._closing:
                        break
                    self._last = time.monotonic()
                    self._frame = Frame(number, image, self._last)
                    self._changed.notify_all()
        except (OSError, cv2.error) as error:
            detail = type(error).__name__
        finally:
            self._source.release()
        with self._changed:
            self._lost = CameraLost(detail=detail)
            self._changed.notify_all()


def _open(url: str, size: tuple[int, int]) -> _Source:
    device = url.removeprefix("camera:")
    if device.isdigit():
        return _Capture(int(device), size)
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "file":
        path = Path(urllib.request.url2pathname(parts.path))
        if path.is_dir() or path.suffix.lower() in _PICTURES:
            return _Pictures(path)
        if not path.is_file():
            raise NoCamera(detail=f"{path.name} does not exist")
        return _Capture(str(path), None)
    if parts.scheme in ("http", "https", "rtsp", "rtmp"):
        return _Capture(url, None)
    raise NoCamera(detail="not a number, a stream or a file:// URL")


class _Capture:
    """A device, a stream or a video through OpenCV."""

    def __init__(self, what: int | str, size: tuple[int, int] | None) -> None:
        backend = cv2.CAP_DSHOW if sys.platform == "win32" and isinstance(what, int) else cv2.CAP_ANY
        self._capture = cv2.VideoCapture(what, backend)
        if not self._capture.isOpened():
            raise NoCamera(
                detail=f"OpenCV cannot open {'the device' if isinstance(what, int) else 'the stream'}"
            )
        if size is not None:
            self._capture.set(cv2.CAP_PROP_FRAME_WIDTH, size[0])
            self._capture.set(cv2.CAP_PROP_FRAME_HEIGHT, size[1])
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self._is_file = isinstance(what, str) and "://" not in what

    def frames(self) -> Iterator[np.ndarray]:
        """Frames until the device gives none; a video begins again at its end."""
        empty = 0
        while empty < 2:
            good, image = self._capture.read()
            if good and image is not None:
                empty = 0
                yield np.asarray(image)
                if self._is_file:
                    time.sleep(1 / _VIRTUAL_RATE)
                continue
            empty += 1
            if self._is_file:
                self._capture.set(cv2.CAP_PROP_POS_FRAMES, 0)

    def release(self) -> None:
        """Let the device go."""
        self._capture.release()


class _Pictures:
    """A picture, or the pictures of a folder, as a camera that sees them one after the other."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not self._names():
            raise NoCamera(detail=f"{path.name} holds no picture")

    def _names(self) -> list[Path]:
        if not self._path.is_dir():
            return [self._path] if self._path.exists() else []
        return sorted(p for p in self._path.iterdir() if p.suffix.lower() in _PICTURES)

    def frames(self) -> Iterator[np.ndarray]:
        """Pictures in turn, until there are none left."""
        while names := self._names():
            for name in names:
                image = _load(name)
                if image is not None:
                    yield image
                time.sleep(1 / _VIRTUAL_RATE)

    def release(self) -> None:
        """Nothing is held open."""


def _load(path: Path) -> np.ndarray | None:
    try:
        packed = np.frombuffer(path.read_bytes(), np.uint8)
        return np.asarray(image) if (image := cv2.imdecode(packed, cv2.IMREAD_COLOR)) is not None else None
    except (OSError, cv2.error):
        return None  # taken away or half written: the next look finds it or not
