"""Reed–Solomon over GF(256), with erasures: what is known to be hidden costs half of what a mistake costs.

The library corrects mistakes only; a module under a cable or a lamp's reflection is no mistake, one knows
that it is unreadable. Source of the method: Blahut, *Algebraic Codes for Data Transmission*, ch. 7
(Berlekamp and Massey started from the erasure locator, Forney's formula).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Field:
    """GF(256) by its primitive polynomial, and the codes whose generator has its roots from α^`base` on."""

    def __init__(self, polynomial: int, base: int) -> None:
        self.base = base
        self._power = [0] * 510
        self._log = [0] * 256
        value = 1
        for exponent in range(255):
            self._power[exponent] = self._power[exponent + 255] = value
            self._log[value] = exponent
            value <<= 1
            if value & 0x100:
                value ^= polynomial

    def correct(
        self, word: Sequence[int], checks: int, erased: Iterable[int], spare: int
    ) -> list[int] | None:
        """The code word nearest to `word`, or None.

        word: bytes, the first one of the highest power. checks: how many of them, at the end, are checks.
        erased: indices whose value says nothing. spare: so many checks must be left over as proof: a reading
        with E erasures and M mistakes is given only where 2·M + E ≤ checks − spare.
        """
        length = len(word)
        places = sorted(set(erased))
        if len(places) > checks - spare:
            return None
        syndromes = self._syndromes(word, checks)
        if not any(syndromes):
            return list(word)
        erasure = [1]
        for place in places:
            erasure = self._times(erasure, [1, self._power[length - 1 - place]])
        locator = self._berlekamp_massey(syndromes, erasure, len(places))
        count = len(locator) - 1
        if 2 * (count - len(places)) + len(places) > checks - spare:
            return None
        wrong = [p for p in range(length) if not self._at(locator, (255 - (length - 1 - p)) % 255)]
        if len(wrong) != count:
            return None
        evaluator = self._times(syndromes, locator)[:checks]
        slope = [value if power % 2 == 0 else 0 for power, value in enumerate(locator[1:])]
        fixed = list(word)
        for place in wrong:
            exponent = length - 1 - place
            below = self._at(slope, 255 - exponent)
            if not below:
                return None
            above = self._at(evaluator, 255 - exponent)
            if above:
                log = self._log[above] - self._log[below] + exponent * (1 - self.base)
                fixed[place] ^= self._power[log % 255]
        return fixed if not any(self._syndromes(fixed, checks)) else None

    def _syndromes(self, word: Sequence[int], checks: int) -> list[int]:
        power, log = self._power, self._log
        found = []
        for root in range(self.base, self.base + checks):
            value = 0
            for byte in word:
                value = (power[log[value] + root] if value else 0) ^ byte
            found.append(value)
        return found

    def _berlekamp_massey(self, syndromes: list[int], erasure: list[int], count: int) -> list[int]:
        """The locator (lowest power first) of erasures and mistakes together."""
        locator, before = list(erasure), list(erasure)
        length = count
        for step in range(count, len(syndromes)):
            before = [0, *before]
            wrong = 0
            for index, value in enumerate(locator):
                if index <= step:
                    wrong ^= self._product(value, syndromes[step - index])
            if not wrong:
                continue
            longer = self._sum(locator, [self._product(wrong, value) for value in before])
            if 2 * length <= step + count:
                inverse = self._power[255 - self._log[wrong]]
                before = [self._product(inverse, value) for value in locator]
                length = step + 1 + count - length
            locator = longer
        while len(locator) > 1 and not locator[-1]:
            locator.pop()
        return locator

    def _product(self, one: int, two: int) -> int:
        return self._power[self._log[one] + self._log[two]] if one and two else 0

    def _times(self, one: Sequence[int], two: Sequence[int]) -> list[int]:
        result = [0] * (len(one) + len(two) - 1)
        for i, value in enumerate(one):
            if value:
                for j, other in enumerate(two):
                    result[i + j] ^= self._product(value, other)
        return result

    @staticmethod
    def _sum(one: list[int], two: list[int]) -> list[int]:
        short, long = sorted((one, two), key=len)
        return [value ^ (short[i] if i < len(short) else 0) for i, value in enumerate(long)]

    def _at(self, polynomial: Sequence[int], exponent: int) -> int:
        """A polynomial's value (lowest power first) at α^`exponent`."""
        value = 0
        for coefficient in reversed(polynomial):
            value = (self._power[self._log[value] + exponent % 255] if value else 0) ^ coefficient
        return value


#: ISO/IEC 16022, 5.7.1, and ISO/IEC 18004, 7.5.2.
DATA_MATRIX = Field(0x12D, 1)
QR_CODE = Field(0x11D, 0)
