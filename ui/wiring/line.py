"""What the system says of the network: whether it costs, and when there is one again."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtNetwork import QNetworkInformation

from fieldtool.tablet.syncing import Syncing

_HONEST = ("networklistmanager", "networkmanager")
"""Windows' and NetworkManager's; the others say that a line costs nothing where they do not know."""


class LineWatch(QObject):
    """Tells a tablet's sync of the line; made on the interface thread, asked from any.

    Where the system says nothing (no NetworkManager, an older Windows) the settings decide.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._syncing: Syncing | None = None
        self._metered: bool | None = None
        self._watch()

    def serve(self, syncing: Syncing) -> None:
        """Tell this tablet from now on; may come from any thread."""
        syncing.metered = lambda: self._metered
        self._syncing = syncing

    def _watch(self) -> None:
        if not any(map(QNetworkInformation.loadBackendByName, _HONEST)):
            QNetworkInformation.loadBackendByFeatures(QNetworkInformation.Feature.Reachability)
        there = QNetworkInformation.instance()
        if there is None:
            return
        features = QNetworkInformation.Feature
        if there.backendName() in _HONEST and there.supports(features.Metered):
            self._set_metered(there.isMetered())
            there.isMeteredChanged.connect(self._set_metered)
        if there.supports(features.Reachability):
            there.reachabilityChanged.connect(self._reached)

    def _set_metered(self, metered: bool) -> None:
        freed = self._metered is True and not metered
        self._metered = metered
        if freed:  # photos may have waited for this
            self._nudge()

    def _reached(self, how: QNetworkInformation.Reachability) -> None:
        if how is QNetworkInformation.Reachability.Online:
            self._nudge()

    def _nudge(self) -> None:
        if self._syncing is not None:
            self._syncing.nudge()
