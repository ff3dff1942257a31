"""Who applied or was interviewed, and has heard nothing since."""

from bisect import bisect_left
from collections.abc import Iterable
from datetime import datetime

import attrs

from crmkit._time import DAY, earliest, later
from crmkit.metrics import _definitions as names
from crmkit.metrics._metric import Metric
from crmkit.metrics._reading import APPLIED, INTERVIEWED, Reading
from crmkit.metrics._tally import Adds, Frame, Longest, Tally, rate

PATIENCE = 14 * DAY
"""How long somebody may wait for an answer before it is silence: a convention."""

_ANSWERED = (
    *("messaged", "called", "met", "screened", "assessed", "offered"),
    *("rejected", "withdrew", "hired"),
)


@attrs.define
class Silence(Adds):
    """Who waits for an answer."""

    tally: Tally = attrs.field(factory=Tally)
    waiting: Longest = attrs.field(factory=Longest)
    """Who waits longest."""

    def add(self, frame: Frame, readings: Iterable[Reading]) -> None:
        """Count some people."""
        for reading in readings:
            if reading.seen & (APPLIED | INTERVIEWED):
                self._add(frame, reading)

    def _add(self, frame: Frame, reading: Reading) -> None:
        kinds, tally = reading.kinds, self.tally
        asked = kinds["applied" if reading.seen & APPLIED else "interviewed"][-1].at
        if reading.seen & INTERVIEWED:
            asked = max(asked, kinds["interviewed"][-1].at)
        if asked <= frame.start:
            return
        if frame.now - asked < PATIENCE:
            tally.excluded["people who applied or were interviewed less than 14 days ago"] += 1
            tally.changes(later(asked, PATIENCE))
            return
        tally.denominator += 1
        if tally.oldest is None or asked < tally.oldest:
            tally.oldest = asked
        if not self._answered(reading, asked):
            tally.numerator += 1
            self.waiting.add(asked, reading.relationship.candidate.id)

    @staticmethod
    def _answered(reading: Reading, asked: datetime) -> bool:
        """Whether anything came with it or after it.

        Neither a cadence's message nor a machine's acknowledgement is an answer.
        """
        kinds = reading.kinds
        for kind in _ANSWERED:
            if kind in kinds and kinds[kind][-1].at >= asked:
                return True
        for message in reading.messages[bisect_left(reading.sent_at, asked) :]:
            if message.enrollment_id is None and message.automated is not True:
                return True
        return False

    def metric(self, frame: Frame) -> Metric:
        """Return the share of those who asked that has heard nothing."""
        tally = self.tally
        return rate(
            names.SILENCE,
            frame,
            tally.numerator,
            tally.denominator,
            of="people who applied or were interviewed have heard nothing since",
            none="no one applied or was interviewed in the window, 14 days ago or earlier",
            until=earliest(tally.until, frame.leaves(tally.oldest)),
            excluded=tally.excluded,
        )
