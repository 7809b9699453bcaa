"""The camera behind the screens: live frames for QML, still pictures for photos and scanning.

The camera is opened when a page looks through it and let go when none has for a while. Frames are read in a
thread of their own (`drivers.camera`), turned into images in another one here; QML only takes over the
newest.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

import cv2
import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage
from PySide6.QtQuick import QQuickImageProvider

from drivers import torch
from drivers.camera import Camera, CameraLost, NoCamera, discover
from ui import views

log = logging.getLogger(__name__)
CAMERA_VARIABLE = "FIELDTOOL_CAMERA"
SHOWN_WIDTH = 1280
LET_GO_S = 5.0
RETRY_S = 2.0
STILL_TIMEOUT_S = 4.0
CLOSE_S = 3.0
QUALITY = 92
LARGEST = (4096, 3072)
"""Asked of a camera for a panel; it gives the nearest that it can."""
SETTLING = 4


class LiveCamera:
    """One camera, opened on demand. Safe from any thread."""

    def __init__(
        self,
        url: str | None = None,
        *,
        find_lamp: Callable[[], torch.Torch | None] = lambda: None,
        kept: Callable[[], str | None] = lambda: None,
        keep: Callable[[str], None] = lambda url: None,
    ) -> None:
        """find_lamp: slow, asked once, when the camera is first opened; kept, keep: which camera the crew
        chose on this machine, read and written."""
        self._url = url
        self._kept, self._keep = kept, keep
        self._chosen: str | None = None
        self._find_lamp: Callable[[], torch.Torch | None] | None = find_lamp
        self._torch: torch.Torch | None = None
        self._lock = threading.Lock()
        self._camera: Camera | None = None
        self._shown = QImage()
        self._wanted_at = 0.0
        self._closing = threading.Event()
        self._held = threading.Event()
        self._viewer: threading.Thread | None = None

    def url(self) -> str | None:
        """Which camera: chosen just now, given, named by `FIELDTOOL_CAMERA`, chosen before, or the first that
        is there."""
        named = self._chosen or self._url or os.environ.get(CAMERA_VARIABLE)
        if named:
            return named
        there, kept = discover(), self._kept()
        return kept if kept in there else next(iter(there), None)

    @property
    def torch(self) -> views.Torch:
        """Whether the lamp burns; empty where there is none."""
        if self._torch is None:
            return ""
        return "on" if self._torch.on else "off"

    def light(self, on: bool) -> bool:
        """Turns the lamp on or off; False where there is none or it does not obey. It goes off by itself with
        the camera."""
        return self._torch is not None and self._torch.light(on)

    def other(self) -> bool:
        """*Slow.* Look through the next camera that gives a picture; False where there is no other one.

        What a machine lists need not be there: Windows names no cameras without opening them, and Linux gives
        one camera several devices. The view goes on with the camera that it had.
        """
        there, now = discover(), self.url()
        after = there.index(now) + 1 if now in there else 0
        for url in [*there[after:], *there[:after]]:
            if url != now and self._gives_a_picture(url):
                self._chosen = url
                self._keep(url)
                return True
        return False

    def _gives_a_picture(self, url: str) -> bool:
        self._held.set()  # two cameras of one bus may be too much at once
        try:
            self._let_go()
            with Camera(url) as camera:
                return camera.latest(timeout=STILL_TIMEOUT_S) is not None
        except (CameraLost, NoCamera):
            return False
        finally:
            self._held.clear()

    def still(self) -> bytes:
        """A fresh picture in full size, as JPEG. Raises `drivers.camera.NoCamera` or `CameraLost`."""
        image = self.frame()
        good, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        if not good:
            raise NoCamera(detail="the frame cannot be encoded")
        return bytes(packed.tobytes())

    def large(self) -> np.ndarray:
        """A fresh picture as large as the camera gives, rows × columns × BGR: a panel wants every pixel. The
        live view stands still meanwhile. Raises as `still`."""
        url = self.url()
        if url is None:
            raise NoCamera(detail="no camera was found")
        self._held.set()
        try:
            self._let_go()
            with Camera(url, size=LARGEST) as camera:
                frame, number = None, 0
                for _ in range(SETTLING):  # exposure and focus need some frames
                    frame = camera.latest(after=number, timeout=STILL_TIMEOUT_S) or frame
                    number = frame.number if frame is not None else 0
            if frame is None:
                raise CameraLost(detail="no frame in time")
            return frame.image
        finally:
            self._held.clear()

    def frame(self) -> np.ndarray:
        """A fresh picture in full size, rows × columns × BGR. Raises as `still`."""
        self.shown()  # keeps the camera open, and sees to it that it is let go afterwards
        try:
            return self._fresh()
        except (CameraLost, NoCamera):
            # It may just have been let go, or was plugged in again: once more from the beginning.
            self._let_go()
            return self._fresh()

    def _fresh(self) -> np.ndarray:
        """What the crew shows now, not what lay in the camera's memory when they pressed."""
        camera, asked_at = self._opened(), time.monotonic()
        frame = camera.latest(timeout=STILL_TIMEOUT_S)
        while frame is not None and frame.at < asked_at:
            frame = camera.latest(after=frame.number, timeout=STILL_TIMEOUT_S)
        if frame is None:
            raise CameraLost(detail="no frame in time")
        return frame.image

    def shown(self) -> QImage:
        """The newest frame for the live view; a null image until there is one. Never waits."""
        self._wanted_at = time.monotonic()
        with self._lock:
            viewed = self._viewer is not None and self._viewer.is_alive()
            if not viewed and not self._closing.is_set():
                self._viewer = threading.Thread(target=self._view, name="live view", daemon=True)
                self._viewer.start()
            return self._shown

    def close(self) -> None:
        """Lets the camera go for good; no thread of it is left, for one that still works on a picture when
        the interpreter ends takes the process down. A driver that hangs does not hold us up."""
        self._closing.set()
        self._let_go()
        viewer = self._viewer
        if viewer is not None:
            viewer.join(CLOSE_S)

    def _opened(self) -> Camera:
        with self._lock:
            if self._closing.is_set() or self._held.is_set():
                raise NoCamera(detail="the camera was let go")
            if self._camera is None:
                url = self.url()
                if url is None:
                    raise NoCamera(detail="no camera was found")
                self._camera = Camera(url)
            if self._find_lamp is not None:
                self._torch, self._find_lamp = self._find_lamp(), None
            return self._camera

    def _let_go(self) -> None:
        with self._lock:
            camera, self._camera = self._camera, None
            self._shown = QImage()
            if self._torch is not None and self._torch.on:
                self._torch.light(False)
        if camera is not None:
            camera.close()

    def _view(self) -> None:
        """Fills `_shown` while somebody looks."""
        number = 0
        while not self._closing.is_set() and time.monotonic() - self._wanted_at < LET_GO_S:
            try:
                frame = self._opened().latest(after=number, timeout=0.5)
            except Exception:  # whatever the driver says, the page shows that there is no picture
                self._let_go()
                number = 0
                self._closing.wait(RETRY_S)
                continue
            if frame is not None:
                number = frame.number
                self._shown = _image(frame.image)
        self._let_go()


def _image(array: np.ndarray) -> QImage:
    height, width = array.shape[:2]
    if width > SHOWN_WIDTH:
        array = cv2.resize(array, (SHOWN_WIDTH, height * SHOWN_WIDTH // width), interpolation=cv2.INTER_AREA)
    rgb = cv2.cvtColor(array, cv2.COLOR_BGR2RGB)
    height, width = rgb.shape[:2]
    return QImage(rgb.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888).copy()


class CameraProvider(QQuickImageProvider):
    """`image://camera/live?n`: the newest frame."""

    def __init__(self, camera: LiveCamera) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._camera = camera

    def requestImage(self, id: str, size: QSize, requestedSize: QSize) -> QImage:
        image = self._camera.shown()
        return image if not image.isNull() else _blank()


class PhotoProvider(QQuickImageProvider):
    """`image://photo/<sha256>`: a photo of the order on the page, opened for looking at only."""

    def __init__(self, read: Callable[[str], bytes | None]) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._read = read

    def requestImage(self, id: str, size: QSize, requestedSize: QSize) -> QImage:
        try:
            image = QImage.fromData(self._read(id.partition("?")[0]) or b"")
        except (
            Exception
        ) as error:  # a picture that cannot be opened is shown as none; the record is not touched
            log.warning("a photo cannot be shown: %s", type(error).__name__)
            return _blank()
        if image.isNull():
            return _blank()
        return image.scaledToWidth(
            min(image.width(), SHOWN_WIDTH), Qt.TransformationMode.SmoothTransformation
        )


class ArrayProvider(QQuickImageProvider):
    """`image://panel/<n>`: a picture that lies in memory, at the size of the screen."""

    def __init__(self, picture: Callable[[], np.ndarray | None]) -> None:
        super().__init__(QQuickImageProvider.ImageType.Image)
        self._picture = picture

    def requestImage(self, id: str, size: QSize, requestedSize: QSize) -> QImage:
        picture = self._picture()
        return _blank() if picture is None else _image(picture)


def _blank() -> QImage:
    image = QImage(16, 12, QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    return image
