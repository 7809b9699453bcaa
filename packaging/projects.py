"""Write the demo projects under assets/projects as utilities deliver them (seeded: same files each time).

    .venv/bin/python packaging/projects.py [NAME …]

Every project is drawn from what utilities say of its technology: Cusco's tree in full, Pucallpa's access
point, Santa Cruz's condominiums with a panel on each floor, and a PRIME city. Column names are those of the
utility where `project.toml` (written by hand) maps them to ours.
"""

from __future__ import annotations

import csv
import random
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from project_names import ACCESS_NOTES, COMPANIES, GIVEN, OBSERVATIONS, PLACES
from project_serials import ELECTROMECHANICAL

CONCENTRATOR = "dcu"
"""Model of concentrators in stock lists; they have no optical port, and no keys of one."""

ROOT = Path(__file__).resolve().parent.parent
PROJECTS = ROOT / "assets" / "projects"
# The day on which the files were "exported"; the demo moves all dates so that it becomes today.
EXPORTED = datetime(2026, 11, 24)  # noqa: DTZ001 - local time of the utility, as its export says it

Row = dict[str, str]

FILES: dict[str, tuple[str, ...]] = {
    "network": ("mrid", "kind", "parent", "name", "identity", "capacity", "phase", "lat", "lon"),
    "usage_points": (
        "mrid",
        "number",
        "kind",
        "customer",
        "address",
        "lat",
        "lon",
        "tariff",
        "contracted_power",
        "transformer",
        "feeder",
        "phase",
        "panel",
        "slot",
    ),
    "customers": ("mrid", "name", "document", "phone"),
    "meters": (
        "serial",
        "model",
        "place",
        "usage_point",
        "phase",
        "installed_on",
        "last_reading",
        "last_reading_date",
        "usual_daily_use",
    ),
    "orders": (
        "number",
        "kind",
        "usage_point",
        "node",
        "crew",
        "scheduled_start",
        "scheduled_end",
        "due",
        "old_serial",
        "new_serial",
        "new_model",
        "procedure",
        "program",
        "priority",
        "notes",
        "flags",
        "values",
    ),
    "stock": ("serial", "model", "state", "crew", "identities"),
    "secrets": ("serial", "password", "block_key", "auth_key"),
    "users": ("id", "name", "role", "crew"),
    "heard": ("serial", "heard_at", "concentrator"),
}


@dataclass
class Project:
    """One project being drawn; rows by file, and the one source of chance."""

    name: str
    surnames: Sequence[str]
    dice: random.Random
    delimiter: str = ";"
    rows: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in FILES})

    def add(self, file: str, **values: object) -> Row:
        """Append one row; every key must be a column of that file."""
        unknown = values.keys() - set(FILES[file])
        if unknown:
            raise KeyError(f"{file}: {unknown}")
        row = {key: "" if value is None else str(value) for key, value in values.items()}
        self.rows[file].append(row)
        return row

    def person(self) -> str:
        """A person's name, sometimes a company's."""
        if self.dice.random() < 0.06:
            return self.dice.choice(COMPANIES[self.name])
        return " ".join(
            [self.dice.choice(GIVEN), self.dice.choice(self.surnames), self.dice.choice(self.surnames)]
        )

    def spot(self, middle: tuple[float, float], spread: float) -> tuple[str, str]:
        """A position near a point, as decimal degrees in text."""
        return tuple(f"{value + self.dice.uniform(-spread, spread):.6f}" for value in middle)  # type: ignore[return-value]  # two in, two out

    def street(self, district: int) -> str:
        """A street address in one district; numbers as people there write them."""
        name, streets, _ = PLACES[self.name][district]
        street = self.dice.choice(streets)
        if self.name == "prime":
            floor = self.dice.choice(("Bajo A", "1.º Izda.", "2.º Dcha.", "3.º C", "Ático 1"))
            return f"{street}, {self.dice.randrange(1, 140)}, {floor}, {name}"
        if any(
            word in street for word in ("APV", "Asenta", "Asocia", "AA. HH.", "Comunidad", "Sector", "Barrio")
        ):
            number = f"Mz. {self.dice.choice('ABCDEFGHJK')} Lt. {self.dice.randrange(1, 40)}"
        else:
            number = self.dice.choice(
                (f"{self.dice.randrange(101, 1999)}", f"{self.dice.randrange(101, 999)} int. 2")
            )
        return f"{street} {number}, {name}"

    def write(self) -> None:
        """Write every file that has rows, under the utility's own column names."""
        folder = PROJECTS / self.name
        mapping = tomllib.loads((folder / "project.toml").read_text(encoding="utf-8")).get("columns", {})
        for file, columns in FILES.items():
            rows = self.rows[file]
            if not rows:
                continue
            used = [column for column in columns if any(row.get(column) for row in rows)]
            theirs: Mapping[str, str] = mapping.get(file, {})
            with (folder / f"{file}.csv").open("w", encoding="utf-8", newline="") as out:
                writer = csv.writer(out, delimiter=self.delimiter, lineterminator="\n")
                writer.writerow([theirs.get(column, column) for column in used])
                writer.writerows([row.get(column, "") for column in used] for row in rows)


def day(project: Project, before: int, spread: int) -> str:
    """A date `before` days before the export, give or take."""
    return (EXPORTED - timedelta(days=before + project.dice.randrange(spread + 1))).date().isoformat()


def window(project: Project, index: int, per_day: int) -> tuple[str, str, str]:
    """Appointment and due time of the order with this index: one crew's day after another, weekdays only."""
    date = EXPORTED + timedelta(days=index // per_day - 3)
    while date.weekday() == 6:
        date += timedelta(days=1)
    start = date.replace(hour=8) + timedelta(minutes=30 * (index % per_day % 18))
    hours = 4 if index % 9 == 0 else 2
    due = date.replace(hour=18) + timedelta(days=5)
    stamp = "%Y-%m-%dT%H:%M"
    return start.strftime(stamp), (start + timedelta(hours=hours)).strftime(stamp), due.strftime(stamp)


def flags(project: Project, index: int) -> tuple[str, str]:
    """Flags and notes of an order; a few need care, most have none."""
    marks: list[str] = []
    notes = ""
    if index % 37 == 11:
        marks.append("medical_dependency")
        notes = "Paciente electrodependiente (concentrador de oxígeno): coordinar el corte con la familia"
    elif index % 13 == 5:
        notes = project.dice.choice(ACCESS_NOTES)
        if "Perro" in notes:
            marks.append("dog")
        elif "candado" in notes or "Portón" in notes:
            marks.append("locked_gate")
    elif index % 17 == 3:
        notes = project.dice.choice(OBSERVATIONS)
    if index % 9 == 0:
        marks.append("appointment")
    return "|".join(marks), notes


def crews(project: Project, count: int, prefix: str) -> list[str]:
    """Crews with two people each, a lead over them, and the office; returns the crews' ids."""
    ids = [f"{prefix}-{number:02d}" for number in range(1, count + 1)]
    for number, crew in enumerate(ids, 1):
        for place in ("a", "b"):
            project.add(
                "users",
                id=f"{project.name}.t{number:02d}{place}",
                name=short_name(project),
                role="installer",
                crew=crew,
            )
    project.add("users", id=f"{project.name}.lead", name=short_name(project), role="lead", crew=ids[0])
    project.add("users", id=f"{project.name}.supervisor", name=short_name(project), role="supervisor")
    project.add("users", id=f"{project.name}.engineer", name=short_name(project), role="engineer")
    return ids


def short_name(project: Project) -> str:
    """Name of a colleague: one given name, two surnames."""
    given = project.dice.choice(GIVEN).split()[0]
    return f"{given} {project.dice.choice(project.surnames)} {project.dice.choice(project.surnames)}"


def customer(project: Project, number: str, document: str, phone: str) -> str:
    """Add the customer of a supply point; returns its mRID."""
    mrid = f"CLI-{number}"
    project.add("customers", mrid=mrid, name=project.person(), document=document, phone=phone)
    return mrid


def reading_of(project: Project, daily: float, years: int) -> tuple[str, str, str]:
    """Last reading (kWh), its date and the usual use a day, all as text."""
    reading = daily * 365 * years * project.dice.uniform(0.8, 1.2)
    return f"{reading:.0f}", day(project, 8, 20), f"{daily:.1f}"


def secrets(project: Project) -> None:
    """The makers' key file: secrets of each new meter, and of old ones that can be read by their port."""
    sys.path.insert(0, str(ROOT))
    from drivers.virtual.secrets import derive

    serials = [row["serial"] for row in project.rows["stock"] if row["model"] != CONCENTRATOR]
    ordered = {row.get("old_serial", "") for row in project.rows["orders"]}
    serials += [
        row["serial"]
        for row in project.rows["meters"]
        if row["serial"] in ordered and row["model"] != ELECTROMECHANICAL
    ]
    for serial in serials:
        keys = derive(serial)
        project.add(
            "secrets",
            serial=serial,
            password=keys["password"],
            block_key=keys["block_key"],
            auth_key=keys["auth_key"],
        )


def main(names: Iterable[str]) -> int:
    """Draw the projects named, or all."""
    from project_cities import draw_prime, draw_santacruz
    from project_peru import draw_cusco, draw_pucallpa

    drawers = {
        "cusco": draw_cusco,
        "pucallpa": draw_pucallpa,
        "santacruz": draw_santacruz,
        "prime": draw_prime,
    }
    for name in list(names) or drawers:
        project = drawers[name]()
        secrets(project)
        project.write()
        print(name, {file: len(rows) for file, rows in project.rows.items() if rows})
    return 0


if __name__ == "__main__":
    # The drawing modules import this one by its name, not as __main__.
    sys.modules["projects"] = sys.modules["__main__"]
    raise SystemExit(main(sys.argv[1:]))
