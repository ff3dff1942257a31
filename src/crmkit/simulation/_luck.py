"""Seeded chance by name: the same for one person whatever came before, in any process."""

from hashlib import blake2b

_SCALE = 2.0**-53


class Luck:
    """One person's luck: each number has a name and a place, and depends on nothing else.

    So the same person, put through another cadence, has the same luck with the n-th message, and
    what differs between two simulations is what the cadences did.

    >>> Luck(0, "ada").draw("open", 1) == Luck(0, "ada").draw("open", 1)
    True
    """

    __slots__ = ("_begun",)

    def __init__(self, seed: int, who: str) -> None:
        # Ids have no control characters, so the parts cannot run into one another.
        self._begun = blake2b(f"{seed}\x1f{who}\x1f".encode(), digest_size=8)

    def draw(self, what: str, place: int) -> float:
        """Return a number from 0 to 1, without 1: the first 53 bits of a BLAKE2b digest."""
        digest = self._begun.copy()
        digest.update(f"{what}\x1f{place}".encode())
        return (int.from_bytes(digest.digest(), "big") >> 11) * _SCALE
