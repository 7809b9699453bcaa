"""The office's side of proof: lists as head-ends write them, pushes of known and unknown concentrators,
tokens."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fieldtool.errors import JobError
from fieldtool.prooflist import read_list, read_mapping
from fieldtool.proofs import ConcentratorSource, LookupSource, Sources, poll, read_sources, take_push
from fieldtool.proofserver import answer
from fieldtool.tomlfile import FileMistake
from tests.drivers.concentrators.test_reports import S21, S24, payload, soap
from tests.support.commandline import environment, light_vault
from tests.workorders.offices import Bureau
from workorders.gateway.proof import Waits
from workorders.journal.entry import Realm

MAPPING = """
encoding = "cp1252"
time_format = "%d/%m/%Y %H:%M"
time_zone = "America/Lima"
[columns]
serial = "Número"
heard_at = "Última señal"
status = "Estado"
[status]
"Bien" = 2
"""


def test_a_list_is_read_as_its_head_end_writes_it(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text(MAPPING, encoding="utf-8")
    mapping = read_mapping(tmp_path / "map.toml")
    rows = (
        "Número;Última señal;Estado\nZIV1;24/11/2026 10:00;Bien\n;24/11/2026 10:00;Bien\n"
        "ZIV3;ayer;Bien\nZIV4;;2\nZIV5;;?\n"
    )
    (tmp_path / "seen.csv").write_bytes(rows.encode("cp1252"))
    found, errors = read_list(tmp_path / "seen.csv", mapping, "UTC")
    assert [(one.serial, one.heard_at) for one in found] == [
        ("ZIV1", "2026-11-24T15:00:00.000Z"),
        ("ZIV4", None),
    ]
    assert [line.split(":")[1] for line in errors] == ["3", "4", "6"]
    with pytest.raises(JobError, match="not utf-8-sig at byte"):
        read_list(tmp_path / "seen.csv", read_mapping(None), "UTC")
    (tmp_path / "map.toml").write_text(MAPPING.replace("heard_at =", "hurd_at ="), encoding="utf-8")
    with pytest.raises(FileMistake, match="line 7"):
        read_mapping(tmp_path / "map.toml")


def test_a_token_in_the_file_itself_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text('[[lookup]]\nname = "ns"\nurl = "http://x"\ntoken = "s3cret"\n')
    with pytest.raises(FileMistake) as told:
        read_sources(tmp_path / "s.toml")
    assert "s3cret" not in str(told.value)


def test_pushes_are_taken_from_known_concentrators_and_kept_where_they_are_not_understood(
    tmp_path: Path,
) -> None:
    bureau = Bureau.open(tmp_path / "office")
    keep = tmp_path / "kept"

    def push(body: bytes) -> int:
        return answer(bureau.office, "demo", body, keep)[0]

    known = S24.replace("CIR4621511030", "C1")
    assert push(soap("Report", payload(known), concentrator="C1")) == 200
    assert push(soap("UpdateRequestStatus", "", concentrator="c1", status="2")) == 200
    assert not keep.exists()
    values = soap("Report", payload(S21.replace("CIR4621511030", "C1")), concentrator="C1", status="4")
    report = take_push(bureau.office, "demo", values).report
    assert report is not None
    assert (report.seen, report.foreign + report.doubtful) == (
        1,
        1,
    )  # the one that did not answer is no sighting
    strange, broken = soap("Report", payload(S24)), soap("Report", payload(known[:-30]), concentrator="C1")
    assert (push(strange), push(broken), push(broken)) == (400, 400, 400)
    assert sorted(path.read_bytes() for path in keep.iterdir()) == sorted([strange, broken])


def test_a_source_that_fails_stops_no_other_and_is_asked_again_soon(tmp_path: Path) -> None:
    bureau = Bureau.open(tmp_path / "office")

    def no_secret(name: str) -> str:
        raise JobError("no_secret", f"{name} is not there")

    nobody = ConcentratorSource(node="C1", url="http://127.0.0.1:9/")
    sources = Sources(
        lookup=[LookupSource(name="ns", url="http://127.0.0.1:9", token="env:NONE")], concentrator=[nobody]
    )

    def codes() -> list[str]:
        found = poll(bureau.office, "demo", sources, Waits(), no_secret)
        return [(one.error or "").split(":")[0] for one in found.asked]

    assert codes() == ["concentrator-unreachable", "no_secret"]
    assert codes() == []
    bureau.now.forward(minutes=6)
    assert codes() == ["concentrator-unreachable", "no_secret"]
    bureau.office.store.close()


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_asking_ends_well_when_it_is_told_to(tmp_path: Path) -> None:
    """A service manager takes any other status for a fault."""
    light_vault(tmp_path / "gateway", Realm.DEMO)
    home = environment(tmp_path)
    options = {"env": home, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    program = [sys.executable, "-m", "fieldtool", "gateway"]
    subprocess.run([*program, "load", "prime", "--today", "now", "--realm", "demo"], check=True, **options)
    (tmp_path / "s.toml").write_text('[[concentrator]]\nnode = "C1"\nurl = "http://127.0.0.1:9/"\n')
    command = [*program, "proof", "poll", "prime", "--sources", str(tmp_path / "s.toml"), "--json"]
    with subprocess.Popen(command, **options) as process:
        assert process.stdout is not None
        assert "concentrator-unreachable" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
