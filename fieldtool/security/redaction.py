"""Nothing secret in a log: known secrets in any spelling, and whatever is named like one."""

from __future__ import annotations

import base64
import logging
import re
import threading

HIDDEN = "‹hidden›"
#: Shorter values are too common to be searched for in every line (a password `1234` stands in many serials).
_SHORTEST = 6

_NAMED = re.compile(
    r"(?i)(?P<name>\b(?:pin|pass(?:word|phrase)?|secret|(?:block|auth|access|database|private|master|session)"
    r"[_ -]?key|token|authorization)\b['\"]?\s*[:=]\s*)"
    r"(?P<value>(?:b?['\"][^'\"]*['\"])|(?:Bearer\s+)?[^\s,;)}\]]+)"
)
_PEM = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)
_DATABASE_PRAGMA = re.compile(r"x'[0-9A-Fa-f]{64,}'")

_lock = threading.Lock()
_known: set[str] = set()


def hide(secret: bytes | str) -> None:
    """Keep a secret out of every later log line: as text, hexadecimal and base64."""
    raw = secret.encode() if isinstance(secret, str) else secret
    if len(raw) < _SHORTEST:
        return
    spellings = {raw.hex(), raw.hex().upper(), raw.hex(" "), raw.hex(" ").upper(), repr(raw)[2:-1]}
    spellings.add(base64.b64encode(raw).decode("ascii").rstrip("="))
    with _lock:
        _known.update(s for s in spellings if len(s) >= _SHORTEST)


def redact(text: str) -> str:
    """The text with secrets replaced."""
    with _lock:
        known = sorted(_known, key=len, reverse=True)
    for secret in known:
        text = text.replace(secret, HIDDEN)
    text = _PEM.sub(HIDDEN, text)
    text = _DATABASE_PRAGMA.sub(HIDDEN, text)
    return _NAMED.sub(lambda m: m["name"] + HIDDEN, text)


class RedactingFilter(logging.Filter):
    """Rewrites each record before a handler sees it: message, arguments and traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always lets the record through, without its secrets."""
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        record.msg, record.args = redact(message), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
            record.exc_info = None
        if record.stack_info:
            record.stack_info = redact(record.stack_info)
        return True


def install() -> None:
    """Put the filter on every handler of the root logger. Call after logging is set up."""
    for handler in logging.getLogger().handlers:
        if not any(isinstance(f, RedactingFilter) for f in handler.filters):
            handler.addFilter(RedactingFilter())
