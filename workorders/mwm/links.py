"""From the settings of a link to its adapter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from workorders.mwm.cim.links import CimFolder, CimWeb
from workorders.mwm.cim.messages import Writer
from workorders.mwm.fieldservice import FieldServiceLink
from workorders.mwm.port import Kept, MwmPort
from workorders.mwm.settings import LinkSettings, LinksFile
from workorders.mwm.web import Web
from workorders.mwm.webhooks import Webhooks


def open_link(
    file: LinksFile,
    link: LinkSettings,
    *,
    base: Path,
    schemas: Path,
    kept: Kept,
    secret: Callable[[str], str],
) -> MwmPort:
    """The adapter of a link.

    Args:
        base: what relative folders are below (where the file of links lies).
        schemas: folder of our XML schemas.
        secret: resolves `env:NAME`, `file:PATH`, `vault:NAME`.
    """
    if link.cim_files is not None:
        folders = link.cim_files
        writer = Writer(file.source, schemas, folders.event_types)
        return CimFolder(base / folders.inbox, base / folders.outbox, writer, schemas)
    web = Web(link.timeout)
    if link.cim_http is not None:
        settings = link.cim_http
        if settings.user is not None and settings.password is not None:
            web.auth = settings.user, secret(settings.password)
        if settings.token is not None:
            web.headers["Authorization"] = f"Bearer {secret(settings.token)}"
        return CimWeb(settings, web, Writer(file.source, schemas, settings.event_types), schemas)
    if link.field_service is not None:
        return FieldServiceLink(link.field_service, secret(link.field_service.secret), web, kept)
    if link.webhook is not None:
        return Webhooks(link.webhook.url, [secret(name) for name in link.webhook.secrets], web)
    raise ValueError(f"the link {link.name} is of no kind")
