"""What a program is told of an order: by the office, by the project, and by the plates that a crew read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.values import ValueMistake, normalise

if TYPE_CHECKING:
    from fieldtool.run.run import ProcedureRun

_RATIOS = ("ct", "vt")


def program_values(run: ProcedureRun) -> dict[str, str]:
    """Values by name: `order.…` and the order's own names, `project.…`, and `plate.…` of accepted steps.

    They stay apart: a program that wants two sources to agree (`agrees_with`) sees what each of them said.
    """
    return {**_of_project(run), **_of_order(run), **_of_plates(run)}


def _of_order(run: ProcedureRun) -> dict[str, str]:
    order = run.order
    plain = {
        "contracted_power": order.contracted_power,
        "tariff": order.tariff,
        "number": order.number,
        "supply_number": order.supply_number,
    }
    given = dict(order.program_values)
    for name in _RATIOS:
        given = _parts(f"{name}_ratio", given.get(f"{name}_ratio")) | given
    named = {name: value for name, value in plain.items() if value is not None} | {
        name: value for name, value in given.items() if "." not in name
    }
    return {f"order.{name}": value for name, value in named.items()} | order.program_values


def _of_project(run: ProcedureRun) -> dict[str, str]:
    return {f"project.{name}": value for name, value in run.around.project_values().items()}


def _of_plates(run: ProcedureRun) -> dict[str, str]:
    return dict(
        pair for step in run.procedure.steps if isinstance(step, m.ValueStep) for pair in _read(run, step)
    )


def _read(run: ProcedureRun, step: m.ValueStep) -> Iterator[tuple[str, str]]:
    answer = run.state.answer(step.id)
    if isinstance(answer, a.ValueAnswer) and answer.value:
        parts = answer.value.split("/") if step.check == "ratio" else [answer.value]
        yield from zip(step.program, parts, strict=False)  # checked when the procedure was read


def _parts(name: str, ratio: str | None) -> dict[str, str]:
    """Primary and secondary of a ratio as the office writes it: `200/5`."""
    try:
        primary, secondary = normalise("ratio", ratio or "").split("/")
    except ValueMistake:
        return {}
    stem = name.removesuffix("_ratio")
    return {f"{stem}_primary": primary, f"{stem}_secondary": secondary}
