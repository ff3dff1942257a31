"""One name, several definitions: rates as other tools define them, named in the output."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import attrs

from crmkit._time import earliest
from crmkit.errors import NotFound, UnknownName
from crmkit.metrics import _definitions as names
from crmkit.metrics._counts import Counts
from crmkit.metrics._definitions import Definition
from crmkit.metrics._mail import MAILED, REACHED
from crmkit.metrics._metric import Metric
from crmkit.metrics._reading import CLICKED, OPENED, REPLIED
from crmkit.metrics._tally import rate


class Convention(StrEnum):
    """Whose definition a rate follows."""

    CRMKIT = "crmkit"
    GEM = "Gem"
    GREENHOUSE = "Greenhouse"
    ASHBY = "Ashby"
    LEVER = "Lever"

    @classmethod
    def of(cls, value: str) -> "Convention":
        """Return the convention of this name, however it is written.

        Raises `UnknownName` for a tool whose definitions are not known.
        """
        for each in cls:
            if each.casefold() == str(value).casefold():
                return each
        raise UnknownName.among(
            "convention", str(value), list(cls), what="a tool whose definitions are known"
        )


@attrs.frozen(kw_only=True)
class Reckoning:
    """How one tool counts one rate: who has *has*, of those who have any of *among*."""

    has: int
    among: int = MAILED
    every: bool = False
    """Every message counts, not e-mails alone."""
    definition: str
    of: str
    none: str


_OPENERS = OPENED | CLICKED | REPLIED
_NOBODY = "no one was e-mailed in the window"
_PER_PERSON = "Of the people e-mailed in the window"

RECKONINGS: Mapping[tuple[Convention, str], Reckoning] = MappingProxyType(
    {
        (Convention.GEM, "reply_rate"): Reckoning(
            has=REPLIED,
            among=_OPENERS,
            definition="As Gem defines it: replies of opened. Of the people who opened an e-mail "
            "sent in the window (whoever clicked or replied has opened it), the share who replied.",
            of="people who opened replied",
            none="no one opened an e-mail sent in the window",
        ),
        (Convention.GREENHOUSE, "open_rate"): Reckoning(
            has=OPENED,
            definition=f"As Greenhouse defines it: opens ÷ people e-mailed. {_PER_PERSON}, the "
            "share who opened one.",
            of="people e-mailed opened",
            none=_NOBODY,
        ),
        (Convention.GREENHOUSE, "reply_rate"): Reckoning(
            has=REPLIED,
            definition=f"As Greenhouse defines it: responses ÷ people e-mailed. {_PER_PERSON}, "
            "the share who responded.",
            of="people e-mailed responded",
            none=_NOBODY,
        ),
        (Convention.ASHBY, "open_rate"): Reckoning(
            has=OPENED,
            among=REACHED,
            definition="As Ashby defines it: opens ÷ recipients. Of the people whom at least one "
            "e-mail sent in the window did not bounce for, the share who opened one.",
            of="recipients opened",
            none="no e-mail sent in the window reached anyone",
        ),
        (Convention.ASHBY, "click_rate"): Reckoning(
            has=CLICKED,
            among=REACHED,
            definition="As Ashby defines it: clicks ÷ recipients. Of the people whom at least one "
            "e-mail sent in the window did not bounce for, the share who clicked in one.",
            of="recipients clicked",
            none="no e-mail sent in the window reached anyone",
        ),
        (Convention.LEVER, "reply_rate"): Reckoning(
            has=REPLIED,
            every=True,
            definition="As Lever defines it: replies per candidate. Of the candidates who were "
            "sent a message in the window, on any channel, the share who replied to one.",
            of="candidates who were sent a message replied",
            none="no one was sent a message in the window",
        ),
    }
)
"""How the tools count, by whose convention and which rate. Source: their documentation, in the
words of the field; who is a recipient, and who has opened, is how crmkit reads them."""

_CLOSED = (Convention.ASHBY, names.TIME_TO_HIRE.name)
"""Ashby takes medians over closed considerations."""

_RATES = {each.name: each for each in (names.OPENS, names.CLICKS, names.REPLIES)}


def converted(counts: Counts, convention: Convention, name: str) -> Metric:
    """Return a rate as a tool defines it; raises `NotFound` for one that it does not define."""
    frame, mail = counts.frame, counts.mail
    if (convention, name) == _CLOSED:
        return counts.considerations.closed_median(frame, counts.next_fact)
    reckoning = RECKONINGS.get((convention, name))
    if reckoning is None:
        raise NotFound(f"{convention} rate", name, rates_of(convention))
    own = _RATES[name]
    about: Definition = attrs.evolve(
        own,
        definition=reckoning.definition,
        population="people sent a message in the window" if reckoning.every else own.population,
        numerator=reckoning.of,
        denominator=reckoning.of.split(" ")[0],
        reasons="",
    )
    return rate(
        about,
        frame,
        *mail.count(reckoning.has, reckoning.among, every=reckoning.every),
        of=reckoning.of,
        none=reckoning.none,
        until=earliest(frame.leaves(mail.tally.oldest), counts.next_fact),
        excluded=mail.tally.excluded,
        convention=convention.value,
    )


def rates_of(convention: Convention) -> tuple[str, ...]:
    """Return the names of the rates that a tool defines."""
    return tuple(name for tool, name in (*RECKONINGS, _CLOSED) if tool is convention)
