"""Training, demo and live never mix: folder, enrolment and journal must name the same realm.

The layout is `FIELDTOOL_HOME/{live,training,demo}/` (`fieldtool.settings.Home.realm_folder`): each realm
has a database, vault entries (`fieldtool.security.keys`) and an enrolment of its own. This is the check at
opening.
"""

from __future__ import annotations

from fieldtool.errors import JobError
from workorders.journal.entry import Realm


def check_realm(opened: Realm, *named: Realm | None) -> None:
    """Raise JobError `realm_mixed` unless everything that names a realm (None: names none) names `opened`."""
    for other in named:
        if other is not None and other is not opened:
            raise JobError(
                "realm_mixed",
                f"data of the realm {other.value} lies in the folder of {opened.value}: nothing was opened",
                opened=opened.value,
                found=other.value,
            )
