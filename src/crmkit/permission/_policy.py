"""What the law and the host's own manners say, as data."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType

import attrs

from crmkit._time import Span
from crmkit.errors import InvalidRecord
from crmkit.model import NURTURE, CalendarSpan, Channel
from crmkit.model import _fields as fields
from crmkit.permission._hours import Hours

ASSESSMENT = "assessment"
"""The purpose of testing somebody; it needs their explicit consent."""


def _span(value: object) -> Span:
    if isinstance(value, CalendarSpan) or (isinstance(value, timedelta) and value > timedelta(0)):
        return value
    raise InvalidRecord("", f"expected a CalendarSpan or a timedelta above 0, got {value!r}")


@attrs.frozen(field_transformer=fields.paths)
class Retention:
    """How long a person may be kept in the pool after the last contact with them.

    ``consent_extends``: they may be kept for as long as they consent, if that is longer.
    ``consent_needed``: legitimate interest does not do; they are kept by consent only.

    >>> Retention(CalendarSpan(months=6))
    Retention(span=CalendarSpan(years=0, months=6, zone=None), consent_extends=True, \
consent_needed=False)
    """

    span: Span = attrs.field(converter=_span)
    consent_extends: bool = attrs.field(default=True, kw_only=True)
    consent_needed: bool = attrs.field(default=False, kw_only=True)


RETENTION = MappingProxyType(
    {
        "FR": Retention(CalendarSpan(years=2), consent_extends=False, consent_needed=True),
        "DE": Retention(CalendarSpan(months=6)),
        "AT": Retention(CalendarSpan(months=7)),
    }
)
"""Talent-pool retention by country, after the last contact: what practitioners go by.

How the sentences are read:

*France two years after last contact with consent*: the pool needs consent, and consent does not
carry beyond the two years; a new contact does. *Germany six months unless consent*: no consent is
needed, and with it they may stay. *Austria seven months*: likewise, since anything past retention
needs consent.
"""


def _retention(value: object) -> tuple[tuple[str, Retention], ...]:
    if not isinstance(value, Mapping | tuple):
        raise InvalidRecord("", f"expected a mapping by country, got {type(value).__name__}")
    table = dict(RETENTION)
    for country, entry in dict(value).items():
        try:
            code = str(fields.optional_country(fields.text(country)))
            table[code] = entry if isinstance(entry, Retention) else Retention(entry)
        except InvalidRecord as error:
            raise error.under(f"[{country!r}]") from None
    return tuple(sorted(table.items()))


def _caps(value: object) -> tuple[tuple[Channel, int], ...]:
    if not isinstance(value, Mapping | tuple):
        raise InvalidRecord("", f"expected a mapping by channel, got {type(value).__name__}")
    table: dict[Channel, int] = {}
    for channel, cap in dict(value).items():
        try:
            table[fields.channel(channel)] = fields.whole(cap, 1)
        except InvalidRecord as error:
            raise error.under(f"[{channel!r}]") from None
    return tuple(sorted(table.items()))


def _hours(value: object) -> Hours:
    if isinstance(value, Hours):
        return value
    raise InvalidRecord("", f"expected Hours, got {type(value).__name__}")


def _channels(value: object) -> frozenset[Channel]:
    return frozenset(map(fields.channel, fields.texts(value)))


def _purposes(value: object) -> frozenset[str]:
    return frozenset(fields.texts(value))


@attrs.frozen(kw_only=True, field_transformer=fields.paths)
class ContactPolicy:
    """What needs consent, how long people are kept, how often they hear from us, and at what hour.

    The default is the careful one: legitimate interest carries keeping in touch, whatever the
    capture source, until retention ends, on channels where a message can wait (e-mail, LinkedIn)
    or a person speaks for themselves (phone, in person). A text, an assessment and everything
    past retention need consent. Any purpose that is not listed needs consent of its own.

    >>> policy = ContactPolicy(retention={"es": CalendarSpan(years=1)})
    >>> str(policy.retention_of("ES").span), str(policy.retention_of("DE").span)
    ('1 year', '6 months')
    >>> ContactPolicy(cap=0)
    Traceback (most recent call last):
        ...
    crmkit.errors.InvalidRecord: cap: expected at least 1, got 0
    """

    interest_channels: frozenset[Channel] = attrs.field(
        default=frozenset({Channel.EMAIL, Channel.LINKEDIN, Channel.PHONE, Channel.IN_PERSON}),
        converter=_channels,
    )
    """Where legitimate interest is enough."""
    interest_purposes: frozenset[str] = attrs.field(
        default=frozenset({NURTURE}), converter=_purposes
    )
    """What legitimate interest is enough for."""
    process_purposes: frozenset[str] = attrs.field(
        default=frozenset({ASSESSMENT}), converter=_purposes
    )
    """What belongs to an active process, and so is not refused for there being one."""
    retention: tuple[tuple[str, Retention], ...] = attrs.field(default=(), converter=_retention)
    """Given as a mapping from country to `Retention` (or a bare span), kept as pairs.

    Countries left out keep theirs of `RETENTION`.
    """
    default_retention: Retention = Retention(CalendarSpan(years=2))
    """Where the country is unknown or not in the table: a convention."""
    cap: int = 2
    """Messages to one person within `cap_window`, whoever sends them: a convention."""
    cap_window: timedelta = timedelta(days=7)
    send_drafts: bool = False
    """Whether the draft of a one-to-one touch may go by mail without a person who has read it."""
    channel_caps: tuple[tuple[Channel, int], ...] = attrs.field(default=(), converter=_caps)
    """Messages on one channel within `cap_window`, beside `cap`, which holds for all together.

    Given as a mapping, kept as pairs. Facts without a channel are about e-mail.
    """
    hours: Hours = attrs.field(default=Hours(), converter=_hours)
    """The hours and days for each channel, in the person's own time."""

    _by_country: dict[str, Retention] = attrs.field(init=False, eq=False, repr=False)

    _by_channel: dict[Channel, int] = attrs.field(init=False, eq=False, repr=False)

    @_by_country.default
    def _index_retention(self) -> dict[str, Retention]:
        return dict(self.retention)

    @_by_channel.default
    def _index_caps(self) -> dict[Channel, int]:
        return dict(self.channel_caps)

    def __attrs_post_init__(self) -> None:
        if self.cap < 1:
            raise InvalidRecord("cap", f"expected at least 1, got {self.cap}")
        if self.cap_window <= timedelta(0):
            raise InvalidRecord("cap_window", f"expected more than nothing, got {self.cap_window}")

    def retention_of(self, country: str | None) -> Retention:
        """Return what holds in a country (None when it is unknown)."""
        return self._by_country.get(country or "", self.default_retention)

    def cap_of(self, channel: Channel) -> int | None:
        """Return how many messages the channel may have within `cap_window`; None: only `cap`."""
        return self._by_channel.get(channel)

    @classmethod
    def consent_only(cls) -> "ContactPolicy":
        """Return the strict policy: nobody is contacted without consent, on any channel."""
        return cls(interest_channels=())
