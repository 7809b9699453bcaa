"""Firmware into a meter: sent once, resumed only if it is the same image, run only when confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.changes import ImageState, OutcomeState
from drivers.dlms.data import Data, Tag, array, octet_string, structure
from drivers.dlms.image import Held, Image, State, Status, held_images, image_of, same_image
from drivers.errors import Cancelled, ImageRefused, NeedsConfirmation, UnsupportedObject, WrongValue
from drivers.virtual.image_file import ImageFileError, make_image, open_image
from tests.drivers.field import READER, Host, Meter, session, virtual_meter

PRODUCT = "5CTD E2F"
SIZE = 9000  # 18 blocks of 512
BLOCKS = 18


@pytest.fixture
def firmware(tmp_path: Path) -> Path:
    path = tmp_path / "fw-140.bin"
    path.write_bytes(make_image(PRODUCT, "V1.40.00", SIZE))
    return path


@pytest.fixture(scope="module")
def meter() -> Iterator[Meter]:
    with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.2") as running:
        yield running


def last_text(host: Host) -> str | None:
    return next((i.will_be for i in reversed(host.intents) if i.name == "firmware image"), None)


def test_an_image_is_sent_verified_and_runs_only_after_a_confirmed_activation(
    meter: Meter, firmware: Path
) -> None:
    host = Host(meter.secrets)
    with session(meter, host=host) as opened:
        report = opened.send_image(firmware, "FW140")
        assert (report.state, report.sent, report.blocks) == (ImageState.VERIFIED, BLOCKS, BLOCKS)
        assert report.firmware_before == "V1.36.04"
        assert opened.identify().firmware == "V1.36.04"  # nothing runs by itself
        with pytest.raises(NeedsConfirmation):
            opened.activate_image(firmware, "FW140", "3456")
        again = opened.send_image(firmware, "FW140", last_text(host))
        assert again.sent == 0  # the meter holds it: nothing crosses the line twice
        done = opened.activate_image(firmware, "FW140", meter.serial)
        assert (done.state, done.firmware_now) == (ImageState.ACTIVATED, "V1.40.00")
        assert opened.identify().firmware == "V1.40.00"
    assert [intent.name for intent in host.intents] == ["firmware image", "firmware activation"]
    assert [outcome.state for outcome in host.outcomes] == [OutcomeState.VERIFIED] * 2
    assert "image" in host.steps


def test_an_image_for_another_product_is_refused_at_verification_and_the_meter_goes_on(
    meter: Meter, tmp_path: Path
) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(make_image("E570 CT", "B02.15.00", 2000))
    host = Host(meter.secrets)
    with session(meter, host=host) as opened:
        before = opened.identify().firmware
        with pytest.raises(ImageRefused):
            opened.send_image(other, "OTHER")
        with pytest.raises(ImageRefused):
            opened.activate_image(other, "OTHER", meter.serial)
        assert opened.identify().firmware == before
    assert [outcome.state for outcome in host.outcomes] == [OutcomeState.FAILED]


def test_who_may_only_read_cannot_send_firmware(meter: Meter, firmware: Path) -> None:
    with session(meter, READER) as opened, pytest.raises((ImageRefused, UnsupportedObject)):
        opened.send_image(firmware, "FW140")


@pytest.mark.parametrize("fault", ["--power-loss-write", "--cut-after-write", "--cut-before-write"])
def test_a_cut_in_the_middle_costs_one_block(firmware: Path, fault: str) -> None:
    with virtual_meter("prime-1ph", "--days", "0", "--boot-s", "0.1", fault, "9") as meter:
        host = Host(meter.secrets)
        with session(meter, host=host) as opened:
            report = opened.send_image(firmware, "FW140")
    assert (report.state, report.sent) == (ImageState.VERIFIED, BLOCKS)
    assert [outcome.state for outcome in host.outcomes] == [OutcomeState.VERIFIED]


class StopsAt(Host):
    """Cancels its session when so many blocks were sent."""

    stop_at = 5
    cancel = staticmethod(lambda: None)

    def on_progress(self, step: str, done: int, total: int, seconds_left: float | None) -> None:
        super().on_progress(step, done, total, seconds_left)
        if step == "image" and done == self.stop_at:
            self.cancel()


def test_stopped_and_taken_up_again_only_the_rest_of_the_same_image_is_sent(
    firmware: Path, tmp_path: Path
) -> None:
    with virtual_meter("prime-1ph", "--days", "0") as meter:
        host = StopsAt(meter.secrets)
        with session(meter, host=host) as opened:
            host.cancel = opened.cancel  # what a person does with Ctrl-C
            with pytest.raises(Cancelled):
                opened.send_image(firmware, "FW140")
        assert host.outcomes == []
        later = Host(meter.secrets, host.next_counter)
        with session(meter, host=later) as opened:
            (settled,) = opened.settle(host.intents)
            assert settled.state is OutcomeState.FAILED
            assert "rest can be sent" in (settled.detail or "")
            report = opened.send_image(firmware, "FW140", last_text(host))
        assert report.detail == "resumed"
        assert 0 < report.sent <= BLOCKS - host.stop_at

        twin = tmp_path / "twin.bin"  # same name, same length, other bytes: nothing of the first is kept
        twin.write_bytes(make_image(PRODUCT, "V1.41.00", SIZE, seed=9))
        with session(meter, host=later) as opened:
            report = opened.send_image(twin, "FW140", last_text(host))
        assert report.sent == BLOCKS


# ---- without a meter


@given(st.integers(1, 5000), st.integers(1, 700), st.data())
def test_missing_blocks_are_exactly_those_the_bitmap_does_not_show(
    size: int, block: int, data: st.DataObject
) -> None:
    image = Image(bytes(size), b"A")
    count = image.count(block)
    bits = data.draw(st.text("01", min_size=0, max_size=count + 9))
    missing = State(block, bits, None, Status.INITIATED, []).missing(image)
    assert missing == [n for n in range(count) if n >= len(bits) or bits[n] == "0"]
    sent = b"".join(image.block(n, block).items[1].octets for n in range(count))
    assert sent == image.octets


def test_a_meter_without_a_bitmap_tells_the_first_that_it_misses() -> None:
    image = Image(bytes(1000), b"A")
    assert State(100, None, 7, Status.INITIATED, []).missing(image) == [7, 8, 9]
    assert State(100, None, None, Status.INITIATED, []).missing(image) == list(range(10))


def test_it_is_the_same_image_only_if_the_meter_or_our_own_record_proves_it() -> None:
    image = image_of(b"firmware", "FW1")
    unsigned = State(100, "1", 1, Status.INITIATED, [Held(8, b"FW1", b"")])
    assert not same_image(unsigned, image, begun=False)
    assert same_image(unsigned, image, begun=True)
    assert not same_image(State(100, "1", 1, Status.INITIATED, [Held(9, b"FW1", b"")]), image, begun=True)
    proven = Held(8, b"FW1", bytes.fromhex(image.sha256))
    assert same_image(State(100, "1", 1, Status.INITIATED, [proven]), image, begun=False)


@pytest.mark.parametrize("odd", [None, Data(Tag.NULL), array(), array(structure(octet_string(b"x")))])
def test_a_meter_that_tells_nothing_of_its_image_is_no_error(odd: Data | None) -> None:
    assert held_images(odd) == []


@pytest.mark.parametrize("name", ["", "0x1", "x" * 65])
def test_a_wrong_identifier_is_told_before_anything_is_sent(name: str) -> None:
    with pytest.raises(WrongValue):
        image_of(b"firmware", name)


def test_a_damaged_image_of_the_virtual_field_is_known_as_such() -> None:
    octets = bytearray(make_image(PRODUCT, "V2", 500))
    assert open_image(bytes(octets)).firmware == "V2"
    octets[60] ^= 1
    with pytest.raises(ImageFileError):
        open_image(bytes(octets))
