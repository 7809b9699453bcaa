"""Imports a project as a utility delivers it: a folder with `project.toml` and tables.

The files are read once, laid aside on disk (`staging`) and judged whole (`reading`); then they are written in
pages, each in a transaction of its own with a mark of how far it got (`mark`): first all that orders stand on
(`reference`, `meterkeys`), then the orders (`orders`). Memory does not grow with the project, and a program
that was killed goes on when the same files are loaded again.

The import can be repeated: orders are known by their number, what the office now says differently becomes
`order.changed`, the rest is left alone.
"""

from __future__ import annotations

from workorders.gateway.load.orders import changed_customer
from workorders.gateway.load.reading import LoadReport, Progress, read_project
from workorders.gateway.load.writing import load_project

__all__ = ["LoadReport", "Progress", "changed_customer", "load_project", "read_project"]
