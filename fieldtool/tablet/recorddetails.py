"""What a crew established step by step, as the record of work that is no exchange lists it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from fieldtool import words
from fieldtool.procedure import answers as a
from fieldtool.procedure import model as m
from fieldtool.procedure.model import Procedure
from fieldtool.procedure.state import RunState
from fieldtool.text import Language

if TYPE_CHECKING:
    from fieldtool.documents.record import Register


def details(procedure: Procedure, state: RunState, language: Language) -> Iterable[Register]:
    """Choices, values, numbers and words in the order of the steps, under the titles of their steps."""
    from fieldtool.documents.record import Register

    for step in procedure.steps:
        answer = state.answer(step.id)
        name = step.title.in_language(language)
        match step, answer:
            case m.ChooseStep(), a.ChooseAnswer():
                yield Register(
                    name=name, value=_with_note(_text(step.choices, answer.choice, language), answer)
                )
            case m.ValueStep(), a.ValueAnswer() if answer.value:
                reason = _text(step.reasons, answer.reason, language) if answer.reason else ""
                yield Register(name=name, value=_with_note(answer.value, answer), time=reason)
            case m.NumberStep(), a.NumberAnswer() if step.register is None:
                if answer.value is not None:
                    yield Register(name=name, value=_with_note(answer.value, answer), unit=step.unit)
                elif answer.not_obtainable is not None:
                    said = _text(step.not_obtainable, answer.not_obtainable, language)
                    yield Register(name=name, value=_with_note(said, answer))
            case m.PanelPhotoStep(), a.PanelPhotoAnswer() if answer.expected is not None:
                reason = _text(step.reasons, answer.reason, language) if answer.reason else ""
                value = f"{answer.right} / {answer.expected}"
                yield Register(name=name, value=_with_note(value, answer), time=reason)
            case m.TextStep(), a.TextAnswer() if answer.text.strip():
                yield Register(name=name, value=answer.text.strip())
            case m.RelayStep(), a.RelayAnswer() if answer.untested is not None:
                yield Register(name=name, value=_text(step.untested, answer.untested, language))
            case m.RelayStep(), a.RelayAnswer() if answer.result is not None:
                yield Register(name=name, value=words.text(f"record.relay.{answer.result}", language))
            case _:
                pass


def _text(choices: list[m.Choice], chosen: str, language: Language) -> str:
    found = next((choice for choice in choices if choice.id == chosen), None)
    return found.text.in_language(language) if found else chosen


def _with_note(value: str, answer: a.AnswerBase) -> str:
    note = (answer.note or "").strip()
    return f"{value} ({note})" if note else value
