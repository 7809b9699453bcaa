"""Reading, writing and calling on the objects of a device, with access rights; whatever the referencing."""

from __future__ import annotations

from drivers.virtual.cosem.base import AccessError, Attribute, CosemObject
from drivers.virtual.dlms.axdr import AxdrError, Data
from drivers.virtual.dlms.services import ActionOutcome, Descriptor, Outcome, Result
from drivers.virtual.dlms.session import Session, State

_REPLY_TO_HLS = ((15, 1), (12, 8))


class ObjectAccess:
    """The objects as one association may use them."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def _find(self, target: Descriptor) -> CosemObject:
        found = self._session.device.objects.get(target.logical_name)
        if found is None:
            raise AccessError(Result.OBJECT_UNDEFINED)
        if found.class_id != target.class_id:
            raise AccessError(Result.OBJECT_CLASS_INCONSISTENT)
        return found

    def _attribute(self, target: Descriptor, mode: int) -> Attribute:
        if self._session.state is not State.ASSOCIATED:
            raise AccessError(Result.READ_WRITE_DENIED)
        attribute = self._find(target).attributes.get(target.index)
        if attribute is None:
            raise AccessError(Result.OBJECT_UNDEFINED)
        if not attribute.rights.of(self._session.client) & mode:
            raise AccessError(Result.READ_WRITE_DENIED)
        return attribute

    def read(self, target: Descriptor) -> Outcome:
        try:
            attribute = self._attribute(target, 1)
            if target.selector is None:
                return attribute.read(self._session)
            if attribute.select is None or target.parameters is None:
                return Result.SCOPE_OF_ACCESS_VIOLATED
            return attribute.select(self._session, target.selector, target.parameters)
        except AccessError as error:
            return error.result
        except AxdrError:
            return Result.TYPE_UNMATCHED

    def write_all(self, targets: tuple[Descriptor, ...], values: tuple[Data, ...]) -> list[Result]:
        results = []
        for index, (target, value) in enumerate(zip(targets, values, strict=True)):
            self._session.device.before_write(index, len(targets))
            results.append(self.write(target, value))
        return results

    def write(self, target: Descriptor, value: Data) -> Result:
        try:
            attribute = self._attribute(target, 2)
            if attribute.write is None:
                return Result.READ_WRITE_DENIED
            if target.selector is not None:
                return Result.SCOPE_OF_ACCESS_VIOLATED
            attribute.write(self._session, value)
        except AccessError as error:
            return error.result
        except AxdrError:
            return Result.TYPE_UNMATCHED
        return Result.SUCCESS

    def call(self, target: Descriptor, value: Data | None) -> ActionOutcome:
        session = self._session
        try:
            thing = self._find(target)
            method = thing.methods.get(target.index)
            if method is None:
                return ActionOutcome(Result.OBJECT_UNDEFINED)
            hls = (thing.class_id, target.index) in _REPLY_TO_HLS and session.state is State.PENDING
            if not hls and (session.state is not State.ASSOCIATED or not method.rights.of(session.client)):
                return ActionOutcome(Result.READ_WRITE_DENIED)
            if not hls:
                session.device.before_write(0, 1)
            return ActionOutcome(Result.SUCCESS, method.call(session, value))
        except AccessError as error:
            return ActionOutcome(error.result)
        except AxdrError:
            return ActionOutcome(Result.TYPE_UNMATCHED)
