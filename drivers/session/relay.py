"""The supply relay: opened or closed on a person's word only, and waited for."""

from __future__ import annotations

import uuid

from drivers.changes import ChangeResult, OutcomeState, WriteIntent, WriteOutcome
from drivers.dlms.apdu import ServiceException
from drivers.dlms.cosem import Item, parse_item
from drivers.dlms.data import Data, encode, integer
from drivers.errors import Garbage, LinkLost, MeterRefused, NeedsConfirmation, PortVanished, WrongValue
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal
from drivers.session.settling import state_text

_RELAY = "70:0.0.96.3.10.255:2"
_METHODS = {"disconnect": 1, "reconnect": 2}
_LOOKS = 4


class RelayJob:
    """Class 70 of one meter."""

    def __init__(self, jobs: Jobs, journal: Journal) -> None:
        self._jobs = jobs
        self._journal = journal

    def operate(self, serial: str, operation: str, confirmation: str) -> ChangeResult:
        """Open or close the supply relay. Only with the serial number as confirmation; never by itself."""
        method = _METHODS.get(operation)
        if method is None:
            raise WrongValue(f"{operation!r}: use disconnect or reconnect")
        if confirmation != serial:
            raise NeedsConfirmation
        model = self._jobs.model
        item = parse_item((model.relay if model else None) or _RELAY)
        control = item.of(3)
        before = self._jobs.need(control).data
        assert before is not None
        wanted = Data(before.tag, 0 if operation == "disconnect" else 1)
        intent = WriteIntent(
            str(uuid.uuid4()),
            serial,
            str(control),
            f"relay {operation}",
            state_text(control, before),
            state_text(control, wanted),
            "relay",
            encode(before).hex(),
            encode(wanted).hex(),
        )
        self._journal.intent(intent)
        with self._jobs.shielded():
            problem = self._call(item.of(method))
            result = self._result(operation, control, problem)
        self._journal.outcome(WriteOutcome(intent.id, result.state, result.is_now, result.detail))
        return result

    def _result(self, operation: str, control: Item, problem: str | None) -> ChangeResult:
        """The armature takes a moment: asked again a few times before it counts as failed."""
        wanted = (0,) if operation == "disconnect" else (1, 2)
        text = ""
        for attempt in range(_LOOKS):
            data = self._jobs.need(control).data
            assert data is not None
            text = state_text(control, data)
            if data.value in wanted:
                waits = "waits for the button on the meter" if data.value == 2 else None
                return ChangeResult(f"relay.{operation}", OutcomeState.VERIFIED, text, waits)
            if problem or attempt == _LOOKS - 1:
                break
            self._jobs.pause(0.5)
        return ChangeResult(f"relay.{operation}", OutcomeState.FAILED, text, problem)

    def _call(self, method: Item) -> str | None:
        """Why it did not work, or ``None``. After a cut it is called once more: it says the same."""
        for last in (False, True):
            client = self._jobs.reach.run(lambda associated: associated)
            try:
                client.action(method, integer(0))
            except MeterRefused as error:
                return error.result
            except ServiceException as error:
                return error.error
            except (LinkLost, PortVanished, Garbage) as error:
                if last:
                    return error.code
                self._jobs.reach.cut(error)
            else:
                return None
        return None
