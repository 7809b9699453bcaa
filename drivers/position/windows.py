"""The location service of Windows, through its own interface (WinRT `Windows.Devices.Geolocation`).

It answers only where the person has allowed it in the system's privacy settings, and by whatever it has:
satellites, or networks in range, which is far coarser. Only Windows has it; elsewhere there is none.
"""

from __future__ import annotations

import sys
from threading import Event

from drivers.position.fix import Fix, Quality

if sys.platform != "win32":

    def locate(wait: float, stop: Event) -> Fix | str:
        """Nowhere but on Windows."""
        return "no_receiver"

else:
    import asyncio
    import time
    from datetime import UTC, timedelta

    from winrt.windows.devices.geolocation import (
        GeolocationAccessStatus,
        Geolocator,
        Geoposition,
        PositionAccuracy,
        PositionSource,
    )

    _SLICE = 0.1

    async def _locate(wait: float, stop: Event) -> Fix | str:
        access = await Geolocator.request_access_async()
        if access is not GeolocationAccessStatus.ALLOWED:
            return "denied"
        locator = Geolocator()
        locator.desired_accuracy = PositionAccuracy.HIGH
        asked = asyncio.ensure_future(_ask(locator, wait))
        until = time.monotonic() + wait
        while not asked.done():
            if stop.is_set() or time.monotonic() >= until:
                asked.cancel()
                return "stopped" if stop.is_set() else "no_signal"
            await asyncio.wait({asked}, timeout=_SLICE)
        return _fix(asked.result())

    async def _ask(locator: Geolocator, wait: float) -> Geoposition:
        return await locator.get_geoposition_async(timedelta(seconds=1), timedelta(seconds=wait))

    def _fix(found: Geoposition) -> Fix:
        at = found.coordinate
        point = at.point.position
        satellites = at.position_source is PositionSource.SATELLITE
        return Fix(
            latitude=f"{point.latitude:.7f}",
            longitude=f"{point.longitude:.7f}",
            quality=_QUALITIES.get(at.position_source, Quality.NETWORK),
            time=(at.position_source_timestamp or at.timestamp).astimezone(UTC),
            accuracy_m=f"{at.accuracy:.1f}",
            altitude_m=f"{point.altitude:.1f}" if satellites else None,
        )

    _QUALITIES = {
        PositionSource.SATELLITE: Quality.SATELLITES,
        # A place that the person has set by hand, or one blurred on purpose.
        PositionSource.DEFAULT: Quality.MANUAL,
        PositionSource.OBFUSCATED: Quality.ESTIMATED,
    }

    def locate(wait: float, stop: Event) -> Fix | str:
        """*Slow.* A fix, or the reason (`take.NoFix`) why there is none."""
        try:
            return asyncio.run(_locate(wait, stop))
        except OSError:  # what WinRT raises: the service is switched off, or there is no sensor
            return "no_receiver"
