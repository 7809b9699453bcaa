"""The whole job on the virtual field: office, crews and meters as programs of their own, no short cuts."""

from __future__ import annotations

from fieldtool.demo.runner import run_headless

__all__ = ["run"]


def run(*, headless: bool, json: bool) -> int:
    """Run the demo; 0 where tablets and gateway say the same.

    Without `headless` the app opens with the demo's data in it.
    """
    if headless or json:
        return run_headless(json=json)
    from fieldtool.demo.window import run_window

    return run_window()
