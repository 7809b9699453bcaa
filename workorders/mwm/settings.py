"""The links of a project, as a TOML file says them. Secrets stand in it only as `env:NAME` or `file:PATH`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

Url = Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s@]+$", max_length=1000)]
SecretName = Annotated[str, msgspec.Meta(pattern=r"^(env|file|vault):\S+$")]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,60}$")]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86400)]


class SettingsError(ValueError):
    """The file of links is missing or wrong; says where."""

    code = "bad_link_file"


class CimFiles(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """IEC 61968-100 messages as files: `inbox` is read by name, `outbox` written."""

    inbox: str
    outbox: str
    event_types: dict[str, str] = {}
    """Kind of our event → EndDeviceEventType that the other system expects (`3.26.0.185`)."""


class CimHttp(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """IEC 61968-100 messages over HTTP: `poll` gives the next request until `reply` has its answer."""

    events: Url
    poll: Url | None = None
    reply: Url | None = None
    query: Url | None = None
    event_types: dict[str, str] = {}
    user: str | None = None
    password: SecretName | None = None
    token: SecretName | None = None


class FieldService(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A REST field service in the way of Oracle Field Service.

    `properties`: our field → the label of a custom property. `kinds`: activity type → kind of task.
    `crews`: resource id → crew. `meter_types`: types of inventory that are meters; without any, all are.
    `photo_properties`: what a photo shows, as the procedure calls it → file property, which holds the newest.
    `file_bytes`: the size limit of those properties.
    """

    url: Url
    client: str
    secret: SecretName
    auth: Annotated[str, msgspec.Meta(pattern="^(basic|oauth2)$")] = "oauth2"
    record_property: str | None = None
    kinds: dict[str, str] = {}
    crews: dict[str, str] = {}
    properties: dict[str, str] = {}
    meter_types: list[str] = []
    photo_properties: dict[str, str] = {}
    file_bytes: Annotated[int, msgspec.Meta(ge=1, le=5 * 1024 * 1024)] = 5 * 1024 * 1024


class Webhook(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Events and results to one address. `secrets`: the newest first; each signs, until it is taken out."""

    url: Url
    secrets: Annotated[list[SecretName], msgspec.Meta(min_length=1, max_length=4)]


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One link; exactly one of the four kinds stands in it."""

    name: Name
    every: Seconds = 30.0
    timeout: Seconds = 30.0
    attempts: Annotated[int, msgspec.Meta(ge=1, le=100)] = 12
    results: Annotated[str, msgspec.Meta(pattern="^(completed|approved)$")] = "completed"
    only_own: bool = True
    """Tell only of orders that came through this link."""
    placements: bool = False
    """Tell where devices stand and stood, behind the result of their order."""
    phases: bool = False
    """Tell phase, rotation and polarity of supply points, behind the result of their order."""
    personal: bool = False
    """Positions and files with a customer's data may go out."""
    cim_files: CimFiles | None = None
    cim_http: CimHttp | None = None
    field_service: FieldService | None = None
    webhook: Webhook | None = None


class LinksFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All links of a project. `source`: what our messages name as their source."""

    project: str
    source: str = "fieldtool"
    link: Annotated[list[LinkSettings], msgspec.Meta(min_length=1)]


def read_links(path: Path) -> LinksFile:
    """Read a file of links.

    Raises:
        SettingsError
    """
    try:
        found = msgspec.convert(tomllib.loads(path.read_text("utf-8")), LinksFile)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{path.name}: {error}") from None
    names: set[str] = set()
    for link in found.link:
        kinds = [link.cim_files, link.cim_http, link.field_service, link.webhook]
        if sum(kind is not None for kind in kinds) != 1:
            raise SettingsError(
                f"{path.name}: the link {link.name!r} needs exactly one of cim_files, cim_http, "
                "field_service, webhook"
            )
        if link.field_service is not None and (link.placements or link.phases):
            raise SettingsError(
                f"{path.name}: the link {link.name!r} is a field service, which takes no placements or phases"
            )
        if link.name in names:
            raise SettingsError(f"{path.name}: two links are called {link.name!r}")
        names.add(link.name)
    return found
