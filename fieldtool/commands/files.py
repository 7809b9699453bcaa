"""Which meter models, programs and label rules a command without an order works by: the office's, layered as
in orders, where this machine is an enrolled tablet whose store opens; else the program's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fieldtool.commands.output import explained, note

if TYPE_CHECKING:
    from fieldtool.reference.layers import ReferenceFiles


def files_here(*kinds: str, writing: bool = False) -> ReferenceFiles:
    """The files to work by; says on standard error which published ones of these kinds are in use, and where
    a tablet's could not be looked up. Nobody is asked for a passphrase: a look at a meter must not need one.

    With `writing` it must: a meter is not configured by other files than those that its office published,
    however sure the program's own may look.

    Raises:
        JobError, StoreError: `writing`, and the store of this enrolled tablet does not open.
    """
    import assets
    from fieldtool.commands.opening import opened
    from fieldtool.errors import JobError
    from fieldtool.reference.layers import installed_only
    from fieldtool.settings import Home
    from workorders.store.errors import StoreError

    home = Home.default()
    found = installed_only(assets.root())
    if not home.database(home.realm()).exists():
        return found
    try:
        with opened(ask=writing) as tablet:
            found = tablet.desk.now()
    except (JobError, StoreError) as error:
        if writing:
            raise
        note(f"fieldtool: the program's own {', '.join(kinds)} are used: {explained(error)}")
        return found
    used = [f"{kind} {found.sets[kind].version}" for kind in kinds if kind in found.sets]
    if used:
        note(f"fieldtool: files of the office are used: {', '.join(used)}")
    return found
