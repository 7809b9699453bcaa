"""Image files: what lies beside them is held against the meter before an hour goes by on the line."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fieldtool.firmware import MAX_BYTES, against, find_images, read_image


def put(folder: Path, name: str, content: bytes, note: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content)
    if note:
        (folder / f"{name}.toml").write_text(note, encoding="utf-8")
    return path


def test_images_are_found_beside_and_below_and_none_is_read_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty images on a slow stick are minutes of hashing; opening the page must not wait for them."""
    put(tmp_path / "stick", "b.bin", b"two", 'version = "V2"')
    put(tmp_path / "stick" / "firmware", "A.IMG", b"one")
    put(tmp_path / "home" / "firmware", "copy.bin", b"two")
    put(tmp_path / "stick", "orders.csv", b"none of ours")
    with monkeypatch.context() as patched:
        patched.setattr(hashlib, "file_digest", None)
        found = find_images([tmp_path / "stick", tmp_path / "home", tmp_path / "stick", tmp_path / "gone"])
    assert [(one.path.name, one.identifier, one.version, one.sha256, one.fault) for one in found] == [
        ("A.IMG", "A", None, "", None),
        ("b.bin", "b", "V2", "", None),
        ("copy.bin", "copy", None, "", None),
    ]
    assert read_image(found[0].path).sha256 == hashlib.sha256(b"one").hexdigest()


@pytest.mark.parametrize(
    ("note", "model", "firmware", "fault"),
    [
        ('models = ["prime-1ph"]\nversion = "V2"', "prime-1ph", "V1", None),
        ('models = ["prime-1ph"]', "g3-1ph", "V1", "other_model"),
        ('models = ["prime-1ph"]', None, None, "other_model"),
        ('version = "V1"', "prime-1ph", "V1", "same_version"),
        ('sha256 = "00"\nmodels = ["g3-1ph"]', "prime-1ph", "V1", "damaged"),
        ("models = 7", "prime-1ph", "V1", "bad_note"),
        ("models = [", "prime-1ph", "V1", "bad_note"),
        ("", "prime-1ph", "V1", None),
    ],
)
def test_an_image_is_held_against_the_meter(
    tmp_path: Path, note: str, model: str | None, firmware: str | None, fault: str | None
) -> None:
    image = read_image(put(tmp_path, "fw.bin", b"image", note))
    assert against(image, model, firmware) == fault


def test_what_is_no_image_is_named_not_raised(tmp_path: Path) -> None:
    large = put(tmp_path, "large.bin", b"")
    with large.open("r+b") as stream:
        stream.truncate(MAX_BYTES + 1)
    empty = read_image(put(tmp_path, "empty.bin", b""))
    assert [empty.fault, read_image(large).fault] == ["empty", "too_large"]
    assert read_image(tmp_path / "gone.bin").fault == "unreadable"
