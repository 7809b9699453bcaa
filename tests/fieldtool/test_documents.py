"""The installation record: complete, in three languages, and proof against tampering of each sort."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import FreeText
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, StreamObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas

from fieldtool.documents import seal as seals
from fieldtool.documents.build import RECORD_FILE, SEAL_FILE, assemble, build_record, make_record
from fieldtool.documents.record import (
    LAYOUT_WITH_DETAILS,
    InstallationRecord,
    Register,
    canonical,
    record_hash,
)
from fieldtool.documents.verify import RecordCheck, UnreadableRecord, verify_record
from fieldtool.errors import JobError
from fieldtool.text import Language
from tests.support.records import Issuer, issuer, picture, sample
from workorders.journal.entry import Realm


class Case:
    """An issued record on disk, and ways to spoil it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issuer = issuer()
        self.root = self.issuer.root_file(folder)
        self.record, self.pictures = sample()
        self.pdf = build_record(
            self.record, self.pictures, self.issuer.key.sign, self.issuer.certificate_der, Language.ES
        )

    def check(self, pdf: bytes) -> RecordCheck:
        path = self.folder / "record.pdf"
        path.write_bytes(pdf)
        return verify_record(path, self.root)

    def codes(self, pdf: bytes) -> set[str]:
        return {finding.code for finding in self.check(pdf).findings}


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    return Case(tmp_path_factory.mktemp("record"))


def rewritten(pdf: bytes, change: Callable[[PdfWriter], None]) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(BytesIO(pdf)))
    change(writer)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def repacked(pdf: bytes, files: dict[str, bytes]) -> bytes:
    """The same pages with other attachments."""
    writer = PdfWriter()
    for page in PdfReader(BytesIO(pdf)).pages:
        writer.add_page(page)
    for name, data in files.items():
        writer.add_attachment(name, data)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def attachments(pdf: bytes) -> dict[str, bytes]:
    return {name: parts[0] for name, parts in PdfReader(BytesIO(pdf)).attachments.items()}


def test_an_untouched_record_is_proven_without_a_server(case: Case) -> None:
    check = case.check(case.pdf)
    assert check.ok
    assert check.findings == ()
    assert check.signed_by is not None
    assert check.signed_by.id == "tablet-07"
    assert check.record_hash == record_hash(msgspec.structs.replace(case.record, language=Language.ES))
    assert check.to_json()["number"] == "PRM-2026-000123"


def test_the_same_record_gives_the_same_bytes(case: Case) -> None:
    again = make_record(
        case.record, case.pictures, case.issuer.key.sign, case.issuer.certificate_der, Language.ES
    )
    assert again.pdf == case.pdf


@pytest.mark.parametrize("language", list(Language))
def test_every_field_stands_on_the_page_in_each_language(case: Case, language: Language) -> None:
    pdf = build_record(
        case.record, case.pictures, case.issuer.key.sign, case.issuer.certificate_der, language
    )
    text = " ".join("".join(p.extract_text() for p in PdfReader(BytesIO(pdf)).pages).split())
    flat = text.replace(" ", "")

    def leaves(value: object) -> list[str]:
        if isinstance(value, dict):
            return [leaf for item in value.values() for leaf in leaves(item)]
        if isinstance(value, list):
            return [leaf for item in value for leaf in leaves(item)]
        return [value] if isinstance(value, str) else []

    plain = msgspec.to_builtins(case.record)
    hidden = ("order_id", "kind", "realm", "started_at", "finished_at", "language", "layout", "format")
    for key in hidden:
        plain.pop(key)
    for part in (*plain["photos"], *plain["signatures"]):
        part.pop("media_type")
    for signature in plain["signatures"]:
        signature.pop("sha256", None)
    missing = [leaf for leaf in leaves(plain) if leaf and leaf.replace(" ", "") not in flat]
    assert missing == []
    assert case.check(pdf).ok


def test_changed_data_is_detected(case: Case) -> None:
    files = attachments(case.pdf)
    files[RECORD_FILE] = files[RECORD_FILE].replace(b"23580.412", b"23480.412")
    codes = case.codes(repacked(case.pdf, files))
    assert {"record_changed", "page_changed"} <= codes


def test_changed_data_and_page_together_are_detected_by_the_signature(case: Case) -> None:
    """Data, page, hash and QR all fit each other: only the tablet's key is missing."""
    forged = msgspec.structs.replace(case.record, reason="Otro motivo", language=Language.ES)
    code = attachments(case.pdf)[SEAL_FILE].decode()
    seal = msgspec.structs.replace(seals.from_code(code), hash=bytes.fromhex(record_hash(forged)))
    assert case.codes(assemble(forged, case.pictures, seal)) == {"signature_wrong"}


def test_a_record_of_another_gateway_is_refused(case: Case) -> None:
    other = issuer()
    pdf = build_record(case.record, case.pictures, other.key.sign, other.certificate_der, Language.ES)
    check = case.check(pdf)
    assert not check.ok
    assert check.signed_by is None
    assert {f.code for f in check.findings} == {"certificate_wrong"}


def test_a_training_record_proves_nothing_for_live(case: Case) -> None:
    practice = issuer(Realm.TRAINING)
    pdf = build_record(case.record, case.pictures, practice.key.sign, practice.certificate_der, Language.ES)
    path = case.folder / "training.pdf"
    path.write_bytes(pdf)
    root = case.folder / "training"
    root.mkdir(exist_ok=True)
    check = verify_record(path, practice.root_file(root))
    assert [f.where for f in check.findings] == ["wrong_realm"]
    record, pictures = sample(Realm.TRAINING)
    shown = build_record(record, pictures, practice.key.sign, practice.certificate_der, Language.ES)
    assert "SIN VALIDEZ" in PdfReader(BytesIO(shown)).pages[0].extract_text()


def test_a_changed_and_a_missing_and_an_added_picture_are_detected(case: Case) -> None:
    files = attachments(case.pdf)
    photo = next(name for name in files if name.endswith(".jpg"))
    changed = repacked(case.pdf, files | {photo: picture("otro medidor")})
    assert "picture_changed" in case.codes(changed)
    assert "picture_missing" in case.codes(repacked(case.pdf, {k: v for k, v in files.items() if k != photo}))
    assert "attachment_added" in case.codes(repacked(case.pdf, files | {"extra.jpg": picture("extra")}))


def test_a_picture_exchanged_on_the_page_only_is_detected(case: Case) -> None:
    def exchange(writer: PdfWriter) -> None:
        writer.pages[1].images[0].replace(
            __import__("PIL.Image", fromlist=["Image"]).open(BytesIO(picture("otro medidor")))
        )

    assert case.codes(rewritten(case.pdf, exchange)) == {"page_changed"}


def test_text_changed_on_the_page_only_is_detected(case: Case) -> None:
    """A few glyph numbers changed inside the page's content stream."""

    def edit(writer: PdfWriter) -> None:
        page = writer.pages[0]
        content = page.get_contents()
        assert content is not None
        data = content.get_data()
        first = data.index(b") Tj", data.index(b"Tj") + 4)
        changed = DecodedStreamObject()
        changed.set_data(data[: first - 2] + b"\x02\x03" + data[first:])
        page[NameObject("/Contents")] = writer._add_object(changed)

    assert "page_changed" in case.codes(rewritten(case.pdf, edit))


def test_a_patch_painted_over_a_reading_is_detected(case: Case) -> None:
    patch = BytesIO()
    canvas = Canvas(patch)
    canvas.setFillColorRGB(1, 1, 1)
    canvas.rect(60, 380, 12, 9, stroke=0, fill=1)
    canvas.save()

    def paint(writer: PdfWriter) -> None:
        writer.pages[0].merge_page(PdfReader(BytesIO(patch.getvalue())).pages[0])

    assert "page_changed" in case.codes(rewritten(case.pdf, paint))


def test_glyphs_redrawn_in_the_embedded_font_are_detected(case: Case) -> None:
    """The content stream and the text stay the same; only what is seen changes."""

    def swap(writer: PdfWriter) -> None:
        fonts = writer.pages[0]["/Resources"].get_object()["/Font"].get_object()  # type: ignore[index]
        files = [
            f.get_object()["/DescendantFonts"][0].get_object()
            if "/DescendantFonts" in f.get_object()
            else f.get_object()
            for f in fonts.values()
        ]
        streams = [f["/FontDescriptor"].get_object() for f in files if "/FontDescriptor" in f]
        programs = [s["/FontFile2"].get_object() for s in streams]
        assert len(programs) > 1
        data = programs[0].get_data()
        for program in programs[1:]:
            assert isinstance(program, StreamObject)
            program.set_data(data)

    assert "page_changed" in case.codes(rewritten(case.pdf, swap))


def test_an_annotation_and_a_script_are_detected(case: Case) -> None:
    def note(writer: PdfWriter) -> None:
        writer.add_annotation(0, FreeText(text="23480.412", rect=(80, 400, 200, 420)))

    def script(writer: PdfWriter) -> None:
        action = {
            NameObject("/S"): NameObject("/JavaScript"),
            NameObject("/JS"): TextStringObject("app.alert(1)"),
        }
        writer._root_object[NameObject("/OpenAction")] = DictionaryObject(action)

    assert "annotation" in case.codes(rewritten(case.pdf, note))
    assert "active_content" in case.codes(rewritten(case.pdf, script))


def test_another_qr_code_is_detected(case: Case) -> None:
    """The seal of another record of the same tablet, put on this page."""
    other = msgspec.structs.replace(case.record, number="PRM-2026-000124", language=Language.ES)
    code = attachments(
        build_record(other, case.pictures, case.issuer.key.sign, case.issuer.certificate_der, Language.ES)
    )[SEAL_FILE]
    mixed = assemble(
        msgspec.structs.replace(case.record, language=Language.ES),
        case.pictures,
        seals.from_code(code.decode()),
    )
    files = attachments(mixed) | {SEAL_FILE: attachments(case.pdf)[SEAL_FILE]}
    assert {"qr_changed", "page_changed"} == case.codes(repacked(mixed, files))


def test_pages_added_and_taken_away_are_detected(case: Case) -> None:
    def add(writer: PdfWriter) -> None:
        writer.add_blank_page(595, 842)

    def drop(writer: PdfWriter) -> None:
        del writer.pages[1]

    assert "pages_added" in case.codes(rewritten(case.pdf, add))
    assert "pages_missing" in case.codes(rewritten(case.pdf, drop))


def test_a_file_only_written_anew_still_holds(case: Case) -> None:
    def nothing(writer: PdfWriter) -> None:
        writer.metadata = {"/Producer": TextStringObject("a mail gateway")}

    check = case.check(rewritten(case.pdf, nothing))
    assert check.ok
    assert [f.code for f in check.findings] == ["saved_again"]


def test_foreign_and_broken_files_are_told_clearly(case: Case, tmp_path: Path) -> None:
    blank = BytesIO()
    writer = PdfWriter()
    writer.add_blank_page(200, 200)
    writer.write(blank)
    assert case.codes(blank.getvalue()) == {"not_a_record"}
    for name, data in (("broken.pdf", b"%PDF-1.7 nothing"), ("text.pdf", b"hello"), ("empty.pdf", b"")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableRecord):
            verify_record(tmp_path / name, case.root)
    with pytest.raises(UnreadableRecord):
        verify_record(tmp_path / "none.pdf", case.root)
    (tmp_path / "root.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    (tmp_path / "record.pdf").write_bytes(case.pdf)
    with pytest.raises(UnreadableRecord):
        verify_record(tmp_path / "record.pdf", tmp_path / "root.pem")


def test_a_record_with_a_missing_or_wrong_picture_is_not_built(case: Case) -> None:
    some = next(iter(case.pictures))
    few = {k: v for k, v in case.pictures.items() if k != some}
    for pictures, code in ((few, "record_picture_missing"), (few | {some: b"x"}, "record_picture_changed")):
        with pytest.raises(JobError) as error:
            build_record(
                case.record, pictures, case.issuer.key.sign, case.issuer.certificate_der, Language.ES
            )
        assert error.value.code == code


def test_hostile_and_endless_texts_are_set_and_proven(case: Case) -> None:
    long = msgspec.structs.replace(
        case.record,
        remarks="<b>no</b> & <para> " + "largo " * 3000,
        anomalies=("x" * 4000, "𝔘nicode ✓ \u202e", ""),
        removed=msgspec.structs.replace(case.record.removed, registers=case.record.removed.registers * 60)
        if case.record.removed
        else None,
    )
    pdf = build_record(long, case.pictures, case.issuer.key.sign, case.issuer.certificate_der, Language.PT)
    assert len(PdfReader(BytesIO(pdf)).pages) > 4
    assert case.check(pdf).ok


def test_a_bare_record_is_enough(case: Case) -> None:
    bare = InstallationRecord(
        number="1",
        order="2",
        order_id="3",
        kind="inspect",
        realm=Realm.LIVE,
        date="",
        started_at="2026-11-24T08:00:00.000Z",
        finished_at="2026-11-24T15:00:00.000Z",
    )
    pdf = build_record(bare, {}, case.issuer.key.sign, case.issuer.certificate_der, Language.EN)
    assert case.check(pdf).ok


def test_the_code_carries_what_was_signed(case: Case) -> None:
    record = msgspec.structs.replace(case.record, language=Language.ES)
    assert hashlib.sha256(canonical(record)).hexdigest() == record_hash(record)
    seal = seals.make_seal(record_hash(record), case.issuer.key.sign, case.issuer.certificate_der)
    assert seals.from_code(seals.to_code(seal)) == seal
    for text in ("", "FT1:", "FT1:AAAA", "FT2:" + seals.to_code(seal)[4:], "FT1:!!"):
        with pytest.raises(seals.NotASeal):
            seals.from_code(text)
    with pytest.raises(JobError):
        seals.make_seal(record_hash(record), case.issuer.key.sign, b"c" * 5000)


def test_issuers_are_told_apart() -> None:
    assert isinstance(issuer(), Issuer)
    assert issuer().root_der != issuer().root_der


def test_a_record_of_other_work_lists_what_was_established_and_proves_itself(case: Case) -> None:
    record, pictures = sample()
    other = msgspec.structs.replace(
        record,
        layout=LAYOUT_WITH_DETAILS,
        title="Acta de corte",
        details=(Register(name="Cómo se corta", value="Por el relé del medidor"),),
        installed=None,
    )
    pdf = build_record(other, pictures, case.issuer.key.sign, case.issuer.certificate_der, Language.ES)
    assert case.check(pdf).ok
    words = "".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    assert "Acta de corte" in words
    assert "Por el relé del medidor" in words
    assert "Equipo instalado" not in words


def test_what_layout_2_added_stands_in_no_record_of_layout_1() -> None:
    record, _ = sample()
    assert b'"details"' not in canonical(record)
    assert canonical(record) == canonical(msgspec.structs.replace(record, title="x"))
