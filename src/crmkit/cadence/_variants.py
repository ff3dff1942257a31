"""Variants of a touch, and who gets which: always the same one for the same run."""

import hashlib
import math
from collections.abc import Mapping

import attrs

from crmkit.errors import InvalidRecord
from crmkit.model import _fields as fields

_HEAVIEST = 1000.0


def _weight(value: object) -> float:
    weight = fields.optional_amount(value)
    if weight is None or not 0 < weight <= _HEAVIEST:
        raise InvalidRecord("", f"expected a number above 0, at most 1000, got {value!r}")
    return weight


def bodies(value: object) -> tuple[str, ...]:
    """Accept a list of texts of any number of lines."""
    if not isinstance(value, list | tuple):
        raise InvalidRecord("", f"expected a list of texts, got {type(value).__name__}")
    found = []
    for index, item in enumerate(value):
        try:
            found.append(fields.lines(item))
        except InvalidRecord as error:
            raise error.under(f"[{index}]") from None
    return tuple(found)


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class Variant:
    """One of several ways to write a touch; what it leaves empty is as the touch has it.

    ``weight`` is its share against the other variants: of weights 1 and 3 the second goes to
    three people of four.

    >>> Variant(name="short", weight=0)
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: weight: expected a number above 0, at most 1000, got 0
    """

    name: str = attrs.field(converter=fields.text)
    weight: float = attrs.field(default=1.0, converter=_weight)
    subject: str = attrs.field(default="", converter=fields.text_or_blank)
    """A `string.Template`."""
    bodies: tuple[str, ...] = attrs.field(default=(), converter=bodies)
    """`string.Template` texts, most personal first."""


def variants(value: object) -> tuple[Variant, ...]:
    """Accept a list of variants with names of their own."""
    return fields.records(value, Variant, "variants", unique="name")


def assign(key: str, weights: Mapping[str, float], *, salt: str) -> str:
    """Return the name that *key* falls to: always the same, by chance, in the shares of *weights*.

    Each name draws a number *u* between 0 and 1, the first 64 bits of the BLAKE2b digest of salt,
    key and name; the least ln(1 ÷ *u*) ÷ weight wins. So the share of a name is its weight ÷ all
    weights, whatever order they are in; whoever has a name keeps it when another one is taken
    away, and one that is added takes from all others alike. Another *salt* draws anew.

    Raises `InvalidRecord` without names, or for a weight that is not above 0.

    >>> assign("ada", {"short": 1, "long": 1}, salt="value")
    'long'
    """
    if not weights:
        raise InvalidRecord("weights", "expected at least one name")
    return min(weights, key=lambda name: (_draw(salt, key, name) / _checked(name, weights), name))


def _checked(name: str, weights: Mapping[str, float]) -> float:
    try:
        return _weight(weights[name])
    except InvalidRecord as error:
        raise error.under(f"weights[{name!r}]") from None


def _draw(salt: str, key: str, name: str) -> float:
    # With their lengths, or ("ab", "c") and ("a", "bc") would draw one number.
    parts = [part.encode("utf-8", "surrogatepass") for part in (salt, key, name)]
    content = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    digest = hashlib.blake2b(content, digest_size=8).digest()
    return -math.log((int.from_bytes(digest, "big") + 0.5) / 2**64)
