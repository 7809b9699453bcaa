"""The parent of an optical session, on a journal: intents before writes, outcomes, counters, secrets.

`JournalHost` is `drivers.connection.SessionHost`; whoever opens a session in an order's name or in nobody's
gives it one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection as SqlConnection

from drivers.changes import OutcomeState, WriteIntent, WriteOutcome
from drivers.connection import NextSecret, SecretState
from fieldtool.associating import BLOCK_KEY
from fieldtool.security.changing import SecretChanges
from workorders.journal.kinds import MeterChanged, MeterIntent
from workorders.journal.writer import Also, Journal
from workorders.store.counters import next_counter, reserve_counter

Progress = Callable[[str, int, int, float | None], None]
Changed = Callable[[str, str, str | None], None]
"""(item, state, value now): a write began (`writing`) or its outcome is known."""


class OrderContext(msgspec.Struct, frozen=True, kw_only=True):
    """In whose name things are journalled."""

    order_id: str | None
    order_version: int | None
    actor: str | None


class Changing(msgspec.Struct, frozen=True):
    """Changes of the secrets of one meter: where they are kept, and whose key the office's copy is sealed
    to."""

    serial: str
    changes: SecretChanges
    office: X25519PublicKey

    def mark(self, connection: SqlConnection, *, name: str, state: SecretState) -> None:
        """Note how far a change came."""
        self.changes.mark(connection, self.serial, name, state)


class JournalHost:
    """Answers the session's questions: `drivers.connection.SessionHost` on journal and store."""

    def __init__(
        self,
        journal: Journal,
        context: OrderContext,
        secrets: Callable[[str], bytes | None],
        program_version: int | None = None,
        changing: Changing | None = None,
    ) -> None:
        self._changing = changing
        self._journal = journal
        self._context = context
        self._secrets = secrets
        self._serials: dict[str, tuple[str, str]] = {}
        self._secret_of: dict[str, str] = {}
        self.program_version = program_version
        self.progress: Progress | None = None
        self.changed: Changed | None = None

    def on_progress(self, step: str, done: int, total: int, seconds_left: float | None) -> None:
        """Pass progress on to whoever shows it."""
        if self.progress is not None:
            self.progress(step, done, total, seconds_left)

    def record_intent(self, intent: WriteIntent) -> None:
        """Journal an intent; durable when this returns, and only then does the session write."""
        sealed, sent = self._sealed(intent)
        payload = MeterIntent(
            intent_id=intent.id,
            serial=intent.meter,
            item=intent.item,
            name=intent.name,
            was=intent.was,
            will_be=intent.will_be,
            program=intent.program,
            program_version=self.program_version,
            secret=intent.secret,
            sealed_secret=sealed,
        )
        self._append(payload, sent)
        self._remember([intent])
        if self.changed is not None:
            self.changed(intent.item, "writing", None)

    def record_outcome(self, outcome: WriteOutcome) -> None:
        """Journal what became of an intent."""
        serial, item = self._serials.get(outcome.intent_id, ("", ""))
        state = "unknown" if outcome.state is OutcomeState.INTENDED else outcome.state.value
        payload = MeterChanged(
            intent_id=outcome.intent_id,
            serial=serial,
            item=item,
            state=state,
            is_now=outcome.is_now,
            detail=outcome.detail,
            secret=self._secret_of.get(outcome.intent_id),
        )
        self._append(payload, self._settles(outcome))
        if self.changed is not None:
            self.changed(item, outcome.state.value, outcome.is_now)

    def reserve_counter(self, key: str, at_least: int, count: int) -> int:
        """Take invocation counter values durably."""
        store = self._journal.store
        # Until every meter had its own counter, one by client served for all: its values may have gone here.
        shared = next_counter(store, f"{BLOCK_KEY}/{key.rpartition('/')[2]}")
        return reserve_counter(store, key, max(at_least, shared), count)

    def secret(self, name: str) -> bytes | None:
        """A password or key of the expected meter, if it is here."""
        return self._secrets(name)

    def know(self, intents: Iterable[WriteIntent]) -> None:
        """Intents of an earlier life of this tablet, whose outcomes are about to be told."""
        self._remember(intents)

    def knows(self, intent_id: str) -> bool:
        """Whether an intent stands in this journal, as far as this host was told."""
        return intent_id in self._serials

    def next_secret(self, name: str, make: int | None) -> NextSecret:
        """The secret that is to follow, kept here before the session hears of it."""
        if self._changing is None:
            return NextSecret(SecretState.NONE)
        return self._changing.changes.following(self._changing.serial, name, make)

    def _remember(self, intents: Iterable[WriteIntent]) -> None:
        for intent in intents:
            self._serials[intent.id] = (intent.meter, intent.item)
            if intent.secret is not None:
                self._secret_of[intent.id] = intent.secret

    def _sealed(self, intent: WriteIntent) -> tuple[str | None, Also | None]:
        """The new secret for the office, and what marks it as sent in the transaction of its intent."""
        name, changing = intent.secret, self._changing
        if name is None or changing is None:
            return None, None
        sealed = changing.changes.sealed(changing.serial, name, changing.office)
        return sealed, partial(changing.mark, name=name, state=SecretState.SENT)

    def _settles(self, outcome: WriteOutcome) -> Also | None:
        name, changing = self._secret_of.get(outcome.intent_id), self._changing
        if name is None or changing is None or outcome.state is OutcomeState.INTENDED:
            return None
        proven = outcome.state is OutcomeState.VERIFIED
        return partial(changing.mark, name=name, state=SecretState.CHANGED if proven else SecretState.WAITING)

    def _append(self, payload: MeterIntent | MeterChanged, also: Also | None = None) -> None:
        context = self._context
        self._journal.append(
            payload,
            order_id=context.order_id,
            order_version=context.order_version,
            actor=context.actor,
            also=also,
        )


def not_changing(serial: str) -> Changing | None:
    """For whoever keeps no secrets: none changes."""
    return None
