"""How often somebody may ask: a bucket of requests for each address and for each one who signed in.

An address is counted before anything is read of a request, so that a flood costs little. Whoever signed in is
counted once that is proven: nobody can use up another's bucket. What is open to all (enrolment, recovery,
signing in) has a small bucket of its own, as guesses come that way. A bucket lies in the memory of one
process: behind a balancer the limit is that of a process times their number.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from math import ceil

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.utils import normalize_path

from workorders.gateway.errors import TooMany
from workorders.gateway.service.problems import refuse

OPEN = ("/v1/enrol", "/v1/recovery", "/v1/sessions")
"""Paths where somebody without proof may try codes and PINs (`POST` alone)."""
_REMEMBERED = 20_000


@dataclass(frozen=True)
class Rate:
    """So many requests at once, and so many a second on the average."""

    burst: float
    per_second: float


@dataclass(frozen=True)
class Limits:
    """What a gateway bears.

    A depot's tablets may all come from one address, so that one bears much more: also a morning on which
    hundreds of them are enrolled. Codes have 80 bits, and a PIN locks after five tries.
    """

    asker: Rate = Rate(1200, 40)
    address: Rate = Rate(12_000, 400)
    unproven: Rate = Rate(600, 1)

    @classmethod
    def of(cls, per_second: float) -> Limits:
        """For so many requests a second of one tablet or user; the others in proportion."""
        return cls(asker=Rate(30 * per_second, per_second), address=Rate(300 * per_second, 10 * per_second))


@dataclass
class Buckets:
    """One bucket a name; the names that were longest not heard of are forgotten (their buckets are full)."""

    rate: Rate
    now: Callable[[], float] = time.monotonic
    _left: OrderedDict[str, tuple[float, float]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> int:
        """Take one request of a name: 0, or the seconds after which there is one again."""
        with self._lock:
            at = self.now()
            left, before = self._left.pop(name, (self.rate.burst, at))
            left = min(self.rate.burst, left + (at - before) * self.rate.per_second)
            allowed = left >= 1
            self._left[name] = (left - allowed, at)
            if len(self._left) > _REMEMBERED:
                self._left.popitem(last=False)
        return 0 if allowed else max(1, ceil((1 - left) / self.rate.per_second))


class Rates:
    """The buckets of one application."""

    def __init__(self, limits: Limits, now: Callable[[], float] = time.monotonic) -> None:
        self.askers = Buckets(limits.asker, now)
        self.addresses = Buckets(limits.address, now)
        self.unproven = Buckets(limits.unproven, now)

    def proven(self, name: str) -> None:
        """Count a request of a tablet or a user who proved who it is.

        Raises:
            TooMany
        """
        wait = self.askers.take(name)
        if wait:
            raise TooMany("more requests than one may make", code="too_many_requests", retry_after=wait)


class RateGate:
    """ASGI middleware: counts the address, before the body is read."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        rates: Rates | None = scope["litestar_app"].state.rates
        wait = 0
        if rates is not None:
            address = address_of(scope)
            wait = rates.addresses.take(address)
            # As the router reads it: `/v1//sessions/` is the same door.
            if not wait and scope["method"] == "POST" and normalize_path(scope["path"]) in OPEN:
                wait = rates.unproven.take(address)
        if not wait:
            await self.app(scope, receive, send)
            return
        detail = "more requests than this address may make"
        told = {"retry-after": str(wait)}
        await refuse(send, 429, "too_many_requests", detail, title=TooMany.title, headers=told)


def address_of(scope: Scope) -> str:
    """The address a request came from; of IPv6 the network, as one machine has all of it.

    A socket for both families names IPv4 as `::ffff:a.b.c.d`: all of it would share one network.
    """
    client = scope.get("client")
    address = client[0] if client else ""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
