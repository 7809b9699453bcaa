"""The network of the preview: the top, a transformer with its panels, and what a search finds."""

from __future__ import annotations

from ui.views import Choice, Fact, NetworkLevel, NetworkRow

_TOP = Choice(key="", title="Red")

TOP = NetworkLevel(
    title="Red",
    facts=(
        Fact(label="Equipos", value="1.284"),
        Fact(label="Unidos", value="1.102", tone="good"),
        Fact(label="Pendientes", value="171", tone="attention"),
        Fact(label="Sin unir", value="11", tone="wrong"),
    ),
    rows=(
        NetworkRow(
            key="SE-GUA",
            title="Subestación Guaracachi 69/24,9 kV",
            detail="subestación · SE-GUA",
            icon="substation",
            verdict="1.284 equipos",
            verdict_icon="meter",
        ),
    ),
)
PANELS = NetworkLevel(
    key="C1-TR",
    title="Transformador 160 kVA Condominio Jardines del Urubó",
    kind="transformador",
    path=(
        _TOP,
        Choice(key="SE-GUA", title="Subestación Guaracachi 69/24,9 kV"),
        Choice(key="GUA-104", title="Alimentador GUA-104"),
    ),
    facts=(
        Fact(label="Equipos", value="80"),
        Fact(label="Unidos", value="71", tone="good"),
        Fact(label="Pendientes", value="6", tone="attention"),
        Fact(label="Sin unir", value="3", tone="wrong"),
    ),
    rows=(
        NetworkRow(
            key="C1-DCU",
            title="Concentrador Jardines del Urubó",
            detail="concentrador · C1-DCU",
            icon="concentrator",
            verdict="78 de 80",
            verdict_icon="attention",
            tone="attention",
        ),
        NetworkRow(
            key="C1-P01",
            title="Panel P1, piso 1",
            detail="panel · C1-P01",
            icon="panel",
            verdict="10 de 10",
            verdict_icon="wrong",
            tone="wrong",
        ),
        NetworkRow(
            key="C1-P02",
            title="Panel P2, piso 2",
            detail="panel · C1-P02",
            icon="panel",
            verdict="3 sin unir",
            verdict_icon="wrong",
            tone="wrong",
        ),
        *(
            NetworkRow(
                key=f"C1-P0{n}",
                title=f"Panel P{n}, piso {n}",
                detail=f"panel · C1-P0{n}",
                icon="panel",
                verdict=f"{n} de 10",
                verdict_icon="meter",
            )
            for n in range(3, 9)
        ),
    ),
    more=True,
)
DEVICES = NetworkLevel(
    key="C1-P02",
    title="Panel P2, piso 2",
    kind="panel",
    path=(*PANELS.path, Choice(key="C1-TR", title="Transformador 160 kVA Condominio Jardines del Urubó")),
    facts=(Fact(label="Equipos", value="3"), Fact(label="Ocupación", value="3 de 10", detail="30 %")),
    rows=(
        NetworkRow(
            key="",
            title="37904000264",
            detail="3100146 · posición 3 · fase C",
            icon="meter",
            verdict="Unido",
            verdict_icon="join",
            tone="good",
        ),
        NetworkRow(
            key="",
            title="37904000132",
            detail="3100070 · posición 2 · fase B",
            icon="meter",
            verdict="Pendiente",
            verdict_icon="waiting",
            tone="attention",
        ),
        NetworkRow(key="", title="08200011", detail="3100070 · posición 4 · fase A", icon="meter"),
    ),
)
FOUND = NetworkLevel(title="Búsqueda", path=(_TOP,), searched="urubo zzz")
