"""A firmware image that a virtual meter understands: product, version, filling, and a SHA-256 over all of it.

python -m drivers virtual-image --model prime-1ph --firmware V1.37.00 --size 4096 --out fw.bin
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from drivers.virtual.models import MODELS

MAGIC = b"VIRTUAL-METER-IMAGE-1\n"
DIGEST = 32
_LONGEST_HEAD = 200


class ImageFileError(ValueError):
    """The octets are no whole image of this kind."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What an image says of itself: the product it is for and the firmware version it brings."""

    product: str
    firmware: str


def make_image(product: str, firmware: str, size: int, seed: int = 0) -> bytes:
    """An image of about `size` octets (at least its head and its digest)."""
    head = MAGIC + f"{product}\n{firmware}\n".encode()
    body = random.Random(seed).randbytes(max(0, size - len(head) - DIGEST))
    return head + body + hashlib.sha256(head + body).digest()


def open_image(octets: bytes) -> Contents:
    """Raises `ImageFileError` where the digest does not fit or there is no head."""
    content, digest = octets[:-DIGEST], octets[-DIGEST:]
    if not content.startswith(MAGIC) or hashlib.sha256(content).digest() != digest:
        raise ImageFileError("damaged, or no image of a virtual meter")
    lines = content[len(MAGIC) : len(MAGIC) + _LONGEST_HEAD].split(b"\n", 2)
    try:
        return Contents(lines[0].decode(), lines[1].decode())
    except (IndexError, UnicodeDecodeError):
        raise ImageFileError("no head") from None


def run_image(argv: Sequence[str]) -> int:
    """``virtual-image``: write an image file for a model of the virtual field."""
    parser = argparse.ArgumentParser(prog="virtual-image", description=__doc__)
    parser.add_argument("--model", choices=sorted(MODELS), default="prime-1ph")
    parser.add_argument("--product", help="a product of another model, to see it refused")
    parser.add_argument("--firmware", required=True, help="version that the meter shows afterwards")
    parser.add_argument("--size", type=int, default=16384, help="octets (default 16384)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(argv)
    product = options.product or MODELS[options.model].product
    try:
        options.out.write_bytes(make_image(product, options.firmware, options.size, options.seed))
    except OSError as error:
        sys.stderr.write(f"virtual-image: {error}\n")
        return 1
    return 0
