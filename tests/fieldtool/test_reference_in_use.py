"""A tablet works by the newest files of its office: from the next order on, and never half."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import keyring.core
import pytest
import requests
from keyring.backend import KeyringBackend
from sqlalchemy import select
from typer.testing import CliRunner

import assets
from drivers.programs import find_program
from fieldtool.commands.files import files_here
from fieldtool.commands.output import explained
from fieldtool.doctor import reference_check
from fieldtool.errors import JobError
from fieldtool.main import app
from fieldtool.reference import layers
from fieldtool.reference.reader import Reader
from fieldtool.run.surroundings import Person
from fieldtool.settings import Home
from fieldtool.tablet.reference import ReferenceState
from fieldtool.tablet.tablet import Tablet
from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from tests.workorders.test_published import publish_raw
from workorders.gateway import enrolment, persons
from workorders.gateway.published import publish_files
from workorders.journal.entry import Realm
from workorders.people import Role
from workorders.store import schema
from workorders.store.errors import StoreError

STEP = """
[[phase]]
id = "briefing"
title = { es = "Charla", en = "Briefing", pt = "Conversa" }

[[phase.step]]
id = "briefing"
kind = "confirm"
title = { es = "Charla de seguridad", en = "Safety briefing", pt = "Conversa de segurança" }
checks = [{ id = "held", text = { es = "Hecha", en = "Held", pt = "Feita" } }]

# --- Arrival"""


def installed(kind: str, name: str) -> str:
    return (assets.root() / kind / name).read_text(encoding="utf-8")


def raised(text: str, version: int) -> str:
    """The text under another version number."""
    return re.sub(r"(?m)^version = \d+$", f"version = {version}", text, count=1)


def with_briefing(version: int = 92) -> str:
    """The installed exchange with a step before all others."""
    text = raised(installed("procedures", "exchange.toml"), version)
    return text.replace("\n# --- Arrival", STEP, 1)


def opened(folder: Path) -> Tablet:
    """The tablet with a person at it; that signing in works is told elsewhere."""
    tablet = Tablet.open(Home(folder), Realm.DEMO, create=True)
    tablet._person = Person(id="ana", name="Ana", role=Role.INSTALLER, crew="A")
    return tablet


class Memory(KeyringBackend):
    """A keyring of the test alone; a passphrase would take its second at each start."""

    priority = 1

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._kept[(service, username)] = password

    def delete_password(self, service: str, username: str) -> None:
        self._kept.pop((service, username), None)


class Place:
    """An office on a socket and a tablet of it, with somebody signed in."""

    def __init__(self, folder: Path, bureau: Bureau, url: str) -> None:
        self.folder, self.bureau, self.url = folder, bureau, url
        code = enrolment.create_enrolment_code(bureau.office, crew="A", project="demo", url=url)
        self.tablet = opened(folder / "home")
        self.tablet.enrol(url, code.code)
        assert self.tablet.sync().state == "done"

    def orders(self) -> list[str]:
        table = schema.work_order
        with self.tablet.store.read() as connection:
            query = select(table.c.order_id).where(table.c.crew == "A").order_by(table.c.number)
            return list(connection.execute(query).scalars())

    def publish(self, **files: dict[str, str]) -> None:
        publish_files(self.bureau.office, "demo", files, reader=Reader())

    def restart(self) -> None:
        self.tablet.close()
        self.tablet = opened(self.folder / "home")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(keyring.core, "_keyring_backend", Memory())
    bureau = Bureau.open(tmp_path / "office")
    bureau.now.moment = datetime.now(UTC)
    with serving(bureau, Reader()) as url:
        found = Place(tmp_path, bureau, url)
        yield found
        found.tablet.close()


def first_step(place: Place, order_id: str) -> str | None:
    step = place.tablet.start(order_id).shown_step()
    return step.id if step else None


def test_a_published_procedure_is_asked_of_new_orders_and_not_of_a_begun_one(place: Place) -> None:
    """The whole way: an engineer posts it, the tablet pulls it, and a restart changes nothing."""
    begun, new = place.orders()[:2]
    assert first_step(place, begun) == "site"
    engineer = persons.add_user(place.bureau.office, name="Eva", role=Role.ENGINEER, person_id="eva")
    signed = requests.post(f"{place.url}/v1/sessions", json={"user": "eva", "pin": engineer.pin}, timeout=10)
    answer = requests.post(
        f"{place.url}/v1/projects/demo/files",
        json={"files": {"procedures": {"exchange.toml": with_briefing()}}},
        headers={"Authorization": f"Bearer {signed.json()['token']}"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    assert place.tablet.sync().references >= 1
    assert first_step(place, new) == "briefing"
    assert first_step(place, begun) == "site"
    place.restart()
    assert first_step(place, new) == "briefing"
    assert first_step(place, begun) == "site"
    assert [step.id for step in place.tablet.procedure(begun).steps][:1] == ["site"]
    assert [one.id for one in place.tablet.procedure(new).steps][:1] == ["briefing"]


def test_a_begun_order_outlives_an_update_of_the_program(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program's own file is replaced by the update; the text that the order began with is kept."""
    begun, new = place.orders()[:2]
    assert first_step(place, begun) == "site"
    newer = tmp_path / "assets"
    shutil.copytree(assets.root(), newer, ignore=shutil.ignore_patterns("projects", "*.py", "fonts"))
    (newer / "procedures" / "exchange.toml").write_text(with_briefing(), "utf-8")
    monkeypatch.setattr(assets, "root", lambda: newer)
    place.restart()
    assert first_step(place, new) == "briefing"
    assert first_step(place, begun) == "site"


def test_two_texts_of_one_version_are_told_apart_by_their_hash(place: Place) -> None:
    """An engineer forgets to raise the version: the begun order still goes on by its own text."""
    begun, new = place.orders()[:2]
    place.publish(procedures={"exchange.toml": with_briefing()})
    place.tablet.sync()
    assert first_step(place, begun) == "briefing"
    place.publish(procedures={"exchange.toml": with_briefing().replace('"briefing"', '"toolbox"')})
    place.tablet.sync()
    place.restart()
    assert (first_step(place, begun), first_step(place, new)) == ("briefing", "toolbox")


def test_every_kind_is_layered_over_what_the_program_brings(place: Place) -> None:
    run = place.tablet.start(place.orders()[0])
    program = raised(installed("programs", "residential-2.0TD.toml"), 97)
    model = installed("models", "prime-1ph.toml").replace("baud = 9600", "baud = 19200")
    technology = raised(installed("technologies", "prime.toml"), 93)
    labels = installed("labels", "prime-1ph.toml").replace("ZIV", "ZIW")
    place.publish(
        programs={"residential-2.0TD.toml": program},
        models={"prime-1ph.toml": model},
        technologies={"prime.toml": technology},
        labels={"prime-1ph.toml": labels},
    )
    place.tablet.sync()
    again = place.tablet.start(run.order_id)
    assert again is run, "what lies on the bench of an open run stays"
    around = run.around
    assert find_program("residential-2.0TD", around.programs_folder).version == 97
    assert find_program("prepay-bt", around.programs_folder), "what the set lacks stays"
    assert around.technologies["prime"].version == 93
    assert around.models.keys() == {path.stem for path in (assets.root() / "models").glob("*.toml")}
    assert (around.models_folder / "prime-1ph.toml").read_text("utf-8") == model
    assert around.models_folder.stat().st_mode & 0o077 == 0 or around.models_folder.drive, "private"
    rows = {row.kind: row for row in place.tablet.references()}
    assert (rows["programs"].version, rows["programs"].files) == (1, ["residential-2.0TD.toml"])
    assert rows["procedures"].version is None
    assert {row.state for row in rows.values()} == {ReferenceState.CURRENT}
    assert reference_check(list(rows.values())).state == "ok"


def test_a_set_of_a_newer_program_is_refused_and_the_earlier_one_stays_in_use(place: Place) -> None:
    place.publish(procedures={"exchange.toml": with_briefing()})
    place.tablet.sync()
    newer = with_briefing(93).replace('kind = "photo"', 'kind = "hologram"', 1)
    import msgspec

    from workorders.sync.reference import FileSet

    publish_raw(place.bureau, msgspec.json.encode(FileSet(files={"exchange.toml": newer})), version=2)
    report = place.tablet.sync()
    assert (report.state, [item.code for item in report.references_refused]) == ("done", ["set_unreadable"])
    assert "hologram" in report.references_refused[0].reason
    assert "exchange.toml, line " in report.references_refused[0].reason
    assert first_step(place, place.orders()[0]) == "briefing"
    row = next(row for row in place.tablet.references() if row.kind == "procedures")
    assert (row.state, row.version, row.offered_version) == (ReferenceState.REFUSED, 1, 2)
    word = reference_check(place.tablet.references())
    assert (word.state, "hologram" in word.detail) == ("lacking", True)


def test_what_was_changed_or_left_half_in_the_folder_is_made_anew(place: Place) -> None:
    place.publish(procedures={"exchange.toml": with_briefing()})
    place.tablet.sync()
    folder = place.tablet.desk.now().folders["procedures"]
    (folder / "exchange.toml").write_text(installed("procedures", "exchange.toml"), "utf-8")
    (folder.parent / ".new-cut").mkdir()
    place.restart()
    assert place.tablet.desk.now().folders["procedures"] == folder
    assert (folder / "exchange.toml").read_text("utf-8") == with_briefing()
    (folder / "extra.toml").write_text("", "utf-8")
    place.restart()
    there = {path.name for path in place.tablet.desk.now().folders["procedures"].iterdir()}
    assert "exchange.toml" in there
    assert "extra.toml" not in there


def test_a_full_disk_stops_no_crew(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.publish(procedures={"exchange.toml": with_briefing()})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(layers, "_write", full)
    place.tablet.sync()
    assert first_step(place, place.orders()[0]) == "site"
    row = next(row for row in place.tablet.references() if row.kind == "procedures")
    assert (row.state, row.version, row.offered_version) == (ReferenceState.OUTDATED, None, 1)


def test_folders_that_nobody_uses_go_after_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in (92, 93):
        place.publish(procedures={"exchange.toml": with_briefing(version)})
        place.tablet.sync()
        kept = place.tablet.desk.now().folders["procedures"]
    assert len(list(kept.parent.iterdir())) == 2, "another program of this tablet may still use it"
    monkeypatch.setattr(layers, "KEEP_UNUSED_SECONDS", -1)
    place.restart()
    place.tablet.desk.now()
    assert list(kept.parent.iterdir()) == [kept]


def test_a_program_is_checked_as_the_office_published_it_on_the_models_that_it_published(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to be checked against what came with the program, which no crew of this office works by."""
    model = installed("models", "prime-1ph.toml").replace('name = "prime-1ph"', 'name = "prime-2"', 1)
    program = installed("programs", "residential-2.0TD.toml")
    place.publish(
        models={"prime-2.toml": model},
        programs={"office-only.toml": re.sub(r"(?m)^models = .*$", 'models = ["prime-2"]', program, count=1)
                  .replace('name = "residential-2.0TD"', 'name = "office-only"', 1)},
    )  # fmt: skip
    place.tablet.sync()
    place.tablet.close()
    monkeypatch.setenv("FIELDTOOL_HOME", str(place.folder / "home"))
    done = CliRunner().invoke(app, ["meter", "check-program", "office-only", "--json"])
    assert (done.exit_code, '"model": "prime-2"' in done.stdout) == (0, True), done.output


def test_the_meter_tool_and_the_scanner_work_by_the_offices_files_and_say_so(
    place: Place, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = installed("models", "prime-1ph.toml").replace("baud = 9600", "baud = 19200", 1)
    place.publish(models={"prime-1ph.toml": model})
    place.tablet.sync()
    place.tablet.close()
    monkeypatch.setenv("FIELDTOOL_HOME", str(place.folder / "home"))
    files = files_here("models", "labels")
    assert files.models["prime-1ph"].baud == 19200
    assert files.folders["labels"] == assets.root() / "labels"
    assert "office are used: models 1" in capsys.readouterr().err
    backend = keyring.core.get_keyring()
    monkeypatch.setattr(backend, "get_password", lambda service, username: None)
    alone = files_here("models")  # the tablet's key is not to be had: a meter can be looked at all the same
    assert alone.models["prime-1ph"].baud == 9600
    assert "the program's own models are used" in capsys.readouterr().err
    with pytest.raises((JobError, StoreError)) as refused:  # but nothing is written by other files
        files_here("models", "programs", writing=True)
    capsys.readouterr()
    image = place.folder / "image.bin"
    image.write_bytes(b"x")
    for words in (
        ("apply", "--program", "residential-2.0TD"),
        ("clock", "--set"),
        ("relay", "disconnect", "--confirm", "1234"),
        ("image", str(image)),
        ("bench", "--program", "residential-2.0TD"),
    ):
        done = CliRunner().invoke(app, ["meter", *words, "--port", "loop://"])
        assert done.exit_code == 1, words
        assert explained(refused.value) in done.output, words
