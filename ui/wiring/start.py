"""Opens the tablet of this machine and puts the screens on it."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import msgspec
from PySide6.QtQuick import QQuickImageProvider

from drivers import torch
from fieldtool.errors import JobError
from fieldtool.security.keys import has_passphrase_vault
from fieldtool.settings import Home, Theme
from fieldtool.tablet.tablet import Tablet
from fieldtool.text import Language
from ui import sound
from ui.app import Screens
from ui.backend import Backend
from ui.translator import CatalogueTranslator
from ui.wiring.camera import LiveCamera
from ui.wiring.line import LineWatch
from ui.wiring.locked import LockedTablet, backend_of
from ui.wiring.tablet import WiredTablet
from ui.wiring.unopened import unopened

log = logging.getLogger(__name__)


def screens_of_this_machine(home: Home | None = None) -> tuple[Screens, Backend]:
    """The window and what stands behind it.

    Where there is no keyring the window asks for the passphrase; where the data cannot be opened it says so.
    """
    home = home or Home.default()
    try:
        tablet = Tablet.open(home, create=not home.realms())
    except Exception as error:
        if isinstance(error, JobError) and error.code == "passphrase_needed":
            return _asking(home)
        log.exception("the tablet cannot be opened")
        return _unopened(home, error)
    tablet.keep_synced()
    return screens_of(tablet)


def screens_of(tablet: Tablet) -> tuple[Screens, Backend]:
    """The window on an open tablet."""
    translator, camera, line = _translator(tablet.home), camera_of(tablet.home), LineWatch()
    line.serve(tablet.syncing)
    backend = WiredTablet(tablet, translator, camera)
    return _window(tablet.home, backend, translator, backend.providers(), line), backend


def _asking(home: Home) -> tuple[Screens, Backend]:
    """The window of a machine without a keyring: the passphrase first."""
    realm = home.realm()
    new = not has_passphrase_vault(home, realm)
    if new and home.database(realm).exists():
        # The key lay in a keyring that is gone or shut: another passphrase could not open this data.
        missing = JobError("database_key_missing", "the key of this tablet's database is gone")
        return _unopened(home, missing)
    translator, camera, line = _translator(home), camera_of(home), LineWatch()

    def opening(passphrase: str) -> WiredTablet:
        tablet = Tablet.open(home, realm, create=not home.realms(), passphrase=lambda: passphrase)
        line.serve(tablet.syncing)
        tablet.keep_synced()
        return WiredTablet(tablet, translator, camera)

    locked = LockedTablet(opening, translator, camera, new=new)
    backend = backend_of(locked)
    return _window(home, backend, translator, locked.providers(), line), backend


def _unopened(home: Home, error: Exception) -> tuple[Screens, Backend]:
    translator = _translator(home)
    backend = unopened(error, Language(translator.current))
    return _window(home, backend, translator, {}), backend


def camera_of(home: Home) -> LiveCamera:
    """The camera of this machine, as the crew chose it."""

    def keep(url: str) -> None:
        try:
            home.save_settings(msgspec.structs.replace(home.settings(), camera=url))
        except OSError as error:  # it is looked through all the same
            log.warning("the chosen camera is not kept: %s", type(error).__name__)

    return LiveCamera(find_lamp=torch.find, kept=lambda: home.settings().camera, keep=keep)


def _translator(home: Home) -> CatalogueTranslator:
    translator = CatalogueTranslator()
    translator.use(home.settings().language.value)
    return translator


def _window(
    home: Home,
    backend: Backend,
    translator: CatalogueTranslator,
    providers: Mapping[str, QQuickImageProvider],
    line: LineWatch | None = None,
) -> Screens:
    def remember(name: str, value: str) -> None:
        """Keeps theme, language and sound of this machine."""
        found = home.settings()
        if name == "theme":
            found = msgspec.structs.replace(found, theme=Theme(value))
        elif name == "language":
            found = msgspec.structs.replace(found, language=Language(value))
        elif name == "beep":
            found = msgspec.structs.replace(found, beep=bool(value))
        home.save_settings(found)

    settings = home.settings()
    screens = Screens(
        backend,
        language=settings.language.value,
        dark=settings.theme is Theme.DARK,
        beep=settings.beep,
        sound=sound.of_this_machine(),
        remember=remember,
        translator=translator,
        providers=providers,
    )
    if line is not None:
        line.setParent(screens.app)
    return screens
