"""Passwords and keys of a meter changed so that nobody is ever locked out: kept, sent, proven, only then
the old one goes.

The application keeps the new secret durably, its intent is journalled, the secret is sent once, a new
association proves it. Where the verdict was not heard, both count until one is proven; each is tried once.
A PIN cannot be tried, only written: the old one goes back as a write of its own, with its own intent.
"""

from __future__ import annotations

import uuid

import msgspec

from drivers.changes import (
    Change,
    ChangeResult,
    ChangeState,
    Danger,
    OutcomeState,
    WriteIntent,
    WriteOutcome,
)
from drivers.connection import Auth, Connection, NextSecret, SecretState
from drivers.dlms import secrets as kinds
from drivers.dlms.apdu import ServiceException
from drivers.dlms.client import DlmsClient
from drivers.dlms.cosem import parse_item
from drivers.dlms.settings import Write
from drivers.elliptic import Suite
from drivers.errors import (
    AssociationRefused,
    Cancelled,
    DriverError,
    LockedOut,
    MeterRefused,
    MissingSecret,
    WrongKey,
    WrongPassword,
    WrongValue,
)
from drivers.programs import SecretKind, SecretSetting, SecretSource
from drivers.session.jobs import Jobs
from drivers.session.journal import Journal

_REFUSED = (WrongKey, WrongPassword, AssociationRefused)
_MASTER = "master_key"
_PRESENT = "the present one"


class SecretJobs:
    """Changes of secrets on one meter."""

    def __init__(self, jobs: Jobs, journal: Journal) -> None:
        self._jobs = jobs
        self._journal = journal

    # ---- plan

    def change(self, setting: SecretSetting) -> Change:
        """What there is to do; nothing is drawn and nothing is sent."""
        following = self._jobs.reach.next_secret(setting.name)
        state, text, detail = ChangeState.SAME, "the newest there is", None
        if following.value is not None:
            state, text = ChangeState.DIFFERS, kinds.describe(setting.kind, following.value)
        elif following.state is SecretState.NONE and setting.source is SecretSource.GENERATED:
            state, text = ChangeState.DIFFERS, "a new one, drawn on this tablet and sealed to the office"
        elif following.state is SecretState.NONE:
            detail = "the office gave no new one"
        danger = Danger.COMMUNICATION if state is ChangeState.DIFFERS else Danger.HARMLESS
        return Change(
            setting.id,
            str(parse_item(setting.where)),
            setting.kind.words,
            _PRESENT,
            text,
            state,
            danger,
            detail,
        )

    # ---- apply

    def apply(self, program: str, meter: str, setting: SecretSetting) -> ChangeResult:
        """Change one secret. ``INTENDED``: the meter may want either; both are kept, settle finds out."""
        following = self._new_value(setting)
        if following.value is None:
            held = following.state is SecretState.CHANGED
            state = OutcomeState.VERIFIED if held else OutcomeState.UNTOUCHED
            return ChangeResult(setting.id, state, None, "held already" if held else "no new one was given")
        new = following.value
        if setting.kind.is_password:
            self._connection_of(setting)  # nothing is sent of which nobody could prove what became of it
        kinds.check_length(setting.kind, new, self._key_bytes)
        write = self._write_of(setting, new)
        intent = WriteIntent(
            str(uuid.uuid4()),
            meter,
            str(parse_item(setting.where)),
            setting.kind.words,
            _PRESENT,
            kinds.describe(setting.kind, new),
            program,
            secret=setting.name,
        )
        self._journal.intent(intent)
        with self._jobs.shielded():
            outcome = self._carry_out(intent, setting, new, write)
        self._journal.outcome(outcome)
        if _is_unknown_pin(setting, outcome):
            return self._rolled_back(intent, setting, outcome)
        return ChangeResult(setting.id, outcome.state, outcome.is_now, outcome.detail)

    def _rolled_back(
        self, failed: WriteIntent, setting: SecretSetting, outcome: WriteOutcome
    ) -> ChangeResult:
        """Which PIN the meter holds is not known, since it refused the new one only when asked again: the
        modem would lock its SIM with a wrong one. The old one is written back."""
        old = self._jobs.reach.secret(setting.name)
        if old is None:
            return ChangeResult(setting.id, outcome.state, None, outcome.detail)
        back = WriteIntent(
            str(uuid.uuid4()),
            failed.meter,
            failed.item,
            failed.name,
            None,
            _PRESENT,
            failed.program,
            secret=setting.name,
        )
        self._journal.intent(back)
        with self._jobs.shielded():
            told = self._written_back(back, setting, old)
        self._journal.outcome(told)
        is_back = told.state is OutcomeState.ROLLED_BACK
        return ChangeResult(setting.id, told.state, told.is_now, outcome.detail if is_back else told.detail)

    def _written_back(self, back: WriteIntent, setting: SecretSetting, old: bytes) -> WriteOutcome:
        """Never ``VERIFIED``: whoever keeps the secrets would take the new one for held."""
        verdict = self._try_pin(setting, old)
        if verdict is None:
            return WriteOutcome(back.id, OutcomeState.ROLLED_BACK, _PRESENT)
        if isinstance(verdict, WrongKey):
            return WriteOutcome(
                back.id, OutcomeState.FAILED, None, "the meter does not take the old PIN back"
            )
        return WriteOutcome(back.id, OutcomeState.INTENDED, None, f"not heard ({verdict.code})")

    def _new_value(self, setting: SecretSetting) -> NextSecret:
        make = None
        if setting.source is SecretSource.GENERATED:
            if not kinds.is_key(setting.kind):
                raise MissingSecret("Passwords are not drawn on a tablet: the office gives them.")
            make = self._key_bytes
        return self._jobs.reach.next_secret(setting.name, make)

    def _carry_out(
        self, intent: WriteIntent, setting: SecretSetting, new: bytes, write: Write
    ) -> WriteOutcome:
        try:
            self._send(write)
        except (MeterRefused, ServiceException) as error:
            reason = error.result if isinstance(error, MeterRefused) else error.error
            return WriteOutcome(intent.id, OutcomeState.FAILED, _PRESENT, f"refused: {reason}")
        except Cancelled:
            raise
        except DriverError as error:  # lost on the way, or answered under the other key: the proof will tell
            self._jobs.reach.cut(error)
        return self._proven(intent, setting, new)

    def _send(self, write: Write) -> None:
        """Once. It is never sent again: what the meter holds is found out by coming in."""

        def reached(client: DlmsClient) -> DlmsClient:
            return client

        client = self._jobs.reach.run(reached)
        if write.method:
            client.action(write.item, write.data)
        else:
            client.set(write.item, write.data)

    # ---- prove

    def _proven(self, intent: WriteIntent, setting: SecretSetting, new: bytes) -> WriteOutcome:
        """Come in with the new one; where it is refused, with the old one. Each once."""
        text = kinds.describe(setting.kind, new)
        old = self._jobs.reach.secret(setting.name)
        verdict = self._try(setting, new)
        if verdict is None:
            if kinds.is_key(setting.kind) or self._is_own(setting):
                self._jobs.reach.adopt(setting.name, new)
            return WriteOutcome(intent.id, OutcomeState.VERIFIED, text)
        if not isinstance(verdict, _REFUSED):
            detail = f"the proof was not heard ({verdict.code}): the meter may want either"
            return WriteOutcome(intent.id, OutcomeState.INTENDED, None, detail)
        if setting.kind is SecretKind.SIM_PIN:
            return WriteOutcome(intent.id, OutcomeState.FAILED, None, "the meter refused it")
        if old is not None and self._try(setting, old) is None:
            detail = "the meter did not take it: it still wants the present one"
            return WriteOutcome(intent.id, OutcomeState.FAILED, _PRESENT, detail)
        return WriteOutcome(
            intent.id, OutcomeState.INTENDED, None, "neither the old nor the new one is accepted"
        )

    def _try(self, setting: SecretSetting, value: bytes) -> DriverError | None:
        """``None`` if the meter is entered with it, else what stood in the way."""
        if setting.kind is SecretKind.MASTER_KEY:
            return self._try_master(setting, value)
        if setting.kind is SecretKind.SIM_PIN:
            return self._try_pin(setting, value)
        try:
            self._jobs.reach.prove(self._connection_of(setting), setting.name, value)
        except Cancelled:
            raise
        except LockedOut as error:
            return error
        except DriverError as error:
            self._jobs.reach.cut(error)
            return error
        return None

    def _try_master(self, setting: SecretSetting, value: bytes) -> DriverError | None:
        """Nobody comes in with the master key: it is proven by transferring the present authentication
        key, as it is, wrapped under it."""
        present = self._jobs.reach.secret(SecretKind.AUTH_KEY.value)
        if present is None:
            return MissingSecret(detail="the authentication key, which would prove the master key")
        try:
            again = [(SecretKind.AUTH_KEY, present)]
            self._send(kinds.key_transfer(parse_item(setting.where), again, value))
        except MeterRefused as error:
            return WrongKey(detail=error.result)
        except Cancelled:
            raise
        except DriverError as error:
            self._jobs.reach.cut(error)
            return error
        return None

    def _try_pin(self, setting: SecretSetting, value: bytes) -> DriverError | None:
        """Nobody comes in with the PIN of a SIM, and the meter does not show it: that it takes the same once
        more is the proof that it holds it. Only the modem tries it, when it starts."""
        try:
            self._send(kinds.pin_write(parse_item(setting.where), value))
        except MeterRefused as error:
            return WrongKey(detail=error.result)
        except Cancelled:
            raise
        except DriverError as error:
            self._jobs.reach.cut(error)
            return error
        return None

    # ---- settle

    def settle(self, intent: WriteIntent) -> WriteOutcome:
        """What became of a change that was cut off. Whoever comes in with our own key has answered it
        already."""
        setting = self._setting_of(intent)
        reach = self._jobs.reach
        if intent.will_be == _PRESENT:
            old = reach.secret(setting.name)
            if old is None:
                return WriteOutcome(
                    intent.id, OutcomeState.INTENDED, None, "the old one is not on this tablet"
                )
            return self._written_back(intent, setting, old)
        reach.run(lambda client: None)  # an identity that is known already would not ask the meter
        if reach.is_adopted(setting.name):
            return WriteOutcome(intent.id, OutcomeState.VERIFIED, intent.will_be)
        if self._is_own(setting):  # we came in, with the old one
            return WriteOutcome(
                intent.id, OutcomeState.UNTOUCHED, intent.was, "the meter wants the present one"
            )
        following = reach.next_secret(setting.name)
        if following.value is None:
            return WriteOutcome(intent.id, OutcomeState.INTENDED, None, "the new one is not on this tablet")
        try:
            return self._proven(intent, setting, following.value)
        except WrongValue as error:  # nobody here knows how its client comes in
            return WriteOutcome(intent.id, OutcomeState.INTENDED, None, error.message)

    def settled(self, intent: WriteIntent, outcome: WriteOutcome) -> None:
        """What is to follow once the outcome of a settled intent is journalled."""
        setting = self._setting_of(intent)
        if intent.will_be != _PRESENT and _is_unknown_pin(setting, outcome):
            self._rolled_back(intent, setting, outcome)

    def _setting_of(self, intent: WriteIntent) -> SecretSetting:
        """The setting that an intent was made of, as far as settling needs it: whose password it is, tells
        the meter model."""
        name = intent.secret or ""
        known = {kind.words: kind for kind in SecretKind}
        kind = known.get(intent.name, SecretKind.PASSWORD)
        setting = SecretSetting(kind, secret=name, item=intent.item)
        if not kind.is_password:
            return setting
        own, model = self._jobs.reach.connection, self._jobs.model
        clients = [one.id for one in model.clients.values() if one.password == name] if model else []
        if own.password == name:
            clients.insert(0, own.client)
        if not clients or setting.client in clients:
            return setting
        return msgspec.structs.replace(setting, client=clients[0])

    # ---- how

    @property
    def _key_bytes(self) -> int:
        return Suite(self._jobs.reach.connection.suite).key_bytes

    def _is_own(self, setting: SecretSetting) -> bool:
        """Whether we ourselves come in with it."""
        own = self._jobs.reach.connection
        return setting.name in (own.block_key, own.auth_key, own.password)

    def _connection_of(self, setting: SecretSetting) -> Connection:
        """With which association a secret is proven: our own, or the client whose password it is."""
        own = self._jobs.reach.connection
        if kinds.is_key(setting.kind):
            return own
        if own.client == setting.client:
            if own.password != setting.name:
                used = (own.password or "keys").replace("_", " ")
                raise WrongValue(f"Client {own.client} comes in with its {used}, not with {setting.name}.")
            return own
        auth = self._mechanism_of(setting)
        if auth is Auth.SHA256 and not own.system_title:
            raise WrongValue("Coming in by SHA-256 needs a system title of this tablet.")
        return msgspec.structs.replace(
            own, client=setting.client, auth=auth, password=setting.name, block_key=None, auth_key=None
        )

    def _mechanism_of(self, setting: SecretSetting) -> Auth:
        """How another client comes in: low, or with an HLS password as the meter model says."""
        if setting.kind is SecretKind.PASSWORD:
            return Auth.LOW
        model = self._jobs.model
        known = [one for one in model.clients.values() if one.id == setting.client] if model else []
        if not known or known[0].password is None or known[0].auth is Auth.LOW:
            raise WrongValue(
                f"No meter model says how client {setting.client} comes in with an HLS password."
            )
        if not setting.item:
            raise WrongValue(f"Which association is client {setting.client}'s? Say it in item of the secret.")
        return known[0].auth

    def _write_of(self, setting: SecretSetting, new: bytes) -> Write:
        item = parse_item(setting.where)
        if setting.kind is SecretKind.SIM_PIN:
            return kinds.pin_write(item, new)
        if not kinds.is_key(setting.kind):
            return kinds.password_write(item, new, setting.by_method)
        master = self._jobs.reach.secret(_MASTER)
        if master is None:
            raise MissingSecret("The master key of this meter, which wraps new keys, is not on this tablet.")
        return kinds.key_transfer(item, [(setting.kind, new)], master)


def _is_unknown_pin(setting: SecretSetting, outcome: WriteOutcome) -> bool:
    """Whether a PIN was refused after a write that may have been taken: nobody knows which one holds."""
    failed = outcome.state is OutcomeState.FAILED and outcome.is_now is None
    return failed and setting.kind is SecretKind.SIM_PIN
