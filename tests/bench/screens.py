"""The screens: start to first frame, and a list of 50,000 orders — `python -m tests.bench.screens --json`.

Every figure that depends on the machine stands beside a yardstick measured in the same run: the first
frame beside that of an empty Qt Quick window, a scroll step through 50,000 rows beside one through 50, a
search beside looking for the text in one joined string. Without a screen (offscreen, software scene graph),
so that it runs anywhere.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["QT_QUICK_BACKEND"] = "software"

ROWS, FEW_ROWS = 50_000, 50
STEPS = 60
#: One step is about a screenful of rows.
PAGE = 616.0
STARTS = 3
SEARCHES = ("t", "ta", "taj", "taji", "tajibos", "tajibos 140", "4188", "portillo 48", "zzzz")

BARE = """
import sys
from PySide6.QtGui import QGuiApplication
from PySide6.QtQuick import QQuickWindow
app = QGuiApplication([])
window = QQuickWindow()
window.resize(1280, 800)
window.frameSwapped.connect(app.quit)
window.show()
app.exec()
"""
FULL = """
from ui.app import Screens, prepare
from ui.preview.tablet import PreviewTablet
app = prepare([])
screens = Screens(PreviewTablet())
screens.window.frameSwapped.connect(app.quit)
app.exec()
screens.close()
"""


def start(program: str) -> float:
    """Seconds from the start of a Python process to its first frame, the best of a few."""
    taken = []
    for _ in range(STARTS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        taken.append(time.perf_counter() - begun)
    return min(taken)


def scroll_and_search(count: int) -> dict[str, float]:
    """Median scroll step and search in milliseconds over `count` orders, and the time to fill the list."""
    from PySide6.QtQuick import QQuickWindow

    from ui.app import Screens, prepare
    from ui.gallery.render import items, settle
    from ui.preview.orders import many_orders
    from ui.preview.tablet import PreviewTablet

    prepare([])
    screens = Screens(PreviewTablet(rows=many_orders(count)), inline=True, reduced_motion=True)
    window = screens.window
    if not isinstance(window, QQuickWindow):
        raise SystemExit("\n".join(screens.warnings))
    begun = time.perf_counter()
    screens.app.go("orders")
    filled = time.perf_counter() - begun
    settle()
    view = next(item for item in items(window.contentItem()) if item.inherits("QQuickListView"))
    room = float(view.property("contentHeight")) - view.height()
    steps: list[float] = []
    for step in range(STEPS):
        begun = time.perf_counter()
        view.setProperty("contentY", (step + 1) * PAGE % room)
        window.grabWindow()
        steps.append(time.perf_counter() - begun)
    searches: list[float] = []
    for text in SEARCHES:
        begun = time.perf_counter()
        screens.app.orders.setSearch(text)
        searches.append(time.perf_counter() - begun)
        settle()
    screens.close()
    return {
        "fill_ms": filled * 1000,
        "scroll_step_ms": statistics.median(steps) * 1000,
        "search_ms": statistics.median(searches) * 1000,
        "search_worst_ms": max(searches) * 1000,
    }


def plain_search() -> float:
    """Milliseconds to look for one text in the joined keys of all rows: nothing could be quicker."""
    from ui.controllers.orders import fold
    from ui.preview.orders import many_orders

    joined = "\n".join(fold(f"{row.address}|{row.supply}|{row.serials}") for row in many_orders(ROWS))
    begun = time.perf_counter()
    joined.count("tajibos140")
    return (time.perf_counter() - begun) * 1000


def main() -> int:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.screens", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one object on standard output, nothing else")
    options = parser.parse_args()
    bare, full = start(BARE), start(FULL)
    few, many = scroll_and_search(FEW_ROWS), scroll_and_search(ROWS)
    plain = plain_search()
    figures = {
        "first_frame_s": round(full, 3),
        "first_frame_ratio": round(full / bare, 2),
        "orders": ROWS,
        "fill_ms": round(many["fill_ms"], 1),
        "scroll_step_ms": round(many["scroll_step_ms"], 2),
        "scroll_ratio": round(many["scroll_step_ms"] / few["scroll_step_ms"], 2),
        "search_ms": round(many["search_ms"], 1),
        "search_worst_ms": round(many["search_worst_ms"], 1),
        "search_ratio": round(many["search_ms"] / plain, 1),
    }
    if options.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            print(f"{name:20} {value}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
