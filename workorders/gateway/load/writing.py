"""One import from its first page to its last."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Connection, insert, update

from workorders.gateway import persons
from workorders.gateway.chains import writing
from workorders.gateway.claims import check_claims
from workorders.gateway.load.mark import STEPS, Keeper, forget_places, plan_places
from workorders.gateway.load.meterkeys import keep_secrets
from workorders.gateway.load.orders import absent_orders, write_orders
from workorders.gateway.load.reading import Files, LoadReport, Progress, judge_rows, read_files, read_project
from workorders.gateway.load.reference import TABLES, left_over, take_left_over, write_list
from workorders.gateway.load.staging import Staged, Staging
from workorders.gateway.office import Office
from workorders.gateway.rows import Calendar
from workorders.gateway.stamps import touch
from workorders.gateway.tables import project as project_table
from workorders.network import HeardDevice, load_heard
from workorders.people import Role
from workorders.rollout.kept import all_due
from workorders.store.side import side_file


def load_project(
    office: Office,
    folder: Path,
    *,
    today: date | None = None,
    pins: Mapping[str, str] | None = None,
    progress: Progress | None = None,
    all_or_nothing: bool = False,
) -> LoadReport:
    """Import a project's folder.

    It may be ended at any instant, by an exception of `progress` too: what is written is whole, and the same
    files loaded again go on from there. Other files begin anew.

    Args:
        today: for demonstrations: every date of the files is moved so that the day of export becomes this.
        pins: PINs by person id; who has none cannot sign in until `persons.add_user` gives one.
        progress: called with (what, done, total) after each page.
        all_or_nothing: one bad row refuses everything, and the report says so (`taken`); else bad rows are
            refused one by one and the good ones taken.

    Raises:
        InvalidInput: nothing was taken. `bad_project_file`: `project.toml` is missing or wrong;
            `held_elsewhere`: another project of this office has what the files name.
        OutOfTurn: `load_overtaken`: another program began to load this project meanwhile.
    """
    project, source = read_project(folder)
    shift = timedelta(0) if today is None or project.exported is None else today - project.exported
    calendar = Calendar(ZoneInfo(project.time_zone), shift)
    report = LoadReport(project=project.id)
    with side_file(office.store) as side:
        staging = Staging(side, project.id)
        files = Files(folder, project, source, calendar, staging, report, progress or (lambda *_: None))
        read_files(files)
        with office.store.read() as connection:
            check_claims(connection, project.id, {name: staging.keys(name) for name in TABLES})
        judge_rows(files)
        if report.refused and all_or_nothing:
            report.taken = False
            return report
        _Writing(office, files, Keeper(office.store, project.id, staging.fingerprint()), pins or {}).run()
    return report


Page = list[Staged[Any]]
_MEASURED_EVERY = 16
"""Pages, after which a server is asked whether what it plans by still holds."""


@dataclass
class _Writing:
    """What is good goes into the office, step by step and page by page."""

    office: Office
    files: Files
    keeper: Keeper
    pins: Mapping[str, str]

    def run(self) -> None:
        report, mark = self.files.report, self.keeper.mark
        report.resumed = self.keeper.resumed
        report.issued, report.changed, report.same = mark.issued, mark.changed, mark.same
        for step in STEPS:
            if self.keeper.before(step):
                self._begin(step)
                self._step(step)
                self.office.store.measure_grown()
            elif step == "users":
                self._take_users()  # a PIN that is given with this call counts for it
        report.absent = absent_orders(self.office.store, self.files)
        with self.office.store.write() as connection:
            self.keeper.end(connection)
            forget_places(connection, self.files.project.id)
            touch(connection)
        self.files.progress("done", 1, 1)

    def _begin(self, step: str) -> None:
        """Note that all before a step is done."""
        if self.keeper.mark.step == step:
            return
        with self.office.store.write() as connection:
            mark = self.keeper.move(connection, step, report=self.files.report)
            if step == "orders":
                touch(connection)  # the lists are whole: from here on tablets get them
        self.keeper.mark = mark

    def _step(self, step: str) -> None:
        if step in TABLES:
            self._replace(step)
        else:
            single: dict[str, Callable[[], None]] = {
                "project": self._take_project,
                "secrets": lambda: self._pages("secrets", _take_secrets),
                "users": self._take_users,
                "crews": self._plan_crews,
                "orders": self._take_orders,
                "heard": lambda: self._pages("heard", self._take_heard),
            }
            single[step]()

    # --- pages ------------------------------------------------------------------------------------

    def _pages(self, step: str, take: Callable[[Connection, Page], bool]) -> None:
        """Write the rows of a step from where it stands, a page in a transaction.

        Args:
            take: writes a page; whether it moved nodes of the tree.
        """
        for page in self._waiting(step):
            with self.office.store.write() as connection:
                moved = take(connection, page)
                mark = self.keeper.move(connection, step, page[-1].number, self.files.report, moved=moved)
            self.keeper.mark = mark

    def _waiting(self, step: str) -> Iterable[Page]:
        """The pages of a step that are still to be written, and how far it is after each."""
        staging, row = self.files.staging, self.keeper.row(step)
        done, total = staging.count(step, row), staging.count(step)
        self.files.progress(step, done, total)
        for number, page in enumerate(staging.pages(step, row), 1):
            yield page
            if number % _MEASURED_EVERY == 0:
                self.office.store.measure_grown()
            done += len(page)
            self.files.progress(step, done, total)

    def _replace(self, name: str) -> None:
        """Bring a list of the office to what the files say, and take away what they name no more."""
        if name == "network" and self.files.staging.count(name) and not self.files.staging.count("way"):
            return  # no tree: the one before stays
        self._pages(name, lambda connection, page: write_list(connection, self.files, name, page))
        after: str | None = "" if self.files.whole else None
        while after is not None:
            keys, after = left_over(self.office.store, self.files, name, after)
            if keys:
                with self.office.store.write() as connection:
                    moved = take_left_over(connection, name, keys)
                    mark = self.keeper.move(connection, name, self.keeper.row(name), moved=moved)
                self.keeper.mark = mark
        if self.keeper.mark.moved:
            with self.office.store.write() as connection:
                all_due(connection, self.files.project.id)
                mark = self.keeper.settled(connection)
            self.keeper.mark = mark

    # --- one by one -------------------------------------------------------------------------------

    def _take_project(self) -> None:
        project = self.files.project
        values = {
            "name": project.name,
            "data": msgspec.to_builtins(project) | {"source": self.files.source},
            "loaded_at": self.office.time(),
        }
        with self.office.store.write() as connection:
            self.keeper.check(connection)
            same = project_table.c.project_id == project.id
            if connection.execute(update(project_table).where(same).values(values)).rowcount == 0:
                connection.execute(insert(project_table).values(project_id=project.id, **values))

    def _take_users(self) -> None:
        for page in self.files.staging.pages("users"):
            for row in (staged.value for staged in page):
                field_role = row.role in {Role.INSTALLER, Role.LEAD}
                persons.add_user(
                    self.office,
                    person_id=row.id,
                    name=row.name,
                    role=row.role,
                    crew=row.crew if field_role else None,
                    project=self.files.project.id,
                    pin=self.pins.get(row.id),
                    without_pin=True,
                    reinstate=False,  # a list loaded again must not undo what an administrator did since
                )

    def _plan_crews(self) -> None:
        """Note for each crew where its orders will lie, so that their network is there before they are."""
        staging, project = self.files.staging, self.files.project.id
        crews = [crew for (crew,) in staging.ask("SELECT DISTINCT crew FROM going ORDER BY crew")]
        with self.office.store.write() as connection:
            self.keeper.check(connection)
            forget_places(connection, project)
            for crew in crews:
                query = "SELECT transformer FROM going WHERE crew = ? ORDER BY transformer"
                plan_places(connection, project, crew, [one for (one,) in staging.ask(query, crew)])

    def _take_orders(self) -> None:
        report = self.files.report
        for page in self._waiting("orders"):
            counted = msgspec.structs.replace(report)
            with writing(self.office, self.files.project.id) as (connection, write):
                write_orders(connection, write, self.files, page, counted)
                mark = self.keeper.move(connection, "orders", page[-1].number, counted)
            self.keeper.mark = mark
            report.issued, report.changed, report.same = counted.issued, counted.changed, counted.same

    def _take_heard(self, connection: Connection, page: Page) -> bool:
        calendar = self.files.calendar
        devices = [
            HeardDevice(
                serial=row.value.serial,
                heard_at=calendar.utc(row.value.heard_at) or "",
                concentrator=row.value.concentrator,
            )
            for row in page
        ]
        load_heard(connection, self.files.project.id, devices)
        return False


def _take_secrets(connection: Connection, page: Page) -> bool:
    keep_secrets(connection, [row.value for row in page])
    return False
