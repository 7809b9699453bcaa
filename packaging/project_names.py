"""Names and streets from which the demo projects are drawn: invented people, plausible places.

The long ones are there on purpose: a screen that shows "Mz. B Lt. 4" well has proved nothing.
"""

from __future__ import annotations

GIVEN = (
    "María Elena", "José Luis", "Juan Carlos", "Rosa María", "Luis Alberto", "Carmen", "Jorge", "Ana Lucía",
    "Víctor Hugo", "Julia", "Wilber", "Yolanda", "Percy", "Nancy Beatriz", "Edgar", "Sonia", "Hernán",
    "Gladys",
    "Rubén Darío", "Martha", "Abelardo", "Teófila", "Fortunato", "Saturnina", "Wenceslao", "Dina", "Eusebio",
    "Maritza del Rosario", "Santos", "Luz Marina", "Néstor", "Flor de María", "Raúl", "Silvia", "Óscar",
    "Norma",
    "Íñigo", "Begoña", "Ángel", "Nuria", "Francisco Javier", "María de los Ángeles", "Álvaro", "Inés",
)  # fmt: skip

ANDEAN = (
    "Quispe", "Mamani", "Huamán", "Condori", "Ccahuana", "Ttito", "Choque", "Yupanqui", "Puma", "Sullca",
    "Huillca", "Cusihuamán", "Ccori", "Apaza", "Challco", "Tapia", "Rojas", "Farfán", "Cárdenas", "Ñahuirima",
    "Villafuerte", "Loayza", "Zúñiga", "Álvarez", "Pacheco",
)  # fmt: skip

AMAZONIAN = (
    "Vásquez", "Ruiz", "Pinedo", "Tuanama", "Shupingahua", "Tello", "Ríos", "Panduro", "Saavedra", "Macedo",
    "Ahuanari", "Murayari", "Cachique", "Guevara", "Del Águila", "Ramírez", "Paredes", "Arévalo", "Isuiza",
    "Rengifo", "Sangama", "Yumbato",
)  # fmt: skip

CRUCEÑO = (
    "Suárez", "Justiniano", "Vaca", "Roca", "Rivero", "Antelo", "Parada", "Saucedo", "Ribera", "Peña",
    "Méndez", "Gutiérrez", "Chávez", "Áñez", "Landívar", "Cuéllar", "Montero", "Salvatierra", "Egüez",
    "Castedo",
)  # fmt: skip

SPANISH = (
    "García", "Martínez", "Ibáñez", "Muñoz", "Sánchez-Cabezudo", "Fernández", "Núñez", "Ordóñez", "Jiménez",
    "Etxeberria", "Villanueva", "Peláez", "Castaño", "Prieto", "Marín", "Serrano", "Gil", "Díaz de Mendívil",
)  # fmt: skip

COMPANIES = {
    "cusco": (
        "Comunidad Campesina Ccorao Sacsayhuamán", "Hostal Wiracocha E.I.R.L.",
        "Institución Educativa N.º 50499 Justo Barrionuevo Álvarez", "Lavandería Inti S.R.L.",
        "Asociación de Productores Agropecuarios San Isidro Labrador de Huasao",
    ),
    "pucallpa": (
        "Aserradero Río Ucayali S.A.C.", "Frigorífico y Procesadora de Pescado Yarinacocha S.A.C.",
        "Bodega La Bendición", "Institución Educativa Integrada Comercio N.º 64",
    ),
    "santacruz": (
        "Administración del Condominio Jardines del Urubó", "Farmacia Santa Mónica",
        "Cooperativa Multiactiva de Vivienda El Trompillo R.L.",
    ),
    "prime": (
        "Comunidad de Propietarios Calle Conde de Vallellano 23 Bis", "Panadería El Horno de Begoña, S.L.",
        "Club Deportivo Municipal de Piragüismo",
    ),
}  # fmt: skip

# District, streets there, and a point near its middle (degrees).
PLACES: dict[str, tuple[tuple[str, tuple[str, ...], tuple[float, float]], ...]] = {
    "cusco": (
        ("San Sebastián", (
            "Av. Cusco", "Jr. Túpac Amaru", "Calle Sucre", "APV Surihuaylla Grande",
            "Prolongación Av. de la Cultura", "Urb. Los Licenciados, Psje. Los Geranios",
        ), (-13.5301, -71.9365)),
        ("San Jerónimo", (
            "Av. Manco Cápac", "Calle Espinar", "APV Picol Orcompucyo", "Vía Expresa Sur",
            "Asociación Pro Vivienda Los Nogales de Chimpahuaylla Segunda Etapa",
        ), (-13.5447, -71.8840)),
        ("Oropesa", (
            "Carretera Cusco–Urcos km 25, Centro Poblado Menor de Huasao", "Calle Tipón",
            "Comunidad Campesina de Choquepata, sector Pata Pata, camino a la toma de agua",
        ), (-13.5912, -71.7710)),
        ("Andahuaylillas", ("Plaza de Armas", "Calle Rímac", "Sector Secsencalla"), (-13.6728, -71.6775)),
        ("Urcos", ("Jr. Arica", "Jr. Grau", "Barrio Mollebamba"), (-13.6867, -71.6232)),
    ),
    "pucallpa": (
        ("Callería", (
            "Jr. Tarapacá", "Jr. Coronel Portillo", "Av. San Martín", "Jr. Raimondi",
            "Asentamiento Humano Nuevo San Juan, Psje. Las Palmeras", "Av. Sáenz Peña",
        ), (-8.3836, -74.5320)),
        ("Yarinacocha", (
            "Av. Yarinacocha", "Jr. 28 de Julio", "Jr. Aguaytía", "Av. Universitaria",
            "Asentamiento Humano Roca Fuerte, tras el Mercado Bellavista, tercera calle de tierra",
        ), (-8.3549, -74.5763)),
        ("Manantay", (
            "Av. Túpac Amaru", "Jr. Los Mangos", "AA. HH. Nueva Luz de Oriente",
            "Carretera Federico Basadre km 4,5",
        ), (-8.4115, -74.5421)),
    ),
    "prime": (
        ("Ribera Norte", (
            "Calle Mayor", "Calle Conde de Vallellano", "Avenida de la Constitución", "Plaza de España",
            "Travesía de Nuestra Señora del Perpetuo Socorro",
        ), (40.4262, -3.5391)),
        ("Ensanche", (
            "Calle Almería", "Calle Doctor Fleming", "Paseo de la Chopera", "Ronda del Poniente",
            "Calle de los Hermanos Álvarez Quintero",
        ), (40.4318, -3.5272)),
        ("Casco Antiguo", ("Callejón del Agua", "Calle Real", "Cuesta de San Bartolomé"), (40.4209, -3.5330)),
    ),
}  # fmt: skip

CONDOMINIUMS = (
    ("Condominio Jardines del Urubó", "Av. Primera Urubó, km 2,5, pasando la tranca, mano derecha", 8, 10),
    ("Torre Equipetrol", "Calle 8 Este entre Av. San Martín y Calle Los Cusis", 10, 8),
    ("Edificio Macororó VII", "Av. Beni, entre 3.er y 4.º anillo, calle Los Pitones", 10, 8),
)

ACCESS_NOTES = (
    "Perro grande suelto en el patio: llamar antes de entrar",
    "Medidor al fondo del corredor, caja con candado; la llave la tiene la vecina de la tienda",
    "Camino de tierra: no entra camioneta después de lluvia, caminar 400 m",
    "Caja portamedidor a 2,40 m: llevar escalera",
    "Tocar el timbre del segundo piso; el dueño duerme de día",
    "Portón eléctrico: avisar por teléfono 15 minutos antes",
    "Suministro compartido con el molino: cortar sólo entre 12:00 y 14:00",
    "Riesgo de inundación en la acometida; usar botas y guantes de clase 00",
)

OBSERVATIONS = (
    "Reclamo por consumo elevado en los dos últimos meses",
    "Medidor con luna rota según lectura del mes pasado",
    "Cliente solicita presencia durante el cambio",
    "Segunda visita: en la primera el local estaba cerrado",
    "Verificar relación de transformación impresa en la placa",
)
