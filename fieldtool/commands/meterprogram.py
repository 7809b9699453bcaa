"""`fieldtool meter check-program|view`: a program checked where no meter is, and the view file that this
needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fieldtool.commands.meteroptions import Json, MeterOptions, at_meter
from fieldtool.commands.metersession import session_of
from fieldtool.commands.output import emit, guarded, note, say, table, usage


@guarded
def check_program(
    program: Annotated[str, typer.Argument(help="Program by name, or TOML file.")],
    model: Annotated[
        str | None, typer.Option("--model", help="Meter model by name; else each that the program names.")
    ] = None,
    json: Json = False,
) -> None:
    """Check a program against a meter model before a crew ever sees it.

    Every object must exist in the model's view with its class and the right to write it, the tariff
    calendar must be whole, dates must exist. On a tablet the programs, models and views that its office
    published are used, as in orders. Exit status 1 if there is an error; a warning alone is 0.
    With --json one object: {"program", "ok", "checks": [{"program", "model", "problems": [{"file", "line",
    "severity": error|warning, "reason"}],
    "items": [{"id", "item", "name", "danger"}]}]}.

    Example: fieldtool meter check-program residential-2.0TD --model prime-1ph
    """
    from drivers.errors import ModelFileError
    from drivers.model_view import load_view
    from drivers.models import load_models
    from drivers.program_check import Problem, ProgramCheck, Severity, check_program
    from drivers.programs import load_program, program_path
    from fieldtool.commands.files import files_here

    folders = files_here("models", "programs").folders
    models = load_models(folders["models"])
    if model is not None and model not in models:
        usage(f"--model {model!r}: it is one of {', '.join(sorted(models))}")
    path = program_path(program, folders["programs"])
    try:
        loaded = load_program(path)
    except ModelFileError as error:
        problem = Problem(error.file, error.line, Severity.ERROR, error.reason)
        checks = [ProgramCheck(path.stem, model or "", [problem], [])]
    else:
        names = [model] if model else loaded.models or sorted(models)
        unknown = [name for name in names if name not in models]
        if unknown:
            problem = Problem(path.name, 0, Severity.ERROR, f"no model is called {', '.join(unknown)}")
            checks = [ProgramCheck(loaded.name, name, [problem], []) for name in unknown]
        else:
            text = path.read_text(encoding="utf-8")
            checks = [
                check_program(loaded, path.name, text, models[name], load_view(folders["models"], name))
                for name in names
            ]
    ok = all(check.ok for check in checks)
    if json:
        emit({"program": checks[0].program, "ok": ok, "checks": checks})
    else:
        for check in checks:
            _show(check)
    if not ok:
        raise typer.Exit(1)


def _show(check: object) -> None:
    from drivers.program_check import ProgramCheck

    assert isinstance(check, ProgramCheck)
    say(f"{check.program} on {check.model}: {'good' if check.ok else 'not to be used'}")
    for problem in check.problems:
        say(f"  {problem.file}, line {problem.line}: {problem.severity.value}: {problem.reason}")
    table("", ["id", "item", "name", "danger"], [[i.id, i.item, i.name, i.danger.value] for i in check.items])


@at_meter(client=1, auth="gmac")
def view(
    meter: MeterOptions,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write MODEL.view.json for assets/models into this folder.")
    ] = None,
) -> None:
    """Read which objects a meter has and what this client may do with them.

    With --out the file that check-program needs is written for the meter's model. With --json one object:
    {"model", "client", "firmware", "objects": [{"class_id", "version", "obis", "attributes": {"2": 1 read, 2
    write, 3 both}, "methods": [1]}]}.

    Example: fieldtool meter view --port COM3 --block-key env:EK --auth-key env:AK --out assets/models
    """
    from drivers.model_view import SUFFIX, view_bytes

    if out is not None and not out.is_dir():
        usage(f"{out} is not a folder")
    with session_of(meter) as (session, _):
        found = session.view()
    if out is not None:
        path = out / f"{found.model}{SUFFIX}"
        path.write_bytes(view_bytes(found))
        note(f"{path}: {len(found.objects)} objects")
    if meter.json:
        emit(found)
    elif out is None:
        lines = [
            [o.class_id, o.version, o.obis, " ".join(f"{i}{'·rwb'[a]}" for i, a in o.attributes.items() if a)]
            for o in found.objects
        ]
        table("", ["class", "version", "object", "attributes"], lines)


def add_to(app: typer.Typer) -> None:
    """Hang the commands on `fieldtool meter`."""
    app.command("check-program")(check_program)
    app.command("view")(view)
