"""A meter made of gurux-dlms' own classes: somebody else's server for our driver.

What gurux 1.0.203 does here itself: HDLC framing and segmentation, the wrapper, AARQ and AARE, HLS proofs,
ciphering, the cutting of responses into blocks, and the encoding of its COSEM objects. Its service handlers
call methods that exist nowhere (``server.setTransaction``, ``notifyRead``, ``p.setStatus``) or turn an event
into a list (``list(e)``): what they are meant to do is done here, and the rest is mended where it stands.
"""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socketserver import BaseRequestHandler, TCPServer
from typing import Any
from unittest.mock import patch

from gurux_dlms import GXByteBuffer, GXDLMSLNParameters, GXServerReply
from gurux_dlms._GXAPDU import _GXAPDU
from gurux_dlms.AesGcmParameter import AesGcmParameter
from gurux_dlms.ConnectionState import ConnectionState
from gurux_dlms.enums import (
    Authentication,
    Command,
    ErrorCode,
    InterfaceType,
    ObjectType,
    RequestTypes,
    Security,
    SourceDiagnostic,
)
from gurux_dlms.enums.AccessMode import AccessMode
from gurux_dlms.enums.MethodAccessMode import MethodAccessMode
from gurux_dlms.GXCiphering import GXCiphering
from gurux_dlms.GXDLMS import GXDLMS
from gurux_dlms.GXDLMSSettings import GXDLMSSettings
from gurux_dlms.GXSecure import GXSecure
from gurux_dlms.internal._GXCommon import _GXCommon
from gurux_dlms.internal._GXDataInfo import _GXDataInfo
from gurux_dlms.objects import GXDLMSAssociationLogicalName, GXDLMSDisconnectControl
from gurux_dlms.secure.GXDLMSSecureServer import GXDLMSSecureServer
from gurux_dlms.ValueEventArgs import ValueEventArgs

SERVER_TITLE = b"GRX\x00\x00\x00\x12\x34"
SECRET = b"12345678"


class _Settings(GXDLMSSettings):  # type: ignore[misc]  # gurux is untyped
    """Setters that gurux calls and does not have."""

    def setSourceSystemTitle(self, value: bytearray) -> None:  # gurux' name
        self.sourceSystemTitle = value


class GuruxMeter(GXDLMSSecureServer):  # type: ignore[misc]  # gurux is untyped
    """One logical device behind one link. ``frame``: information field that it takes and sends."""

    def __init__(
        self,
        objects: list[Any],
        kind: InterfaceType = InterfaceType.HDLC,
        *,
        mechanism: Authentication = Authentication.NONE,
        frame: int = 128,
        readable_lists: int = 255,
    ) -> None:
        super().__init__(True, kind)
        self.settings = _Settings(True, None)
        self.settings.setUseLogicalNameReferencing(True)
        self.settings.interfaceType = kind
        # the constructor of the base sets ``settings.ciphering``, which nothing reads
        self.settings.cipher = GXCiphering(SERVER_TITLE)
        self.settings.hdlc.maxInfoRX = self.settings.hdlc.maxInfoTX = frame
        self.hdlc = self.settings.hdlc  # None in the base, which then asks it for its sizes
        self.hdlc.inactivityTimeout = 0  # its check turns a timedelta into an int
        self.mechanism = mechanism
        self.frame = frame
        self.readable_lists = readable_lists
        self.rest: GXByteBuffer | None = None
        self.written = GXByteBuffer()
        self.seen: list[str] = []
        self.association = GXDLMSAssociationLogicalName()
        self.association.secret = SECRET
        self.association.clientSAP, self.association.serverSAP = 1, 1
        for item in [*objects, self.association]:
            self.items.append(item)
            self.association.objectList.append(item)
        self.initialize()

    # ---- what a server of gurux must answer

    def isTarget(self, serverAddress: int, clientAddress: int) -> bool:  # gurux' names
        return True

    def onValidateAuthentication(self, authentication: int, password: bytes) -> SourceDiagnostic:
        if authentication != self.mechanism:
            return SourceDiagnostic.MECHANISM_NAME_REGUIRED
        if authentication == Authentication.LOW and bytes(password or b"") != SECRET:
            return SourceDiagnostic.AUTHENTICATION_FAILURE
        return SourceDiagnostic.NONE

    def onGetAttributeAccess(self, arg: ValueEventArgs) -> AccessMode:
        writable = {ObjectType.CLOCK: (2, 3), ObjectType.DATA: (2,), ObjectType.DISCONNECT_CONTROL: (4,)}
        may = arg.index in writable.get(arg.target.objectType, ())
        return AccessMode.READ_WRITE if may else AccessMode.READ

    def onGetMethodAccess(self, arg: ValueEventArgs) -> MethodAccessMode:
        return MethodAccessMode.ACCESS

    def onFindObject(self, *_: Any) -> None:
        return None

    def _nothing(self, *_: Any) -> None:
        return None

    onConnected = onDisconnected = onInvalidConnection = _nothing
    onPreRead = onPostRead = onPreWrite = onPostWrite = onPreAction = onPostAction = _nothing

    # ---- association

    def handleAarqRequest(self, data: GXByteBuffer, connectionInfo: Any) -> None:
        """AARQ read by gurux, AARE written here: its own counts the length of the challenge and of the system
        title without their tags, and leaves out the octet that says how long the title is."""
        settings = self.settings
        try:
            _GXAPDU.parsePDU(settings, settings.cipher, data, None)
        except Exception:  # under another key: gurux raises this, and has no answer for it
            settings.cipher.security = Security.NONE
            diagnostic = SourceDiagnostic.AUTHENTICATION_FAILURE
        else:
            diagnostic = self.onValidateAuthentication(settings.authentication, settings.password)
        high = settings.authentication > Authentication.LOW
        accepted = diagnostic == SourceDiagnostic.NONE
        if accepted and high:
            diagnostic = SourceDiagnostic.AUTHENTICATION_REQUIRED
            settings.setStoCChallenge(bytearray(GXSecure.generateChallenge()))
        elif accepted:
            settings.connected |= ConnectionState.DLMS
        body = GXByteBuffer()
        _GXAPDU.generateApplicationContextName(settings, body, settings.cipher)
        body.set(bytes([0xA2, 3, 2, 1, 0 if accepted else 1, 0xA3, 5, 0xA1, 3, 2, 1, diagnostic]))
        if settings.authentication == Authentication.HIGH_GMAC:
            body.set(b"\xa4\x0a\x04\x08" + SERVER_TITLE)
        if high and accepted:
            body.set(b"\x88\x02\x07\x80\x89\x07\x60\x85\x74\x05\x08\x02" + bytes([settings.authentication]))
            body.set(b"\xaa\x12\x80\x10" + bytes(settings.stoCChallenge))
        if accepted:
            settings.maxPduSize = min(settings.maxPduSize, settings.maxServerPDUSize)  # sets an unread name
            response = bytes(_GXAPDU.getUserInformation(settings, settings.cipher))
            body.set(bytes([0xBE, 2 + len(response), 4, len(response)]) + response)
        if settings.interfaceType == InterfaceType.HDLC:
            self.replyData.set(_GXCommon.LLC_REPLY_BYTES)
        self.replyData.set(bytes([0x61, len(body)]))
        self.replyData.set(body.array())

    # ---- link

    def take_no_more_than(self, octets: int) -> None:
        """Longest APDU that the next association takes."""
        self.settings.maxServerPDUSize = octets

    def receive(self, octets: bytes) -> bytes:
        """Octets of one frame or wrapper message; the answer, without gurux' remarks on standard output."""
        mended = patch.object(GXDLMS, "handleGloDedRequest", _opened)
        with mended, contextlib.redirect_stdout(io.StringIO()):
            reply = GXServerReply(bytearray(octets))
            # handleRequest hands the reply over by a setter and asks for it by a getter that do not exist
            reply.setReply = lambda value: setattr(reply, "reply", value)
            reply.getConnectionInfo = lambda: None
            self.handleRequest(reply)
        return bytes(reply.reply or b"")

    def handleSnrmRequest(self, data: GXByteBuffer) -> None:
        """UA with what both take. gurux' own asks the sizes for a method ``update`` that they lack, and for
        names of its C# sister."""
        hdlc = self.settings.hdlc
        hdlc.maxInfoRX = hdlc.maxInfoTX = 128
        hdlc.windowSizeRX = hdlc.windowSizeTX = 1
        GXDLMS.parseSnrmUaResponse(data, hdlc)
        hdlc.maxInfoRX, hdlc.maxInfoTX = min(hdlc.maxInfoRX, self.frame), min(hdlc.maxInfoTX, self.frame)
        hdlc.windowSizeRX = hdlc.windowSizeTX = 1  # its frame check knows no other window
        self.reset(True)
        self._parameters()
        self.settings.connected = ConnectionState.HDLC

    def generateDisconnectRequest(self) -> None:
        self._parameters()

    def _parameters(self) -> None:
        hdlc, parts = self.settings.hdlc, GXByteBuffer()
        for tag, value in ((5, hdlc.maxInfoTX), (6, hdlc.maxInfoRX)):
            parts.setUInt8(tag)
            GXDLMS.appendHdlcParameter(parts, value)
        for tag in (7, 8):
            parts.set(bytes([tag, 4, 0, 0, 0, 1]))
        self.replyData.set(b"\x81\x80" + bytes([len(parts)]))
        self.replyData.set(parts.array())

    def handleCommand(self, cmd: int, data: GXByteBuffer, sr: Any) -> bytes:
        services: dict[int, Callable[[GXByteBuffer], None]] = {
            Command.GET_REQUEST: self._get,
            Command.SET_REQUEST: self._set,
            Command.METHOD_REQUEST: self._action,
        }
        service = services.get(cmd)
        if service is None or not data:
            return super().handleCommand(cmd, data, sr)  # type: ignore[no-any-return]
        self.seen.append(f"{Command(cmd).name} {data.getUInt8(data.position)}")
        service(data)
        if self.settings.interfaceType == InterfaceType.WRAPPER:
            return GXDLMS.getWrapperFrame(self.settings, cmd, self.replyData)  # type: ignore[no-any-return]
        return GXDLMS.getHdlcFrame(self.settings, 0, self.replyData)  # type: ignore[no-any-return]

    # ---- GET

    def _get(self, data: GXByteBuffer) -> None:
        kind, invoke = data.getUInt8(), data.getUInt8()
        if kind == 2:
            self._send_block(Command.GET_RESPONSE, invoke, data.getUInt32() + 1)
            return
        body, status = GXByteBuffer(), 0
        if kind == 1:
            value = self._read(data)
            if isinstance(value, bytes):
                body.set(value)
            else:
                status = value
        else:
            count = _GXCommon.getObjectCount(data)
            if count > self.readable_lists:
                body, status = GXByteBuffer(), ErrorCode.OTHER_REASON
                kind = 1
            else:
                status = 0xFF  # a list has no status of its own
                _GXCommon.setObjectCount(count, body)
                for _ in range(count):
                    value = self._read(data)
                    body.set(b"\x00" + value if isinstance(value, bytes) else bytes([1, value]))
        self._respond(Command.GET_RESPONSE, kind, invoke, body, status)

    def _respond(self, command: int, kind: int, invoke: int, body: GXByteBuffer, status: int) -> None:
        self.settings.setCount(0)
        self.settings.setIndex(0)
        self.settings.resetBlockIndex()
        parameters = GXDLMSLNParameters(self.settings, invoke, command, kind, None, body, status)
        GXDLMS.multipleBlocks(parameters, self.replyData, bool(self.settings.cipher.security))
        if parameters.multipleBlocks:  # getLNPdu would leave type 3 in the head of the first block
            self.rest = body
            self._send_block(command, invoke, 1)
            return
        parameters.multipleBlocks, parameters.lastBlock = False, True
        GXDLMS.getLNPdu(parameters, self.replyData)

    def _send_block(self, command: int, invoke: int, number: int) -> None:
        rest = self.rest or GXByteBuffer()
        parameters = GXDLMSLNParameters(self.settings, invoke, command, 2, None, rest, 0)
        parameters.multipleBlocks, parameters.blockIndex = True, number
        GXDLMS.getLNPdu(parameters, self.replyData)

    def _target(self, data: GXByteBuffer) -> tuple[Any, int]:
        kind, name = data.getUInt16(), bytearray(6)
        data.get(name)
        text = _GXCommon.toLogicalName(name)
        found = [item for item in self.items if item.objectType == kind and item.logicalName == text]
        return (found[0] if found else None), data.getUInt8()

    def _read(self, data: GXByteBuffer) -> bytes | int:
        """The encoded value, or the data access result."""
        target, index = self._target(data)
        selector, parameters = 0, None
        if data.getUInt8():
            selector = data.getUInt8()
            parameters = _GXCommon.getData(self.settings, data, _GXDataInfo())
        if target is None:
            return int(ErrorCode.UNDEFINED_OBJECT)
        event = ValueEventArgs(self, target, index, selector, parameters)
        # read while encoding the object list of an association, and never set by the constructor
        event.server, event.isSkipMaxPduSize = self, True
        self.settings.setCount(0)
        self.settings.setIndex(0)
        try:
            value = target.getValue(self.settings, event)
        except (ValueError, AttributeError, TypeError):
            return int(ErrorCode.HARDWARE_FAULT)
        if event.error != ErrorCode.OK:
            return int(event.error)
        raw = GXByteBuffer()
        if isinstance(value, GXByteBuffer):
            value = value.array()
        if target.getDataType(index) in (0, None) or not isinstance(value, (bytes, bytearray)):
            GXDLMS.appendData(self.settings, target, index, raw, value)
        elif target.getDataType(index) in _CONTAINERS:  # appendData makes an int of encoded containers
            raw.set(value)
        else:
            GXDLMS.appendData(self.settings, target, index, raw, value)
        return bytes(raw.array())

    # ---- SET

    def _set(self, data: GXByteBuffer) -> None:
        kind, invoke = data.getUInt8(), data.getUInt8()
        if kind == 4:
            targets = [
                (self._target(data), data.getUInt8())[0] for _ in range(_GXCommon.getObjectCount(data))
            ]
            _GXCommon.getObjectCount(data)
            results = [self._write(target, index, data) for target, index in targets]
            body = GXByteBuffer()
            _GXCommon.setObjectCount(len(results), body)
            body.set(bytes(results))
            self._respond(Command.SET_RESPONSE, 5, invoke, body, 0xFF)
            return
        if kind in (1, 2):
            self.target = self._target(data)
            data.getUInt8()
        if kind == 1:
            self._respond(Command.SET_RESPONSE, 1, invoke, GXByteBuffer(), self._write(*self.target, data))
            return
        last, number = data.getUInt8(), data.getUInt32()
        _GXCommon.getObjectCount(data)
        if number == 1:
            self.written = GXByteBuffer()
        self.written.set(data.subArray(data.position, data.available()))
        answer = number.to_bytes(4, "big")
        head = bytes([Command.SET_RESPONSE, 3 if last else 2, invoke])
        if last:
            head += bytes([self._write(*self.target, self.written)])
        self.replyData.set(b"\xe6\xe7\x00" if self.settings.interfaceType == InterfaceType.HDLC else b"")
        self.replyData.set(head + answer)

    def _write(self, target: Any, index: int, data: GXByteBuffer) -> int:
        value = _GXCommon.getData(self.settings, data, _GXDataInfo())
        if target is None:
            return int(ErrorCode.UNDEFINED_OBJECT)
        event = ValueEventArgs(self, target, index)
        if self.onGetAttributeAccess(event) != AccessMode.READ_WRITE:
            return int(ErrorCode.READ_WRITE_DENIED)
        event.value = value
        target.setValue(self.settings, event)
        return int(event.error)

    # ---- ACTION

    def _action(self, data: GXByteBuffer) -> None:
        _, invoke = data.getUInt8(), data.getUInt8()
        target, method = self._target(data)
        parameters = _GXCommon.getData(self.settings, data, _GXDataInfo()) if data.getUInt8() else None
        body = GXByteBuffer()
        if target is self.association and method == 1:
            returned = self._proof(bytes(parameters or b""))
            status = 0 if returned else int(ErrorCode.OTHER_REASON)
            body.set(b"\x01\x00\x09" + bytes([len(returned)]) + returned if returned else b"\x00")
        elif isinstance(target, GXDLMSDisconnectControl) and method in (1, 2):
            target.outputState, target.controlState = method == 2, method - 1
            status = 0
            body.setUInt8(0)
        else:
            status = int(ErrorCode.UNDEFINED_OBJECT if target is None else ErrorCode.READ_WRITE_DENIED)
            body.setUInt8(0)
        self._respond(Command.METHOD_RESPONSE, 1, invoke, body, status)

    def _proof(self, theirs: bytes) -> bytes:
        """Pass 3 checked, pass 4 made. The association's own method makes an int of the octet string."""
        settings, cipher = self.settings, self.settings.cipher
        gmac = settings.authentication == Authentication.HIGH_GMAC
        counter = int.from_bytes(theirs[1:5], "big") if gmac else 0
        secret = bytes(settings.sourceSystemTitle) if gmac else SECRET
        wanted = GXSecure.secure(settings, cipher, counter, settings.stoCChallenge, secret)
        if bytes(wanted) != theirs:
            return b""
        settings.connected |= ConnectionState.DLMS
        ours = SERVER_TITLE if gmac else SECRET
        return bytes(
            GXSecure.secure(settings, cipher, cipher.invocationCounter, settings.getCtoSChallenge(), ours)
        )


def _opened(settings: Any, info: Any) -> None:
    """A ciphered request opened. gurux' own leaves the command out of `AesGcmParameter`: the keys then stand
    one place too far left."""
    if info.moreData & RequestTypes.FRAME:
        info.data.position -= 1
        return
    info.data.position -= 1
    cipher = settings.cipher
    known = settings.connected & ConnectionState.DLMS and cipher.dedicatedKey
    key = cipher.dedicatedKey if known else cipher.blockCipherKey
    parameters = AesGcmParameter(0, bytes(settings.sourceSystemTitle), key, cipher.authenticationKey)
    plain = GXCiphering.decrypt(settings, parameters, info.data)
    cipher.security = parameters.security
    info.data.clear()
    info.data.set(plain)
    info.command = Command(info.data.getUInt8())


_CONTAINERS = (1, 2)


@contextmanager
def serving(meter: GuruxMeter) -> Iterator[str]:
    """The meter behind a TCP port; the address as pyserial opens it."""

    class _Handler(BaseRequestHandler):
        def handle(self) -> None:
            buffer = b""
            while data := self.request.recv(4096):
                buffer += data
                while (message := first_message(buffer, meter.settings.interfaceType)) is not None:
                    buffer = buffer[len(message) :]
                    self.request.sendall(meter.receive(message))

    server = TCPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"socket://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def first_message(buffer: bytes, kind: InterfaceType) -> bytes | None:
    """The first whole frame or wrapper message."""
    if kind == InterfaceType.WRAPPER:
        length = 8 + int.from_bytes(buffer[6:8], "big")
        return buffer[:length] if len(buffer) >= max(8, length) else None
    if len(buffer) < 3:
        return None
    length = 2 + (int.from_bytes(buffer[1:3], "big") & 0x7FF)
    return buffer[:length] if len(buffer) >= length else None
