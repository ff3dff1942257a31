"""Who is in which segment, since when, why, and until when: records that a store keeps."""

from datetime import datetime

import attrs

from crmkit.model import Reason


@attrs.frozen(kw_only=True, repr=False)
class Membership:
    """One person in one segment; ``next_change`` is the `Verdict.until` it was found with.

    One that is not ``inside`` is a watch: kept, while ``next_change`` is not None, over somebody
    outside whom the clock alone may bring in. Its ``since`` is since when they are outside, as
    far as that is known.
    """

    segment: str
    candidate_id: str
    since: datetime
    because: Reason
    next_change: datetime | None = None
    inside: bool = True

    def __repr__(self) -> str:
        return f"Membership(segment={self.segment!r}, candidate_id={self.candidate_id!r})"


@attrs.frozen(kw_only=True, repr=False)
class Transition:
    """One person entered or left one segment at an instant: why, and until when at first."""

    segment: str
    candidate_id: str
    entered: bool
    at: datetime
    because: Reason
    until: datetime | None = None

    def __repr__(self) -> str:
        verb = "entered" if self.entered else "left"
        return f"<{self.candidate_id} {verb} {self.segment} at {self.at:%Y-%m-%d %H:%M} UTC>"
