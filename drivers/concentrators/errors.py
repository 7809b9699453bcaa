"""What can go wrong when a concentrator is asked, as types (see `drivers.errors`)."""

from __future__ import annotations

from drivers.errors import DriverError


class ConcentratorError(DriverError):
    """Base of the errors of this package."""

    code = "concentrator"
    message = "The concentrator could not be asked."
    hint = "Try again later; the join stays pending."


class ConcentratorUnreachable(ConcentratorError):
    code = "concentrator-unreachable"
    message = "The concentrator does not answer."
    hint = "Check the network to the substation; the join stays pending and is asked again later."


class ConcentratorRefused(ConcentratorError):
    code = "concentrator-refused"
    message = "The concentrator refused the request."
    hint = "Check its address and that it offers this report."


class ConcentratorGarbage(ConcentratorError):
    code = "concentrator-garbage"
    message = "The concentrator's answer can't be understood."
    hint = "Check that the address is that of a concentrator with the STG-DC web service."


class ConcentratorTooLarge(ConcentratorError):
    code = "concentrator-too-large"
    message = "The concentrator's answer is larger than any real one."
    hint = "It was cut off for safety. Check the address; ask for fewer meters at a time."
