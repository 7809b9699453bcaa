"""Blobs in an S3-compatible object store, for gateways of which there are several: `s3://BUCKET[/PREFIX]?…`.

The bytes are sealed and named by their SHA-256 already, so an object is written once and never changed. Who
may use the bucket is told as everywhere (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, the machine's role).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from workorders.store.errors import store_error
from workorders.sync.blobs import BlobFiles, BlobStore, check_name

_TIMEOUT = timedelta(seconds=60)
_CONNECT = timedelta(seconds=10)
_RETRY = timedelta(seconds=30)
_OPTIONS = frozenset({"endpoint", "region"})


class BlobAddressError(ValueError):
    """What names the store of blobs is neither a folder nor `s3://BUCKET[/PREFIX][?endpoint=URL&region=NAME]`."""

    code = "blobs_url"


class BlobObjects:
    """Blobs as objects of a bucket."""

    def __init__(self, bucket: str, prefix: str = "", *, endpoint: str | None = None, region: str) -> None:
        plain = endpoint is not None and endpoint.startswith("http://")
        self._store = S3Store(
            bucket,
            endpoint=endpoint,
            region=region,
            client_options={"allow_http": plain, "timeout": _TIMEOUT, "connect_timeout": _CONNECT},
            retry_config={"max_retries": 3, "retry_timeout": _RETRY},
        )
        self._prefix = prefix.strip("/")
        self._told = f"s3://{bucket}/{self._prefix}"

    def _key(self, sha256: str) -> str:
        check_name(sha256)
        return "/".join(part for part in (self._prefix, sha256[:2], sha256) if part)

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (BaseError, OSError) as error:
            message = f"The store of photos does not answer ({type(error).__name__})."
            raise store_error("blobs_away", message, self._told) from error

    def put(self, sealed: bytes) -> str:
        """Keep sealed bytes; durable on return. Returns their SHA-256.

        Raises:
            StoreError: `blobs_away`.
        """
        sha256 = hashlib.sha256(sealed).hexdigest()
        with self._errors():
            obstore.put(self._store, self._key(sha256), sealed)
        return sha256

    def get(self, sha256: str) -> bytes | None:
        """The sealed bytes; None if they are not there or are not what their name says.

        Raises:
            StoreError: `blobs_away`.
        """
        with self._errors():
            try:
                data = bytes(obstore.get(self._store, self._key(sha256)).bytes())
            except FileNotFoundError:
                return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    def part(self, sha256: str, start: int, length: int) -> bytes | None:
        """`length` bytes from `start` on, fewer at the end; not proven by the hash. None if it is not there.

        Raises:
            StoreError: `blobs_away`.
        """
        with self._errors():
            try:
                return bytes(obstore.get_range(self._store, self._key(sha256), start=start, length=length))
            except FileNotFoundError:
                return None

    def has(self, sha256: str) -> bool:
        """Whether an object of this hash is there.

        Raises:
            StoreError: `blobs_away`.
        """
        with self._errors():
            try:
                obstore.head(self._store, self._key(sha256))
            except FileNotFoundError:
                return False
        return True

    def remove(self, sha256: str) -> None:
        """Remove an object; nothing happens if it is not there.

        Raises:
            StoreError: `blobs_away`.
        """
        with self._errors(), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, self._key(sha256))


def open_blobs(address: str) -> BlobStore:
    """The store of blobs that a folder's path or an `s3://` URL names.

    Raises:
        BlobAddressError
    """
    if "://" not in address:
        return BlobFiles(Path(address))
    parts = urlsplit(address)
    options = dict(parse_qsl(parts.query))
    if parts.scheme != "s3" or not parts.hostname or parts.password or options.keys() - _OPTIONS:
        told = "blobs lie in a folder or in s3://BUCKET/PREFIX?endpoint=URL&region=NAME"
        raise BlobAddressError(f"{told}; its keys stand in the environment")
    return BlobObjects(
        parts.hostname,
        parts.path,
        endpoint=options.get("endpoint"),
        region=options.get("region", "us-east-1"),
    )
