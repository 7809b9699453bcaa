"""HTTP to other systems: bounded answers, and every failure told as `Retry` or `Refused`."""

from __future__ import annotations

import email.utils
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from workorders.mwm.port import Refused, Retry, Unauthorised
from workorders.sync.errors import InsecureUrl
from workorders.sync.http import check_url

MAX_ANSWER = 8 * 1024 * 1024
_AGAIN = frozenset({408, 421, 423, 425, 429})
"""Statuses below 500 after which the same request may go through later (401 and 403 rest the link)."""


class Answer:
    """Status, headers and body of an answer."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body


class Web:
    """One session to one system. Only https, or http to this machine; redirects would carry secrets on."""

    def __init__(self, timeout: float) -> None:
        self._session = requests.Session()
        self._session.trust_env = True
        self._timeout = timeout
        self.auth: tuple[str, str] | None = None
        self.headers: dict[str, str] = {}

    def close(self) -> None:
        """End the session."""
        self._session.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
        allowed: frozenset[int] = frozenset(),
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """One request; an answer of 2xx, or of `allowed`.

        Raises:
            Retry: not reached, too slow, too busy, broken (5xx). Unauthorised: 401, 403. Refused: any other
                answer, or an address in clear.
        """
        try:
            check_url(url)
        except InsecureUrl as error:
            raise Refused(str(error), code="mwm_insecure") from None
        try:
            with self._session.request(
                method, url, data=body, headers={**self.headers, **(headers or {})}, params=params,
                auth=auth or self.auth, timeout=(min(10.0, self._timeout), self._timeout),
                allow_redirects=False, stream=True,
            ) as response:  # fmt: skip
                data = _bounded(response)
                answer = Answer(response.status_code, response.headers, data)
        except (requests.RequestException, OSError) as error:
            raise Retry(f"{urlsplit(url).hostname}: {type(error).__name__}") from None
        _judge(answer, url, allowed)
        return answer


def _bounded(response: requests.Response) -> bytes:
    parts, size = [], 0
    for part in response.iter_content(64 * 1024):
        size += len(part)
        if size > MAX_ANSWER:
            raise Refused(f"the answer is larger than {MAX_ANSWER} bytes", code="mwm_too_large")
        parts.append(part)
    return b"".join(parts)


def _judge(answer: Answer, url: str, allowed: frozenset[int]) -> None:
    status = answer.status
    if 200 <= status < 300 or status in allowed:
        return
    text = f"{urlsplit(url).hostname} answered {status}"
    if status in {401, 403}:
        raise Unauthorised(f"{text}: its secret or its rights must be looked at")
    if status >= 500 or status in _AGAIN:
        raise Retry(text, after=_after(answer.headers.get("Retry-After")))
    raise Refused(text, code=f"mwm_http_{status}")


def _after(text: str | None) -> float | None:
    """Seconds of a Retry-After header, in either form; at most an hour."""
    if not text:
        return None
    if text.strip().isdecimal():
        return min(3600.0, float(text))
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, min(3600.0, (moment - datetime.now(UTC)).total_seconds()))
