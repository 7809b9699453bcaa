"""The meter's own invocation counter, as it shows it to the public client: no secret is on the way there."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.dlms.acse import Mechanism
from drivers.dlms.apdu import ServiceException
from drivers.dlms.client import Credentials, DlmsClient
from drivers.dlms.cosem import parse_item
from drivers.dlms.general_blocks import Channel
from drivers.dlms.short_name_services import NameTable
from drivers.errors import AssociationRefused, CounterRefused

PUBLIC_CLIENT = 16
DEFAULT_COUNTER = "1:0.0.43.1.0.255:2"


def read_counter(public: Channel, items: Sequence[str], *, short_names: bool) -> int:
    """The first of the objects that this meter shows; the channel stays open.

    Raises ``CounterRefused`` if it shows none, and line errors.
    """
    table = NameTable() if short_names else None  # the public client sees fewer objects
    try:
        client = DlmsClient(public, Credentials(Mechanism.NONE), short_names=table)
        client.associate()
        for text in items:
            data = client.get(parse_item(text)).data
            if data is not None and isinstance(data.value, int):
                return int(data.value)
    except (AssociationRefused, ServiceException) as error:
        raise CounterRefused(detail=f"public client: {error.detail or error.message}") from None
    raise CounterRefused(detail="the meter shows no invocation counter to the public client")
