"""The office's countersignature under the head of a chain: the newest entry of it that the office holds.

The head names by its hashes all that came before. A tablet that keeps the newest receipt can prove, whatever
happens to the office's database, what it had handed over. Where entries come by USB out of order, those
between are still owed: each has its own verdict.
"""

from __future__ import annotations

import base64

from sqlalchemy import Connection, bindparam, insert, select, update

from workorders.gateway.office import Office
from workorders.gateway.tables import head_receipt
from workorders.store.asking import ask
from workorders.store.schema import chain
from workorders.sync import wire
from workorders.sync.signatures import receipt_message

_HEAD = select(chain.c.head_seq, chain.c.head_hash).where(chain.c.chain_id == bindparam("of_chain"))
_RECEIPT = select(head_receipt).where(head_receipt.c.chain_id == bindparam("of_chain"))


def countersign(
    connection: Connection, office: Office, chain_id: str, tablet_id: str | None
) -> wire.HeadReceipt | None:
    """Sign the head that the office holds of a chain, and keep the receipt; None if it holds nothing."""
    heads, receipts = ask(connection, (_HEAD, {"of_chain": chain_id}), (_RECEIPT, {"of_chain": chain_id}))
    row, known = next(iter(heads), None), next(iter(receipts), None)
    if row is None or row.head_hash is None:
        return None
    if known is not None and (known.seq, known.hash) == (row.head_seq, row.head_hash):
        signature = base64.b64encode(known.signature).decode()
        return wire.HeadReceipt(
            chain_id=chain_id, seq=known.seq, hash=known.hash, time=known.time, signature=signature
        )
    time = office.time()
    signed = office.key.sign(receipt_message(chain_id, row.head_seq, row.head_hash, time))
    values = {"seq": row.head_seq, "hash": row.head_hash, "time": time, "signature": signed}
    if known is None:
        connection.execute(insert(head_receipt).values(chain_id=chain_id, tablet_id=tablet_id, **values))
    else:
        connection.execute(update(head_receipt).where(head_receipt.c.chain_id == chain_id).values(values))
    return wire.HeadReceipt(
        chain_id=chain_id,
        seq=row.head_seq,
        hash=row.head_hash,
        time=time,
        signature=base64.b64encode(signed).decode(),
    )
