"""A scripted meter and the session with it, in the place of `drivers.session.client.OpticalSession`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from drivers.changes import (
    ApplyReport,
    Change,
    ChangeResult,
    ChangeState,
    Danger,
    OutcomeState,
    Plan,
    WriteIntent,
    WriteOutcome,
)
from drivers.reading import ByteCount, Identity, JoinEvidence, JoinState, Reading, ReadResult

BASE_NODE_MAC = "404022F42501"
ENERGY = "3:1.0.1.8.0.255:2"
RELAY = "70:0.0.96.3.10.255:3"


@dataclass
class Meter:
    """What a scripted meter answers. `fail` is raised by the next call of that name, once; `stuck` are the
    operations that its relay does not follow."""

    serial: str
    energy: str = "23800"
    drift: list[str] = field(default_factory=list)
    sna: str = BASE_NODE_MAC
    joined: JoinState = JoinState.JOINED
    now: dict[str, str] = field(default_factory=lambda: {"clock": "10:00", "limiter": "3.45 kW"})
    fail: dict[str, Exception] = field(default_factory=dict)
    writes: list[str] = field(default_factory=list)
    relay: str = "connected"
    by_button: str = ""
    """What it says instead of `connected` where only its button closes it."""
    stuck: set[str] = field(default_factory=set)
    model: str = "prime-1ph"
    mac: str | None = None
    momentary: list[Reading] = field(
        default_factory=lambda: [
            Reading(item="3:1.0.32.7.0.255:2", name="voltage L1", value="231.4", unit="V")
        ]
    )


WANTED = {"clock": "10:04", "limiter": "4.6 kW"}
ITEMS = {"clock": "8:0.0.1.0.0.255:2", "limiter": "71:0.0.17.0.0.255:4"}


class ScriptedSession:
    """Stands for `drivers.session.client.OpticalSession`; asks the real host the real questions."""

    field: ClassVar[dict[str, Meter]] = {}

    def __init__(self, port: str, connection: Any, host: Any, **_: Any) -> None:
        self._meter = self.field[port]
        self._host = host

    def _call(self, name: str) -> Meter:
        failure = self._meter.fail.pop(name, None)
        if failure is not None:
            raise failure
        self._host.on_progress(name, 1, 1, None)
        return self._meter

    def identify(self) -> Identity:
        meter = self._call("identify")
        return Identity(manufacturer="ZIV", serial=meter.serial, model=meter.model, firmware="5.4.2")

    def read(self, items: list[str] | None = None) -> ReadResult:
        meter = self._call("read")
        energy = meter.drift.pop(0) if meter.drift else meter.energy
        readings = [
            Reading(item=ENERGY, name="active import", value=energy, unit="kWh"),
            *meter.momentary,
        ]
        identity = Identity(manufacturer="ZIV", serial=meter.serial, model=meter.model, firmware="5.4.2")
        return ReadResult(identity=identity, readings=readings, exchanges=2, bytes=ByteCount(), seconds=0.1)

    def network(self) -> JoinEvidence:
        meter = self._call("network")
        evidence = {"sna": meter.sna, "node_state": "1"}
        if meter.mac is not None:
            evidence["mac"] = meter.mac
        elif meter.serial.startswith("ZIV"):  # it numbers its modules so; of other makes nothing is made up
            evidence["mac"] = f"404022{int(meter.serial[3:]) % 2**24:06X}"
        return JoinEvidence(state=meter.joined, technology="prime", evidence=evidence)

    def plan(self, program: str, values: dict[str, str]) -> Plan:
        meter = self._call("plan")
        changes = [
            Change(
                id=name,
                item=ITEMS[name],
                name=name,
                now=meter.now[name],
                will_be=wanted,
                state=ChangeState.SAME if meter.now[name] == wanted else ChangeState.DIFFERS,
                danger=Danger.SUPPLY if name == "limiter" else Danger.HARMLESS,
            )
            for name, wanted in WANTED.items()
        ]
        return Plan(program=program, values=values, meter=meter.serial, model="prime-1ph", changes=changes)

    def apply(self, plan: Plan, allow: list[str]) -> ApplyReport:
        meter = self._call("apply")
        results: list[ChangeResult] = []
        for change in plan.open_changes:
            if change.danger is not Danger.HARMLESS and change.id not in allow:
                results.append(ChangeResult(id=change.id, state=OutcomeState.UNTOUCHED))
                continue
            intent = WriteIntent(
                id=f"{meter.serial}-{change.id}-{len(meter.writes)}",
                meter=meter.serial,
                item=change.item,
                name=change.name,
                was=change.now,
                will_be=change.will_be,
                program=plan.program,
            )
            self._host.record_intent(intent)
            meter.writes.append(change.id)
            meter.now[change.id] = change.will_be
            failure = meter.fail.pop(f"write {change.id}", None)
            if failure is not None:
                raise failure
            self._host.record_outcome(
                WriteOutcome(intent_id=intent.id, state=OutcomeState.VERIFIED, is_now=change.will_be)
            )
            results.append(ChangeResult(id=change.id, state=OutcomeState.VERIFIED, is_now=change.will_be))
        complete = all(meter.now[name] == wanted for name, wanted in WANTED.items())
        return ApplyReport(program=plan.program, meter=meter.serial, changes=results, complete=complete)

    def settle(self, intents: list[WriteIntent]) -> list[WriteOutcome]:
        meter = self._call("settle")
        outcomes = []
        for intent in intents:
            now = meter.relay if intent.item == RELAY else meter.now[intent.name]
            state = OutcomeState.VERIFIED if now == intent.will_be else OutcomeState.FAILED
            outcome = WriteOutcome(intent_id=intent.id, state=state, is_now=now)
            self._host.record_outcome(outcome)
            outcomes.append(outcome)
        return outcomes

    def relay(self, operation: str, confirmation: str) -> ChangeResult:
        meter = self._call(f"relay {operation}")
        assert confirmation == meter.serial
        wanted = "disconnected" if operation == "disconnect" else "connected"
        intent = WriteIntent(
            id=f"{meter.serial}-relay-{len(meter.writes)}",
            meter=meter.serial,
            item=RELAY,
            name=f"relay {operation}",
            was=meter.relay,
            will_be=wanted,
            program="relay",
        )
        self._host.record_intent(intent)
        meter.writes.append(intent.name)
        cut = meter.fail.pop(f"cut {operation}", None)
        if cut is not None:
            raise cut
        if operation not in meter.stuck:
            meter.relay = meter.by_button if wanted == "connected" and meter.by_button else wanted
        state = OutcomeState.VERIFIED if meter.relay in (wanted, meter.by_button) else OutcomeState.FAILED
        self._host.record_outcome(WriteOutcome(intent_id=intent.id, state=state, is_now=meter.relay))
        return ChangeResult(id="relay", state=state, is_now=meter.relay)

    def cancel(self) -> None:
        """Nothing runs here."""

    def close(self) -> None:
        """Nothing to let go."""
