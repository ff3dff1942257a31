"""Who is in which segment, since when, why, and until when: records that a store keeps."""

from datetime import datetime

import attrs

from crmkit.model import Reason


@attrs.frozen(kw_only=True, repr=False)
class Membership:
    """One person in one segment; ``next_change`` is the `Verdict.until` it was found with."""

    segment: str
    candidate_id: str
    since: datetime
    because: Reason
    next_change: datetime | None = None

    def __repr__(self) -> str:
        return f"Membership(segment={self.segment!r}, candidate_id={self.candidate_id!r})"


@attrs.frozen(kw_only=True, repr=False)
class Transition:
    """One person entered or left one segment at an instant, with the reason."""

    segment: str
    candidate_id: str
    entered: bool
    at: datetime
    because: Reason

    def __repr__(self) -> str:
        verb = "entered" if self.entered else "left"
        return f"<{self.candidate_id} {verb} {self.segment} at {self.at:%Y-%m-%d %H:%M} UTC>"
