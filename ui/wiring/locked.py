"""The tablet behind a passphrase: nothing but the question until it is answered, then the tablet itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, cast

import numpy as np
from PySide6.QtQuick import QQuickImageProvider

from fieldtool.problems import explain
from fieldtool.security.keys import SHORTEST_PASSPHRASE
from fieldtool.text import Language
from ui import views
from ui.backend import Backend, Report
from ui.translator import CatalogueTranslator
from ui.wiring.camera import ArrayProvider, CameraProvider, LiveCamera, PhotoProvider
from ui.wiring.tablet import WiredTablet


class LockedTablet:
    """Answers for a tablet that `unlock` opens; the passphrase goes to the vault and is kept nowhere."""

    def __init__(
        self,
        opening: Callable[[str], WiredTablet],
        translator: CatalogueTranslator,
        camera: LiveCamera,
        *,
        new: bool,
    ) -> None:
        """opening: opens the tablet with a passphrase. new: none was chosen for this machine yet."""
        self._opening = opening
        self._translator = translator
        self._camera = camera
        self._new = new
        self._opened: WiredTablet | None = None
        self._listener: Report | None = None

    def status(self) -> views.Status:
        """An empty strip that asks for the passphrase; then the tablet's."""
        if self._opened is not None:
            return self._opened.status()
        return views.Status(
            probe="", locked="new" if self._new else "existing", passphrase_least=SHORTEST_PASSPHRASE
        )

    def people(self) -> tuple[views.PersonTile, ...]:
        """Nobody before the data is open."""
        return () if self._opened is None else tuple(self._opened.people())

    def unlock(self, passphrase: str) -> None:
        """Opens the tablet; what is wrong with the passphrase is said in words, and may be tried again."""
        if self._opened is not None:
            return
        try:
            tablet = self._opening(passphrase)
        except Exception as error:
            found = explain(error, Language(self._translator.current))
            if not found.expected:
                raise
            raise views.Failure(" ".join([found.what, *found.problems]), found.hint, found.code) from None

        if self._listener is not None:
            tablet.listen(self._listener)
        self._opened = tablet

    def listen(self, changed: Report) -> None:
        """Kept until there is a tablet whose pages can change."""
        self._listener = changed

    def providers(self) -> dict[str, QQuickImageProvider]:
        """Pictures for QML; those of orders once the tablet is open."""

        def picture(sha256: str) -> bytes | None:
            return None if self._opened is None else self._opened.runs.any_picture(sha256)

        def panel() -> np.ndarray | None:
            return None if self._opened is None else self._opened.panel_picture()

        return {
            "camera": CameraProvider(self._camera),
            "photo": PhotoProvider(picture),
            "panel": ArrayProvider(panel),
        }

    def cancel(self) -> None:
        """Stops what the tablet does, where it was opened."""
        if self._opened is not None:
            self._opened.cancel()

    def stop_sync(self) -> None:
        """Ends the round that runs, where it was opened."""
        if self._opened is not None:
            self._opened.stop_sync()

    def close(self) -> None:
        """Closes the tablet where it was opened, and the camera."""
        self._camera.close()
        if self._opened is not None:
            self._opened.close()

    def __getattr__(self, name: str) -> Any:  # the rest of `Backend`, as the tablet answers it
        if self._opened is not None:
            return getattr(self._opened, name)

        def refuse(*arguments: object, **named: object) -> NoReturn:
            raise views.Failure(
                self._translator.text("Los datos de este equipo están cerrados"), "", "locked"
            )

        return refuse


def backend_of(locked: LockedTablet) -> Backend:
    """The same as what the screens ask."""
    return cast(Backend, locked)
