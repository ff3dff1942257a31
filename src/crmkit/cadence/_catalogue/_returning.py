"""Cadences that keep in touch for years, and come back."""

import attrs

from crmkit.cadence._cadence import Cadence, Pace, Touch
from crmkit.cadence._catalogue._seven_touch import SEVEN_TOUCH
from crmkit.cadence._catalogue._texts import BY_HAND, IN_PERSON, carrying, letter
from crmkit.cadence._content import ContentChoice
from crmkit.model import CalendarSpan

_VALUE = SEVEN_TOUCH.touch("value")
_UPDATE = SEVEN_TOUCH.touch("update")
_CHECK_IN = SEVEN_TOUCH.touch("check-in")
_INSIGHT = SEVEN_TOUCH.touch("insight")
_OPPORTUNITY = SEVEN_TOUCH.touch("opportunity")
_ANNUAL = SEVEN_TOUCH.touch("annual")

QUARTERLY = Cadence(
    name="quarterly",
    every=CalendarSpan(months=3),
    repeat=2,
    touches=(
        Touch(
            key="first",
            week=0,
            purpose="something new on their subject",
            level=4,
            content=ContentChoice(needed=True),
            subject="$piece_title",
            bodies=carrying(
                "This quarter, something on $topic:",
                "This quarter, something that may be of use to you:",
                "If your subject is another one by now, reply and tell me which.",
            ),
        ),
        Touch(
            key="second",
            week=6,
            day=3,
            purpose="something else on their subject",
            level=4,
            content=ContentChoice(needed=True),
            subject="$piece_title",
            bodies=carrying(
                "Worth your time, I think, since it is about $topic:",
                "Worth your time, I think:",
                "And how are things with you? A line in reply is always welcome.",
            ),
        ),
    ),
)
"""Two relevant updates a quarter, for as long as there is content that suits.

Half a quarter lies between the two, a convention. Both need a piece of content: an update that is
about nothing in particular would be a newsletter, and the same one every quarter.
"""

ALUMNI = Cadence(
    name="alumni",
    every=CalendarSpan(years=1),
    touches=(
        Touch(
            key="hello",
            week=4,
            purpose="the door is open",
            level=2,
            subject="Staying in touch with $organization",
            bodies=(
                letter(
                    "You know $organization from the inside, so this is short: we would like to "
                    "stay in touch. A few times a year I will ask how you are, and whether I "
                    "should look for a role for you.",
                    "And if you ever think of coming back, one line to me is enough.",
                ),
            ),
        ),
        Touch(
            key="changes",
            week=16,
            purpose="what has changed since they left",
            level=2,
            subject="Would you like to hear from your old team?",
            bodies=(
                letter(
                    "Some of what you knew at $organization has changed since you left, and some "
                    "of it never will. Your old team can tell it better than I can.",
                    "If you would like to hear from them, reply and I will put you in touch.",
                ),
            ),
        ),
        attrs.evolve(_CHECK_IN, week=26),
        attrs.evolve(_OPPORTUNITY, week=38),
        Touch(
            key="come-back",
            week=52,
            purpose="would they come back, and for what?",
            level=5,
            fallback=IN_PERSON,
            deadline=BY_HAND,
            subject="Would you come back?",
            bodies=(
                letter(
                    "Once a year I ask people who used to work here two things: how are things "
                    "at $company, and what would bring you back?",
                ),
                letter(
                    "Once a year I ask people who used to work here two things: how are you, "
                    "and what would bring you back?",
                ),
            ),
        ),
    ),
)
"""Targeted re-hire of former employees; enrol people on the day they leave.

No value content: they know us, and hear from colleagues what we do. The offsets are conventions:
a month until the first, for the goodbye is over then and the new place is not home yet; about a
quarter between the others; after half a year, when people know how they like it there, the first
personal one; and on the anniversary of leaving the question itself, every year.
"""

WARM_PASSIVE = Cadence(
    name="warm-passive",
    every=CalendarSpan(months=6),
    touches=(
        attrs.evolve(_VALUE, week=4),
        attrs.evolve(_CHECK_IN, week=12),
        attrs.evolve(_UPDATE, week=18),
        attrs.evolve(_OPPORTUNITY, week=26),
        Touch(
            key="timing",
            week=36,
            purpose="is the time better now?",
            level=5,
            fallback=IN_PERSON,
            deadline=BY_HAND,
            subject="Is the time better now?",
            bodies=(
                letter(
                    "When we last spoke about a move, the time was not right. Has that changed?",
                    "Yes, no and a date to ask again are all good answers. And how are things "
                    "at $company?",
                ),
                letter(
                    "When we last spoke about a move, the time was not right. Has that changed?",
                    "Yes, no and a date to ask again are all good answers.",
                ),
            ),
        ),
    ),
)
"""Re-engagement of those who answered well when the timing was wrong.

Half of it is personal, since they have spoken to us. The offsets are conventions: a month of rest
after "not now", so that it does not press; a quarter, about as long as plans stand, until somebody
asks; roles after half a year, the time that people name most when they say "later"; from then on
the question of timing every six months.
"""

LONG_TERM = Cadence(
    name="long-term",
    every=CalendarSpan(years=1),
    repeat=4,
    pace=Pace(cooling=1, cold=1, archive_after=8),
    touches=(
        attrs.evolve(_INSIGHT, week=12),
        attrs.evolve(_UPDATE, week=26),
        attrs.evolve(_VALUE, week=38),
        attrs.evolve(_ANNUAL, week=52),
    ),
)
"""Nurture for the cold: once a quarter, nothing that asks for an answer but once a year.

Conventions: a quarter is rare enough for people who have not answered, and often enough to be
remembered. These are the weeks of the cold already, so the pace does not stretch them again.
After eight messages without an answer, two years, it archives.
"""
