"""What the generator assumes: numbers of the field where there are any, and guesses where not."""

import attrs

from crmkit.model import FrozenMap, Interest, Source


@attrs.frozen(kw_only=True)
class Assumptions:
    """Rates behind the simulated engagement; each is an assumption, none was measured here.

    From the field: 20 to 35 % of people open (``readers`` and ``opens``), 32 % answer somewhere
    in a sequence (Gem), half of the answers come after message 1 and 85 % by message 2 (Lever),
    5 to 15 % of nurtured people apply. The rest, and how interest and experience shift them, are
    guesses.
    """

    readers: float = 0.28
    """Share of people who read such mail at all."""
    opens: float = 0.70
    """Share of the messages that a reader opens."""
    stray_opens: float = 0.04
    """Share of the messages that anybody else opens."""
    machine_opens: float = 0.15
    """Share of the messages that a mail proxy opens, whoever reads them."""
    scanner_clicks: float = 0.02
    clicks: float = 0.25
    """Of opened messages."""
    visits: float = 0.4
    """Visits to the career site, of clicks."""
    replies: float = 0.32
    """Share of people who answer once in a sequence."""
    reply_at: tuple[float, ...] = (0.50, 0.35, 0.08, 0.04, 0.03)
    """Which message the answer comes to: shares from the first message on."""
    applies: float = 0.10
    """Share of people who apply once in a sequence."""
    apply_at: tuple[float, ...] = (0.10, 0.15, 0.10, 0.20, 0.10, 0.30, 0.05)
    auto_replies: float = 0.04
    unsubscribes: float = 0.005
    """Per message."""
    dead_addresses: float = 0.015
    """Share of people whose mail bounces."""
    interviewed: float = 0.5
    """Share of applicants who get beyond the screening."""
    hired: float = 0.35
    """Share of the interviewed."""
    withdrew: float = 0.15
    """Share of the interviewed."""
    keenness: FrozenMap = attrs.field(
        default=FrozenMap(
            {
                Interest.ACTIVE.value: 1.8,
                Interest.OPEN.value: 1.1,
                Interest.LATER.value: 1.0,
                Interest.NOT_INTERESTED.value: 0.3,
            }
        )
    )
    """What interest multiplies reading, answering and applying by; 0.8 where it is unknown."""
    experienced: float = 1.1
    """What five years or more of experience multiply them by."""
    sources: FrozenMap = attrs.field(
        default=FrozenMap(
            {
                Source.SOURCED.value: 0.30,
                Source.INBOUND.value: 0.14,
                Source.EVENT.value: 0.12,
                Source.REFERRAL.value: 0.12,
                Source.PAST_APPLICANT.value: 0.12,
                Source.SILVER_MEDALIST.value: 0.10,
                Source.PROSPECT.value: 0.05,
                Source.ALUMNI.value: 0.05,
            }
        )
    )
    """How people came in."""


ASSUMPTIONS = Assumptions()
"""The rates that are used unless others are given."""
