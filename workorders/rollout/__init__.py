"""The rollout: SLA clocks by rules that are data, and the figures of the supervisor's board."""

from workorders.rollout.board import Board, Plan, board
from workorders.rollout.calendar import WorkingCalendar
from workorders.rollout.clocks import ClockState, SlaClock, StatusEvent, clock, order_clocks, refresh_clocks
from workorders.rollout.rules import JoinTarget, Pause, Rule, RulesError, SlaRules, load_rules, read_rules

__all__ = [
    "Board",
    "ClockState",
    "JoinTarget",
    "Pause",
    "Plan",
    "Rule",
    "RulesError",
    "SlaClock",
    "SlaRules",
    "StatusEvent",
    "WorkingCalendar",
    "board",
    "clock",
    "load_rules",
    "order_clocks",
    "read_rules",
    "refresh_clocks",
]
