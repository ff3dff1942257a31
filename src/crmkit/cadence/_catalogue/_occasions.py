"""Cadences that begin with an occasion: an event, or a role that opens."""

from crmkit.cadence._cadence import Cadence, Touch
from crmkit.cadence._catalogue._seven_touch import SEVEN_TOUCH
from crmkit.cadence._catalogue._texts import IN_PERSON, carrying, letter
from crmkit.cadence._content import ContentChoice

POST_EVENT = Cadence(
    name="post-event",
    every=SEVEN_TOUCH.every,
    touches=(
        Touch(
            key="thanks",
            week=0,
            day=2,
            purpose="thanks for coming, and an open door for questions",
            level=2,
            subject="Thank you for coming",
            bodies=(
                letter(
                    "Thank you for your time at the event. It is good to know who cares about "
                    "the same things as we do.",
                    "If a question was left open, reply and I will find somebody who knows the "
                    "answer.",
                ),
            ),
        ),
        Touch(
            key="follow-up",
            week=2,
            purpose="a talk or post about what brought them there",
            level=4,
            content=ContentChoice(kinds=("talk", "post", "insight")),
            subject="After the event",
            bodies=(
                *carrying(
                    "After the event I wanted to send you something about $topic:",
                    "After the event I wanted to send you something that may be of use:",
                    "If you would rather hear about something else, reply and say what.",
                ),
                letter(
                    "After an event there is always a subject that one would have liked to hear "
                    "more about. Which one was it for you?",
                    "A word or two is enough, and I will send you what we have on it.",
                ),
            ),
        ),
        *SEVEN_TOUCH.touches[2:],
    ),
)
"""Follow-up after an event, then nurture; enrol people on the day of the event.

Conventions, all of them: thanks after two days, when people are back at their desks and still
know who we are; one useful thing after two weeks; from week 6 on the seven touches, whose welcome
and first value these two stand for.
"""

SILVER_MEDALIST = Cadence(
    name="silver-medalist",
    touches=(
        Touch(
            key="reach-out",
            week=0,
            purpose="a role like the one they nearly had: tell them in person, today",
            level=5,
            fallback=IN_PERSON,
            subject="A role that made me think of you",
            bodies=(
                letter(
                    "A role has opened that is close to the one we talked about, and I thought "
                    "of you. You would not have to start from the beginning: what we know from "
                    "last time counts.",
                    "How are things at $company, and would you like to hear more?",
                ),
                letter(
                    "A role has opened that is close to the one we talked about, and I thought "
                    "of you. You would not have to start from the beginning: what we know from "
                    "last time counts.",
                    "How are things with you, and would you like to hear more?",
                ),
            ),
        ),
        Touch(
            key="follow-up",
            week=2,
            purpose="the same role once more, or a date to ask again",
            level=3,
            subject="If you would like to hear more",
            bodies=(
                letter(
                    "A role here is close to the one we talked about when we last spoke. If you "
                    "would like to hear about it, reply and I will tell you more.",
                    "If the time is wrong, a date to ask again is just as welcome.",
                ),
            ),
        ),
        Touch(
            key="next-time",
            week=6,
            purpose="which role they would listen to next time",
            level=2,
            subject="The next one",
            bodies=(
                letter(
                    "Some roles come at the wrong time, and some are not the right ones. We "
                    "would like to ask you again when the next one opens.",
                    "If there is a kind of role for which you would listen, reply and tell me "
                    "which. If you would rather not be asked, tell me that.",
                ),
            ),
        ),
    ),
)
"""Personal outreach on the day a matching role opens; enrol people on that day.

The first touch is a task for a recruiter, on the very day: that is what silver medalists are kept
for. Conventions: two weeks until the follow-up, long enough for an answer and short enough for
the role to be open still; six weeks until the last one, after which the next role begins it anew.
"""
