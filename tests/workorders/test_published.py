"""What an engineer publishes: checked, versioned, signed, offered to the tablets of that project alone."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
import requests
from sqlalchemy import select, update

from tests.workorders.offices import Bureau, Tablet
from tests.workorders.servers import serving
from workorders.gateway import persons, published
from workorders.gateway.errors import InvalidInput, NotFound
from workorders.gateway.published import FilesRefused, publish_files
from workorders.people import Role
from workorders.store import schema
from workorders.sync import reference, wire
from workorders.sync.reference import FileSet
from workorders.sync.signatures import reference_message
from workorders.sync.wire import FileProblem

TEXT = 'id = "exchange"\n'


class LineReader:
    """A reader whose files are well when no line of them is `bad`; `program` names its version."""

    def __init__(self, program: str = "1", bad: str = "bad") -> None:
        self.fingerprint = program
        self._bad = bad

    def problems(self, kind: str, files: Mapping[str, str]) -> list[FileProblem]:
        return [
            FileProblem(kind=kind, file=name, line=number, reason="bad")
            for name, text in files.items()
            for number, line in enumerate(text.splitlines(), 1)
            if line == self._bad
        ]

    def doubts(self, kind: str, files: Mapping[str, str], before: Mapping[str, str]) -> list[FileProblem]:
        return [FileProblem(kind=kind, file=name, line=0, reason="changed") for name in files.keys() & before]


READER = LineReader()


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


def test_one_mistake_and_nothing_at_all_is_published(bureau: Bureau) -> None:
    files = {"procedures": {"exchange.toml": TEXT}, "models": {"m.toml": "name\nbad\n"}}
    with pytest.raises(FilesRefused) as refused:
        publish_files(bureau.office, "demo", files, reader=READER)
    assert [(item.kind, item.file, item.line) for item in refused.value.problems] == [("models", "m.toml", 2)]
    assert published.published_sets(bureau.office, "demo") == []


def test_the_same_files_again_are_no_new_version(bureau: Bureau) -> None:
    files = {"procedures": {"exchange.toml": TEXT}}
    first = publish_files(bureau.office, "demo", files, reader=READER, actor="eva")
    bureau.now.forward(days=1)
    again = publish_files(bureau.office, "demo", files, reader=READER, actor="eva")
    assert [(item.version, item.published) for item in first.sets + again.sets] == [(1, True), (1, False)]
    with bureau.office.store.read() as connection:
        query = select(schema.entry.c.actor).where(schema.entry.c.kind == "reference.received")
        assert connection.execute(query).scalars().all() == ["eva"], "the record says who published it"


def test_files_are_added_to_the_set_in_force_and_a_whole_set_replaces_it(bureau: Bureau) -> None:
    def publish(whole: bool = False, **texts: str) -> list[str]:
        files = {"labels": {f"{name}.toml": text for name, text in texts.items()}}
        return publish_files(bureau.office, "demo", files, reader=READER, whole=whole).sets[0].files

    assert publish(a="1") == ["a.toml"]
    assert publish(b="1") == ["a.toml", "b.toml"]
    assert publish(whole=True, c="1") == ["c.toml"]
    assert published.published_sets(bureau.office, "demo")[0].version == 3


def test_a_name_that_could_leave_its_folder_is_refused(bureau: Bureau) -> None:
    for name in ("../exchange.toml", "a/b.toml", ".toml", "con.toml", "exchange.txt", "a\\b.toml", "é.toml"):
        with pytest.raises(FilesRefused):
            publish_files(bureau.office, "demo", {"models": {name: ""}}, reader=READER)


def test_unknown_projects_kinds_and_no_files_are_refused(bureau: Bureau) -> None:
    with pytest.raises(NotFound):
        publish_files(bureau.office, "nowhere", {"models": {"m.toml": ""}}, reader=READER)
    with pytest.raises(FilesRefused):
        publish_files(bureau.office, "demo", {"secrets": {"m.toml": ""}}, reader=READER)
    with pytest.raises(InvalidInput):
        publish_files(bureau.office, "demo", {"models": {}}, reader=READER)


# --- towards tablets ------------------------------------------------------------------------------


def sets_here(tablet: Tablet) -> dict[str, int]:
    table = schema.reference_set
    with tablet.store.read() as connection:
        rows = connection.execute(select(table.c.name, table.c.version).order_by(table.c.version)).all()
    return {row.name: row.version for row in rows if "/files/" in row.name}


def entries_of(tablet: Tablet) -> list[str]:
    with tablet.store.read() as connection:
        query = select(schema.entry.c.body).where(schema.entry.c.kind == "reference.received")
        found = [msgspec.json.decode(row.body) for row in connection.execute(query)]
    return [one["payload"]["name"] for one in found if "/files/" in one["payload"]["name"]]


def test_a_published_set_reaches_the_tablets_of_its_project_with_an_entry(bureau: Bureau) -> None:
    tablet, stranger = bureau.tablet(), bureau.tablet("A", "t2")
    other = msgspec.structs.replace(stranger.identity, project="elsewhere")
    with bureau.office.store.write() as connection:
        from workorders.gateway.tables import tablet as tablets

        values = {"project": "elsewhere"}
        connection.execute(update(tablets).where(tablets.c.tablet_id == other.tablet).values(values))
    publish_files(bureau.office, "demo", {"procedures": {"exchange.toml": TEXT}}, reader=READER)
    tablet.sync(reader=READER)
    stranger.sync(reader=READER)
    assert sets_here(tablet) == {"demo/files/procedures": 1}
    assert entries_of(tablet) == ["demo/files/procedures"]
    assert sets_here(stranger) == {}


class Tampering:
    """A transport on which somebody changes reference sets under way."""

    def __init__(self, inner: object, *, body: bytes | None = None, version: int | None = None) -> None:
        self._inner = inner
        self._body, self._version = body, version

    def __getattr__(self, name: str) -> object:
        return getattr(self._inner, name)

    def references(self) -> wire.ReferenceList:
        found: wire.ReferenceList = self._inner.references()
        if self._version is None:
            return found
        change = msgspec.structs.replace
        return wire.ReferenceList(
            sets=[
                change(item, version=self._version) if "files" in item.name else item for item in found.sets
            ]
        )

    def reference(self, sha256: str) -> bytes:
        found: bytes = self._inner.reference(sha256)
        return self._body if self._body is not None and b'"files"' in found else found


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"body": b'{"files":{}}'}, "set_altered"), ({"version": 9}, "set_not_signed")],
)
def test_a_set_changed_under_way_is_refused_and_the_crews_work_goes_through(
    bureau: Bureau, changed: dict[str, object], code: str
) -> None:
    tablet = bureau.tablet()
    tablet.sync(reader=READER)
    publish_files(bureau.office, "demo", {"procedures": {"exchange.toml": TEXT}}, reader=READER)
    evil = Tampering(tablet.transport(), **changed)
    report = tablet.sync(evil, reader=READER)
    assert (report.state, report.equal) == ("done", True)
    assert [item.code for item in report.references_refused] == [code]
    assert sets_here(tablet) == {}
    assert tablet.sync(reader=READER).references == 1, "the true one is taken as soon as it comes"
    assert tablet.sync(reader=READER).references_refused == []


def publish_raw(bureau: Bureau, body: bytes, version: int = 1) -> None:
    """A set as an office of a newer version would publish it."""
    import hashlib

    name, sha256 = "demo/files/procedures", hashlib.sha256(body).hexdigest()
    signature = bureau.office.key.sign(reference_message(name, version, sha256))
    values = {"name": name, "version": version, "sha256": sha256, "body": body, "signature": signature}
    with bureau.office.store.write() as connection:
        connection.execute(schema.reference_set.insert().values(**values, received_at=bureau.office.time()))
    assert base64.b64encode(signature)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"schema":99,"files":[["other","form"]]}', "set_too_new"),
        (
            b'{"schema":1,"files":{"exchange.toml":"a word that only a newer program knows\\nbad"}}',
            "set_unreadable",
        ),
        (b"[]", "set_unreadable"),
        (b"\xff\xfe", "set_unreadable"),
    ],
)
def test_a_set_that_this_program_cannot_read_leaves_the_earlier_one_in_use(
    bureau: Bureau, body: bytes, code: str
) -> None:
    tablet = bureau.tablet()
    publish_files(bureau.office, "demo", {"procedures": {"exchange.toml": TEXT}}, reader=READER)
    tablet.sync(reader=READER)
    publish_raw(bureau, body, version=2)
    report = tablet.sync(reader=READER)
    assert report.state == "done"
    assert [(item.version, item.code) for item in report.references_refused] == [(2, code)]
    assert sets_here(tablet) == {"demo/files/procedures": 1}
    counted = Counting(tablet.transport())
    assert tablet.sync(counted, reader=READER).references_refused
    assert counted.fetched == 0, "not fetched again by a program that cannot read it"


class Counting(Tampering):
    """Counts the sets that are fetched."""

    fetched = 0

    def reference(self, sha256: str) -> bytes:
        self.fetched += 1
        return super().reference(sha256)


def test_after_an_update_of_the_program_a_refused_set_is_taken(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    body = msgspec.json.encode(FileSet(files={"exchange.toml": "new word\n"}))
    publish_raw(bureau, body)
    assert tablet.sync(reader=LineReader(bad="new word")).references_refused
    report = tablet.sync(reader=LineReader("2"))
    assert report.references_refused == []
    assert sets_here(tablet) == {"demo/files/procedures": 1}


def test_a_version_given_anew_by_a_restored_office_keeps_the_set_that_entries_name(bureau: Bureau) -> None:
    tablet = bureau.tablet()
    publish_files(bureau.office, "demo", {"procedures": {"exchange.toml": TEXT}}, reader=READER)
    tablet.sync(reader=READER)
    with bureau.office.store.write() as connection:
        table = schema.reference_set
        connection.execute(table.delete().where(table.c.name == "demo/files/procedures"))
    publish_files(bureau.office, "demo", {"procedures": {"exchange.toml": TEXT + "#\n"}}, reader=READER)
    tablet.sync(reader=READER)
    with tablet.store.read() as connection:
        table = schema.reference_set
        bodies = connection.execute(select(table.c.name, table.c.body)).all()
        kept = [reference.read_files(row.body).files for row in bodies if "/files/" in row.name]
    assert sorted(files["exchange.toml"] for files in kept) == [TEXT, TEXT + "#\n"]


# --- over HTTP ------------------------------------------------------------------------------------


def session(bureau: Bureau, url: str, role: Role, project: str | None = None) -> dict[str, str]:
    user = persons.add_user(
        bureau.office, name=role.value, role=role, person_id=f"{role.value}-{project}", project=project
    )
    answer = requests.post(f"{url}/v1/sessions", json={"user": user.id, "pin": user.pin}, timeout=10)
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_engineers_and_administrators_publish_over_http_and_nobody_else(bureau: Bureau) -> None:
    body = {"files": {"procedures": {"exchange.toml": TEXT}}}
    with serving(bureau, READER) as url:
        where = f"{url}/v1/projects/demo/files"
        for role, status in (
            (Role.ENGINEER, 200),
            (Role.ADMINISTRATOR, 200),
            (Role.SUPERVISOR, 403),
            (Role.INTEGRATOR, 403),
        ):
            told = requests.post(where, json=body, headers=session(bureau, url, role), timeout=10)
            assert told.status_code == status, told.text
        stranger = session(bureau, url, Role.ENGINEER, "elsewhere")
        assert requests.post(where, json=body, headers=stranger, timeout=10).status_code == 403
        assert requests.post(where, json=body, timeout=10).status_code == 401
        mine = session(bureau, url, Role.ENGINEER, "demo")
        body["files"]["procedures"]["exchange.toml"] = "fine\nbad\n"
        refused = requests.post(where, json=body, headers=mine, timeout=10)
        assert (refused.status_code, refused.json()["code"]) == (422, "files_refused")
        assert refused.json()["problems"] == [
            {"kind": "procedures", "file": "exchange.toml", "line": 2, "reason": "bad"}
        ]
        listed = requests.get(where, headers=mine, timeout=10).json()["sets"]
        assert [(item["kind"], item["version"]) for item in listed] == [("procedures", 1)]
        read = requests.get(f"{where}/procedures", headers=mine, timeout=10).json()
        assert read["files"] == {"exchange.toml": TEXT}
        assert requests.get(f"{where}/labels", headers=mine, timeout=10).status_code == 404
