"""A tablet without anything behind it: answers every question of the screens with invented data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from ui import views
from ui.backend import Answers, Report
from ui.preview import configuring, network, orders, phases, steps, tools
from ui.preview.images import PreviewImage
from ui.preview.many import PreviewBench, PreviewPanels
from ui.preview.office import PreviewOffice
from ui.preview.recordings import PreviewRecordings
from ui.preview.works import WORKS

RIGHT_PIN = "246810"
RIGHT_PASSPHRASE = "el río Ucayali crece"  # noqa: S105 - opens nothing but this preview


@dataclass
class PreviewTablet:
    """`ui.backend.Backend` over `ui.preview`; what the crew answers is kept in `answers`, for tests."""

    rows: Sequence[views.OrderRow] = orders.ROWS
    state: views.Status = orders.STATUS
    sync_view: views.Sync = tools.SYNC
    meter_view: views.Meter = tools.METER
    receivers_view: views.Receivers = tools.RECEIVERS
    step: str = "site"
    picture: str = ""
    overrides: dict[str, views.Step] = field(default_factory=dict)
    answers: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    closed: list[tuple[str, str, str, str]] = field(default_factory=list)
    cancelled: int = 0
    wrong_pins: int = 0
    sight: views.Sighting | views.Failure | None = None
    the_panels: PreviewPanels = field(default_factory=PreviewPanels)
    the_bench: PreviewBench = field(default_factory=PreviewBench)
    the_image: PreviewImage = field(default_factory=PreviewImage)
    the_recordings: PreviewRecordings = field(default_factory=PreviewRecordings)
    the_office: PreviewOffice = field(default_factory=PreviewOffice)

    def status(self) -> views.Status:
        """The strip."""
        return self.state

    def unlock(self, passphrase: str) -> None:
        """`RIGHT_PASSPHRASE` opens one that exists, anything of twelve characters a new one."""
        if self.state.locked == "existing" and passphrase != RIGHT_PASSPHRASE:
            raise views.Failure(
                "La frase de acceso no abre los datos de este equipo.",
                "Revise mayúsculas y espacios. Los datos siguen guardados.",
                "wrong_passphrase",
            )
        if len(passphrase) < self.state.passphrase_least:
            raise views.Failure("La frase de acceso es demasiado débil.", "", "weak_passphrase")
        self.state = msgspec.structs.replace(self.state, locked="")

    def people(self) -> Sequence[views.PersonTile]:
        """Four people, one locked out."""
        return orders.PEOPLE if self.state.enrolled and not self.state.locked else ()

    def enrol(self, url: str, code: str) -> None:
        """Any code of eight letters is right."""
        if len(code) < 8:
            raise views.Failure(
                "Ese código no sirve", "Pida otro a la oficina: vale 24 horas y una sola vez.", "code"
            )
        self.state = msgspec.structs.replace(self.state, enrolled=True)

    def sign_in(self, person_id: str, pin: str) -> views.SignIn:
        """`RIGHT_PIN` opens; the third wrong one locks for 30 s."""
        if pin == RIGHT_PIN:
            self.wrong_pins = 0
            return views.SignIn(ok=True, role="supervisor" if person_id == "p4" else "crew")
        self.wrong_pins += 1
        left = max(0, 3 - self.wrong_pins)
        return views.SignIn(ok=False, attempts_left=left, locked_seconds=0 if left else 30)

    def sign_out(self) -> None:
        """Nothing to end."""

    def orders(self) -> Sequence[views.OrderRow]:
        """The rows given."""
        return self.rows

    def order(self, order_id: str) -> views.OrderView:
        """One order, always the same but for its number."""
        return msgspec.structs.replace(orders.ORDER, id=order_id, number=order_id)

    def find(self, code: str) -> str:
        """The order whose serials hold the code."""
        return next((row.id for row in self.rows if code in row.serials.split()), "")

    def other_camera(self) -> bool:
        """There is only one."""
        return False

    def light(self, on: bool) -> bool:
        """The lamp that `sight` has."""
        if not isinstance(self.sight, views.Sighting) or not self.sight.torch:
            return False
        self.sight = msgspec.structs.replace(self.sight, torch="on" if on else "off")
        return True

    def look(self, sought: views.Sought) -> views.Sighting:
        """What `sight` says; else the second order's meter, a made-up ticket or seal."""
        if isinstance(self.sight, views.Failure):
            raise self.sight
        found = {
            "order": steps.SWAPPED,
            "ticket": "fieldtool:preview",
            "seal": "P-004711",
            "device": "37904000009",
            "node": "SCZ-CD-0409",
        }
        return self.sight or views.Sighting(text=found[sought])

    def start(self, order_id: str) -> views.Procedure:
        """Continues at `step`."""
        return self.show(order_id)

    def accept(self, order_id: str, step: str, answers: Answers) -> views.Procedure:
        """Keeps the answer and goes one step on."""
        self.answers.append((step, dict(answers)))
        at = phases.ORDER_OF_STEPS.index(step)
        if at + 1 == len(phases.ORDER_OF_STEPS):
            return self.show(order_id, finished=True)
        self.step = phases.ORDER_OF_STEPS[at + 1]
        return self.show(order_id)

    def back(self, order_id: str) -> views.Procedure:
        """One step back."""
        self.step = phases.ORDER_OF_STEPS[max(0, phases.ORDER_OF_STEPS.index(self.step) - 1)]
        return self.show(order_id)

    def act(self, order_id: str, step: str, action: str, values: Answers, report: Report) -> views.Procedure:
        """Scanning again at the match makes it equal; allowing finishes the plan; the rest is kept only."""
        self.answers.append((f"{step}:{action}", dict(values)))
        if action == "rescan":
            self.overrides["match"] = steps.MATCH_RIGHT
        if action in ("apply", "allow"):
            report(self.show(order_id))
            self.overrides["configure"] = configuring.PLAN_DONE
        if action == "position":
            self.overrides[step] = msgspec.structs.replace(self.shown(), **steps.SEARCHING)
        if action == "photo":
            shown = self.shown()
            taken = {"photos": ("p1",)} if shown.kind == "value" else {"live": False, "value": "taken"}
            self.overrides[step] = msgspec.structs.replace(shown, **taken)
        return self.show(order_id)

    def listen(self, changed: Report) -> None:
        """Nothing changes by itself here."""

    def cancel(self) -> None:
        """Counts."""
        self.cancelled += 1

    def reasons(self, order_id: str) -> Sequence[views.Choice]:
        """Eight reasons."""
        return orders.REASONS

    def not_done(self, order_id: str, reason: str, note: str, photo: str) -> None:
        """Keeps what was said."""
        self.closed.append((order_id, reason, note, photo))

    def change_work(self, order_id: str, to: str, reason: str, note: str, photo: str) -> views.Procedure:
        """Keeps what was said; the steps stay."""
        self.closed.append((order_id, f"{to}:{reason}", note, photo))
        return self.show(order_id)

    def take_photo(self) -> str:
        """The preview's picture."""
        return self.picture or "preview"

    def meter(self) -> views.Meter:
        """State given."""
        return self.meter_view

    def read_meter(self, report: Callable[[views.Meter], None]) -> views.Meter:
        """Half way, then read."""
        report(views.Meter(state="reading", progress=0.5, progress_text="Leyendo"))
        self.meter_view = tools.METER
        return self.meter_view

    def use_head(self, head: str) -> views.Meter:
        """Kept."""
        self.meter_view = views.Meter(state="ready", head="ansi" if head == "ansi" else "iec")
        return self.meter_view

    def receivers(self) -> views.Receivers:
        """Two ports."""
        return self.receivers_view

    def use_receiver(self, key: str) -> views.Receivers:
        """Chooses."""
        self.receivers_view = msgspec.structs.replace(self.receivers_view, chosen=key)
        return self.receivers_view

    def refresh_meter(self) -> views.Meter:
        """The same again."""
        return self.meter_view

    def leave_meter(self) -> None:
        """Nothing is held."""

    def sync_state(self) -> views.Sync:
        """State given."""
        return self.sync_view

    def stop_sync(self) -> None:
        """Nothing runs."""

    def choose_sync(self, key: str, value: str) -> views.Sync:
        """Chosen."""
        choices = tuple(
            msgspec.structs.replace(one, value=value) if one.key == key else one
            for one in self.sync_view.choices
        )
        self.sync_view = msgspec.structs.replace(self.sync_view, choices=choices)
        return self.sync_view

    def sync(self, report: Callable[[views.Sync], None], all_files: bool = False) -> views.Sync:
        """Half way, then nothing waits."""
        del all_files
        report(msgspec.structs.replace(self.sync_view, running=True, stage="Enviando", progress=0.5))
        self.sync_view = views.Sync(online=True, summary="Todo enviado y respondido.")
        self.state = msgspec.structs.replace(self.state, online=True, waiting=0, last="10:50")
        return self.sync_view

    def hand_over(self) -> str:
        """A made-up name."""
        return "SCZ-07-000042.bundle"

    def take_from_stick(self) -> str:
        """A made-up hand-over."""
        return "Entrega de la cuadrilla 7: 23 registros, 4 fotos. Sale con la próxima conexión."

    def network(self, key: str, search: str, count: int) -> views.NetworkLevel:
        """Three levels of an invented network."""
        del count
        if search:
            return network.FOUND
        return {"": network.TOP, "C1-P02": network.DEVICES}.get(key, network.PANELS)

    def stock(self) -> views.Stock:
        """A truck with a few meters."""
        return tools.STOCK

    def move_stock(self, act: str, serials: Sequence[str], crew: str) -> views.StockDone:
        """Keeps what was said; a count misses one."""
        self.answers.append((f"stock:{act}", {"serials": list(serials), "crew": crew}))
        if act == "count":
            return tools.COUNTED
        return views.StockDone(text=f"{len(serials)} equipos guardados en este equipo")

    def references(self) -> Sequence[views.Reference]:
        """Three kinds, one of them behind the office."""
        return tools.REFERENCES

    def panels(self) -> PreviewPanels:
        """The invented panels."""
        return self.the_panels

    def bench(self) -> PreviewBench:
        """The invented bench."""
        return self.the_bench

    def image(self) -> PreviewImage:
        """The invented firmware."""
        return self.the_image

    def recordings(self) -> PreviewRecordings:
        """Invented sessions."""
        return self.the_recordings

    def office(self) -> PreviewOffice:
        """The invented office."""
        return self.the_office

    def close(self) -> None:
        """Nothing to close."""

    def shown(self) -> views.Step:
        """The page of the current step."""
        return self.overrides.get(self.step, steps.STEPS[self.step])

    def show(self, order_id: str, *, finished: bool = False) -> views.Procedure:
        """The procedure at the current step."""
        step = self.shown()
        if self.picture and step.picture:
            step = msgspec.structs.replace(step, picture=self.picture)
        failed = step.kind == "match" and step.tone == "wrong"
        detail = {"match": "No coincide" if failed else "Coincide"}.get(self.step, "En curso")
        if step.progress_text and step.kind == "plan_apply":
            detail = "Escribiendo"
        following = "Cerrado hasta que coincida" if failed else ""
        shown_title = step.title if step.kind != steps.STEPS[self.step].kind else ""
        return views.Procedure(
            order_id=order_id,
            title="Macororó VIII · P3 · posición 11",
            phases=phases.phases(
                self.step, "failed" if failed else "current", detail, following, shown_title
            ),
            step=step,
            saved_at="10:42:58" if self.step == "configure" else "10:42:07",
            finished=finished,
            works=WORKS,
        )
