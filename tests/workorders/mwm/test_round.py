"""A whole round over each link: order in, executed by a crew, result out - once, whatever the line does."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from tests.workorders.mwm.field import NOW, ORDER, SCHEMAS, execute, links_file, open_file, state, virtual_mwm
from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from workorders.gateway import acts, persons
from workorders.gateway.links import ledger
from workorders.gateway.rows import order_mrid
from workorders.gateway.tables import mwm_inbox
from workorders.journal.kinds import BlobTaken, OrderCompleted, OrderStarted, Payload, ProcedureChanged
from workorders.journal.sealing import seal_blob
from workorders.mwm.cim.messages import read_reply
from workorders.mwm.port import Unauthorised
from workorders.mwm.virtual.server import Server
from workorders.mwm.virtual.state import request_message
from workorders.people import Role
from workorders.store import keys
from workorders.store.queries import order as order_query

W1 = order_mrid("demo", "W-1")


def rounds(bureau: Bureau, path: Path, *, until: int = 60) -> None:
    """Rounds, each by a new process, until nothing waits; time passes between them."""
    for _ in range(until):
        link = open_file(bureau, path)
        link.round()
        link.port.close()
        bureau.now.forward(minutes=20)
        if state(bureau, link.name).waiting == 0 and link.round().trouble is None:
            return


@pytest.fixture
def bureau(tmp_path: Path) -> Bureau:
    return Bureau.open(tmp_path)


@pytest.mark.parametrize("which", ["cim", "rest"])
def test_an_order_comes_in_is_executed_and_its_result_goes_out_once(
    bureau: Bureau, tmp_path: Path, which: str
) -> None:
    with virtual_mwm("429=0.1,500=0.1,lost=0.1,duplicate=0.3,reorder=0.3", seed=7) as server:
        server.mwm.load_truck("A", ["ZIV0000000001"])
        server.mwm.plan(ORDER, NOW)
        path = links_file(tmp_path, server.url, which, "attempts = 50")
        rounds(bureau, path)
        with bureau.office.store.read() as connection:
            detail = order_query(connection, W1)
        assert detail is not None
        assert (detail.row.number, detail.row.old_serial, detail.row.crew) == ("W-1", "OLD3", "A")
        assert detail.order.place.transformer == "T2"
        assert (detail.customer.name, detail.customer.notes) == ("Ñusta <Quispe>", "Perro")
        tablet = bureau.tablet("A")
        tablet.sync()
        assert W1 in tablet.order_ids()
        execute(tablet, W1)
        rounds(bureau, path)
        assert state(bureau, which).waiting == state(bureau, which).dead_out == 0
        check = {"cim": cim_result, "rest": rest_result}[which]
        check(server)
        assert {"429", "500", "lost"} <= server.mwm.faults.hit.keys()
        seen = len(server.mwm.messages), str(server.mwm.installed)
        rounds(bureau, path, until=2)
        assert seen == (len(server.mwm.messages), str(server.mwm.installed))


def cim_result(server: Server) -> None:
    mwm = server.mwm
    assert mwm.requests == {}
    (result,) = [body.decode() for body in mwm.messages.values() if b"WorkResults" in body]
    assert "<p3:statusKind>completed<" in result
    assert "<p3:serialNumber>ZIV0000000001<" in result
    found = re.findall(r"<p1:value>([^<]+)</p1:value><p1:ReadingType ref=\"([^\"]+)\"", result)
    assert ("01234.5", "0.0.0.1.1.1.12.0.0.0.0.0.0.0.0.3.72.0") in found
    assert ("0", "0.0.0.1.19.1.12.0.0.0.0.1.0.0.0.0.72.0") in found
    assert ("229.9", "obis:3:1.0.32.7.0.255:2") in found
    kinds = [re.search(rb'EndDeviceEventType ref="([^"]+)"', one) for one in mwm.messages.values()]
    assert {kind[1].decode() for kind in kinds if kind} == {
        "order.progressed", "order.started", "device.removed", "device.placed",
    }  # fmt: skip


def rest_result(server: Server) -> None:
    (activity,) = server.mwm.activities.values()
    assert activity["status"] == "completed"
    assert (activity["XA_FINAL"], activity["XA_INITIAL"], activity["XA_REMOVED"]) == (
        "01234.5",
        "0.012",
        "OLD3",
    )
    (installed,) = server.mwm.installed.values()
    assert [one["serialNumber"] for one in installed] == ["ZIV0000000001"]
    (old,) = server.mwm.customer.values()
    assert [(one["serialNumber"], one["status"]) for one in old] == [("OLD3", "deinstalled")]


def test_changes_and_a_withdrawal_follow_and_an_older_one_is_passed_over(
    bureau: Bureau, tmp_path: Path
) -> None:
    with virtual_mwm() as server:
        path = links_file(tmp_path, server.url, "cim")
        server.mwm.plan(ORDER, NOW)
        server.mwm.plan(ORDER | {"crew": "B"}, "2026-03-01T16:00:00.000Z")
        server.mwm.plan(ORDER | {"crew": "A", "notes": "older"}, "2026-03-01T15:30:00.000Z")
        report = open_file(bureau, path).round()
        assert (report.issued, report.changed, report.same) == (1, 1, 1)
        server.mwm.cancel("W-1", "2026-03-01T17:00:00.000Z")
        server.mwm.cancel("W-404", "2026-03-01T17:00:00.000Z")
        report = open_file(bureau, path).round()
        assert (report.cancelled, report.refused) == (1, 1)
        with bureau.office.store.read() as connection:
            detail = order_query(connection, W1)
        assert detail is not None
        assert (detail.row.status, detail.row.crew, detail.customer.notes) == ("cancelled", "B", "Perro")
        assert b"unknown_order" in server.mwm.replies[-1]


def test_a_system_may_send_its_messages_to_the_gateway(bureau: Bureau) -> None:
    persons.add_user(bureau.office, name="MWM", role=Role.INTEGRATOR, person_id="mwm", pin="493817")
    body = request_message("m-9", "create", ORDER, NOW)
    with serving(bureau) as url:
        sign_in = requests.post(
            f"{url}/v1/sessions", json={"user": "mwm", "pin": "493817"}, timeout=20
        ).json()
        headers = {"Authorization": f"Bearer {sign_in['token']}", "Content-Type": "application/xml"}

        def post(project: str, data: bytes) -> requests.Response:
            where = {"project": project, "link": "cim"}
            return requests.post(f"{url}/v1/messages", params=where, data=data, headers=headers, timeout=20)

        for _ in range(2):
            answer = post("demo", body)
            assert answer.headers["Content-Type"].startswith("application/xml")
            assert read_reply(answer.content, SCHEMAS).result == "OK"
        assert read_reply(post("demo", body[:-9]).content, SCHEMAS).errors[0].startswith("not_xml")
        assert post("none", body).status_code == 404
    with bureau.office.store.read() as connection:
        assert order_query(connection, W1) is not None
        assert ledger.state_of(connection, ledger.link_key("demo", "cim")).taken == 1


def test_what_cannot_be_taken_is_kept_whole_and_taken_after_the_cause_is_gone(
    each_database: str, tmp_path: Path
) -> None:
    bureau = Bureau.open(tmp_path)
    with virtual_mwm() as server:
        path = links_file(tmp_path, server.url, "rest")
        server.mwm.plan(ORDER | {"crew": "Z"}, NOW)
        assert open_file(bureau, path).round().refused == 1
        with bureau.office.store.read() as connection:
            (letter,) = ledger.dead_letters(connection, ledger.link_key("demo", "rest"))
            assert (letter.way, letter.number, letter.code) == ("in", "W-1", "unknown_crew")
            assert b"Quispe" in connection.execute(select(mwm_inbox.c.original)).scalar()
        from tests.workorders.offices import PROJECT, write_project
        from workorders.gateway.load import load_project

        more = PROJECT.replace('[[crew]]\nid = "B"', '[[crew]]\nid = "Z"\nname = "Z"\n[[crew]]\nid = "B"')
        load_project(bureau.office, write_project(tmp_path / "again", project=more))
        assert ledger.retry(bureau.office, ledger.link_key("demo", "rest")) == (0, 1)
        open_file(bureau, path).round()
        with bureau.office.store.read() as connection:
            assert order_query(connection, W1) is not None
            assert connection.execute(select(mwm_inbox.c.original)).scalars().all() == [None]


def test_a_link_that_is_not_let_in_rests_and_one_process_works_on_it_at_a_time(
    bureau: Bureau, tmp_path: Path
) -> None:
    with virtual_mwm() as server:
        server.mwm.plan(ORDER, NOW)
        path = links_file(tmp_path, server.url, "rest")
        server.secret = "changed"
        report = open_file(bureau, path).round()
        assert report.rests
        assert Unauthorised.code == "mwm_unauthorised"
        server.secret = "s3cret"
        assert ledger.take_lease(bureau.office, ledger.link_key("demo", "rest"), "other")
        assert open_file(bureau, path).round().busy
        bureau.now.forward(minutes=6)  # that one died
        assert open_file(bureau, path).round().issued == 1


def test_webhooks_are_signed_in_the_order_of_the_record_and_end_as_dead_letters(
    bureau: Bureau, tmp_path: Path
) -> None:
    with virtual_mwm("500=0.4,lost=0.3", seed=3) as server:
        path = links_file(tmp_path, server.url, "hook", "only_own = false\nattempts = 30")
        tablet = bureau.tablet("A")
        tablet.sync()
        execute(tablet, order_mrid("demo", "000"))
        acts.cancel_order(bureau.office, order_mrid("demo", "003"), "dicho por Rosa")
        server.mwm.faults.rates["500"], often = 1.0, server.mwm.faults.rates["500"]
        assert open_file(bureau, path).round().put_off == 1
        server.mwm.faults.rates |= {"500": 0.0, "lost": 0.0}
        open_file(bureau, path).round()  # what waits for its next try holds up its order, and no other
        before = {one["body"]["data"]["about"]["number"] for one in server.mwm.hooks}
        assert before == {"003"}
        server.mwm.faults.rates |= {"500": often, "lost": 0.3}
        rounds(bureau, path)
        told = list({one["id"]: one["body"] for one in server.mwm.hooks}.values())
        mine = [one["type"] for one in told if one["data"]["about"]["number"] == "000"]
        assert mine[:2] == ["order.progressed", "order.started"]
        assert mine[-1] == "order.completed"
        assert "Rosa" not in str(server.mwm.hooks)
        assert state(bureau, "hook").dead_out == 0
    path = links_file(tmp_path, server.url, "hook", "only_own = false\nattempts = 1")
    acts.cancel_order(bureau.office, order_mrid("demo", "005"), "x")
    rounds(bureau, path, until=2)
    assert state(bureau, "hook").dead_out == 1


def test_the_record_follows_as_a_file_when_it_is_here_and_only_where_it_may(
    bureau: Bureau, tmp_path: Path
) -> None:
    with virtual_mwm() as server:
        server.mwm.plan(ORDER, NOW)
        path = links_file(tmp_path, server.url, "rest", "personal = true")
        rounds(bureau, path)
        tablet = bureau.tablet("A")
        tablet.sync()
        with tablet.store.read() as connection:
            key = keys.order_key(connection, W1)
        sealed = seal_blob(key, b"%PDF-1.7 acta")
        taken = BlobTaken(
            sha256=hashlib.sha256(sealed).hexdigest(),
            plain_sha256=hashlib.sha256(b"%PDF-1.7 acta").hexdigest(),
            size=len(sealed),
            media_type="application/pdf",
            what="record",
            key_id=key.key_id,
        )
        tablet.journal.append(taken, order_id=W1, order_version=1, actor="ana", project="demo")
        execute(tablet, W1)
        rounds(bureau, path, until=2)
        assert server.mwm.files == {}  # the file is still on the tablet; the result did not wait for it
        assert [one["status"] for one in server.mwm.activities.values()] == ["completed"]
        assert tablet.blobs.put(sealed) == taken.sha256
        tablet.sync()
        rounds(bureau, path)
        (file,) = server.mwm.files.values()
        assert (file["type"], file["data"]) == ("application/pdf", b"%PDF-1.7 acta")
        assert state(bureau, "rest").waiting == 0


def test_a_result_says_the_work_that_was_performed_where_it_is_not_the_ordered_one(
    bureau: Bureau, tmp_path: Path
) -> None:
    """The order of an exchange ended as *completed* though nothing was exchanged: a wrong invoice."""
    order = order_mrid("demo", "000")
    tablet = bureau.tablet("A")
    tablet.sync()
    written: list[Payload] = [
        OrderStarted(procedure="exchange", procedure_version=1, crew="A"),
        ProcedureChanged(
            procedure="irregularity",
            procedure_version=1,
            was="exchange",
            task="investigate",
            reason="bypass",
            crew="A",
        ),
        OrderCompleted(record_hash="ab" * 32, blobs=[], crew="A"),
    ]
    for payload in written:
        tablet.journal.append(payload, order_id=order, order_version=1, actor="ana", project="demo")
    tablet.sync()
    with bureau.office.store.read() as connection:
        detail = order_query(connection, order)
    assert detail is not None
    assert [case.kind for case in detail.exceptions] == ["procedure_changed"]
    with virtual_mwm("", seed=3) as server:
        rounds(bureau, links_file(tmp_path, server.url, "hook", "only_own = false"))
        told = [one["body"]["data"] for one in server.mwm.hooks]
    (result,) = [one for one in told if one.get("status") == "completed"]
    assert (result["about"]["task"], result["performed"]) == ("exchange", "investigate")
    assert result["performed_reason"] == "bypass"
    rounds(bureau, links_file(tmp_path, "", "files", "only_own = false"), until=2)
    messages = [one.read_text(encoding="utf-8") for one in sorted((tmp_path / "out").rglob("*.xml"))]
    (work,) = [one for one in messages if "WorkResults" in one]
    assert re.search(r"performedKind>investigate<.*performedReason>bypass<", work)
