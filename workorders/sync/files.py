"""The stage of photos, signatures and documents: after the records, and only as far as the line may carry."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from workorders.clock import utc_text
from workorders.sync import blobs
from workorders.sync.pieces import send_file
from workorders.sync.round import SyncRound


def send_files(round: SyncRound) -> None:
    """Remove what was confirmed long ago; upload files whose records are answered, oldest first."""
    _remove_expired(round)
    with round.store.read() as connection:
        wanted = blobs.waiting(connection)
    total = sum(size for _, size in wanted)
    done = 0
    for at, (sha256, size) in enumerate(wanted):
        round.report.blobs_wait = round.files_wait()
        if round.report.blobs_wait is not None:
            return
        round.step(at, len(wanted), done, total)
        if _bring(round, sha256, partial(_tell, round, (at, len(wanted), done, total))):
            with round.store.write() as connection:
                blobs.note_blob(connection, sha256, size, blobs.CONFIRMED, utc_text(round.now()))
            round.report.blobs_confirmed += 1
        done += size


def _tell(round: SyncRound, at: tuple[int, int, int, int], there: int) -> None:
    number, of, done, total = at
    round.step(number, of, done + there, total)


def _bring(round: SyncRound, sha256: str, told: Callable[[int], None]) -> bool:
    """See that the gateway holds a file; False where it is neither there nor here."""
    if round.transport.has_blob(sha256):
        return True
    data = round.blobs.get(sha256)
    if data is None:
        round.report.blobs_lost.append(sha256)
        return False
    send_file(round, sha256, data, told)
    round.report.blobs_sent += 1
    return True


def _remove_expired(round: SyncRound) -> None:
    with round.store.read() as connection:
        gone = list(blobs.expired(connection, round.now()))
    for sha256 in gone:
        # Asked once more: an office that was restored from a backup may have lost it since it confirmed.
        held = round.transport.has_blob(sha256)
        if held:
            round.blobs.remove(sha256)
        with round.store.write() as connection:
            if held:
                blobs.note_blob(connection, sha256, 0, blobs.REMOVED, utc_text(round.now()))
            else:
                blobs.send_again(connection, [sha256], utc_text(round.now()))


def send_again(round: SyncRound, missing: list[str]) -> bool:
    """Files that the office had confirmed and misses now are sent again; whether there are any."""
    here = [sha256 for sha256 in missing if round.blobs.has(sha256)]
    with round.store.write() as connection:
        return blobs.send_again(connection, here, utc_text(round.now())) > 0
