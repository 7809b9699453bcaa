"""What a plan row says of lists of objects and of secrets, in the language of the screen."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from drivers.dlms.secrets import describe
from drivers.programs import SecretKind
from fieldtool.text import Language
from ui.wiring.formats import Formats
from ui.wiring.items import item_name, setting_value


@pytest.fixture
def formats() -> Formats:
    return Formats(Language.ES, ZoneInfo("America/Lima"), lambda text, **_: text)


def test_secrets_are_told_apart_and_never_shown(formats: Formats) -> None:
    key = bytes(range(16))
    said = setting_value(describe(SecretKind.BLOCK_KEY, key), formats)
    assert said == "nueva, 16 bytes (C6A13B)"
    assert (
        setting_value(describe(SecretKind.PASSWORD, b"24681357"), formats) == "nueva, 8 bytes (dígitos ASCII)"
    )
    assert setting_value("the present one", formats) == "la actual"


def test_a_list_of_objects_is_told_by_how_many_there_are(formats: Formats) -> None:
    assert setting_value("8:0.0.1.0.0.255:2, 3:1.0.1.8.0.255:2", formats) == "2 valores"
    assert item_name("40:0.0.25.9.0.255:3", "push, destination", formats) == "Envío, destino"
