"""Blobs in an S3-compatible store, against a server that speaks its protocol on a socket."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.workorders.offices import Bureau
from tests.workorders.servers import serving
from tests.workorders.test_firmware_offered import fetch, folder_of
from workorders.gateway.firmware import ImageSaid, publish_image
from workorders.gateway.objects import BlobAddressError, open_blobs
from workorders.journal import kinds
from workorders.store import schema
from workorders.store.errors import StoreError
from workorders.sync.blobs import BlobFiles, BlobStore, note_local
from workorders.sync.http import HttpTransport
from workorders.sync.wire import PART_BYTES


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def address(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "fieldtool")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    bucket = f"photos-{uuid.uuid4().hex[:8]}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/office/1?endpoint={endpoint}"


def test_a_blob_is_kept_found_and_removed(address: str) -> None:
    files, data = open_blobs(address), b"sealed" * 1000
    sha256 = hashlib.sha256(data).hexdigest()
    assert (files.has(sha256), files.get(sha256)) == (False, None)
    assert files.put(data) == files.put(data) == sha256
    assert (files.has(sha256), files.get(sha256)) == (True, data)
    files.remove(sha256)
    files.remove(sha256)
    assert files.has(sha256) is False


def test_a_changed_object_is_not_given_out(address: str, endpoint: str) -> None:
    files = open_blobs(address)
    sha256 = files.put(b"sealed")
    bucket = address.split("/")[2]
    key = f"office/1/{sha256[:2]}/{sha256}"
    boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").put_object(
        Bucket=bucket, Key=key, Body=b"other"
    )
    assert files.get(sha256) is None


@pytest.mark.parametrize("name", ["../secret", "", "ab" * 31, "AB" * 32])
def test_no_name_from_outside_leaves_the_store(address: str, name: str) -> None:
    with pytest.raises(ValueError, match="SHA-256"):
        open_blobs(address).get(name)


def test_a_store_that_refuses_says_so_with_a_code(address: str) -> None:
    files = open_blobs(address.replace("/photos-", "/nobodys-"))
    with pytest.raises(StoreError) as refused:
        files.put(b"sealed")
    assert refused.value.code == "blobs_away"
    assert "not-a-secret" not in str(refused.value)


@pytest.mark.parametrize(
    "wrong", ["ftp://x/y", "s3:///no-bucket", "s3://key:secret@bucket/x", "s3://bucket/x?access_key=secret"]
)
def test_an_address_that_is_none_is_refused_and_not_repeated(wrong: str) -> None:
    with pytest.raises(BlobAddressError) as refused:
        open_blobs(wrong)
    assert "secret" not in str(refused.value)


def test_a_tablet_fetches_firmware_by_parts_out_of_the_store(tmp_path: Path, address: str) -> None:
    """No gateway reads a whole image to answer for a part of it."""
    bureau = Bureau.open(tmp_path)
    bureau.files = open_blobs(address)  # type: ignore[assignment]  # any store of blobs will do
    data = os.urandom(700_000)
    said = ImageSaid(name="fw.bin", models=["prime-1ph"])
    image = publish_image(bureau.office, bureau.files, "demo", said, data).image
    assert bureau.files.part(image.sha256, 10, 5) == data[10:15]
    assert bureau.files.part(image.sha256, 699_990, 50) == data[-10:]
    assert bureau.files.part("ab" * 32, 0, 5) is None
    tablet = bureau.tablet("A")
    with serving(bureau) as url:
        line = HttpTransport(url, tablet=tablet.identity.tablet, key=tablet.identity.signer())
        assert fetch(tablet, line).firmware_received == 1
        assert line.kinds["firmware"] > len(data)
        line.close()
    assert (folder_of(tablet) / "fw.bin").read_bytes() == data


def test_a_folder_is_named_by_its_path(tmp_path: Path) -> None:
    assert isinstance(open_blobs(str(tmp_path)), BlobFiles)


def test_a_tablets_photos_go_through_the_gateway_into_the_store(tmp_path: Path, address: str) -> None:
    bureau = Bureau.open(tmp_path)
    store: BlobStore = open_blobs(address)
    bureau.files = store  # type: ignore[assignment]  # any store of blobs will do
    tablet = bureau.tablet("A")
    tablet.sync()
    order_id = tablet.order_ids()[0]
    sealed = os.urandom(PART_BYTES + 14)  # two pieces
    sha256 = tablet.blobs.put(sealed)
    tablet.journal.append(
        kinds.BlobTaken(
            sha256=sha256,
            plain_sha256="ab" * 32,
            size=len(sealed),
            media_type="image/jpeg",
            what="before",
            key_id="k",
        ),
        order_id=order_id,
        also=lambda connection: note_local(connection, sha256, len(sealed), "2026-03-01T00:00:00.000Z"),
    )
    with serving(bureau) as url:
        transport = HttpTransport(url, tablet=tablet.identity.tablet, key=tablet.identity.signer())
        assert tablet.sync(transport).state == "done"
        transport.close()
    assert store.get(sha256) == sealed
    assert store.get(hashlib.sha256(sealed[:PART_BYTES]).hexdigest()) is None, "pieces do not stay"
    with bureau.office.store.read() as connection:
        held = connection.execute(schema.blob_store.select()).one()
    assert (held.sha256, held.state) == (sha256, "held")
