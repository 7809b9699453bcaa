"""Writes the map of icon names to code points that the screens use: `python -m ui.icons`.

The icon font (Lucide) holds nearly 2,000 glyphs; the screens use some ninety, under names that say what
they mean here (`good`, `probe`, `notDone`). This reads the glyph names (`post` table, format 2) and the
character map (`cmap`, format 4 or 12) of the font and writes `qml/FieldTool/theme/Icons.qml`. A glyph that
the font lacks is an error.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import assets

UI = Path(__file__).parent
TARGET = UI / "qml/FieldTool/theme/Icons.qml"
#: Name on the screens → glyph of the font.
GLYPHS = {
    "search": "search",
    "scan": "scan-barcode",
    "orders": "clipboard-list",
    "map": "map",
    "meter": "gauge",
    "firmware": "cpu",
    "sync": "refresh-cw",
    "more": "ellipsis",
    "project": "folder-open",
    "crew": "users",
    "person": "user",
    "offline": "cloud-off",
    "online": "cloud",
    "probe": "plug",
    "probeOff": "unplug",
    "probeBusy": "plug-zap-2",
    "dark": "moon",
    "light": "sun",
    "mute": "volume-x",
    "sound": "volume-2",
    "torch": "flashlight",
    "torchOff": "flashlight-off",
    "next": "chevron-right",
    "open": "chevron-down",
    "close": "chevron-up",
    "previous": "chevron-left",
    "back": "arrow-left",
    "forward": "arrow-right",
    "exchange": "arrow-left-right",
    "install": "plus-square",
    "remove": "minus-square",
    "panel": "layout-grid",
    "unsent": "cloud-upload",
    "clock": "clock-3",
    "late": "alarm-clock",
    "wrong": "octagon-x",
    "good": "check-circle-2",
    "attention": "alert-triangle",
    "check": "check",
    "cross": "x",
    "flag": "flag",
    "label": "tag",
    "optical": "cable",
    "truck": "truck",
    "cause": "lightbulb",
    "saved": "hard-drive",
    "notDone": "ban",
    "lock": "lock",
    "unlock": "lock-open",
    "safe": "shield-check",
    "danger": "shield-alert",
    "busy": "loader-2",
    "usb": "usb",
    "reconnect": "plug-zap-2",
    "seal": "stamp",
    "match": "git-compare",
    "records": "layers-3",
    "record": "file-check",
    "place": "map-pin",
    "review": "eye",
    "hidden": "eye-off",
    "photos": "images",
    "data": "bar-chart-2",
    "edit": "pencil",
    "camera": "camera",
    "list": "list",
    "network": "network",
    "substation": "zap",
    "feeder": "cable",
    "transformer": "utility-pole",
    "unknown": "circle-help",
    "number": "keyboard",
    "delete": "delete",
    "confirm": "clipboard-check",
    "relay": "power",
    "energy": "zap",
    "sign": "signature",
    "circle": "circle",
    "info": "info",
    "settings": "settings",
    "language": "languages",
    "signOut": "log-out",
    "history": "history",
    "calendar": "calendar",
    "phone": "smartphone",
    "board": "layout-dashboard",
    "deploy": "network",
    "exceptions": "alert-triangle",
    "reports": "file-text",
    "joinFailed": "wifi-off",
    "join": "wifi",
    "rotate": "rotate-cw",
    "rotateBack": "rotate-ccw",
    "note": "sticky-note",
    "target": "crosshair",
    "retake": "rotate-ccw",
    "retry": "rotate-cw",
    "empty": "inbox",
    "filter": "list-filter",
    "program": "sliders-horizontal",
    "plan": "list-checks",
    "text": "file-text",
    "water": "droplet",
    "gas": "flame",
    "download": "download",
    "training": "graduation-cap",
    "home": "home",
    "hand": "hand",
    "inspect": "search",
    "scale": "scale",
    "photo": "image",
    "summary": "file-check",
    "confirmed": "check-check",
    "undo": "undo-2",
    "plus": "plus",
    "minus": "minus",
    "waiting": "hourglass",
    "disconnect": "plug",
    "concentrator": "router",
    "stop": "octagon",
    "help": "circle-help",
    "pin": "key-round",
    "device": "cpu",
    "tools": "wrench",
}


def tables(font: bytes) -> dict[str, bytes]:
    """Tables of a TrueType file by tag."""
    found: dict[str, bytes] = {}
    for index in range(struct.unpack_from(">H", font, 4)[0]):
        tag, _, offset, length = struct.unpack_from(">4sIII", font, 12 + 16 * index)
        found[tag.decode()] = font[offset : offset + length]
    return found


def glyph_names(post: bytes) -> list[str]:
    """Glyph names by glyph index, from a `post` table of format 2 (standard Macintosh names stay empty)."""
    if struct.unpack_from(">I", post)[0] != 0x00020000:
        raise ValueError("the icon font's post table has no glyph names (format 2 expected)")
    count = struct.unpack_from(">H", post, 32)[0]
    indexes = struct.unpack_from(f">{count}H", post, 34)
    own: list[str] = []
    position = 34 + 2 * count
    while position < len(post):
        length = post[position]
        own.append(post[position + 1 : position + 1 + length].decode("ascii"))
        position += 1 + length
    return ["" if index < 258 else own[index - 258] for index in indexes]


def code_points(cmap: bytes) -> dict[int, int]:
    """Glyph index → code point, from a `cmap` subtable of format 12 or 4."""
    result: dict[int, int] = {}
    for index in range(struct.unpack_from(">H", cmap, 2)[0]):
        start = struct.unpack_from(">I", cmap, 4 + 8 * index + 4)[0]
        kind = struct.unpack_from(">H", cmap, start)[0]
        if kind == 12:
            for group in range(struct.unpack_from(">I", cmap, start + 12)[0]):
                first, last, glyph = struct.unpack_from(">III", cmap, start + 16 + 12 * group)
                result.update({glyph + step: first + step for step in range(last - first + 1)})
        elif kind == 4:
            result.update(_format_4(cmap, start))
    return result


def _format_4(cmap: bytes, start: int) -> dict[int, int]:
    segments = struct.unpack_from(">H", cmap, start + 6)[0] // 2
    ends = start + 14
    starts = ends + 2 * segments + 2
    deltas = starts + 2 * segments
    ranges = deltas + 2 * segments
    result: dict[int, int] = {}
    for segment in range(segments):
        last = struct.unpack_from(">H", cmap, ends + 2 * segment)[0]
        first = struct.unpack_from(">H", cmap, starts + 2 * segment)[0]
        delta = struct.unpack_from(">H", cmap, deltas + 2 * segment)[0]
        place = ranges + 2 * segment
        offset = struct.unpack_from(">H", cmap, place)[0]
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                glyph = struct.unpack_from(">H", cmap, place + offset + 2 * (code - first))[0]
            if glyph or not offset:
                result[(glyph + delta) & 0xFFFF] = code
    return result


def build() -> str:
    """The text of `Icons.qml`; raises `ValueError` naming the glyphs that the font lacks."""
    font = tables((assets.root() / "icons/lucide.ttf").read_bytes())
    points = code_points(font["cmap"])
    known = {name: points[glyph] for glyph, name in enumerate(glyph_names(font["post"])) if glyph in points}
    missing = sorted(set(GLYPHS.values()) - known.keys())
    if missing:
        raise ValueError(f"the icon font lacks {', '.join(missing)}")
    lines = [f'        "{name}": "\\u{known[glyph]:04x}"' for name, glyph in sorted(GLYPHS.items())]
    return (
        "// Written by `python -m ui.icons`; do not edit.\npragma Singleton\nimport QtQml\n\n"
        "QtObject {\n    readonly property var codes: ({\n" + ",\n".join(lines) + "\n    })\n}\n"
    )


def main() -> int:
    """Writes the map; exit status 0."""
    TARGET.write_text(build(), encoding="utf-8")
    sys.stdout.write(f"{TARGET.name}: {len(GLYPHS)} icons\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
