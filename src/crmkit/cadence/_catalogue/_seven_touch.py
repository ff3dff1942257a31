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
                    "A few times a year I will send you something worth reading, or ask how you "
                    "are. If you would like to know what we are building and why, reply and say "
                    "so.",
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
                    "If you see it differently, I would like to hear how.",
                ),
                letter(
                    "I would rather send you one thing on $topic that you can use than all that "
                    "there is.",
                    "Which side of it is on your mind at the moment? A word or two is enough.",
                ),
                letter(
                    "I would rather send you one thing that you can use than all that there is.",
                    "Which subjects are on your mind at the moment? A word or two is enough.",
                ),
            ),
        ),
        Touch(
            key="update",
            week=6,
            purpose="what we shipped, a milestone",
            level=2,
            subject="What we are working on at $organization",
            bodies=(
                letter(
                    "Some things at $organization are finished since you last heard from us, and "
                    "others have begun. You would not want to read of all of them.",
                    "Reply with a word on what you do at the moment, and I will put you in touch "
                    "with the person here who is closest to it.",
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
                    "How are things at $company? Before I come to you with a role, I would like "
                    "to know what would have to be true for you to listen."
                ),
                letter(
                    "How are things with you? Before I come to you with a role, I would like to "
                    "know what would have to be true for you to listen."
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
            subject="For your line of work",
            bodies=(
                *carrying(
                    "Here is something for people who care about $topic:",
                    "Here is something for people in your line of work:",
                    "Is it what you see, too? A word in reply is enough.",
                ),
                letter(
                    "What would you like to know about work around $topic: what teams ask for, "
                    "what they pay, what people move for?",
                    "Reply and tell me which, and I will tell you what we see.",
                ),
                letter(
                    "What would you like to know about work like yours: what teams ask for, what "
                    "they pay, what people move for?",
                    "Reply and tell me which, and I will tell you what we see.",
                ),
            ),
        ),
        Touch(
            key="opportunity",
            week=26,
            purpose="a role that matches their background",
            level=3,
            subject="Shall I look through our openings for you?",
            bodies=(
                letter(
                    "If you would consider a move, I would like to go through our openings with "
                    "you in mind, and look first for those around $topic.",
                    "Reply, and I will tell you which one fits best, or that none does. If now is "
                    "not the time, a date to ask again is just as welcome.",
                ),
                letter(
                    "If you would consider a move, I would like to go through our openings with "
                    "you in mind.",
                    "Reply, and I will tell you which one fits best, or that none does. If now is "
                    "not the time, a date to ask again is just as welcome.",
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
