"""`fieldtool scan`: codes on pictures of labels; a whole panel in one picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fieldtool.commands.output import JSON_HELP, emit, explained, guarded, note, say, table, usage

if TYPE_CHECKING:
    from fieldtool.scanning.files import FileScan
    from fieldtool.scanning.ocr import Suggestion
    from fieldtool.scanning.rules import LabelRules


@guarded
def scan(
    images: Annotated[list[Path], typer.Argument(help="Pictures of labels.")],
    model: Annotated[
        str | None, typer.Option("--model", help="Meter model whose label rules apply; else all rules.")
    ] = None,
    panel: Annotated[
        str | None,
        typer.Option("--panel", help="The picture shows a panel of ROWSxCOLUMNS slots, as 4x6; or auto."),
    ] = None,
    expect: Annotated[
        Path | None,
        typer.Option("--expect", help="With --panel: CSV with serial,slot of what should hang there."),
    ] = None,
    ocr: Annotated[
        bool, typer.Option("--ocr", help="Suggest the printed serial where no code says it (optional part).")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Read the codes on pictures of labels, and say which of them is the device's serial.

    With --json one object a line and image: {"file", "codes": [{"text", "symbology", "corners": [[x,y]×4]}],
    "serial"}; `serial` is null where none or more than one is possible. Exit status 1 if an image cannot
    be read.

    With --ocr also "suggestion": null | {"serial", "text", "score", "corners"}: to be confirmed by a person.
    With --panel also "panel": {"rows", "columns", "fitted", "unsure_origin", "read", "of", "to_look_at":
    [slot…],
    "slots": [{"slot", "row", "column", "state": read|unread|unseen|competing, "serial", "doubtful",
    "candidates",
    "fields", "corners"}], "outside"}; with --expect "verdict": {"expected", "right", "missing", "slots":
    [{"slot",
    "standing": right|wrong_slot|foreign|twice|doubtful|competing|unread|empty|free, "serial", "due",
    "belongs"}]}.
    Exit status 1 also where no rows and columns can be made out, or something is not as expected.

    Example: fieldtool scan label.jpg --json
    Example: fieldtool scan panel.jpg --panel 4x6 --expect panel-3.csv
    """
    from fieldtool.commands.files import files_here
    from fieldtool.scanning.files import UnreadablePicture, scan_file
    from fieldtool.scanning.rules import load_rules

    size = None if panel is None else _size(panel)
    if expect is not None and panel is None:
        usage("--expect says what hangs in a panel: give --panel too")
    expected = _expected(expect) if expect is not None else None
    rules = load_rules(files_here("labels").folders["labels"])
    unread = 0
    for path in images:
        try:
            if size is not None:
                unread += not _scan_panel(path, rules, model, size, expected, json)
                continue
            found = scan_file(path, rules, model=model)
        except UnreadablePicture as error:
            unread += 1
            note(f"fieldtool: {explained(error)}")
            continue
        suggested = _suggestion(path, found, rules, model) if ocr else None
        if json:
            emit(found.to_json() | ({"suggestion": suggested and suggested.to_json()} if ocr else {}))
        else:
            _show(path, found)
            if suggested is not None:
                say(f"  printed, to be confirmed: {suggested.serial}  (read as {suggested.text!r})")
    if unread:
        raise typer.Exit(1)


def _suggestion(path: Path, found: FileScan, rules: LabelRules, model: str | None) -> Suggestion | None:
    from fieldtool.scanning.files import load_picture
    from fieldtool.scanning.ocr import suggest_serials

    if found.reading.serial is not None:
        return None
    return next(iter(suggest_serials(load_picture(path), rules, model=model)), None)


def _show(path: Path, found: FileScan) -> None:
    say(f"{path.name}: serial {found.reading.serial or '—'}")
    table("", ["code", "symbology"], [[code.text, code.symbology.value] for code in found.codes])


def _size(text: str) -> tuple[int | None, int | None]:
    if text == "auto":
        return (None, None)
    rows, _, columns = text.lower().replace("×", "x").partition("x")
    if not (rows.isdigit() and columns.isdigit() and 0 < int(rows) <= 50 and 0 < int(columns) <= 50):
        usage(f"--panel {text!r}: it is ROWSxCOLUMNS, as 4x6, up to 50 each; or auto")
    return (int(rows), int(columns))


def _expected(path: Path) -> dict[str, int | None]:
    """serial → slot from a CSV with a line of names; the slot may be left out."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        usage(f"--expect {path.name}: cannot be read ({type(error).__name__}); it is a CSV with serial,slot")
    expected: dict[str, int | None] = {}
    for number, line in enumerate(lines, start=2):
        serial, slot = (line.get("serial") or "").strip(), (line.get("slot") or "").strip()
        if not serial or (slot and not slot.isdigit()):
            usage(f"--expect {path.name}, line {number}: wants a serial, and a slot number or nothing")
        expected[serial] = int(slot) if slot else None
    return expected


def _scan_panel(
    path: Path,
    rules: LabelRules,
    model: str | None,
    size: tuple[int | None, int | None],
    expected: Mapping[str, int | None] | None,
    json: bool,
) -> bool:
    """Read one panel and print it. Returns whether it is as it should be."""
    from fieldtool.scanning.classify import LabelReading
    from fieldtool.scanning.files import FileScan, load_picture
    from fieldtool.scanning.panel import read_panel
    from fieldtool.scanning.panelcheck import Standing, judge_panel

    known = {serial: slot for serial, slot in (expected or {}).items() if slot is not None}
    reading = read_panel(
        load_picture(path), rules, rows=size[0], columns=size[1], model=model, known=known, budget_ms=6000
    )
    verdict = judge_panel(reading, expected) if expected is not None else None
    right = verdict is None or verdict.count(Standing.RIGHT) == verdict.expected
    if json:
        told: dict[str, Any] = FileScan(str(path), reading.codes, LabelReading(None, {})).to_json()
        told |= {"panel": reading.to_json()}
        emit(told if verdict is None else told | {"verdict": verdict.to_json()})
        return reading.fitted and right
    if not reading.fitted:
        note(f"fieldtool: {path.name}: no rows and columns can be made out; take the whole panel")
        return False
    standing = {slot.slot: slot.standing.value for slot in verdict.slots} if verdict else {}
    lines = [
        [s.slot, s.serial, "doubtful" if s.doubtful else s.sight, standing.get(s.slot)] for s in reading.slots
    ]
    read = sum(slot.serial is not None for slot in reading.slots)
    table(path.name, ["slot", "meter", "seen", "expected"], lines)
    say(f"{reading.rows} × {reading.columns}: {read} of {len(reading.slots)} read")
    if reading.to_look_at:
        say("look again at " + ", ".join(map(str, reading.to_look_at)))
    if reading.unsure_origin:
        say(
            "a row or column at the border is not seen: slots are counted from the upper left of what is seen"
        )
    if verdict is not None and verdict.missing:
        say("not seen: " + ", ".join(verdict.missing))
    return right


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool`."""
    app.command("scan")(scan)
