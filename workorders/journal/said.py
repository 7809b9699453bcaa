"""What somebody said in their own words about an order (reasons, remarks): sealed, it may be personal.

All of it is bound to `<order_id>/said`; what it is about is covered by the signature of the entry.
"""

from __future__ import annotations

from workorders.journal.sealing import OrderKey, field_context, seal_text, unseal_text
from workorders.journal.words import Said, Sealed

_FIELD = "said"
_TAG_CHARACTERS = 24
"""Base64 of the 16 bytes of a tag: the ciphertext of an empty text."""


def seal_said(key: OrderKey, text: str, order_id: str) -> Sealed:
    """Seal a reason under the key of its order."""
    return seal_text(key, text, field_context(order_id, _FIELD))


def unseal_said(key: OrderKey, sealed: Sealed, order_id: str) -> str:
    """Open what `seal_said` sealed for the same order.

    Raises:
        SealError: another key, another order, or bytes that were changed.
    """
    return unseal_text(key, sealed, field_context(order_id, _FIELD))


def says_nothing(said: Said) -> bool:
    """Whether a reason is empty; of a sealed one only its length can be told."""
    if isinstance(said, Sealed):
        return len(said.ciphertext) <= _TAG_CHARACTERS
    return not said.strip()
