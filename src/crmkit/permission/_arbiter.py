"""May we contact somebody: the questions to the arbiter, and its answers."""

from datetime import datetime

from crmkit._time import to_instant
from crmkit.model import NURTURE, Channel, Reason, Relationship
from crmkit.model import _fields as fields
from crmkit.permission._answer import Permission
from crmkit.permission._case import RULES, STANDING_RULES, Case, Rule, known_addresses
from crmkit.permission._policy import ContactPolicy

DEFAULT = ContactPolicy()
_AGAINST = frozenset({"bounced", "complained"})
"""The kinds that take an address out."""


def permission(
    relationship: Relationship,
    *,
    now: datetime,
    channel: Channel = Channel.EMAIL,
    purpose: str = NURTURE,
    policy: ContactPolicy = DEFAULT,
) -> Permission:
    """Say whether the person may be contacted now, why, until when, and else from when on.

    ``because`` lists the rules in the order of `ContactRule`, up to the one that refused, each
    with what was found (never an address).

    >>> from crmkit.model import Candidate, Interaction
    >>> ada = Candidate(id="ada", emails=["ada@example.org"], country="DE")
    >>> met = Interaction(candidate_id="ada", kind="met", at="2026-01-05T09:00Z")
    >>> now = datetime.fromisoformat("2026-03-02T09:00Z")
    >>> permission(Relationship(ada, [met]), now=now)
    <Permission True, until 2026-07-05 09:00:00 UTC>
    >>> refused = permission(Relationship(ada, [met]), now=now, channel=Channel.TEXT)
    >>> refused.rule
    <ContactRule.NO_BASIS: 'no_basis'>
    >>> print(refused.because)
    ✗ may contact for nurture by text
      ✓ not erased
      ✓ not marked do-not-contact
      ✗ a legal basis for nurture by text (found no consent, and interest does not cover it)
    """
    return _judged(_case(relationship, now, channel, purpose, policy), RULES)


def standing(
    relationship: Relationship,
    *,
    now: datetime,
    channel: Channel = Channel.EMAIL,
    purpose: str = NURTURE,
    policy: ContactPolicy = DEFAULT,
) -> Permission:
    """Answer as `permission` does, but for caps and hours: those who plan keep them themselves."""
    return _judged(_case(relationship, now, channel, purpose, policy), STANDING_RULES)


def _case(
    relationship: Relationship, now: datetime, channel: Channel, purpose: str, policy: ContactPolicy
) -> Case:
    if type(channel) is not Channel:
        channel = fields.channel(channel)
    return Case(relationship, to_instant(now, "now"), channel, purpose, policy)


def _judged(case: Case, rules: tuple[Rule, ...]) -> Permission:
    rule, parts, until = case.judge(rules)
    text = f"may contact for {case.purpose} by {case.channel}"
    because = Reason(text, holds=rule is None, parts=parts)
    if rule is None:
        return Permission(True, because, until)  # noqa: FBT003 - the value of a verdict
    # Every instant at which the answer could turn is an `until`; the first that allows is it.
    turn = until
    while turn is not None:
        refusing, _, later = case.at(turn).judge(rules)
        if refusing is None:
            break
        turn = later
    return Permission(False, because, until, rule, turn)  # noqa: FBT003


def retention_ends(
    relationship: Relationship,
    *,
    now: datetime,
    purpose: str = NURTURE,
    policy: ContactPolicy = DEFAULT,
) -> datetime | None:
    """Return when, nothing new happening, the person may no longer be kept.

    The end may have passed. None if there is none in sight: they consent without a limit, or no
    contact is in the log from which to count (which `permission` refuses).

    >>> from crmkit.model import Candidate, Interaction
    >>> ada = Candidate(id="ada", country="AT")
    >>> met = Interaction(candidate_id="ada", kind="met", at="2026-01-31T09:00Z")
    >>> retention_ends(Relationship(ada, [met]), now=met.at).isoformat()
    '2026-08-31T09:00:00+00:00'
    """
    case = _case(relationship, now, Channel.EMAIL, purpose, policy)
    return case.kept_until(case.last_contact())


def usable_address(
    relationship: Relationship, *, now: datetime, channel: Channel = Channel.EMAIL
) -> str | None:
    """Return the first address of the channel that still works, or None.

    E-mail addresses, phones (for text and phone) or LinkedIn links, in the order of the profile.
    A ``bounced`` fact takes out the address in its ``address`` property, or, without one, all of
    the channel; outcome ``soft`` takes out none, and a later ``verified`` fact with the same
    ``address`` brings it back. A complaint takes out all of the channel: who calls us spam is not
    written to at the next address. Only a later consent to nurture ends that. Facts without a
    channel are about e-mail. An address in `Relationship.suppressed` is never returned.
    """
    now, channel = to_instant(now, "now"), fields.channel(channel)
    known = known_addresses(relationship.candidate, channel)
    bare = not relationship.suppressed
    if not known or (bare and relationship.history.by_kind.keys().isdisjoint(_AGAINST)):
        return known[0] if known else None
    return next(iter(_case(relationship, now, channel, NURTURE, DEFAULT).addresses()), None)
