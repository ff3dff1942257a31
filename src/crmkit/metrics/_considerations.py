"""How long people are considered: from the beginning of a process to its end, if it has one."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import attrs

from crmkit._time import DAY, earliest
from crmkit.metrics._benchmark import Unit
from crmkit.metrics._definitions import TIME_TO_HIRE
from crmkit.metrics._estimates import Middle
from crmkit.metrics._metric import Metric
from crmkit.metrics._reading import CONSIDERED, Reading
from crmkit.metrics._survival import Survival
from crmkit.metrics._tally import Adds, Frame, Tally, metric
from crmkit.model import Interaction, processes


@attrs.define
class Considerations(Adds):
    """Processes that began in the window, and those that ended in it."""

    closed: Counter[timedelta] = attrs.field(factory=Counter)
    """How long each lasted that ended in the window."""
    ended: Counter[timedelta] = attrs.field(factory=Counter)
    """How long each lasted that began in the window, and has ended."""
    running: Counter[timedelta] = attrs.field(factory=Counter)
    """How long each has lasted so far that began in the window, and runs."""
    tally: Tally = attrs.field(factory=Tally)

    def add(self, frame: Frame, readings: Iterable[Reading]) -> None:
        """Count some people."""
        for reading in readings:
            if reading.seen & CONSIDERED:
                self._add(frame, reading.kinds)

    def _add(self, frame: Frame, kinds: Mapping[str, Sequence[Interaction]]) -> None:
        running, ended = processes(kinds)
        start, now = frame.start, frame.now
        for began, end in ended:
            if began is None:
                if end.at > start:
                    self.tally.excluded["ends of a process without its beginning"] += 1
                continue
            lasted = end.at - began.at
            if end.at > start:
                self.closed[lasted] += 1
                if self.tally.oldest is None or end.at < self.tally.oldest:
                    self.tally.oldest = end.at
            if began.at > start:
                self.ended[lasted] += 1
        for began in running.values():
            if began.at > start:
                self.running[now - began.at] += 1

    @property
    def curve(self) -> Survival:
        """How long processes last that began in the window; those that run, at least so long."""
        return Survival(self.ended, self.running)

    def closed_median(self, frame: Frame, next_fact: datetime | None) -> Metric:
        """Return the median of those that ended in the window, as Ashby counts."""
        about = attrs.evolve(
            TIME_TO_HIRE,
            unit=Unit.DAYS,
            definition="As Ashby defines it: a median over closed considerations. Of the processes "
            "that ended in the window, by a hire, a rejection or a withdrawal, the median of the "
            "whole days from the first step to the end.",
            population="processes that ended in the window",
            numerator="",
            denominator="processes that ended in the window",
            exclusions=("ends of a process without its beginning",),
            reasons="",
            less_is_better=True,
        )
        days: Counter[int] = Counter()
        for lasted, number in self.closed.items():
            days[lasted // DAY] += number
        middle, count = Middle(tuple(sorted(days.items()))), days.total()
        return metric(
            about,
            frame,
            value=middle.value,
            because=f"the median of {count:,} processes that ended in the window"
            if count
            else "no process ended in the window",
            denominator=count,
            counted=count,
            until=earliest(frame.leaves(self.tally.oldest), next_fact),
            excluded=self.tally.excluded,
            estimate=middle if count else None,
            convention="Ashby",
        )
