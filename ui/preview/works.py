"""Other work that the visit of the preview may turn into."""

from __future__ import annotations

from ui.views import Choice, Work

WORKS = (
    Work(
        key="irregularity",
        title="Condición irregular encontrada",
        icon="attention",
        reasons=(
            Choice(key="bypass", title="Conexión por fuera del medidor", needs_photo=True),
            Choice(key="tampered", title="Marcas en medidor o precintos", needs_photo=True),
        ),
    ),
    Work(
        key="customer_absent",
        title="Cliente ausente",
        icon="person",
        reasons=(Choice(key="nobody_there", title="No hay nadie y hace falta que haya alguien"),),
    ),
    Work(
        key="commission",
        title="Solo puesta en servicio",
        icon="confirmed",
        reasons=(Choice(key="hangs_there", title="El medidor nuevo ya está montado", needs_photo=True),),
    ),
    Work(
        key="install",
        title="Instalación nueva",
        icon="install",
        reasons=(Choice(key="no_old_meter", title="No hay medidor que retirar", needs_photo=True),),
    ),
    Work(
        key="remove",
        title="Retiro de medidor",
        icon="remove",
        reasons=(
            Choice(key="supply_ended", title="El suministro se da de baja", needs_note=True),
            Choice(key="no_new_meter", title="Solo se retira, por indicación de la oficina", needs_note=True),
        ),
    ),
)
