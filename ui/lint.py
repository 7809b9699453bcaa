"""QML lint with the types of the Python controllers known: `python -m ui.lint`.

`metaobjectdump` describes the `@QmlElement` classes, `qmltyperegistrar` turns that into a `.qmltypes` file
of the module `FieldTool.Core` in a temporary folder, and `qmllint -W 0` reads all files with it. `--write-
qmldir` lists the files of each folder in its `qmldir` first. Exit status 0 when nothing was found.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import PySide6

UI = Path(__file__).parent
QML = UI / "qml"
TOOLS = Path(PySide6.__file__).parent
SINGLETON = "pragma Singleton"
#: Names that the tools read otherwise: Python's for C++, and maps and lists that QML reads as its own.
TYPES = {"float": "double", "object": "QVariant", "QVariantList": "QVariant", "QVariantMap": "QVariant"}


def tool(name: str) -> str:
    """Path of a Qt tool inside the installed PySide6."""
    suffix = ".exe" if sys.platform == "win32" else ""
    for folder in (TOOLS, TOOLS / "Qt/libexec", TOOLS / "Qt/bin"):
        if (folder / (name + suffix)).exists():
            return str(folder / (name + suffix))
    raise FileNotFoundError(f"PySide6 has no {name}")


def qmldir(folder: Path) -> str:
    """Text of the `qmldir` of one folder of `qml/FieldTool`."""
    name = ".".join(folder.relative_to(QML).parts)
    lines = [f"module {name}"]
    for path in sorted(folder.glob("*.qml")):
        single = "singleton " if SINGLETON in path.read_text(encoding="utf-8") else ""
        lines.append(f"{single}{path.stem} 1.0 {path.name}")
    return "\n".join(lines) + "\n"


def modules() -> list[Path]:
    """Folders that are QML modules."""
    return sorted({path.parent for path in QML.rglob("*.qml")})


def controller_types() -> list[dict[str, Any]]:
    """What `metaobjectdump` says of the controllers, with pointers and C++ type names put right."""
    # The base class first: the tool knows a QObject only by the bases that it has met.
    paths = sorted((UI / "controllers").glob("*.py"), key=lambda path: (path.stem != "base", path.stem))
    files = [str(path) for path in paths]
    command = [sys.executable, str(TOOLS / "scripts/metaobjectdump.py"), "--quiet", *files]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    described: list[dict[str, Any]] = json.loads(shown.stdout)
    own = {entry["className"] for file in described for entry in file["classes"]}
    for file in described:
        for entry in file["classes"]:
            for member in entry.get("properties", []):
                kind = TYPES.get(member["type"], member["type"])
                member["type"] = f"{kind}*" if kind in own else kind
                # Whatever has no signal of its own never changes here; not every version of the tool says so.
                member.setdefault("constant", "notify" not in member)
    return described


def write_core(target: Path) -> None:
    """Writes the module `FieldTool.Core` for the tools: `qmldir` and `core.qmltypes`."""
    target.mkdir(parents=True)
    source = target / "core.json"
    source.write_text(json.dumps(controller_types()), encoding="utf-8")
    foreign = sorted(str(path) for path in TOOLS.glob("Qt/metatypes/qt6*core_*metatypes.json"))
    command = [tool("qmltyperegistrar"), "--generate-qmltypes", str(target / "core.qmltypes")]
    command += ["--import-name", "FieldTool.Core", "--major-version", "1", "--minor-version", "0"]
    command += [f"--foreign-types={','.join(foreign)}"] if foreign else []
    command += ["-o", str(target / "unused.cpp"), str(source)]
    subprocess.run(command, check=True)
    (target / "qmldir").write_text("module FieldTool.Core\ntypeinfo core.qmltypes\n", encoding="utf-8")


def lint() -> int:
    """Runs qmllint over all files; its exit status."""
    with tempfile.TemporaryDirectory() as scratch:
        write_core(Path(scratch) / "FieldTool/Core")
        files = [str(path) for path in sorted(UI.rglob("*.qml"))]
        command = [tool("qmllint"), "-W", "0", "-I", scratch, "-I", str(QML), *files]
        return subprocess.run(command, check=False).returncode


def main(arguments: list[str]) -> int:
    """Command line."""
    stale = [folder for folder in modules() if not _fresh(folder)]
    if "--write-qmldir" in arguments:
        for folder in stale:
            (folder / "qmldir").write_text(qmldir(folder), encoding="utf-8")
    elif stale:
        for folder in stale:
            sys.stderr.write(
                f"{folder.name}/qmldir does not list its files: python -m ui.lint --write-qmldir\n"
            )
        return 1
    return lint()


def _fresh(folder: Path) -> bool:
    path = folder / "qmldir"
    return path.exists() and path.read_text(encoding="utf-8") == qmldir(folder)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
