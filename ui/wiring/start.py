"""Opens the tablet of this machine and puts the screens on it."""

from __future__ import annotations

import logging

import msgspec

from fieldtool.settings import Home, Theme
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from ui.app import Screens
from ui.backend import Backend
from ui.translator import CatalogueTranslator
from ui.wiring.camera import LiveCamera
from ui.wiring.tablet import WiredTablet
from ui.wiring.unopened import unopened

log = logging.getLogger(__name__)


def screens_of_this_machine() -> tuple[Screens, Backend]:
    """The window and what stands behind it; where the data cannot be opened, a window that says so."""
    home = Home.default()
    settings = home.settings()
    try:
        tablet = Tablet.open(home, create=not home.realms())
    except Exception as error:
        log.exception("the tablet cannot be opened")
        backend = unopened(error, settings.language)
        dark = settings.theme is Theme.DARK
        return Screens(backend, language=settings.language.value, dark=dark), backend
    tablet.keep_synced()
    return screens_of(tablet)


def screens_of(tablet: Tablet) -> tuple[Screens, Backend]:
    """The window on an open tablet."""
    settings = tablet.settings()
    translator, camera = CatalogueTranslator(), LiveCamera()
    translator.use(settings.language.value)
    backend = WiredTablet(tablet, translator, camera)

    def remember(name: str, value: str) -> None:
        """Keeps theme and language of this machine."""
        found = tablet.settings()
        if name == "theme":
            found = msgspec.structs.replace(found, theme=Theme(value))
        elif name == "language":
            found = msgspec.structs.replace(found, language=Language(value))
        tablet.save_settings(found)

    screens = Screens(
        backend,
        language=settings.language.value,
        dark=settings.theme is Theme.DARK,
        remember=remember,
        translator=translator,
        providers=backend.providers(),
    )
    return screens, backend
