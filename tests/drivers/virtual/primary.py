"""A small HDLC primary station and DLMS client for what gurux can't do: windows, lists, faults, forgeries."""

from __future__ import annotations

from drivers.virtual import secrets
from drivers.virtual.dlms import acse, ciphering
from drivers.virtual.dlms.axdr import encode_length
from drivers.virtual.dlms.hdlc import Address, Control, Deframer, Frame, Kind, decode_control
from drivers.virtual.meter import Meter
from tests.drivers.virtual.peer import CLIENT_TITLE

AARQ_PUBLIC = bytes.fromhex("601DA109060760857405080101BE10040E01000000065F1F0400FFFFFFFFFF")
NOW = 1000.0


def snrm_parameters(transmit: int, receive: int, window_transmit: int, window_receive: int) -> bytes:
    body = b"\x05\x02" + transmit.to_bytes(2, "big") + b"\x06\x02" + receive.to_bytes(2, "big")
    body += b"\x07\x04" + window_transmit.to_bytes(4, "big") + b"\x08\x04" + window_receive.to_bytes(4, "big")
    return b"\x81\x80" + bytes([len(body)]) + body


class Primary:
    """Sends frames to a `Meter` and keeps the sequence numbers."""

    def __init__(self, meter: Meter, client: int = 16, server: Address = Address(1, 17, 2)) -> None:  # noqa: B008
        self.meter, self.client, self.server = meter, Address(client), server
        self.send, self.receive = 0, 0
        self.now = NOW
        self.information = 128
        self.window = 1

    def raw(self, octets: bytes) -> list[Frame]:
        answer = b"".join(output.octets for output in self.meter.receive(octets, self.now))
        frames = Deframer().feed(answer)
        assert b"".join(frame.encode() for frame in frames) == answer, "every octet belongs to a valid frame"
        return frames

    def frame(self, control: Control, information: bytes = b"", segmented: bool = False) -> list[Frame]:
        return self.raw(Frame(self.server, self.client, control.encode(), information, segmented).encode())

    def snrm(self, *sizes: int) -> Frame:
        self.send = self.receive = 0
        if sizes:
            self.information, self.window = sizes[0], sizes[2]
        (answer,) = self.frame(Control(Kind.SNRM, True), snrm_parameters(*sizes) if sizes else b"")
        return answer

    def apdu(self, payload: bytes) -> bytes:
        """Sends an APDU in as many frames as it takes and gives the answer's APDU."""
        rest, answers = b"\xe6\xe6\x00" + payload, []
        pieces = [rest[i : i + self.information] for i in range(0, len(rest), self.information)]
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            poll = last or (index + 1) % self.window == 0
            answers = self.frame(Control(Kind.I, poll, self.send, self.receive), piece, not last)
            self.send = (self.send + 1) % 8
        return self.collect(answers)

    def collect(self, frames: list[Frame]) -> bytes:
        """Puts the information of the answer's frames together, polling for more with RR."""
        assembled = b""
        while True:
            for frame in frames:
                control = decode_control(frame.control)
                assert control is not None
                assert control.kind is Kind.I
                assert control.send == self.receive
                self.receive = (self.receive + 1) % 8
                assembled += frame.information
            if not frames[-1].segmented:
                assert assembled[:3] == b"\xe6\xe7\x00"
                return assembled[3:]
            frames = self.frame(Control(Kind.RR, True, receive=self.receive))


class Manager(Primary):
    """A management client with ciphering, on the project's own cipher code (gurux checks that elsewhere)."""

    def __init__(self, meter: Meter, counter: int = 1, keys: dict[str, str] | None = None) -> None:
        super().__init__(meter, 1)
        wanted = keys or secrets.derive(meter.device.serial)
        self.block_key, self.auth_key = bytes.fromhex(wanted["block_key"]), bytes.fromhex(wanted["auth_key"])
        self.counter = counter
        self.max_pdu = 0xFFFF
        self.challenge = b""

    def protect(self, plain: bytes) -> bytes:
        self.counter += 1
        return ciphering.protect(
            ciphering.PROTECTED, self.block_key, self.auth_key, CLIENT_TITLE, self.counter, plain
        ).encode()

    def aarq(self, dedicated: bytes = b"", conformance: bytes = b"\xff\xff\xff") -> bytes:
        key = b"\x01" + bytes([len(dedicated)]) + dedicated if dedicated else b"\x00"
        initiate = (
            b"\x01" + key + b"\x00\x00\x06\x5f\x1f\x04\x00" + conformance + self.max_pdu.to_bytes(2, "big")
        )
        body = self.protect(initiate)
        information = b"\x21" + bytes([len(body)]) + body
        fields = bytes.fromhex("A109060760857405080103") + b"\xa6\x0a\x04\x08" + CLIENT_TITLE
        fields += bytes.fromhex("8A0207808B0760857405080205AC0A8008") + b"CHALLENG"
        fields += b"\xbe" + bytes([len(information) + 2]) + b"\x04" + bytes([len(information)]) + information
        return b"\x60" + encode_length(len(fields)) + fields

    def open(self, proof: int = 1, own: int = 1, **more: bytes) -> Manager:
        """SNRM, AARQ, pass 3 and 4.

        The proof takes the counter `proof` after the AARQ's; with `own` 1 not that of the APDU around it.
        """
        self.snrm(2030, 2030, 1, 1)
        answer = self.apdu(self.aarq(**more))
        fields = acse._fields(acse._fields(answer)[0x61])
        self.challenge = acse._inner(fields[0xAA])
        assert acse._inner(acse._inner(fields[0xA3])) == b"\x0e", "authentication required"
        counter, self.counter = self.counter + proof, self.counter + own
        answer = ciphering.gmac(self.block_key, self.auth_key, CLIENT_TITLE, counter, self.challenge)
        action = bytes.fromhex("C301C1000F0000280000FF01") + b"\x01\x09\x11" + answer
        assert self.request(action)[:4] == b"\xc7\x01\xc1\x00"
        return self

    def request(self, plain: bytes, tag: int = 0, key: bytes = b"") -> bytes:
        """A ciphered request and the answer's plain APDU (or an exception-response as it is)."""
        tags = {0xC0: 0xC8, 0xC1: 0xC9, 0xC3: 0xCB}
        kept, self.block_key = self.block_key, key or self.block_key
        body = self.protect(plain)
        answer = self.apdu(bytes([tag or tags[plain[0]]]) + encode_length(len(body)) + body)
        plain_answer = self.decipher(answer)
        self.block_key = kept
        return plain_answer

    def decipher(self, answer: bytes) -> bytes:
        if answer[0] == 0xD8:
            return answer
        at = 2 if answer[1] < 0x80 else 2 + (answer[1] & 0x7F)
        title = self.meter.device.system_title
        return ciphering.unprotect(ciphering.parse(answer[at:]), self.block_key, self.auth_key, title)
