"""Opens what stands sealed in the projection, where the key is here; else says why it cannot be read."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection

from workorders.journal.said import unseal_said
from workorders.journal.sealing import Erased, OrderKey, SealError, unseal_text
from workorders.journal.words import Sealed
from workorders.store import keys

ERASED = "[erased]"
LOCKED = "[sealed]"
"""What is shown in place of a text whose key was destroyed, or is not here. Screens have words for them."""


class Opener:
    """Opens reasons and remarks (`workorders.journal.said`) in one transaction; asks for each key once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._keys: dict[str, OrderKey | SealError] = {}

    def said(self, value: Any, scope: str | None) -> str | None:
        """The text of a reason as a row or a plain payload holds it: sealed, or plain as of old.

        Args:
            scope: the order it was said about (an exception without one: its own id).
        """
        if value is None or isinstance(value, str):
            return value
        try:
            sealed = msgspec.convert(value, Sealed)
            return unseal_said(self._key(sealed.key_id), sealed, scope or "")
        except Erased:
            return ERASED
        except (SealError, msgspec.ValidationError):
            return LOCKED

    def detail(self, detail: dict[str, Any], scope: str | None) -> dict[str, Any]:
        """The detail of an exception with its reason opened."""
        if not isinstance(detail.get("reason"), dict):
            return detail
        return detail | {"reason": self.said(detail["reason"], scope)}

    def field(self, value: Any, context: str) -> str | None:
        """The text sealed for a field (`sealing.field_context`); None where its key is gone or not here."""
        try:
            sealed = msgspec.convert(value, Sealed)
            return unseal_text(self._key(sealed.key_id), sealed, context)
        except (SealError, msgspec.ValidationError):
            return None

    def _key(self, key_id: str) -> OrderKey:
        if key_id not in self._keys:
            try:
                self._keys[key_id] = keys.key_by_id(self._connection, key_id)
            except SealError as error:
                self._keys[key_id] = error
        found = self._keys[key_id]
        if isinstance(found, SealError):
            raise found
        return found
