"""Command line of the virtual field: ``virtual-meter``, ``virtual-concentrator`` and ``virtual-gps``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from drivers.errors import WrongValue
from drivers.trace.record import read_trace
from drivers.virtual import describe, wiring
from drivers.virtual.ansi.device import ANSI_MODELS, AnsiDevice
from drivers.virtual.ansi.meter import AnsiMeter
from drivers.virtual.ansi.run import AnsiStateFile, build_ansi, describe_ansi
from drivers.virtual.cosem.device import LogicalDevice, Settings
from drivers.virtual.cosem.joining import Outcome
from drivers.virtual.faults import WriteFaults
from drivers.virtual.legacy.device import LEGACY_MODELS, LegacyDevice
from drivers.virtual.legacy.meter import LegacyMeter
from drivers.virtual.legacy.run import LegacyStateFile, build_legacy, describe_legacy
from drivers.virtual.line import Line, LineOptions, PhysicalMeter
from drivers.virtual.meter import Meter
from drivers.virtual.models import MODELS
from drivers.virtual.physics import IMPORT_ACTIVE
from drivers.virtual.replay import FrameReplay, apdu_replay, apdus, exchanges, what_cannot_be_replayed
from drivers.virtual.signon import baud_identifier
from drivers.virtual.state import StateFile
from drivers.virtual.transport import ListenError, Server, parse_endpoint

EXIT_FAILED, EXIT_USAGE = 1, 2
Device = LogicalDevice | AnsiDevice | LegacyDevice


def main(argv: Sequence[str]) -> int:
    """Runs ``virtual-meter …``, ``virtual-concentrator …`` or ``virtual-gps …``; returns the exit status."""
    if argv and argv[0] == "virtual-meter":
        return run_meter(argv[1:])
    if argv and argv[0] == "virtual-concentrator":
        from drivers.virtual.concentrator.cli import run_concentrator

        return run_concentrator(argv[1:])
    if argv and argv[0] == "virtual-gps":
        from drivers.virtual.gps import run_gps

        return run_gps(argv[1:])
    sys.stderr.write("usage: python -m drivers virtual-meter|virtual-concentrator|virtual-gps …\n")
    return EXIT_USAGE


def _baud(value: str) -> int:
    baud = int(value)
    try:
        baud_identifier(baud)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return baud


def _mac(value: str) -> bytes:
    octets = bytes.fromhex(value.replace(":", "").replace("-", ""))
    if len(octets) != 6:
        raise argparse.ArgumentTypeError(f"{value}: an EUI-48 has 12 hex digits")
    return octets


def _hundredths(value: str) -> int:
    amount = Decimal(value) * 100
    if amount != amount.to_integral_value() or not 0 <= amount < 2**31:
        raise argparse.ArgumentTypeError(f"{value}: an amount has up to two decimals")
    return int(amount)


def _pdu(value: str) -> int:
    size = int(value)
    if not 64 <= size <= 65535:
        raise argparse.ArgumentTypeError(f"{value}: an APDU has 64 to 65535 octets")
    return size


def _rate(value: str) -> float:
    rate = float(value)
    if not 0 <= rate <= 1:
        raise argparse.ArgumentTypeError(f"{value}: a rate lies between 0 and 1")
    return rate


def meter_parser() -> argparse.ArgumentParser:
    """Options of ``virtual-meter``; times are in the unit that the option's name ends with."""
    parser = argparse.ArgumentParser(
        prog="virtual-meter",
        description="A meter behind an optical port: IEC 62056-21, HDLC and DLMS/COSEM, or ANSI C12.18.",
    )
    add = parser.add_argument
    add("--listen", default="socket://127.0.0.1:0", help="socket://H:P or rfc2217://H:P; port 0 picks one")
    add("--model", choices=sorted([*MODELS, *ANSI_MODELS, *LEGACY_MODELS]), default="prime-1ph")
    add("--serial", help="serial of this meter; keys, titles and addresses derive from it")
    add("--seed", type=int, default=0, help="draws load, noise and history")
    add("--describe", action="store_true", help="say what this meter is (clients, keys, objects) and end")
    add("--json", action="store_true", help="with --describe: as one JSON object")
    add("--state", type=Path, metavar="FILE", help="keep what the meter stores over the end of this process")
    add("--days", type=int, default=10, help="days of load profile that lie behind it (default 10)")
    add("--import-kwh", type=int, help="active energy at the beginning of the profile (default: drawn)")
    add("--clock-offset-s", type=int, default=0, help="seconds by which its clock is ahead")
    add("--physical", type=int, default=17, help="lower HDLC address (default 17)")
    add("--inactivity-s", type=float, default=120.0, help="HDLC inactivity time-out; 0 means never")
    add("--lockout-s", type=float, default=60.0, help="lock-out after three wrong passwords or keys")
    add(
        "--join-after-s",
        type=float,
        default=30.0,
        help="seconds from power-up until it has joined its network",
    )
    add(
        "--join",
        choices=[outcome.value for outcome in Outcome],
        default=Outcome.NORMAL.value,
        help="how joining the network ends",
    )
    add("--credit", type=_hundredths, default=5000, metavar="AMOUNT", help="prepayment: credit at the start")
    add(
        "--base-node",
        type=_mac,
        default=bytes.fromhex("404022000001"),
        help="PRIME: EUI-48 of the concentrator",
    )
    add("--wiring", default="normal", metavar="NAME[,NAME…]", help=f"how it is connected: {wiring.HELP}")
    add(
        "--suite",
        type=int,
        choices=(0, 1, 2),
        default=0,
        help="security suite; 1 and 2 have key pairs, ECDSA and agreed keys",
    )
    add("--button-s", type=float, default=3.0, help="mode D: seconds between presses of the meter's button")
    add("--list-limit", type=int, help="longest with-list request answered (0: claimed but refused)")
    add("--max-pdu", type=_pdu, metavar="BYTES", help="longest APDU it takes in (default: that of the model)")
    replay = parser.add_argument_group("replay")
    add = replay.add_argument
    add("--replay", type=Path, metavar="FILE", help="answer as the meter in this trace did")
    add(
        "--replay-as",
        choices=("auto", "frames", "apdus"),
        default="auto",
        help="frames: octets for octets; apdus: DLMS services out of the trace, under own keys (--serial)",
    )
    line = parser.add_argument_group("line")
    add = line.add_argument
    add("--baud", type=_baud, default=9600, help="highest rate: offered at sign-on, used for a direct start")
    add("--paced", action="store_true", help="each character takes its time at the rate in force")
    add(
        "--reaction-ms", type=float, default=20.0, help="from the end of a request to the answer (default 20)"
    )
    add("--echo", action="store_true", help="the head hears itself: what the client sends comes back")
    add("--ber", type=_rate, default=0.0, metavar="RATE", help="probability that a bit is flipped, both ways")
    add("--cut-after", type=int, metavar="BYTES", help="cut after so many characters, both ways together")
    add("--cut-frame", type=int, metavar="N", help="cut instead of the n-th answer of a connection")
    add("--cut-once", action="store_true", help="only the first cut happens, then the line is good")
    add(
        "--cut-before-write",
        type=int,
        metavar="N",
        help="cut before the n-th written value is taken over (once)",
    )
    add(
        "--cut-after-write",
        type=int,
        metavar="N",
        help="cut after it was taken over, before the answer (once)",
    )
    add("--power-loss-write", type=int, metavar="N", help="supply fails before the n-th written value (once)")
    add("--boot-s", type=float, default=1.0, help="how long the meter is off after a power loss")
    return parser


def build_device(options: argparse.Namespace) -> LogicalDevice:
    """The device that the options describe."""
    model = MODELS[options.model]
    settings = Settings(
        serial=options.serial or model.serial,
        seed=options.seed,
        baud=options.baud,
        reaction=options.reaction_ms / 1000,
        physical=options.physical,
        inactivity=options.inactivity_s,
        lockout=options.lockout_s,
        days=options.days,
        clock_offset=options.clock_offset_s,
        join_after=options.join_after_s,
        base_node=options.base_node,
        list_limit=options.list_limit,
        max_pdu=options.max_pdu,
        join=Outcome(options.join),
        credit=options.credit,
        suite=options.suite,
        import_kwh=options.import_kwh,
        wiring=wiring.parse(options.wiring, model.supply.phases),
        faults=WriteFaults(options.cut_before_write, options.power_loss_write, options.cut_after_write),
    )
    return LogicalDevice(model, settings, time.time)


def run_meter(argv: Sequence[str]) -> int:
    """Runs one virtual meter until SIGTERM or Ctrl-C."""
    options = meter_parser().parse_args(argv)
    if options.replay:
        return run_replay(options)
    try:
        endpoint = parse_endpoint(options.listen)
    except ListenError as error:
        sys.stderr.write(f"virtual-meter: {error}\n")
        return EXIT_USAGE
    try:
        device = _build(options)
    except ValueError as error:
        sys.stderr.write(f"virtual-meter: --wiring {error}\n")
        return EXIT_USAGE
    if options.describe:
        _print(_described(device))
        return 0
    try:
        state = _state(device, options.state) if options.state else None
        server = Server(
            endpoint, _line(device, options), options.boot_s, state.save_if_due if state else _nothing
        )
    except OSError as error:
        sys.stderr.write(f"virtual-meter: {error}\n")
        return EXIT_FAILED
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    _print(
        {
            "ready": True,
            "listen": server.endpoint.url,
            "model": device.model.name,
            "serial": device.serial,
            "display_kwh": str(device.energies.wh(IMPORT_ACTIVE, 0) // 1000),
        }
    )
    server.serve()
    if state:
        state.save()
    return 0


def run_replay(options: argparse.Namespace) -> int:
    """Answers as the meter in a trace did, until SIGTERM or Ctrl-C."""
    try:
        records = read_trace(options.replay)
        endpoint = parse_endpoint(options.listen)
    except (WrongValue, ListenError) as error:
        sys.stderr.write(f"virtual-meter: {error}\n")
        return EXIT_USAGE
    services = apdus(records)
    way = options.replay_as if options.replay_as != "auto" else "apdus" if services else "frames"
    serial = options.serial or "REPLAY"
    meter = apdu_replay(records, serial, options.baud) if way == "apdus" else FrameReplay(records)
    line = LineOptions(paced=options.paced, reaction=options.reaction_ms / 1000, echo=options.echo)
    try:
        server = Server(endpoint, Line(meter, line), options.boot_s)
    except OSError as error:
        sys.stderr.write(f"virtual-meter: {error}\n")
        return EXIT_FAILED
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    limits = what_cannot_be_replayed(records)
    for said in limits:
        sys.stderr.write(f"virtual-meter: {said}\n")
    count = len(services) if way == "apdus" else len(exchanges(records))
    ready = {
        "ready": True,
        "listen": server.endpoint.url,
        "replay": way,
        "exchanges": count,
    }
    _print(ready | {"limits": limits, "serial": serial})
    server.serve()
    return 0


def _build(options: argparse.Namespace) -> Device:
    if options.model in ANSI_MODELS:
        return build_ansi(options)
    return build_legacy(options) if options.model in LEGACY_MODELS else build_device(options)


def _described(device: Device) -> dict[str, Any]:
    if isinstance(device, AnsiDevice):
        return describe_ansi(device)
    return describe_legacy(device) if isinstance(device, LegacyDevice) else describe.describe(device)


def _state(device: Device, path: Path) -> StateFile | AnsiStateFile | LegacyStateFile:
    if isinstance(device, AnsiDevice):
        return AnsiStateFile(path, device)
    return LegacyStateFile(path, device) if isinstance(device, LegacyDevice) else StateFile(path, device)


def _meter(device: Device, options: argparse.Namespace) -> PhysicalMeter:
    if isinstance(device, AnsiDevice):
        return AnsiMeter(device, options.baud)
    if isinstance(device, LegacyDevice):
        return LegacyMeter(device, options.baud)
    return Meter(device, options.baud, options.reaction_ms / 1000, options.physical, options.inactivity_s)


def _line(device: Device, options: argparse.Namespace) -> Line:
    meter = _meter(device, options)
    line = LineOptions(
        paced=options.paced,
        reaction=options.reaction_ms / 1000,
        echo=options.echo,
        ber=options.ber,
        cut_after=options.cut_after,
        cut_frame=options.cut_frame,
        cut_once=options.cut_once,
        seed=options.seed,
    )
    return Line(meter, line)


def _print(value: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _nothing() -> None:
    """Nothing to keep."""
