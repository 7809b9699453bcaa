"""Settings written: those of one danger together, with-list where the meter can; read back together; what
does not hold is rolled back where its class allows it.

Nothing is sent before its intent is durable. Whatever the meter said, and after any cut, what was done is
found by reading back; what was not done is sent once more, one by one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from drivers.changes import ChangeResult, ChangeState, Danger, OutcomeState, WriteIntent, WriteOutcome
from drivers.dlms.access import HEAD_OCTETS, READ_OCTETS, WRITE_OCTETS
from drivers.dlms.acse import Conformance
from drivers.dlms.apdu import ServiceException
from drivers.dlms.client import DlmsClient
from drivers.dlms.cosem import access_result
from drivers.dlms.data import Data, encode
from drivers.dlms.settings import Finding, Setting, Write, same_data
from drivers.errors import Garbage, LinkLost, MeterRefused, PortVanished
from drivers.session.holding import Holding, now
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal

_LINE_ERRORS = (LinkLost, PortVanished, Garbage)
_OTHER_REASON = 250
_ITEM_BYTES, _HEAD_BYTES = 11, 8
_MOST = 32
_CLOCK_CLASS, _CLOCK_TIME = 8, 2


@dataclass(frozen=True)
class Step:
    """One setting that is to be written: what was found, and what makes it hold."""

    setting: Setting
    finding: Finding
    wanted: Data
    writes: list[Write]

    @property
    def is_alone(self) -> bool:
        """Methods, and what can never be undone, go one at a time."""
        return self.finding.danger is Danger.IRREVERSIBLE or any(write.method for write in self.writes)


def goes_with(step: Step, batch: list[Step]) -> bool:
    """Whether a step may be written together with those before it."""
    if batch and any(one.is_alone for one in (step, *batch)):
        return False
    return all(one.finding.danger is step.finding.danger for one in batch)


def depends_on(setting: Setting, batch: list[Step]) -> bool:
    """Whether what a setting is judged by changes with the batch: then the batch is written first."""
    written = {write.item for one in batch for write in one.writes}
    needed = set(setting.reads({}))
    if any((item.class_id, item.attribute) == (_CLOCK_CLASS, _CLOCK_TIME) for item in needed):
        return any(item.class_id == _CLOCK_CLASS for item in written)
    return not needed.isdisjoint(written)


@dataclass(frozen=True)
class _Told:
    """What the meter said to one step: why not (``problem``), whether the answer was ``lost``, whether the
    step went in a list (``listed``). No problem is its word, not yet the truth."""

    problem: str | None = None
    lost: bool = False
    listed: bool = False


_LOST = _Told(lost=True)


class BatchWriter:
    """Writes batches of steps to one meter for one program."""

    def __init__(self, jobs: Jobs, journal: Journal, program: str, meter: str, holding: Holding) -> None:
        self._jobs = jobs
        self._journal = journal
        self._program = program
        self._meter = meter
        self._holding = holding

    def write(self, batch: list[Step], following: list[Setting]) -> list[ChangeResult]:
        """Intents, writes, read-back, outcomes. What ``following`` needs is read on the way."""
        intents = [self._intend(self._program, step.setting, step.finding, step.wanted) for step in batch]
        with self._jobs.shielded():
            results = self._carried_out(batch, following)
        for intent, result in zip(intents, results, strict=True):
            self._journal.outcome(WriteOutcome(intent.id, result.state, result.is_now, result.detail))
        return results

    def _carried_out(self, batch: list[Step], following: list[Setting]) -> list[ChangeResult]:
        told = self._accessed(batch, following)
        if told is None:
            told = self._send(batch)
            self._read_back(batch, following)
        again = [n for n, step in enumerate(batch) if self._was_not_done(step, told[n])]
        if again:
            if any(told[n].listed for n in again):
                self._jobs.reach.write_limit.value = 1  # it says that it took the list, and did not
                self._jobs.reach.access_refused = True
            for n in again:
                told[n] = self._send_singly(batch[n])
            self._read_back([batch[n] for n in again], following)
        results = [self._result(step, one) for step, one in zip(batch, told, strict=True)]
        return [self._rolled_back(step, result) for step, result in zip(batch, results, strict=True)]

    def _was_not_done(self, step: Step, told: _Told) -> bool:
        """The answer was lost and it does not hold; or the meter took the list, and what held before holds
        still."""
        finding = self._holding.judge(step.setting)
        if finding.state is not ChangeState.DIFFERS or told.problem is not None:
            return False
        return told.lost or (told.listed and same_data(finding.now_data, step.finding.now_data))

    def _result(self, step: Step, told: _Told) -> ChangeResult:
        finding = self._holding.judge(step.setting)
        if finding.state is ChangeState.SAME:
            return ChangeResult(step.setting.id, OutcomeState.VERIFIED, finding.now)
        detail = told.problem or "the meter took it, but reads back another value"
        return ChangeResult(step.setting.id, OutcomeState.FAILED, finding.now, detail)

    def _read_back(self, batch: list[Step], following: list[Setting]) -> None:
        self._holding.forget(write.item for step in batch for write in step.writes)
        self._holding.read([*(step.setting for step in batch), *following], "apply")

    # ---- sending

    @property
    def _limit(self) -> int:
        """Most writes in one request, as far as this type of meter and this line are known."""
        reach = self._jobs.reach
        told = [limit.value for limit in (reach.list_limit, reach.write_limit) if limit.value]
        return min([_MOST, *told])

    def _send(self, batch: list[Step]) -> list[_Told]:
        """Send every write of a batch once; what the meter said to each step."""
        if batch[0].is_alone or self._limit < 2 or sum(len(step.writes) for step in batch) < 2:
            return [self._send_singly(step) for step in batch]
        client = self._associated()
        try:
            told = self._send_lists(client, batch) if client.allows(Conformance.MULTIPLE_REFERENCES) else None
        except (LinkLost, PortVanished) as error:
            self._jobs.reach.cut(error)
            return [_LOST] * len(batch)  # some of it may have been done: reading back tells
        except Garbage:
            self._jobs.reach.write_limit.value = 1
            return [_LOST] * len(batch)
        return told or [self._send_singly(step) for step in batch]

    def _associated(self) -> DlmsClient:
        """What stops the way in is not caught by those who send: a password whose verdict nobody heard is
        not sent again, and the intents stay open to be settled."""
        return self._jobs.reach.run(lambda associated: associated)

    def _accessed(self, batch: list[Step], following: list[Setting]) -> list[_Told] | None:
        """Write and read back in one request; ``None`` where the meter has no ACCESS, or it does not fit.

        Its parts are carried out in their order, so what is read was asked for after the writes. Harmless
        ones only: what could cut supply or communication is read back by a request of its own.
        """
        client, reach = self._associated(), self._jobs.reach
        offered = client.allows(Conformance.ACCESS) and not reach.access_refused
        if not offered or batch[0].is_alone or batch[0].finding.danger is not Danger.HARMLESS:
            return None
        settings = [*(step.setting for step in batch), *following]
        steps = [self._writes_now(step) for step in batch]
        writes = [(write.item, write.data) for step in steps for write in step]
        written = [item for item, _ in writes]
        reads = self._holding.asked_after(written, settings)
        octets = sum(WRITE_OCTETS + len(encode(data)) for _, data in writes) + READ_OCTETS * len(reads)
        if HEAD_OCTETS + octets > client.request_limit or len(writes) + len(reads) > self._limit:
            return None
        try:
            found = client.access(writes, reads)
        except ServiceException:
            reach.access_refused = True
            return None
        except (LinkLost, PortVanished) as error:
            reach.cut(error)
            told = [_LOST] * len(batch)
        except Garbage:
            reach.access_refused = True
            told = [_LOST] * len(batch)
        else:
            if all(code == _OTHER_REASON for code in found.written):
                reach.access_refused = True
                return None
            self._holding.forget(written)
            self._holding.take(dict(zip(reads, found.read, strict=True)))
            self._holding.read(settings, "apply")
            return _of_steps(steps, found.written)
        self._read_back(batch, following)
        return told

    def _send_lists(self, client: DlmsClient, batch: list[Step]) -> list[_Told] | None:
        """What the meter said to each step; ``None`` from one that does not take a list after all."""
        steps = [self._writes_now(step) for step in batch]
        writes = [write for step in steps for write in step]
        said: list[int] = []
        for chunk in _chunks(writes, client.request_limit, self._limit):
            try:
                codes = client.set_list([(write.item, write.data) for write in chunk])
            except ServiceException:
                codes = []
            if all(code == _OTHER_REASON for code in codes):
                self._jobs.reach.write_limit.value = 1
                return None
            said += codes
        return _of_steps(steps, said)

    def _send_singly(self, step: Step) -> _Told:
        """One request for each write of a step. After a cut they are sent once more: they say the same."""
        for last in (False, True):
            client = self._associated()
            try:
                for write in self._writes_now(step):
                    _send(client, write)
            except MeterRefused as error:
                return _Told(error.result)
            except ServiceException as error:
                return _Told(error.error)
            except _LINE_ERRORS as error:
                self._jobs.reach.cut(error)
                if last:
                    return _Told(error.code)
            else:
                break
        return _Told()

    def _writes_now(self, step: Step) -> list[Write]:
        """Made when they are sent: a clock is written as late as possible."""
        return step.setting.writes(step.wanted, now(), self._holding.known) or step.writes

    # ---- journal and roll back

    def _intend(self, program: str, setting: Setting, finding: Finding, wanted: Data) -> WriteIntent:
        """Journalled and durable before this returns; only then may anything be sent."""
        intent = WriteIntent(
            str(uuid.uuid4()),
            self._meter,
            str(setting.item),
            setting.name,
            finding.now,
            finding.will_be,
            program,
            encode(finding.now_data).hex() if finding.now_data is not None else None,
            encode(wanted).hex(),
        )
        self._journal.intent(intent)
        return intent

    def _rolled_back(self, step: Step, result: ChangeResult) -> ChangeResult:
        """Bring the old state back if the failed write left another one and the class allows it."""
        old, setting = step.finding.now_data, step.setting
        if result.state is not OutcomeState.FAILED or old is None:
            return result
        present = self._holding.judge(setting)
        writes = setting.writes(old, now(), self._holding.known)
        if same_data(present.now_data, old) or not writes:
            return result
        back = Finding(ChangeState.DIFFERS, present.now, step.finding.now or "", now_data=present.now_data)
        intent = self._intend(f"{self._program} (roll back)", setting, back, old)
        undo = Step(setting, back, old, writes)
        self._send_singly(undo)
        self._read_back([undo], [])
        after = self._holding.judge(setting)
        restored = same_data(after.now_data, old)
        state = OutcomeState.VERIFIED if restored else OutcomeState.FAILED
        self._journal.outcome(WriteOutcome(intent.id, state, after.now))
        if restored:
            return ChangeResult(setting.id, OutcomeState.ROLLED_BACK, after.now, result.detail)
        return ChangeResult(setting.id, OutcomeState.FAILED, after.now, f"{result.detail}; not rolled back")


def _of_steps(steps: list[list[Write]], codes: list[int]) -> list[_Told]:
    """What was said to each step, of what was said to each of its writes."""
    left = iter([access_result(code) if code else None for code in codes])
    of_steps = [[next(left) for _ in step] for step in steps]
    return [_Told(next(filter(None, said), None), listed=True) for said in of_steps]


def _chunks(writes: list[Write], octets: int, most: int) -> Iterator[list[Write]]:
    """As many writes together as one request of the meter's size takes, at least one."""
    chunk: list[Write] = []
    size = _HEAD_BYTES
    for write in writes:
        needed = _ITEM_BYTES + len(encode(write.data))
        if chunk and (size + needed > octets or len(chunk) == most):
            yield chunk
            chunk, size = [], _HEAD_BYTES
        chunk.append(write)
        size += needed
    if chunk:
        yield chunk


def _send(client: DlmsClient, write: Write) -> None:
    if write.method:
        client.action(write.item, write.data)
    else:
        client.set(write.item, write.data)
