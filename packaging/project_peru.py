"""Cusco (TWACS, the tree in full) and Pucallpa (RPMA, one access point)."""

from __future__ import annotations

from random import Random

from project_names import AMAZONIAN, ANDEAN, PLACES
from project_serials import ELECTROMECHANICAL, serial
from projects import Project, crews, customer, day, flags, reading_of, window

SINGLE, THREE = "plc-prepay-1ph", "idis-3ph-ct"
TARIFF_SINGLE, TARIFF_THREE = "BT5B", "BT4"
PROGRAMS = {SINGLE: "residential-bt5b", THREE: "industrial-mt"}

RATIO = "200/5"
"""Of the current transformers of every three-phase supply: a program sets it where order and plate agree."""


def peruvian(project: Project) -> tuple[str, str]:
    """Identity document and mobile telephone."""
    return f"DNI {project.dice.randrange(10**7, 9 * 10**7)}", f"+51 9{project.dice.randrange(10**8):08d}"


def draw_cusco() -> Project:
    """One substation for everything: 20,000 single-phase and 107 three-phase meters, 10 reclosers."""
    project = Project("cusco", ANDEAN, Random(20107), ";")
    substation, concentrator = "SE-DOL", "TWACS-DOL"
    lat, lon = project.spot((-13.5250, -71.9550), 0.001)
    project.add(
        "network", mrid=substation, kind="substation", name="SET Dolorespata 33/10,5 kV", lat=lat, lon=lon
    )
    project.add(
        "network",
        mrid=concentrator,
        kind="concentrator",
        parent=substation,
        name="TWACS SCE Dolorespata",
        identity="substation=DOL",
        capacity=50000,
        lat=lat,
        lon=lon,
    )
    outputs = cusco_tree(project, substation)
    points = cusco_meters(project, outputs)
    cusco_orders(project, points, crews(project, 8, "CUS"))
    cusco_heard(project)
    return project


def cusco_tree(project: Project, substation: str) -> list[tuple[str, str, str, tuple[float, float]]]:
    """Two buses, eight feeders, ten reclosers, 447 transformers with their outputs; returns the outputs."""
    outputs = []
    feeders = []
    for number in range(1, 9):
        bus = f"{substation}-B{1 + number % 2}"
        if number < 3:
            name = f"Barra {1 + number % 2}, 10,5 kV"
            project.add("network", mrid=bus, kind="bus", parent=substation, name=name)
        feeder = f"DO-{number:02d}"
        project.add(
            "network",
            mrid=feeder,
            kind="feeder",
            parent=bus,
            name=f"Alimentador {feeder}",
            identity=f"bus={1 + number % 2};feeder={number}",
            phase="ABC",
        )
        feeders.append(feeder)
    reclosers = {}
    for number in range(1, 11):
        feeder = feeders[(number - 1) % 8]
        recloser = f"RC-{number:02d}"
        project.add(
            "network",
            mrid=recloser,
            kind="recloser",
            parent=feeder,
            name=f"Reconectador {recloser}",
            identity=f"serial=NOJA{26000 + number * 17:06d}",
            phase="ABC",
        )
        reclosers[feeder] = recloser
    for number in range(1, 448):
        feeder = feeders[number % 8]
        parent = reclosers[feeder] if number % 3 == 0 else feeder
        sed = f"SED-{10000 + number}"
        district = PLACES["cusco"][number % 5]
        lat, lon = project.spot(district[2], 0.02)
        project.add(
            "network",
            mrid=sed,
            kind="transformer",
            parent=parent,
            lat=lat,
            lon=lon,
            phase="ABC",
            name=f"SED {10000 + number} {district[0]}",
        )
        for output in ("C1", "C2"):
            project.add("network", mrid=f"{sed}-{output}", kind="output", parent=sed, name=f"Salida {output}")
            outputs.append((f"{sed}-{output}", sed, feeder, (float(lat), float(lon))))
    return outputs


def cusco_meters(project: Project, outputs: list[tuple[str, str, str, tuple[float, float]]]) -> list[int]:
    """20,107 supply points with the meter that hangs there; returns indices by file row."""
    for index in range(20107):
        output, sed, feeder, middle = outputs[index * len(outputs) // 20107]
        three = index % 188 == 50 and index < 188 * 107
        model = THREE if three else (SINGLE if index % 3 == 0 else ELECTROMECHANICAL)
        number = f"1{index // 200 % 100:02d}{index % 200 * 45 + 1000:05d}{index // 20000:02d}"
        lat, lon = project.spot(middle, 0.004)
        phase = "ABC" if three else "ABC"[index % 3]
        project.add(
            "usage_points",
            mrid=number,
            number=number,
            kind="electricity",
            lat=lat[:-1],
            lon=lon[:-1],
            tariff=TARIFF_THREE if three else TARIFF_SINGLE,
            transformer=sed,
            feeder=feeder,
            phase=phase,
        )
        project.add(
            "meters",
            serial=serial(model, 3_100_000 + index * 7),
            model=model,
            place=output,
            usage_point=number,
            phase=phase,
            installed_on=f"{2004 + index % 12}-0{1 + index % 9}-15",
        )
    return list(range(20107))


def nearest_district(name: str, latitude: float) -> int:
    """Index of the district whose middle lies nearest, by latitude."""
    away = [abs(middle[0] - latitude) for _, _, middle in PLACES[name]]
    return away.index(min(away))


def place_orders(project: Project, chosen: list[int], teams: list[str], prefix: str, first: int) -> None:
    """Exchange orders for the chosen rows, with customer, address, last reading; new meters in the stock."""
    for index, row in enumerate(chosen):
        point, meter = project.rows["usage_points"][row], project.rows["meters"][row]
        three = meter["phase"] == "ABC"
        new_model = THREE if three else SINGLE
        new = serial(new_model, first + index * 3)
        crew = teams[index % len(teams)]
        start, end, due = window(project, index // len(teams), 9)
        marks, notes = flags(project, index)
        daily = project.dice.uniform(18, 160) if three else project.dice.uniform(1.2, 9.5)
        last, last_date, use = reading_of(project, daily, 6)
        meter.update(last_reading=last, last_reading_date=last_date, usual_daily_use=use)
        district = nearest_district(project.name, float(point["lat"]))
        point.update(
            address=project.street(district),
            customer=customer(project, point["number"], *peruvian(project)),
            contracted_power=project.dice.choice(
                ("15000", "25000", "40000") if three else ("800", "1000", "3000")
            ),
        )
        kind, procedure = ("investigate", "") if index % 43 == 42 else ("exchange", "exchange")
        project.add(
            "orders",
            number=f"{prefix}{index + 1:05d}",
            kind=kind,
            usage_point=point["mrid"],
            crew=crew,
            scheduled_start=start,
            scheduled_end=end,
            due=due,
            old_serial=meter["serial"],
            new_serial=new if index % 5 != 2 and kind == "exchange" else "",
            new_model=new_model if kind == "exchange" else "",
            procedure=procedure,
            program=PROGRAMS[new_model] if kind == "exchange" else "",
            priority=1 if "appointment" in marks else 0,
            notes=notes,
            flags=marks,
            values=f"ct_ratio={RATIO}" if three and kind == "exchange" else "",
        )
        identity = (
            f"twacs={41_000_000 + first % 1000 + index};transponder={'UMT-C' if three else 'UMT-R'}"
            if project.name == "cusco"
            else f"rpma={0x00A40000 + first % 1000 + index * 5:08X}"
        )
        shelf = index % 5 == 2
        project.add(
            "stock",
            serial=new,
            model=new_model,
            crew="" if shelf else crew,
            identities=identity,
            state="in_store" if shelf else "on_truck",
        )


def cusco_orders(project: Project, rows: list[int], teams: list[str]) -> None:
    """220 orders on transformers next to each other, as a week is planned; every tenth a three-phase one."""
    three = [row for row in rows if project.rows["meters"][row]["phase"] == "ABC"][:22]
    single = [row for row in rows[2000:] if project.rows["meters"][row]["phase"] != "ABC"]
    chosen: list[int] = []
    for index in range(220):
        chosen.append(three[index // 10] if index % 10 == 0 else single[index])
    place_orders(project, chosen, teams, "OT-2026-", 52_400_000)


def cusco_heard(project: Project) -> None:
    """What the head-end heard last night: meters of an earlier batch, two that nobody has placed."""
    for index in range(0, 600, 3):
        meter = project.rows["meters"][index]
        if meter["model"] == SINGLE:
            project.add(
                "heard",
                serial=meter["serial"],
                concentrator="TWACS-DOL",
                heard_at=f"2026-11-2{1 + index % 3}T0{index % 6}:15:00-05:00",
            )
    for number in (77_000_001, 77_000_002):
        project.add(
            "heard",
            serial=serial(SINGLE, number),
            concentrator="TWACS-DOL",
            heard_at="2026-11-23T03:15:00-05:00",
        )


def draw_pucallpa() -> Project:
    """10,000 single-phase and 100 three-phase meters under 15 transformers and one access point."""
    project = Project("pucallpa", AMAZONIAN, Random(10100), ",")
    middle = (-8.3793, -74.5539)
    lat, lon = project.spot(middle, 0.0005)
    project.add(
        "network", mrid="SE-PUC", kind="substation", name="S.E. Pucallpa 60/22,9/10 kV", lat=lat, lon=lon
    )
    project.add(
        "network",
        mrid="AP-001",
        kind="accessPoint",
        parent="SE-PUC",
        capacity=20000,
        lat=lat,
        lon=lon,
        name="Punto de acceso RPMA, torre Tarapacá",
        identity="rpma=00A3F001",
    )
    for number in range(1, 4):
        project.add(
            "network",
            mrid=f"PU-{number}",
            kind="feeder",
            parent="SE-PUC",
            phase="ABC",
            name=f"Alimentador PU-{number}",
        )
    pucallpa_meters(project, middle)
    single = [index for index, meter in enumerate(project.rows["meters"]) if meter["phase"] != "ABC"]
    three = [index for index, meter in enumerate(project.rows["meters"]) if meter["phase"] == "ABC"]
    chosen = [three[index // 8] if index % 8 == 0 else single[index * 2] for index in range(212)]
    place_orders(project, chosen, crews(project, 6, "PUC"), "4500", 61_200_000)
    for index in range(0, 900, 5):
        meter = project.rows["meters"][index]
        if meter["model"] == SINGLE:
            project.add(
                "heard",
                serial=meter["serial"],
                heard_at=f"2026-11-23T{index % 24:02d}:02:11-05:00",
                concentrator="AP-001",
            )
    return project


def pucallpa_meters(project: Project, middle: tuple[float, float]) -> None:
    """15 three-phase transformers with three outputs each, and everything under them."""
    for number in range(1, 16):
        sed = f"SED-U{number:03d}"
        lat, lon = project.spot(middle, 0.05)
        project.add(
            "network",
            mrid=sed,
            kind="transformer",
            parent=f"PU-{1 + number % 3}",
            phase="ABC",
            lat=lat,
            lon=lon,
            name=f"SED U{number:03d} trifásica 250 kVA",
        )
        for output in ("S1", "S2", "S3"):
            project.add("network", mrid=f"{sed}-{output}", kind="output", parent=sed, name=f"Salida {output}")
    seds = [row for row in project.rows["network"] if row["kind"] == "transformer"]
    for index in range(10100):
        sed_row = seds[index * 15 // 10100]
        sed, feeder = sed_row["mrid"], sed_row["parent"]
        three = index % 101 == 40
        model = THREE if three else (SINGLE if index % 4 == 0 else ELECTROMECHANICAL)
        supply = f"6{index + 10_000:06d}"
        phase = "ABC" if three else "ABC"[index % 3]
        lat, lon = project.spot((float(sed_row["lat"]), float(sed_row["lon"])), 0.006)
        project.add(
            "usage_points",
            mrid=supply,
            number=supply,
            kind="electricity",
            lat=lat[:-1],
            lon=lon[:-1],
            tariff=TARIFF_THREE if three else TARIFF_SINGLE,
            transformer=sed,
            feeder=feeder,
            phase=phase,
        )
        project.add(
            "meters",
            serial=serial(model, 5_500_000 + index * 3),
            model=model,
            place=f"{sed}-S{1 + index % 3}",
            usage_point=supply,
            phase=phase,
            installed_on=day(project, 2500, 3000),
        )
