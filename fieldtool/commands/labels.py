"""`fieldtool labels`: asset labels for panels, slots and concentrators, on sheets or one by one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fieldtool.commands.opening import opened
from fieldtool.commands.output import JSON_HELP, emit, fail, guarded, say, usage

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from fieldtool.scanning.assetlabels import AssetLabel, Sheet
    from workorders.network import Node

_DPI = (203, 300, 600)
_KINDS = ("panel", "concentrator", "slot")


@guarded
def labels(
    target: Annotated[Path, typer.Argument(help="What to write: a .pdf, or a folder for one .png each.")],
    node: Annotated[
        list[str] | None,
        typer.Option("--node", help="A node of this tablet's network, with what is below it."),
    ] = None,
    order: Annotated[
        list[str] | None, typer.Option("--order", help="An order of this tablet: the label of its slot.")
    ] = None,
    project: Annotated[
        str | None, typer.Option("--project", help="A project (name or folder): its network.csv.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="CSV with code,title and any further columns as lines.")
    ] = None,
    kind: Annotated[
        list[str] | None, typer.Option("--kind", help="panel | slot | concentrator; all, if not given.")
    ] = None,
    sheet: Annotated[str, typer.Option("--sheet", help="Size of the sheet; `list` names them.")] = "a4-3x8",
    skip: Annotated[int, typer.Option("--skip", min=0, help="Places of the first sheet that are used.")] = 0,
    single: Annotated[
        str | None,
        typer.Option("--single", help="One label a page or picture, WIDTHxHEIGHT in mm, as 60x30."),
    ] = None,
    dpi: Annotated[
        int, typer.Option("--dpi", help="Of the label printer, with --single: 203, 300, 600.")
    ] = 300,
    realm: Annotated[str | None, typer.Option("--realm", help="live | training | demo.")] = None,
    json: Annotated[bool, typer.Option("--json", help=JSON_HELP)] = False,
) -> None:
    """Print asset labels: QR and Code 128 with their text; scanning them names panel, slot or concentrator.

    With --json one object: {"labels", "pages", "files": [path]}. `--sheet list` prints {"sheets": [{"id",
    "note", "count"}]}. Exit status 1 where nothing is found or a code does not fit the label legibly.

    Example: fieldtool labels panel.pdf --node C1-P01
    Example: fieldtool labels out/ --project santacruz --kind concentrator --single 60x30 --dpi 203
    """
    import assets
    from fieldtool.scanning.assetlabels import Fonts, label_picture, labels_pdf, load_sheets

    sheets = load_sheets(assets.root() / "sheets" / "sheets.toml")
    if sheet == "list":
        _list(sheets, json)
        return
    if sheet not in sheets:
        usage(f"--sheet {sheet!r}: there are {', '.join(sheets)}")
    wanted = set(kind or _KINDS)
    if not wanted <= set(_KINDS):
        usage(f"--kind: it is {', '.join(_KINDS)}")
    if dpi not in _DPI:
        usage(f"--dpi {dpi}: it is one of {', '.join(map(str, _DPI))}")
    size = None if single is None else _millimetres(single)
    found = list(_found(node or [], order or [], project, table, wanted, realm))
    if not found:
        fail(
            "nothing to print: no panel, slot or concentrator is named by --node, --order, --project or --csv"
        )
    fonts = Fonts(assets.root() / "fonts")
    if target.suffix.lower() == ".pdf":
        target.parent.mkdir(parents=True, exist_ok=True)
        chosen = sheets[sheet] if size is None else None
        pages = labels_pdf(found, target, fonts, sheet=chosen, size=size or (60, 30), dpi=dpi, skip=skip)
        files = [target]
    else:
        pictures = [label_picture(label, size or (60.0, 30.0), dpi, fonts) for label in found]
        target.mkdir(parents=True, exist_ok=True)
        files = [
            target / f"{number:03d}-{_plain(label.code)}.png" for number, label in enumerate(found, start=1)
        ]
        for picture, file in zip(pictures, files, strict=True):
            picture.save(file, dpi=(dpi, dpi))
        pages = len(pictures)
    if json:
        emit({"labels": len(found), "pages": pages, "files": [str(file) for file in files]})
    else:
        say(f"{len(found)} labels, {pages} page(s): {target}")


def _list(sheets: dict[str, Sheet], json: bool) -> None:
    if json:
        emit({"sheets": [{"id": one.id, "note": one.note, "count": one.count} for one in sheets.values()]})
        return
    for one in sheets.values():
        say(f"{one.id:12} {one.note}")


def _millimetres(text: str) -> tuple[float, float]:
    width, _, height = text.lower().replace("×", "x").partition("x")
    try:
        size = (float(width), float(height))
    except ValueError:
        usage(f"--single {text!r}: it is WIDTHxHEIGHT in mm, as 60x30")
    if not all(10 <= side <= 300 for side in size):
        usage(f"--single {text!r}: sides of 10 to 300 mm")
    return size


def _plain(code: str) -> str:
    return "".join(ch if ch.isalnum() or ch in "-_" else "-" for ch in code)[:60]


def _found(
    nodes: list[str],
    orders: list[str],
    project: str | None,
    table: Path | None,
    kinds: set[str],
    realm: str | None,
) -> Iterator[AssetLabel]:
    if table is not None:
        yield from _of_table(table)
    if project is not None:
        for one in _project_nodes(project):
            yield from _of_node(one, kinds)
    if not nodes and not orders:
        return
    from workorders.store import queries

    with opened(realm) as tablet, tablet.store.read() as connection:
        for name in nodes:
            for one in _tree_nodes(connection, name):
                yield from _of_node(one, kinds)
        for name in orders:
            detail = queries.order(connection, tablet.find_order(name) or name)
            place = detail.order.place if detail is not None else None
            panel = tablet.tree.node(place.panel) if place is not None and place.panel else None
            if place is None or panel is None or place.slot is None:
                fail(f"order {name!r} is not on this tablet, or names no panel and slot")
            yield from _of_slots(panel.mrid, panel.name or panel.mrid, [place.slot])


def _tree_nodes(connection: Connection, name: str) -> list[Node]:
    """A node and the panels and concentrators below it."""
    from workorders import network

    found = network.node(connection, name)
    if found is None:
        named = [node for node in network.find_nodes(connection, search=name, limit=20) if node.name == name]
        if len(named) != 1:
            fail(f"{name!r} is no node of the network, or not the only one of that name")
        found = named[0]
    below = network.find_nodes(connection, kinds=("panel", "concentrator"), under=found.mrid, limit=5000)
    return list({node.mrid: node for node in [found, *below]}.values())


def _rows(file: Path) -> list[dict[str, str]]:
    """Rows of a CSV with a line of names, separated by comma, semicolon or tabulator."""
    with file.open(newline="", encoding="utf-8-sig") as stream:
        first = stream.readline()
        stream.seek(0)
        separator = max(",;\t", key=first.count)
        return [
            {k: v or "" for k, v in row.items() if k} for row in csv.DictReader(stream, delimiter=separator)
        ]


def _of_table(file: Path) -> Iterator[AssetLabel]:
    from fieldtool.scanning.assetlabels import AssetLabel

    try:
        lines = _rows(file)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        usage(f"--csv {file.name}: cannot be read ({type(error).__name__})")
    for number, line in enumerate(lines, start=2):
        code = (line.get("code") or "").strip()
        if not code or not code.isascii():
            usage(f"--csv {file.name}, line {number}: wants a code of plain letters and digits")
        rest = [text.strip() for key, text in line.items() if key not in ("code", "title") and text]
        yield AssetLabel(code, (line.get("title") or code).strip(), tuple(rest))


def _project_nodes(name: str) -> list[Node]:
    import assets
    from workorders.network import Node

    folder = Path(name) if Path(name).is_dir() else None
    try:
        rows = _rows((folder or assets.project(name)) / "network.csv")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        usage(f"--project {name!r}: {error}")
    return [
        Node(
            mrid=row.get("mrid", ""),
            kind=row.get("kind", ""),
            name=row.get("name") or None,
            capacity=int(row["capacity"]) if (row.get("capacity") or "").isdigit() else None,
        )
        for row in rows
    ]


def _of_node(node: Node, kinds: set[str]) -> Iterator[AssetLabel]:
    from fieldtool.scanning import assetlabels

    name = node.name or node.mrid
    if node.kind == "concentrator" and "concentrator" in kinds:
        yield assetlabels.concentrator_label(node.mrid, node.mrid, name)
    if node.kind == "panel":
        if "panel" in kinds:
            yield assetlabels.panel_label(node.mrid, node.mrid, name)
        if "slot" in kinds:
            yield from _of_slots(node.mrid, name, list(range(1, (node.capacity or 0) + 1)))


def _of_slots(panel: str, name: str, slots: list[int]) -> Iterator[AssetLabel]:
    from fieldtool.scanning import assetlabels

    yield from assetlabels.slot_labels(panel, name, slots, {})


def add_to(app: typer.Typer) -> None:
    """Hang the command on `fieldtool`."""
    app.command("labels")(labels)
