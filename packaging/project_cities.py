"""Santa Cruz (condominiums on PLC-IoT, prepayment) and a PRIME city in Spain (base node per transformer)."""

from __future__ import annotations

from random import Random

from project_names import CONDOMINIUMS, CRUCEÑO, PLACES, SPANISH
from project_serials import ELECTROMECHANICAL, cups, eui48, iccid, imei, luhn, mac_of, nif, serial
from projects import CONCENTRATOR, Project, crews, customer, day, flags, reading_of, window

PREPAY, PRIME, THREE = "plc-prepay-1ph", "prime-1ph", "idis-3ph-ct"


def draw_santacruz() -> Project:
    """Three condominiums of 80 meters: a panel a floor, macro meter and concentrator at the transformer."""
    project = Project("santacruz", CRUCEÑO, Random(80), ";")
    project.add(
        "network",
        mrid="SE-GUA",
        kind="substation",
        name="Subestación Guaracachi 69/24,9 kV",
        lat="-17.8003",
        lon="-63.1542",
    )
    project.add(
        "network", mrid="GUA-104", kind="feeder", parent="SE-GUA", name="Alimentador GUA-104", phase="ABC"
    )
    teams = crews(project, 4, "SCZ")
    for number, (name, address, floors, per_floor) in enumerate(CONDOMINIUMS, 1):
        condominium(project, number, name, address)
        for floor in range(1, floors + 1):
            panel = f"C{number}-P{floor:02d}"
            project.add(
                "network",
                mrid=panel,
                kind="panel",
                parent=f"C{number}-S1",
                capacity=per_floor,
                name=f"Panel piso {floor}, {name}",
            )
            for slot in range(1, per_floor + 1):
                flat(project, teams, number, floor, slot, name, address)
    works(project, teams[-1])
    return project


def works(project: Project, crew: str) -> None:
    """What a crew does beside exchanges at the last condominium: concentrator, macro meter, two visits."""
    number = len(CONDOMINIUMS)
    network = {row["mrid"]: row for row in project.rows["network"]}
    points = [row for row in project.rows["usage_points"] if row["panel"] == f"C{number}-P01"]
    hangs = {row["usage_point"]: row["serial"] for row in project.rows["meters"]}
    known = dict(part.split("=") for part in network[f"C{number}-DCU"]["identity"].split(";"))
    said = {"ip": known["ip"], "iccid": known["iccid"], "apn": "m2m.cre.bo", "gateway": "tunel.cre.bo:1194"}
    macro = serial(THREE, 71_000_900)
    start, end, due = window(project, 60, 12)
    common = {"crew": crew, "scheduled_start": start, "scheduled_end": end, "due": due, "priority": 0}
    project.add(
        "orders",
        number="CRE-269001",
        kind="installConcentrator",
        node=f"C{number}-DCU",
        new_serial="DCU00000903",
        procedure="concentrator",
        values=";".join(f"{name}={value}" for name, value in said.items()),
        **common,
    )
    project.add(
        "orders",
        number="CRE-269002",
        kind="installTotalizer",
        node=f"C{number}-TR",
        new_serial=macro,
        new_model=THREE,
        procedure="totalizer",
        values="ct_ratio=250/5",
        **common,
    )
    for at, (kind, procedure) in enumerate((("inspect", "inspect"), ("investigate", "communication_fault"))):
        point = points[1 + at]
        project.add(
            "orders",
            number=f"CRE-26900{3 + at}",
            kind=kind,
            usage_point=point["mrid"],
            old_serial=hangs[point["mrid"]],
            procedure=procedure,
            **common,
        )
    for device, model, mac in (("DCU00000903", CONCENTRATOR, known["mac"]), (macro, THREE, "0018A2710384")):
        project.add("stock", serial=device, model=model, state="on_truck", crew=crew, identities=f"mac={mac}")


def condominium(project: Project, number: int, name: str, address: str) -> None:
    """Transformer, its macro meter and concentrator, and the one output to the building."""
    lat, lon = project.spot((-17.7690, -63.2010), 0.03)
    transformer = f"C{number}-TR"
    project.add(
        "network",
        mrid=transformer,
        kind="transformer",
        parent="GUA-104",
        lat=lat,
        lon=lon,
        phase="ABC",
        name=f"Transformador 160 kVA {name}",
    )
    project.add(
        "network",
        mrid=f"C{number}-MM",
        kind="macroMeter",
        parent=transformer,
        phase="ABC",
        identity=f"serial={serial(THREE, 71_000_000 + number)}",
        name=f"Macromedidor {name}",
    )
    identity = (
        f"mac={eui48(project.dice, '0018A2')};imei={imei(project.dice)};"
        f"iccid={iccid(project.dice, '591')};ip=10.64.{number}.10"
    )
    project.add(
        "network",
        mrid=f"C{number}-DCU",
        kind="concentrator",
        parent=transformer,
        capacity=200,
        identity=identity,
        lat=lat,
        lon=lon,
        name=f"Concentrador {name} ({address})",
    )
    project.add("network", mrid=f"C{number}-S1", kind="output", parent=transformer, name="Salida única")


def flat(
    project: Project, teams: list[str], number: int, floor: int, slot: int, name: str, address: str
) -> None:
    """One flat: slot, supply point, customer, the meter that hangs there, the order and the new meter."""
    index = len(project.rows["orders"])
    panel = f"C{number}-P{floor:02d}"
    place = f"{panel}-{slot:02d}"
    project.add("network", mrid=place, kind="slot", parent=panel, name=f"Posición {slot}")
    code = luhn(f"{310_000 + index * 7}")
    common = floor == 1 and slot == 1
    daily = project.dice.uniform(3, 22)
    marks, notes = flags(project, index)
    last, last_date, use = reading_of(project, daily, 5)
    phase = "ABC"[index % 3]
    transformer = project.rows["network"][[r["mrid"] for r in project.rows["network"]].index(f"C{number}-TR")]
    where = (
        "áreas comunes, bombas y ascensores" if common else f"piso {floor}, departamento {floor}{slot:02d}"
    )
    project.add(
        "usage_points",
        mrid=code,
        number=code,
        kind="electricity",
        customer=customer(
            project,
            code,
            f"CI {project.dice.randrange(10**6, 10**7)} SC",
            f"+591 7{project.dice.randrange(10**7):07d}",
        ),
        address=f"{name}, {where}, {address}",
        lat=transformer["lat"],
        lon=transformer["lon"],
        tariff="R-PREPAGO",
        contracted_power="8000",
        transformer=f"C{number}-TR",
        feeder="GUA-104",
        phase=phase,
        panel=panel,
        slot=slot,
    )
    old_model = PREPAY if index % 2 == 0 else ELECTROMECHANICAL
    old = serial(old_model, 8_200_000 + index * 11)
    project.add(
        "meters",
        serial=old,
        model=old_model,
        place=place,
        usage_point=code,
        phase=phase,
        installed_on=day(project, 2000, 2500),
        last_reading=last,
        last_reading_date=last_date,
        usual_daily_use=use,
    )
    crew = teams[index % len(teams)]
    start, end, due = window(project, index // len(teams), 12)
    new = serial(PREPAY, 90_400_000 + index * 13)
    project.add(
        "orders",
        number=f"CRE-{260_000 + index}",
        kind="exchange",
        usage_point=code,
        crew=crew,
        scheduled_start=start,
        scheduled_end=end,
        due=due,
        old_serial=old,
        new_serial=new if index % 5 != 3 else "",
        new_model=PREPAY,
        procedure="exchange",
        program="prepay-bt",
        priority=1 if common else 0,
        notes=notes,
        flags=marks,
    )
    shelf = index % 10 == 3
    project.add(
        "stock",
        serial=new,
        model=PREPAY,
        crew="" if shelf else crew,
        state="in_store" if shelf else "on_truck",
        identities=f"mac={eui48(project.dice, '0018A2')}",
    )
    if index % 16 == 0 and old_model == PREPAY:
        project.add(
            "heard",
            serial=old,
            heard_at=f"2026-11-23T{index % 24:02d}:40:00-04:00",
            concentrator=f"C{number}-DCU",
        )


def draw_prime() -> Project:
    """A city on PRIME: sixteen transformers, each with its own base node; supply codes with check letters."""
    project = Project("prime", SPANISH, Random(1901), ";")
    project.add(
        "network", mrid="ST-RIB", kind="substation", name="ST Ribera 45/15 kV", lat="40.4275", lon="-3.5330"
    )
    teams = crews(project, 5, "PRM")
    for number in range(1, 17):
        feeder = f"RIB-{1 + number % 4}"
        if number <= 4:
            project.add(
                "network", mrid=feeder, kind="feeder", parent="ST-RIB", name=f"Línea {feeder}", phase="ABC"
            )
        district = number % len(PLACES["prime"])
        name, _, middle = PLACES["prime"][district]
        lat, lon = project.spot(middle, 0.005)
        station = f"CT-{28_100 + number}"
        project.add(
            "network",
            mrid=station,
            kind="transformer",
            parent=feeder,
            lat=lat,
            lon=lon,
            phase="ABC",
            name=f"CT {28_100 + number} {name}",
        )
        base = mac_of(16_000_000 + number * 257)
        project.add(
            "network",
            mrid=f"{station}-DC",
            kind="concentrator",
            parent=station,
            capacity=60,
            lat=lat,
            lon=lon,
            identity=f"mac={base};serial={serial(PRIME, 4_990_000 + number)}",
            name=f"Concentrador CT {28_100 + number}",
        )
        for line in (1, 2):
            project.add(
                "network", mrid=f"{station}-L{line}", kind="output", parent=station, name=f"Línea BT {line}"
            )
        for place in range(15):
            dwelling(project, teams, station, feeder, district, 1 + place % 2, (float(lat), float(lon)))
    return project


def dwelling(
    project: Project,
    teams: list[str],
    station: str,
    feeder: str,
    district: int,
    line: int,
    middle: tuple[float, float],
) -> None:
    """One supply point of the PRIME city with its order and the new meter on a truck."""
    index = len(project.rows["usage_points"])
    code = cups(21, 4_100_000_000 + index * 1371)
    phase = "ABC"[index % 3]
    lat, lon = project.spot(middle, 0.002)
    mrid = customer(
        project, code, nif(10_200_000 + index * 37_911), f"+34 6{project.dice.randrange(10**8):08d}"
    )
    project.add(
        "usage_points",
        mrid=code,
        number=code,
        kind="electricity",
        customer=mrid,
        address=project.street(district),
        lat=lat,
        lon=lon,
        tariff="2.0TD",
        contracted_power=project.dice.choice(("3450", "4600", "5750")),
        transformer=station,
        feeder=feeder,
        phase=phase,
    )
    old_model = PRIME if index % 2 == 0 else ELECTROMECHANICAL
    old = serial(old_model, 12_300_000 + index * 19)
    last, last_date, use = reading_of(project, project.dice.uniform(2.5, 14), 7)
    project.add(
        "meters",
        serial=old,
        model=old_model,
        place=f"{station}-L{line}",
        usage_point=code,
        phase=phase,
        installed_on=day(project, 3000, 2500),
        last_reading=last,
        last_reading_date=last_date,
        usual_daily_use=use,
    )
    crew = teams[index % len(teams)]
    start, end, due = window(project, index // len(teams), 10)
    marks, notes = flags(project, index)
    number = 45_670_000 + index * 23
    new = serial(PRIME, number)
    kind, procedure = ("inspect", "") if index % 47 == 46 else ("exchange", "exchange")
    exchange = kind == "exchange"
    project.add(
        "orders",
        number=f"RN{2_600_001 + index}",
        kind=kind,
        usage_point=code,
        crew=crew,
        scheduled_start=start,
        scheduled_end=end,
        due=due,
        old_serial=old,
        new_serial=new if exchange and index % 3 != 1 else "",
        new_model=PRIME if exchange else "",
        procedure=procedure,
        program="residential-2.0TD" if exchange else "",
        priority=0,
        notes=notes,
        flags=marks,
    )
    shelf = index % 9 == 1
    project.add(
        "stock",
        serial=new,
        model=PRIME,
        crew="" if shelf else crew,
        state="in_store" if shelf else "on_truck",
        identities=f"mac={mac_of(number)}",
    )
