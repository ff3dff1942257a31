"""The field's sequence of seven touches."""

from crmkit.cadence._cadence import Cadence, Touch
from crmkit.cadence._catalogue._texts import BY_HAND, IN_PERSON, carrying, letter
from crmkit.cadence._content import ContentChoice
from crmkit.model import CalendarSpan

SEVEN_TOUCH = Cadence(
    name="seven-touch",
    version=1,
    every=CalendarSpan(years=1),
    touches=(
        Touch(
            key="welcome",
            week=0,
            purpose="thanks for connecting, what we build and why",
            level=2,
            subject="Good to be in touch",
            bodies=(
                letter(
                    "Thank you for connecting with $organization. We would like to stay in "
                    "touch, so that when something comes up that fits, we already know each "
                    "other.",
                    "A few times a year you will hear what we are building and why. If there is "
                    "something you would rather read about, reply and say so.",
                ),
            ),
        ),
        Touch(
            key="value",
            week=2,
            purpose="a post, talk or insight chosen by their interests",
            level=4,
            content=ContentChoice(kinds=("post", "talk", "insight")),
            subject="Something you may find useful",
            bodies=(
                *carrying(
                    "This is about $topic, so I thought of you:",
                    "I thought that this may be of use to you:",
                    "If you have seen it done better, I would like to hear about it.",
                ),
                letter(
                    "You work with $topic, and so do some of us. We keep notes on what worked "
                    "for us and what did not.",
                    "If you would like to read them, reply and I will send the ones that fit. "
                    "And if you have seen it done better, I would like to hear about it.",
                ),
                letter(
                    "We keep notes on what worked for us and what did not, and we would rather "
                    "send you the ones you can use than all of them.",
                    "Which subjects are on your desk at the moment? A word or two is enough.",
                ),
            ),
        ),
        Touch(
            key="update",
            week=6,
            purpose="what we shipped, a milestone",
            level=2,
            subject="What we have been building at $organization",
            bodies=(
                letter(
                    "A short note on the last weeks at $organization: what we finished, what we "
                    "learned, and what we took on next.",
                    "If a part of it is close to what you do, reply and I will put you in touch "
                    "with the person who did it.",
                ),
            ),
        ),
        Touch(
            key="check-in",
            week=12,
            purpose="how are things at their current company, what may open",
            level=5,
            fallback=IN_PERSON,
            deadline=BY_HAND,
            subject="How are things?",
            bodies=(
                letter(
                    "How are things at $company? A few teams here will grow this year, and I "
                    "would like to know what would have to be true for you to listen."
                ),
                letter(
                    "How are things with you? A few teams here will grow this year, and I would "
                    "like to know what would have to be true for you to listen."
                ),
            ),
        ),
        Touch(
            key="insight",
            week=18,
            purpose="industry report, salary data, career advice for their function",
            level=4,
            content=ContentChoice(
                kinds=("report", "salary data", "advice"), by=("function", "topics", "skills")
            ),
            subject="How the work is changing",
            bodies=(
                *carrying(
                    "Here is something on how work with $topic is changing:",
                    "Here is something on how the work is changing:",
                    "Is it what you see, too? A word in reply is enough.",
                ),
                letter(
                    "We follow how work with $topic changes: what teams ask for, what they pay, "
                    "what people move for.",
                    "If a closer look at one of these would help you, reply and tell me which.",
                ),
                letter(
                    "We follow how work like yours changes: what teams ask for, what they pay, "
                    "what people move for.",
                    "If a closer look at one of these would help you, reply and tell me which.",
                ),
            ),
        ),
        Touch(
            key="opportunity",
            week=26,
            purpose="a role that matches their background",
            level=3,
            subject="Openings close to what you do",
            bodies=(
                letter(
                    "Some of our openings ask for $topic. If you would consider a move, reply "
                    "and I will tell you about the one that fits best. If not, a date to ask "
                    "again is just as welcome."
                ),
                letter(
                    "We have openings that may be close to what you do. If you would consider a "
                    "move, reply and I will tell you about the one that fits best. If not, a "
                    "date to ask again is just as welcome."
                ),
            ),
        ),
        Touch(
            key="annual",
            week=36,
            purpose="still interested in staying in our network?",
            level=2,
            subject="Shall we stay in touch?",
            bodies=(
                letter(
                    "It has been a while. Would you like to stay in our network at "
                    "$organization? If so, there is nothing to do. If not, reply with 'stop' and "
                    "you will not hear from us again."
                ),
            ),
        ),
    ),
)
"""The field's sequence: weeks 0, 2, 6, 12, 18, 26 and 36, then yearly.

The offsets are a convention of practitioners, not a measured optimum.
"""
