"""The cadences of the field."""

from crmkit.cadence._cadence import Cadence, Touch

SEVEN_TOUCH = Cadence(
    name="seven-touch",
    version=1,
    yearly=True,
    touches=(
        Touch(
            key="welcome",
            week=0,
            purpose="thanks for connecting, what we build and why",
            level=2,
            subject="Good to be in touch",
            bodies=(
                "$greeting\n\nThank you for connecting with $organization. We would like to stay "
                "in touch, so that when something comes up that fits, we already know each "
                "other.\n\nA few times a year you will hear what we are building and why. If "
                "there is something you would rather read about, reply and say so.\n\n$signature",
            ),
        ),
        Touch(
            key="value",
            week=2,
            purpose="a post, talk or insight chosen by their interests",
            level=4,
            subject="Something you may find useful",
            bodies=(
                "$greeting\n\nYou work with $topic, and so do some of us. We keep notes on what "
                "worked for us and what did not.\n\nIf you would like to read them, reply and I "
                "will send the ones that fit. And if you have seen it done better, I would like "
                "to hear about it.\n\n$signature",
                "$greeting\n\nWe keep notes on what worked for us and what did not, and we would "
                "rather send you the ones you can use than all of them.\n\nWhich subjects are on "
                "your desk at the moment? A word or two is enough.\n\n$signature",
            ),
        ),
        Touch(
            key="update",
            week=6,
            purpose="what we shipped, a milestone",
            level=2,
            subject="What we have been building at $organization",
            bodies=(
                "$greeting\n\nA short note on the last weeks at $organization: what we finished, "
                "what we learned, and what we took on next.\n\nIf a part of it is close to what "
                "you do, reply and I will put you in touch with the person who did it.\n\n"
                "$signature",
            ),
        ),
        Touch(
            key="check-in",
            week=12,
            purpose="how are things at their current company, what may open",
            level=5,
            subject="How are things?",
            bodies=(
                "$greeting\n\nHow are things at $company? A few teams here will grow this year, "
                "and I would like to know what would have to be true for you to listen.\n\n"
                "$signature",
                "$greeting\n\nHow are things with you? A few teams here will grow this year, and "
                "I would like to know what would have to be true for you to listen.\n\n"
                "$signature",
            ),
        ),
        Touch(
            key="insight",
            week=18,
            purpose="industry report, salary data, career advice for their function",
            level=4,
            subject="How the work is changing",
            bodies=(
                "$greeting\n\nWe follow how work with $topic changes: what teams ask for, what "
                "they pay, what people move for.\n\nIf a closer look at one of these would help "
                "you, reply and tell me which.\n\n$signature",
                "$greeting\n\nWe follow how work like yours changes: what teams ask for, what "
                "they pay, what people move for.\n\nIf a closer look at one of these would help "
                "you, reply and tell me which.\n\n$signature",
            ),
        ),
        Touch(
            key="opportunity",
            week=26,
            purpose="a role that matches their background",
            level=3,
            subject="Openings close to what you do",
            bodies=(
                "$greeting\n\nSome of our openings ask for $topic. If you would consider a move, "
                "reply and I will tell you about the one that fits best. If not, a date to ask "
                "again is just as welcome.\n\n$signature",
                "$greeting\n\nWe have openings that may be close to what you do. If you would "
                "consider a move, reply and I will tell you about the one that fits best. If "
                "not, a date to ask again is just as welcome.\n\n$signature",
            ),
        ),
        Touch(
            key="annual",
            week=36,
            purpose="still interested in staying in our network?",
            level=2,
            subject="Shall we stay in touch?",
            bodies=(
                "$greeting\n\nIt has been a while. Would you like to stay in our network at "
                "$organization? If so, there is nothing to do. If not, reply with 'stop' and "
                "you will not hear from us again.\n\n$signature",
            ),
        ),
    ),
)
"""The field's sequence: weeks 0, 2, 6, 12, 18, 26 and 36, then yearly.

The offsets are a convention of practitioners, not a measured optimum.
"""
