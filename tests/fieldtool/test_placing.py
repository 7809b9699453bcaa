"""The place picker: what the order allows, what was used of late, what is near, a label scanned."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldtool.errors import StepRefused
from fieldtool.procedure.views import PlaceBody
from fieldtool.run import ProcedureRun
from fieldtool.text import Language
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.test_jobs import NO_OLD, job_world
from tests.fieldtool.world import World
from workorders.journal.kinds import DevicePlaced
from workorders.journal.words import TaskKind
from workorders.network import Node, load_network
from workorders.store import queries


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **NO_OLD)
    nodes = [
        Node(mrid="ST", kind="substation"),
        Node(mrid="CT-28101", kind="transformer", parent="ST"),
        Node(
            mrid="CT-28101-DC",
            kind="concentrator",
            parent="CT-28101",
            capacity=80,
            lat="39.4699",
            lon="-0.3763",
        ),
    ]
    for n, (lat, lon) in enumerate((("39.4705", "-0.3763"), ("39.4801", "-0.3763"), ("41.1", "-0.3"))):
        nodes.append(Node(mrid=f"CT-{n}", kind="transformer", parent="ST"))
        nodes.append(
            Node(
                mrid=f"CT-{n}-DC",
                kind="concentrator",
                parent=f"CT-{n}",
                name=f"DC {n}",
                identity=f"mac=40402200000{n}",
                lat=lat,
                lon=lon,
            )
        )
    nodes.append(Node(mrid="P-7", kind="panel", parent="CT-28101", name="Piso 7", capacity=12))
    with world.store.write() as connection:
        load_network(connection, w.PROJECT, nodes)
        w.keys.put_order_key(connection, "before", w.new_order_key())
    world.journal.append(DevicePlaced(serial="A1", model="m", concentrator="CT-2-DC"), order_id="before")
    return world


def at_place(world: World) -> tuple[ProcedureRun, PlaceBody]:
    run = world.run()
    work(run, until="place")
    view = run.view(Language.ES).current
    assert view is not None
    assert isinstance(view.body, PlaceBody)
    return run, view.body


def test_the_orders_own_comes_first_then_those_of_late_then_the_nearest(world: World) -> None:
    _, body = at_place(world)
    offered = [(one.id, one.group) for one in body.concentrators]
    assert offered[0] == ("CT-28101-DC", "here")
    assert ("CT-2-DC", "recent") in offered
    near = [one for one in body.concentrators if one.group == "near"]
    assert [one.id for one in near] == ["CT-0-DC", "CT-1-DC"]
    assert near[0].distance_m is not None
    assert near[0].distance_m < 100
    assert len({one.id for one in body.concentrators}) == len(body.concentrators)


@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("40:40:22:00:00:01", ("concentrator", "CT-1-DC")),
        ("ct-1-dc", ("concentrator", "CT-1-DC")),
        ("DC 0", ("concentrator", "CT-0-DC")),
        ("P-7", ("panel", "P-7")),
        ("Piso 7", ("panel", "P-7")),
        ("CT-1", None),
        ("40:40:22:00:00:99", None),
        ("", None),
    ],
)
def test_a_label_is_a_collector_a_panel_or_nothing_of_this_network(
    world: World, label: str, found: tuple[str, str] | None
) -> None:
    run, _ = at_place(world)
    assert run.place_called(label) == found


def test_a_collector_of_another_transformer_is_told_before_the_crew_goes(world: World) -> None:
    run, _ = at_place(world)
    work(run, {"place": {"concentrator": "CT-0-DC"}})
    [completed] = world.payloads("order.completed")
    assert "collector_elsewhere" in completed["flags"]


def test_a_panel_of_another_transformer_feeds_its_meters_from_there(world: World) -> None:
    """The order's transformer was recorded: both balances were wrong, and nobody heard of it."""
    nodes = [Node(mrid="ST", kind="substation"), Node(mrid="CT-0", kind="transformer", parent="ST")]
    nodes.append(Node(mrid="CT-0-DC", kind="concentrator", parent="CT-0"))
    nodes.append(Node(mrid="P-7", kind="panel", parent="CT-0", name="Piso 7", capacity=12))
    run, _ = at_place(world)
    with world.store.write() as connection:
        load_network(connection, w.PROJECT, nodes)
    work(run, {"place": {"panel": "P-7", "slot": 3, "concentrator": "CT-0-DC"}})
    [placed] = world.payloads("device.placed")
    assert (placed["transformer"], placed["panel"]) == ("CT-0", "P-7")
    [completed] = world.payloads("order.completed")
    assert "panel_elsewhere" in completed["flags"]
    assert "collector_elsewhere" not in completed["flags"]


def test_a_device_that_stands_elsewhere_is_placed_only_by_somebody_who_may(world: World) -> None:
    """Two places at once cannot happen unnoticed here; that it may be right here is a fact for the office."""
    run, _ = at_place(world)
    # A pull in the middle of the visit: the match was right when it was made.
    world.journal.append(
        DevicePlaced(serial=w.NEW_SERIAL, model="m", usage_point="U-OTHER", concentrator="CT-2-DC"),
        order_id="before",
    )
    with pytest.raises(StepRefused) as refused:
        run.accept({})
    [problem] = refused.value.problems
    assert (problem.code, problem.overridable) == ("serial_elsewhere", True)
    assert problem.params == {"place": "U-OTHER"}
    run.accept({"override": {"person": "lead-1", "reason": "list_outdated", "pin": "482615"}})
    work(run)
    [completed] = world.payloads("order.completed")
    assert "serial_elsewhere" in completed["flags"]
    assert "capacity_overridden" not in completed["flags"]
    [placed] = world.payloads("device.placed")
    assert placed["passed"] == ["serial_elsewhere"]
    assert "elsewhere_overridden" in cases(world)
    assert "capacity_overridden" not in cases(world)


def test_a_collector_that_is_full_and_a_device_that_stands_elsewhere_are_two_cases(world: World) -> None:
    """Whatever was passed was told as a full concentrator."""
    run, _ = at_place(world)
    with world.store.write() as connection:
        full = Node(mrid="CT-28101-DC", kind="concentrator", parent="ST", capacity=0)
        load_network(connection, w.PROJECT, [Node(mrid="ST", kind="substation"), full])
    world.journal.append(
        DevicePlaced(serial=w.NEW_SERIAL, model="m", usage_point="U-OTHER", concentrator="CT-2-DC"),
        order_id="before",
    )
    run.accept({"override": {"person": "lead-1", "reason": "list_outdated", "pin": "482615"}})
    work(run)
    [completed] = world.payloads("order.completed")
    assert {"serial_elsewhere", "capacity_overridden"} <= set(completed["flags"])
    assert {"elsewhere_overridden", "capacity_overridden"} <= set(cases(world))
    assert world.digest_is_stable()


def test_an_override_that_passes_nothing_is_no_case(world: World) -> None:
    run, _ = at_place(world)
    run.accept({"override": {"person": "lead-1", "reason": "emergency", "pin": "482615"}})
    work(run)
    assert "override" not in world.payloads("device.placed")[0]
    assert "capacity_overridden" not in cases(world)


def cases(world: World) -> list[str]:
    with world.store.read() as connection:
        return [case.kind for case in queries.exceptions(connection)]
