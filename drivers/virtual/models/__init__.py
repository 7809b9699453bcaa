"""The meter models of the virtual field: what each one is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from drivers.virtual.cosem.time import Zone
from drivers.virtual.physics import Supply


class Network(StrEnum):
    """The network that a meter's own modem joins."""

    NONE = "none"
    PRIME = "prime"
    G3 = "g3"
    GPRS = "gprs"
    LTE = "lte"


@dataclass(frozen=True, slots=True)
class Model:
    """One kind of meter.

    `flag`: manufacturer's FLAG letters; `identification`: text of the optical sign-on; `max_pdu`: longest
    APDU it takes in; `list_limit`: longest with-list request answered (None: any, 0: claimed but refused);
    `energy_scaler`: power of ten of Wh in the energy registers; `threshold`: limiter in W; `ct_ratio`:
    current transformer, else 1; `short_names`: referenced by short names; `prepayment`: has an account and
    takes tokens; `mbus`: has meters behind it.
    """

    name: str
    description: str
    flag: str
    product: str
    identification: str
    serial: str
    firmware: str
    supply: Supply
    zone: Zone
    max_pdu: int
    list_limit: int | None
    energy_scaler: int
    threshold: int
    network: Network = Network.NONE
    ct_ratio: int = 1
    short_names: bool = False
    prepayment: bool = False
    mbus: bool = False


MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            name="prime-1ph",
            description="Single phase, PRIME, relay; Spain",
            flag="ZIV",
            product="5CTD E2F",
            identification="5CTD-E2F",
            serial="ZIV0040123456",
            firmware="V1.36.04",
            supply=Supply(phases=1, voltage=230, mean_power=420, generation=0),
            zone=Zone(-60, summer=True),
            max_pdu=1024,
            list_limit=None,
            energy_scaler=0,
            threshold=5750,
            network=Network.PRIME,
        ),
        Model(
            name="idis-3ph-ct",
            description="Three phases, current transformers 200/5, own generation; Peru",
            flag="LGZ",
            product="E570 CT",
            identification="E570C_IDIS",
            serial="1LGZ0062345678",
            firmware="B02.14.01",
            supply=Supply(phases=3, voltage=220, mean_power=310, generation=130),
            zone=Zone(300),
            max_pdu=2048,
            list_limit=None,
            energy_scaler=0,
            threshold=3300,
            ct_ratio=40,
        ),
        Model(
            name="plc-prepay-1ph",
            description="Single phase 5(80) A, PLC, prepayment; Bolivia. Claims with-list and refuses it",
            flag="HXE",
            product="HXE115-KP",
            identification="HXE115KP",
            serial="37140000017",
            firmware="3.08",
            supply=Supply(phases=1, voltage=220, mean_power=350),
            zone=Zone(240),
            max_pdu=512,
            list_limit=0,
            energy_scaler=1,
            threshold=9900,
            prepayment=True,
        ),
        Model(
            name="gprs-3ph-ct",
            description="Three phases, current transformers 300/5, GPRS modem; Bolivia",
            flag="ACE",
            product="SL762D071",
            identification="SL762D071",
            serial="36142857",
            firmware="V5.35",
            supply=Supply(phases=3, voltage=220, mean_power=280),
            zone=Zone(240),
            max_pdu=1224,
            list_limit=20,
            energy_scaler=0,
            threshold=5500,
            network=Network.GPRS,
            ct_ratio=60,
        ),
        Model(
            name="idis-1ph-lte",
            description="Single phase, LTE modem, water and gas meters on M-Bus; Peru",
            flag="ISK",
            product="AM550-ED1",
            identification="ME5_IDIS",
            serial="1ISK0071234567",
            firmware="ISK_550_2.4",
            supply=Supply(phases=1, voltage=220, mean_power=380),
            zone=Zone(300),
            max_pdu=1024,
            list_limit=None,
            energy_scaler=0,
            threshold=7000,
            network=Network.LTE,
            mbus=True,
        ),
        Model(
            name="g3-1ph",
            description="Single phase, G3-PLC, relay; Spain",
            flag="SAG",
            product="CX1000-9",
            identification="CX1000-9",
            serial="021976123456",
            firmware="L71.08",
            supply=Supply(phases=1, voltage=230, mean_power=400),
            zone=Zone(-60, summer=True),
            max_pdu=512,
            list_limit=10,
            energy_scaler=0,
            threshold=6900,
            network=Network.G3,
        ),
        Model(
            name="sn-legacy",
            description="Three phases 5(100) A, short names, small PDU; an old meter to be taken down",
            flag="LGZ",
            product="ZMD310CT44",
            identification="ZMD310CT44.0459",
            serial="1LGZ0009471183",
            firmware="P06",
            supply=Supply(phases=3, voltage=230, mean_power=290),
            zone=Zone(300),
            max_pdu=320,
            list_limit=16,
            energy_scaler=1,
            threshold=69000,
            short_names=True,
        ),
    )
}
