"""Files that an engineer publishes to the tablets of a project: checked, versioned, signed, a set per kind.

The newest version of each set is in force; earlier ones stay, because entries refer to them. That a set was
published, and by whom, is an entry on the project's chain.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from sqlalchemy import Connection, select

from workorders.gateway import references
from workorders.gateway.chains import writing
from workorders.gateway.errors import InvalidInput, NotFound, TooLarge
from workorders.gateway.office import Office
from workorders.gateway.tables import project as project_table
from workorders.journal.kinds import ReferenceReceived
from workorders.journal.writer import Draft
from workorders.store import schema
from workorders.sync import reference
from workorders.sync.reference import FileReader, FileSet
from workorders.sync.wire import FileProblem

Files = Mapping[str, Mapping[str, str]]
"""Text by file name by kind (`procedures`, `models`, `programs`, `labels`, `technologies`)."""

FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}\.toml")
"""What every file system takes and no path can hide in."""
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{n}{i}" for n in ("com", "lpt") for i in range(1, 10))})


class FilesRefused(InvalidInput):
    """Files with mistakes; nothing was published."""

    code = "files_refused"
    title = "The files have mistakes"

    def __init__(self, problems: list[FileProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


class PublishedSet(msgspec.Struct, frozen=True, kw_only=True):
    """The set of a kind that is in force. `published`: whether this act made it, or it was there already."""

    name: str
    kind: str
    version: int
    sha256: str
    published_at: str
    files: list[str]
    published: bool = False


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """What was published. `doubts` did not stop it, but somebody should look."""

    project: str
    sets: list[PublishedSet]
    doubts: list[FileProblem]


def publish_files(
    office: Office,
    project: str,
    files: Files,
    *,
    reader: FileReader,
    whole: bool = False,
    actor: str | None = None,
) -> Publication:
    """Publish files to the tablets of a project; all of them or, where one has a mistake, none.

    Args:
        whole: the files of a kind are all that the set shall hold; else they are put into it beside those
            that it has.

    Raises:
        NotFound: no such project.
        FilesRefused: with file, line and reason of every mistake.
        TooLarge: a set over the limit of the protocol.
    """
    _check_names(files)
    with office.store.read() as connection:
        check_project(connection, project)
    problems: list[FileProblem] = []
    doubts: list[FileProblem] = []
    with writing(office, project) as (connection, write):
        sets: list[PublishedSet] = []
        drafts: list[Draft] = []
        for kind in sorted(files):
            before = _in_force(connection, project, kind)
            earlier = before[1].files if before else {}
            merged = dict(sorted((files[kind] if whole else {**earlier, **files[kind]}).items()))
            problems += reader.problems(kind, merged)
            doubts += reader.doubts(kind, merged, earlier)
            made = _publish(connection, office, project, kind, merged, before)
            sets.append(made)
            if made.published:
                payload = ReferenceReceived(name=made.name, version=made.version, sha256=made.sha256)
                drafts.append(Draft(payload=payload, actor=actor))
        if problems:
            raise FilesRefused(problems)
        if drafts:
            write(drafts)
    return Publication(project=project, sets=sets, doubts=doubts)


def published_sets(office: Office, project: str) -> list[PublishedSet]:
    """The sets of files that are in force in a project, by kind.

    Raises:
        NotFound: no such project.
    """
    with office.store.read() as connection:
        check_project(connection, project)
        found = [(kind, _in_force(connection, project, kind)) for kind in reference.FILE_KINDS]
    return [_described(*before) for _, before in found if before is not None]


def published_files(office: Office, project: str, kind: str) -> FileSet:
    """The files of a set that is in force.

    Raises:
        NotFound: nothing of this kind was published.
    """
    with office.store.read() as connection:
        found = _in_force(connection, project, kind)
    if found is None:
        raise NotFound(f"no {kind} were published in the project {project}")
    return found[1]


class _Row(msgspec.Struct, frozen=True):
    name: str
    version: int
    sha256: str


def _in_force(connection: Connection, project: str, kind: str) -> tuple[_Row, FileSet] | None:
    table = schema.reference_set
    name = reference.files_of(project, kind)
    query = select(table).where(table.c.name == name).order_by(table.c.version.desc()).limit(1)
    row = connection.execute(query).first()
    if row is None:
        return None
    return _Row(row.name, row.version, row.sha256), reference.read_files(row.body)


def _publish(
    connection: Connection,
    office: Office,
    project: str,
    kind: str,
    files: dict[str, str],
    before: tuple[_Row, FileSet] | None,
) -> PublishedSet:
    if before is not None and before[1].files == files:
        return _described(*before)
    made = FileSet(published_at=office.time(), files=files)
    body = msgspec.json.encode(made)
    if len(body) > reference.MAX_FILE_SET_BYTES:
        raise TooLarge(f"the {kind} are more than {reference.MAX_FILE_SET_BYTES} bytes together")
    item = references.publish(connection, office, reference.files_of(project, kind), body)
    return _described(_Row(item.name, item.version, item.sha256), made, published=True)


def _described(row: _Row, found: FileSet, *, published: bool = False) -> PublishedSet:
    return PublishedSet(
        name=row.name,
        kind=row.name.rsplit("/", 1)[-1],
        version=row.version,
        sha256=row.sha256,
        published_at=found.published_at,
        files=sorted(found.files),
        published=published,
    )


def check_project(connection: Connection, project: str) -> None:
    """Raise NotFound where there is no such project."""
    query = select(project_table.c.project_id).where(project_table.c.project_id == project)
    if connection.execute(query).first() is None:
        raise NotFound(f"there is no project {project}")


def _check_names(files: Files) -> None:
    """Kinds and names that a tablet can lay out as files.

    Raises:
        FilesRefused
    """
    problems: list[FileProblem] = []

    def refuse(kind: str, name: str, reason: str) -> None:
        problems.append(FileProblem(kind=kind, file=name, line=0, reason=reason))

    if not any(files.values()):
        raise InvalidInput("no file was given", code="no_files")
    for kind, texts in files.items():
        if kind not in reference.FILE_KINDS:
            refuse(kind, "", f"this kind is not published; it is one of {', '.join(reference.FILE_KINDS)}")
        for name in texts:
            if not FILE_NAME.fullmatch(name) or name.split(".")[0].lower() in _DEVICES:
                refuse(kind, name, "a name is letters, digits, . _ + - and ends in .toml")
        alike = {name.casefold() for name in texts}
        if len(alike) < len(texts):
            refuse(kind, "", "two names differ only in capitals, which some machines do not tell apart")
    if problems:
        raise FilesRefused(problems)
