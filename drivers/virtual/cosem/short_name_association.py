"""Class 12, association SN, version 2: the current association of a device with short names."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.virtual.cosem.base import (
    ANYONE,
    CALL,
    AccessError,
    Attribute,
    Caller,
    CosemObject,
    Method,
    Rights,
    fixed,
    obis,
)
from drivers.virtual.cosem.management import SECURITY_SETUP, reply_to_hls
from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import NULL, Data, Tag, array, enum, i8, i16, octets, structure, u8, u16
from drivers.virtual.dlms.security import PASSWORD, Security
from drivers.virtual.dlms.services import Result

NAME = "0.0.40.0.0.255"
_READ_BY_NAME, _CHANGE_LLS, _REPLY_TO_HLS = 3, 5, 8


class ShortNameAssociation:
    """What the caller's association shows: every object with its base name, and the rights to it."""

    def __init__(
        self, objects: Mapping[bytes, CosemObject], bases: Mapping[bytes, int], security: Security
    ) -> None:
        self._objects, self._bases, self._security = objects, bases, security

    def cosem(self) -> CosemObject:
        here = CosemObject(12, 2, obis(NAME))
        here.attributes |= {
            2: Attribute(self._object_list, ANYONE),
            3: Attribute(self._access_rights, ANYONE),
            4: fixed(octets(obis(SECURITY_SETUP)), ANYONE),
        }
        here.methods |= {
            _READ_BY_NAME: Method(self._read_by_name, Rights(1, 1, 1)),
            _CHANGE_LLS: Method(self._change_secret, CALL),
            _REPLY_TO_HLS: Method(reply_to_hls, CALL),
        }
        return here

    def _visible(self, caller: Caller) -> list[CosemObject]:
        return [
            thing
            for thing in self._objects.values()
            if any(a.rights.of(caller.client) for a in thing.attributes.values())
        ]

    def _base(self, thing: CosemObject) -> Data:
        """As a signed number: the type of a base name is long."""
        base = self._bases[thing.logical_name]
        return i16(base - 0x10000 if base > 0x7FFF else base)

    def _object_list(self, caller: Caller) -> Data:
        return array(
            [
                structure(self._base(t), u16(t.class_id), u8(t.version), octets(t.logical_name))
                for t in self._visible(caller)
            ]
        )

    def _access_rights(self, caller: Caller) -> Data:
        elements = []
        for thing in self._visible(caller):
            attributes = [
                structure(
                    i8(index),
                    enum(attribute.rights.of(caller.client)),
                    array([i8(s) for s in attribute.selectors]) if attribute.selectors else NULL,
                )
                for index, attribute in sorted(thing.attributes.items())
            ]
            methods = [
                structure(i8(index), enum(method.rights.of(caller.client)))
                for index, method in sorted(thing.methods.items())
            ]
            elements.append(structure(self._base(thing), array(attributes), array(methods)))
        return array(elements)

    def _read_by_name(self, caller: Caller, value: Data | None) -> Data:
        """read_by_logicalname: class, logical name and attribute of each wanted value."""
        if value is None or value.tag is not Tag.ARRAY:
            raise AccessError(Result.TYPE_UNMATCHED)
        values = []
        for wanted in value.items:
            class_id, name, index = wanted.items
            thing = self._objects.get(name.octets)
            attribute = thing.attributes.get(index.number) if thing else None
            if thing is None or attribute is None or thing.class_id != class_id.number:
                raise AccessError(Result.OBJECT_UNDEFINED)
            if not attribute.rights.of(caller.client) & 1:
                raise AccessError(Result.READ_WRITE_DENIED)
            values.append(attribute.read(caller))
        return values[0] if len(values) == 1 else axdr.array(values)

    def _change_secret(self, caller: Caller, value: Data | None) -> None:
        """change_LLS_secret: a new password of the reader, 8 to 16 octets."""
        if value is None or value.tag is not Tag.OCTET_STRING:
            raise AccessError(Result.TYPE_UNMATCHED)
        if not 8 <= len(value.octets) <= 16:
            raise AccessError(Result.OTHER_REASON)
        self._security.set_key(PASSWORD, value.octets)
