"""Classes 15 association LN, 17 SAP assignment, 23 IEC HDLC setup, 19 IEC local port
setup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from drivers.virtual.cosem.base import (
    ANYONE,
    CALL,
    READ,
    SECRET,
    AccessError,
    Attribute,
    Caller,
    Cells,
    Client,
    CosemObject,
    Method,
    Rights,
    Store,
    fixed,
    obis,
)
from drivers.virtual.dlms import axdr
from drivers.virtual.dlms.axdr import NULL, Data, Tag, array, enum, i8, octets, structure, u8, u16
from drivers.virtual.dlms.security import HLS_SECRET, PASSWORD, Security
from drivers.virtual.dlms.services import Result

ASSOCIATIONS = {1: Client.PUBLIC, 2: Client.READER, 3: Client.MANAGEMENT}
HLS_ASSOCIATION, HLS_CLIENT = 4, 36
"""That of the clients whose secret is hashed: one secret for all of them."""
_HASHED = (3, 4, 6)
"""Mechanisms MD5, SHA-1 and SHA-256."""
SECURITY_SETUP = "0.0.43.0.0.255"
INTER_OCTET_MS = 500
"""Longest pause inside a frame; generous, because a network may lie between client and meter."""


class HlsCaller(Caller, Protocol):
    """An association that can be completed by pass 3 and 4."""

    def reply_to_hls(self, answer: bytes) -> bytes | None: ...


class AssociationInfo(Protocol):
    """What a client may come in with (see `dlms.session.Access`)."""

    @property
    def mechanism(self) -> int: ...
    @property
    def context(self) -> int: ...
    @property
    def conformance(self) -> int: ...


def _name(kind: int, arc: int) -> Data:
    """An application context name (kind 1) or mechanism name (kind 2) as a structure of its arcs."""
    first = [u8(2), u8(16), u16(756), u8(5), u8(8)]
    return structure(*first, u8(kind), u8(arc))


def object_list(objects: Mapping[bytes, CosemObject], client: int) -> Data:
    """object_list of class 15 version 1: what this client may do with which object."""
    elements = []
    for thing in objects.values():
        attributes = [
            structure(
                i8(index),
                enum(attribute.rights.of(client)),
                array([i8(s) for s in attribute.selectors]) if attribute.selectors else NULL,
            )
            for index, attribute in sorted(thing.attributes.items())
        ]
        methods = [structure(i8(i), enum(m.rights.of(client))) for i, m in sorted(thing.methods.items())]
        visible = any(a.rights.of(client) for a in thing.attributes.values())
        if visible:
            rights = structure(array(attributes), array(methods))
            elements.append(
                structure(u16(thing.class_id), u8(thing.version), octets(thing.logical_name), rights)
            )
    return array(elements)


def reply_to_hls(caller: Caller, value: Data | None) -> Data | None:
    """reply_to_HLS_authentication: the client's proof for the server's."""
    reply = getattr(caller, "reply_to_hls", None)
    if reply is None or value is None or value.tag is not Tag.OCTET_STRING:
        raise AccessError(Result.TYPE_UNMATCHED)
    answer = reply(value.octets)
    if answer is None:
        raise AccessError(Result.READ_WRITE_DENIED)
    return octets(answer)


class Associations:
    """The association objects: 0 is the caller's own, 1 to 3 describe each client's."""

    def __init__(
        self,
        objects: Mapping[bytes, CosemObject],
        clients: Mapping[int, AssociationInfo],
        security: Security,
        max_pdu: int,
    ) -> None:
        self._objects, self._clients, self._security, self._max_pdu = objects, clients, security, max_pdu
        self._lists: dict[int, Data] = {}

    def cosem(self) -> list[CosemObject]:
        """Objects of class 15, version 1."""
        own = self._association(0, lambda caller: caller.client, ANYONE)
        own.methods[1] = Method(reply_to_hls, CALL)
        own.methods[2] = Method(self._change_own_secret, Rights(0, 1, 0))
        others = []
        for number, client in ASSOCIATIONS.items():
            one = self._association(number, _always(client), READ)
            if client is Client.READER:
                one.attributes[7] = Attribute(lambda caller: octets(b""), SECRET, self._set_password)
                one.methods[2] = Method(self._change_secret)
            others.append(one)
        if HLS_CLIENT in self._clients:
            hashed = self._association(HLS_ASSOCIATION, _always(HLS_CLIENT), READ)
            hashed.methods[2] = Method(self._change_hls_secret)
            others.append(hashed)
        return [own, *others]

    def _association(self, number: int, client: Callable[[Caller], int], rights: Rights) -> CosemObject:
        here = CosemObject(15, 1, obis(f"0.0.40.0.{number}.255"))

        def info(caller: Caller) -> AssociationInfo:
            return self._clients[client(caller)]

        def xdlms(caller: Caller) -> Data:
            mine = caller.client == client(caller)
            block = axdr.bits(f"{caller.conformance if mine else info(caller).conformance:024b}")
            return structure(block, u16(self._max_pdu), u16(self._max_pdu), u8(6), i8(0), octets(b""))

        def status(caller: Caller) -> Data:
            return enum(2 if caller.client == client(caller) else 0)

        here.attributes |= {
            2: Attribute(lambda caller: self._list(client(caller)), rights),
            3: Attribute(lambda caller: structure(i8(client(caller)), u16(1)), rights),
            4: Attribute(lambda caller: _name(1, info(caller).context), rights),
            5: Attribute(xdlms, rights),
            6: Attribute(lambda caller: _name(2, info(caller).mechanism), rights),
            7: Attribute(lambda caller: octets(b""), Rights()),
            8: Attribute(status, rights),
            9: fixed(octets(obis(SECURITY_SETUP)), rights),
        }
        return here

    def _list(self, client: int) -> Data:
        if client not in self._lists:
            self._lists[client] = object_list(self._objects, client)
        return self._lists[client]

    def _set_password(self, caller: Caller, value: Data) -> None:
        """A new password of the reader: 8 to 16 octets."""
        if value.tag is not Tag.OCTET_STRING:
            raise AccessError(Result.TYPE_UNMATCHED)
        if not 8 <= len(value.octets) <= 16:
            raise AccessError(Result.OTHER_REASON)
        self._security.set_key(PASSWORD, value.octets)

    def _change_own_secret(self, caller: Caller, value: Data | None) -> None:
        """change_HLS_secret of the association in use, where its mechanism has one."""
        if getattr(caller, "mechanism", None) not in _HASHED:
            raise AccessError(Result.READ_WRITE_DENIED)
        self._change_hls_secret(caller, value)

    def _change_hls_secret(self, caller: Caller, value: Data | None) -> None:
        """8 to 64 octets."""
        if value is None or value.tag is not Tag.OCTET_STRING:
            raise AccessError(Result.TYPE_UNMATCHED)
        if not 8 <= len(value.octets) <= 64:
            raise AccessError(Result.OTHER_REASON)
        self._security.set_key(HLS_SECRET, value.octets)

    def _change_secret(self, caller: Caller, value: Data | None) -> None:
        if value is None:
            raise AccessError(Result.TYPE_UNMATCHED)
        self._set_password(caller, value)


def _always(client: int) -> Callable[[Caller], int]:
    return lambda caller: client


def sap_assignment(logical_device_name: bytes) -> CosemObject:
    """Class 17, version 0: one logical device at address 1."""
    here = CosemObject(17, 0, obis("0.0.41.0.0.255"))
    here.attributes[2] = fixed(array([structure(u16(1), octets(logical_device_name))]), ANYONE)
    return here


def hdlc_setup(store: Store, physical: int, baud: int, inactivity: int) -> CosemObject:
    """Class 23, version 1: the sizes that this server negotiates up to."""
    here = CosemObject(23, 1, obis("0.0.22.0.0.255"))
    rates = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
    values = (
        enum(rates.index(baud)),
        u8(7),
        u8(7),
        u16(2030),
        u16(2030),
        u16(INTER_OCTET_MS),
        u16(inactivity),
        u16(physical),
    )
    here.attributes |= {index: fixed(value) for index, value in enumerate(values, start=2)}
    return here


def local_port_setup(store: Store, serial: str, baud: int, reaction: float) -> CosemObject:
    """Class 19, version 1: the optical port. Its passwords are not readable."""
    cells, here = Cells(store, 19, "0.0.20.0.0.255"), CosemObject(19, 1, obis("0.0.20.0.0.255"))
    rates = (300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
    values = (
        enum(0),
        enum(0),
        enum(rates.index(baud)),
        enum(0 if reaction < 0.2 else 1),
        octets(serial.encode()),
    )
    here.attributes |= {index: fixed(value) for index, value in enumerate(values, start=2)}
    here.attributes |= {index: cells.attribute(index, octets(b"00000000"), SECRET) for index in (7, 8, 9)}
    return here
