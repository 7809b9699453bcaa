"""What stands is asked or measured once more from the summary, and the newer answer counts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldtool.identity import last_four
from fieldtool.run import ProcedureRun
from tests.fieldtool import test_balance_step as balancing
from tests.fieldtool import world as w
from tests.fieldtool.jobs import work
from tests.fieldtool.test_jobs import NO_OLD, job_world
from tests.fieldtool.test_jobs_network import TOTALIZER
from tests.fieldtool.world import World
from tests.ui.world_tablet import wired
from ui import views
from ui.wiring.tablet import WiredTablet
from workorders.journal.words import JoinState, TaskKind

totalizer = balancing.world
SUMMARY = "leave"


class Asked:
    """The backend of the screens at one order."""

    def __init__(self, world: World, backend: WiredTablet) -> None:
        self.world, self.backend, self.order = world, backend, world.order.mrid
        self.run: ProcedureRun = backend.runs.run(self.order)
        self.page = backend.start(self.order)

    @property
    def step(self) -> views.Step:
        step = self.page.step
        assert step is not None
        return step

    def open(self) -> None:
        """Opens the page, after the run was walked without it."""
        self.page = self.backend.start(self.order)

    def act(self, action: str, **values: object) -> None:
        self.page = self.backend.act(self.order, self.step.key, action, values, lambda _: None)

    def accept(self) -> None:
        self.page = self.backend.accept(self.order, self.step.key, {})

    def risks(self) -> list[str]:
        """Steps that the summary asks to look at once more."""
        return [choice.key for choice in self.step.choices]

    def said(self, step: str, field: str) -> list[object]:
        """A field of every accepted answer to a step, oldest first."""
        done = [one for one in self.world.payloads("step.done") if one["step"] == step]
        return [one["answers"].get(field) for one in done]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Asked]:
    world = job_world(tmp_path, monkeypatch, TaskKind.INSTALL, **NO_OLD)
    backend, _ = wired(world, tmp_path)
    yield Asked(world, backend)
    backend.close()


def test_a_join_that_was_pending_is_asked_again_from_the_summary(install: Asked) -> None:
    """The page said *Comunicando*, and the record kept *pendiente* with its risk."""
    meter = install.world.meters["new"]
    meter.joined = JoinState.PENDING
    work(install.run, until=SUMMARY)
    install.open()
    assert "join" in install.risks()
    install.act("go", step="join")
    meter.joined = JoinState.JOINED
    install.act("join")
    install.accept()
    assert install.said("join", "state") == ["pending", "joined"]
    work(install.run, until=SUMMARY)
    install.open()
    assert "join" not in install.risks()


def test_what_stands_is_not_written_again_where_nothing_was_asked(install: Asked) -> None:
    work(install.run, until=SUMMARY)
    install.open()
    for step in ("configure", "relay", "join"):
        install.act("go", step=step)
        install.accept()
        assert len(install.said(step, "state")) == 1


def test_a_comparison_and_a_relay_test_made_again_are_kept(install: Asked) -> None:
    work(install.run, until=SUMMARY)
    install.open()
    install.act("go", step="configure")
    install.act("plan")
    install.accept()
    assert len(install.said("configure", "program")) == 2
    work(install.run, until=SUMMARY)
    install.open()
    install.act("go", step="relay")
    install.act("relay", confirmation=last_four(w.NEW_SERIAL))
    install.accept()
    assert install.said("relay", "result")[-2:] == ["verified", "verified"]


def test_a_balance_that_did_not_close_is_measured_again_from_the_summary(
    totalizer: World, tmp_path: Path
) -> None:
    backend, _ = wired(totalizer, tmp_path)
    asked = Asked(totalizer, backend)
    work(asked.run, TOTALIZER, until="balance")
    for serial, watts in ((w.NEW_SERIAL, "20050"), ("A1", "1200"), ("B2", "800"), (w.NEW_SERIAL, "20030")):
        balancing.read(asked.run, serial, watts)
    asked.run.accept({"reason": "does_not_close", "note": "la otra barra"})
    work(asked.run, TOTALIZER, until=SUMMARY)
    asked.open()
    assert "balance" in asked.risks()
    asked.act("go", step="balance")
    for serial, watts in ((w.NEW_SERIAL, "2005"), ("A1", "1200"), ("B2", "800"), (w.NEW_SERIAL, "2003")):
        balancing.read(asked.run, serial, watts)
    asked.open()
    asked.accept()
    assert asked.said("balance", "band")[-1] == "fine"
    work(asked.run, TOTALIZER, until=SUMMARY)
    asked.open()
    assert "balance" not in asked.risks()
    backend.close()
