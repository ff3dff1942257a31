"""What the texts of the cadences share, and how long a task waits for a person."""

from datetime import timedelta

from crmkit.model import Channel

BY_HAND = timedelta(weeks=6)
"""The deadline of what people do: they have other work, too; six weeks is the field's next gap."""

IN_PERSON = (Channel.LINKEDIN, Channel.PHONE)
"""Where a one-to-one touch goes when no e-mail address works: a person reaches them there.

What is sent by itself has no fallback: nobody has to hand on a newsletter by hand.
"""


def carrying(about: str, opening: str, closing: str) -> tuple[str, ...]:
    """Return texts that carry a piece, for all that may be known of it.

    *about* is the opening that names the ``$topic`` which the piece and the person share,
    *opening* the one that does without.
    """
    linked = "$piece_title\n$piece_url"
    return (
        letter(about, linked, "$piece_summary", closing),
        letter(about, linked, closing),
        letter(opening, linked, "$piece_summary", closing),
        letter(opening, linked, closing),
        letter(opening, "$piece_title", "Reply and I will send it.", closing),
    )


def letter(*paragraphs: str) -> str:
    """Return paragraphs with a greeting above and a signature below."""
    return "\n\n".join(("$greeting", *paragraphs, "$signature"))
