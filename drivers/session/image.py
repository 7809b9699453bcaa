"""Firmware into a meter (class 18): compare, send what is missing, verify; activation is an act of its own.

The order of steps is that of the Blue Book, 4.4.6.3. A cut costs one block: what the meter holds is asked
again and only the rest is sent, provided that it belongs to the same image.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable

import msgspec

from drivers.changes import ImageReport, ImageState, OutcomeState, WriteIntent, WriteOutcome
from drivers.dlms import image as images
from drivers.dlms.apdu import Result
from drivers.dlms.client import DlmsClient
from drivers.dlms.cosem import Item, parse_item, plain_text, text_of
from drivers.dlms.data import Data
from drivers.dlms.image import Image, State, Status
from drivers.errors import (
    Garbage,
    ImageRefused,
    LinkLost,
    MeterRefused,
    NeedsConfirmation,
    NoAnswer,
    OtherMeter,
    PortVanished,
)
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal

_ROUNDS = 3
"""How often blocks that the meter does not show as taken are sent again."""
_BLOCK_OVERHEAD = 100
"""Octets that a block costs beside its own: frames and protection there, and the answer."""
_POLL_SECONDS = 1.0
_BUSY_SECONDS = 180.0
"""How long a meter may erase, verify or restart before it counts as lost."""
_FIRMWARE = "1:1.0.0.2.0.255:2"
_GONE = (LinkLost, PortVanished, Garbage, NoAnswer)


class ImageJobs:
    """The image jobs on one meter."""

    def __init__(self, jobs: Jobs, journal: Journal) -> None:
        self._jobs = jobs
        self._journal = journal

    # ---- transfer

    def transfer(self, image: Image, last: str | None) -> ImageReport:
        """Send and verify an image; nothing is activated.

        ``last``: text of the image that this application last sent to this meter (``Image.text``), if it
        knows one. Raises ``ImageRefused`` where the meter does not take it.
        """
        meter, before = self._who()
        state = self._ready_state()
        held = images.same_image(state, image, last == image.text())
        if held and state.status is Status.VERIFICATION_SUCCESSFUL:
            return self._report(image, meter, before, state, 0, "the meter holds it already, verified")
        if held and state.status is Status.ACTIVATION_SUCCESSFUL:
            report = self._report(image, meter, before, state, 0, "the meter runs it already")
            return msgspec.structs.replace(report, state=ImageState.ACTIVATED, firmware_now=before)
        resumed = held and state.status is Status.INITIATED
        intent = self._intend(meter, images.STATUS, "firmware image", state.status.name.lower(), image.text())
        sent = 0
        try:
            if not resumed:
                self._call(images.INITIATE, image.initiation())
                self._wait_while(lambda now: now.status is not Status.INITIATED and not now.missing(image))
            sent = self._send_missing(image)
            self._verify(image)
        except ImageRefused as error:
            self._journal.outcome(WriteOutcome(intent.id, OutcomeState.FAILED, None, error.detail))
            raise
        self._journal.outcome(WriteOutcome(intent.id, OutcomeState.VERIFIED, image.text()))
        return self._report(image, meter, before, self._state(), sent, "resumed" if resumed else None)

    def _send_missing(self, image: Image) -> int:
        """Send blocks until the meter misses none; how many were sent."""
        sent = 0
        for _ in range(_ROUNDS):
            state = self._state()
            missing, total = state.missing(image), image.count(state.block_size)
            if not missing:
                return sent
            for done, number in enumerate(missing):
                left = (len(missing) - done) * (state.block_size + _BLOCK_OVERHEAD)
                self._jobs.progress("image", total - len(missing) + done, total, left)
                self._call(images.TRANSFER_BLOCK, image.block(number, state.block_size))
                sent += 1
            self._jobs.progress("image", total, total)
        missing = self._state().missing(image)
        if missing:
            raise ImageRefused(
                detail=f"{len(missing)} blocks were sent {_ROUNDS} times and are still missing"
            )
        return sent

    def _verify(self, image: Image) -> None:
        self._jobs.progress("image_verify", 0, 1)
        self._call(images.VERIFY, images.GO)
        state = self._wait_while(lambda now: now.status is Status.VERIFICATION_INITIATED)
        if state.status is not Status.VERIFICATION_SUCCESSFUL:
            raise ImageRefused(detail=f"verification: {state.status.name.lower().replace('_', ' ')}")
        if any(held.is_another(image) for held in state.held) and len(state.held) == 1:
            raise ImageRefused(detail="the meter names another image than the one that was sent")
        self._jobs.progress("image_verify", 1, 1)

    # ---- activation

    def activate(self, image: Image, confirmation: str) -> ImageReport:
        """Let the meter run the image that it holds verified; waits for its restart and reads the firmware
        back.

        ``confirmation`` is the meter's serial. Never done by itself: a meter that was given other firmware
        cannot be brought back from here.
        """
        meter, before = self._who()
        if confirmation != meter:
            raise NeedsConfirmation
        state = self._ready_state()
        if state.status is not Status.VERIFICATION_SUCCESSFUL:
            raise ImageRefused(detail=f"not verified: {state.status.name.lower().replace('_', ' ')}")
        if any(held.is_another(image) for held in state.held) and len(state.held) == 1:
            raise ImageRefused(detail="the meter holds another image than this file")
        intent = self._intend(meter, self._firmware_item, "firmware activation", before, image.text())
        with self._jobs.shielded():
            refused = self._call_once(images.ACTIVATE)
        if refused is not None:
            self._journal.outcome(WriteOutcome(intent.id, OutcomeState.FAILED, before, refused))
            raise ImageRefused(detail=f"activation: {refused}")
        after = self._after_restart(before, intent)
        report = self._report(image, meter, before, state, 0, None)
        return msgspec.structs.replace(report, state=ImageState.ACTIVATED, firmware_now=after)

    def _after_restart(self, before: str | None, intent: WriteIntent) -> str | None:
        """The firmware that runs now. Raises ``ImageRefused`` where the meter did not change over."""
        status, after = self._awaited(before)
        done = status is Status.ACTIVATION_SUCCESSFUL or (after is not None and after != before)
        failed = status is Status.ACTIVATION_FAILED
        state = OutcomeState.VERIFIED if done and not failed else OutcomeState.FAILED
        detail = None if state is OutcomeState.VERIFIED else f"activation: {status.name.lower()}"
        self._journal.outcome(WriteOutcome(intent.id, state, after, detail))
        self._jobs.forget_identity()
        if state is OutcomeState.FAILED:
            raise ImageRefused(detail=detail or "")
        return after

    def _awaited(self, before: str | None) -> tuple[Status, str | None]:
        """Status and firmware once the meter is back; as they are when its time is over."""
        line = self._jobs.reach.line
        end = (line.now() if line else 0.0) + _BUSY_SECONDS
        status, after = Status.UNKNOWN, None
        while line is None or line.now() < end:
            self._jobs.progress("restart", 0, 1)
            self._jobs.pause(_POLL_SECONDS)
            try:
                found = self._jobs.fetch([images.STATUS, self._firmware_item])
            except _GONE as error:
                self._jobs.reach.cut(error)
                continue
            status = _status_of(found[images.STATUS])
            after = _text_of(found[self._firmware_item])
            if status in (Status.ACTIVATION_SUCCESSFUL, Status.ACTIVATION_FAILED):
                break
            if after is not None and after != before:
                break
            line = self._jobs.reach.line or line
        self._jobs.progress("restart", 1, 1)
        return status, after

    # ---- settle

    def settle(self, intent: WriteIntent) -> WriteOutcome:
        """What became of a transfer or an activation that was cut off."""
        item = parse_item(intent.item)
        if item.class_id != 18:
            firmware = _text_of(self._jobs.fetch([item])[item])
            changed = firmware is not None and firmware != intent.was
            state = OutcomeState.VERIFIED if changed else OutcomeState.UNTOUCHED
            return WriteOutcome(intent.id, state, firmware)
        state_now = self._state()
        if state_now.status in (Status.VERIFICATION_SUCCESSFUL, Status.ACTIVATION_SUCCESSFUL):
            return WriteOutcome(intent.id, OutcomeState.VERIFIED, intent.will_be)
        have = (
            (state_now.bitmap or "").count("1") if state_now.bitmap is not None else state_now.first_missing
        )
        detail = f"cut off: the meter holds {have or 0} blocks, the rest can be sent"
        return WriteOutcome(intent.id, OutcomeState.FAILED, state_now.status.name.lower(), detail)

    # ---- what the meter says

    @property
    def _firmware_item(self) -> Item:
        model = self._jobs.model
        return parse_item(model.identity.get("firmware", _FIRMWARE) if model else _FIRMWARE)

    def _who(self) -> tuple[str, str | None]:
        """Serial (or logical device name) and firmware."""
        identity = self._jobs.identify()
        name = identity.serial or identity.logical_device_name
        if not name:
            raise OtherMeter("The meter does not tell who it is: it cannot be given firmware safely.")
        return name, identity.firmware

    def _ready_state(self) -> State:
        """Raises ``UnsupportedObject`` without class 18, ``ImageRefused`` where it is switched off."""
        enabled = self._jobs.need(images.ENABLED).data
        if enabled is not None and enabled.value is False:
            raise ImageRefused(detail="image_transfer_enabled is false")
        return self._wait_while(lambda now: now.status is Status.VERIFICATION_INITIATED)

    def _state(self) -> State:
        optional = [images.BITMAP, images.FIRST_MISSING, images.INFO]
        found = self._jobs.fetch([images.BLOCK_SIZE, images.STATUS, *optional])
        block_size, status = found[images.BLOCK_SIZE].data, found[images.STATUS].data
        if block_size is None or status is None:
            raise ImageRefused(detail="image_block_size or status cannot be read")
        bitmap, first, info = (found[item].data for item in optional)
        return images.state_of(block_size, bitmap, first, status, info)

    def _wait_while(self, busy: Callable[[State], bool]) -> State:
        waited = 0.0
        while True:
            state = self._state()
            if not busy(state):
                return state
            if waited >= _BUSY_SECONDS:
                raise ImageRefused(detail=f"busy for {_BUSY_SECONDS:.0f} s")
            self._jobs.pause(_POLL_SECONDS)
            waited += _POLL_SECONDS

    # ---- what is sent

    def _intend(self, meter: str, item: Item, name: str, was: str | None, will_be: str) -> WriteIntent:
        intent = WriteIntent(str(uuid.uuid4()), meter, str(item), name, was, will_be, "firmware")
        self._journal.intent(intent)
        return intent

    def _call(self, method: Item, parameters: Data) -> None:
        """A method that may be called again after a cut: it says the same. *temporary-failure* is no
        refusal: the status tells how it goes on."""

        def job(client: DlmsClient) -> None:
            client.action(method, parameters)

        try:
            self._jobs.reach.run(job)
        except MeterRefused as error:
            if error.result != "temporary-failure":
                raise ImageRefused(detail=f"method {method}: {error.result}") from None

    def _call_once(self, method: Item) -> str | None:
        """Why the meter refused; ``None`` if it took it or if the answer was lost, which the restart may
        do."""
        client = self._jobs.reach.run(lambda associated: associated)
        try:
            client.action(method, images.GO)
        except MeterRefused as error:
            return None if error.result == "temporary-failure" else error.result
        except _GONE as error:
            self._jobs.reach.cut(error)
        return None

    def _report(
        self, image: Image, meter: str, firmware: str | None, state: State, sent: int, detail: str | None
    ) -> ImageReport:
        return ImageReport(
            meter,
            ImageState.VERIFIED,
            text_of(image.identifier),
            image.sha256,
            image.size,
            image.count(state.block_size),
            sent,
            firmware,
            None,
            detail,
        )


def _status_of(result: Result) -> Status:
    value = result.data.value if result.data is not None else None
    return Status(int(value)) if isinstance(value, int) else Status.UNKNOWN


def _text_of(result: Result) -> str | None:
    return plain_text(result.data) if result.data is not None else None


def is_image_intent(intent: WriteIntent) -> bool:
    """Whether an intent is of a transfer or an activation, which only ``ImageJobs`` can settle."""
    return intent.program == "firmware"
