"""Rules answered straight from their definitions, slowly; and every instant at which one may turn.

Score, temperature and permission are taken from the functions that answer them, which have
oracles of their own; all else is written down again here.
"""

import math
from datetime import UTC, datetime
from itertools import pairwise

from crmkit._time import CalendarSpan
from crmkit.engagement import score, score_crosses, temperature, temperatures
from crmkit.errors import InvalidRecord
from crmkit.model import Consent, Seniority
from crmkit.permission import permission
from crmkit.segmentation import _nodes as nodes

DAWN = datetime.min.replace(tzinfo=UTC)
ATTRIBUTES = ("channel", "outcome", "role_id", "enrollment_id", "touch", "rotation")


def plus(instant, span, times=1):
    """Return *instant* + *times* spans; None where no calendar has that."""
    if span is None:
        return instant
    try:
        if isinstance(span, CalendarSpan):
            return span.after(instant, times)
        return instant + span * times
    except (OverflowError, ValueError):
        return None


def come(instant, now):
    return instant is not None and instant <= now


# Values


def group(value):
    if isinstance(value, bool):
        return bool
    for kinds in ((int, float), (str,), (datetime,)):
        if isinstance(value, kinds):
            return kinds
    return None


def equal(found, wanted):
    return group(found) == group(wanted) and found == wanted


def compared(op, found, wanted):  # noqa: C901 - one for each test
    """Whether a value that is there passes; one of another type is not the one asked for."""
    match op:
        case "known":
            return True
        case "==":
            return equal(found, wanted)
        case "in":
            return any(equal(found, one) for one in wanted)
        case "has_any":
            return isinstance(found, tuple) and any(compared("in", one, wanted) for one in found)
        case "has_all":
            return isinstance(found, tuple) and all(compared("in", one, found) for one in wanted)
        case "contains" | "starts_with" | "ends_with":
            if not isinstance(found, str):
                return False
            at = {"contains": wanted in found, "starts_with": found[: len(wanted)] == wanted}
            return at.get(op, found[-len(wanted) :] == wanted)
        case "between":
            low, high = wanted
            return group(found) == group(low) and low <= found <= high
    if group(found) != group(wanted) or group(found) is None:
        return False
    if isinstance(found, Seniority):
        found, wanted = found.rank, Seniority(wanted).rank
    return {
        "<": found < wanted,
        "<=": found <= wanted,
        ">": found > wanted,
        ">=": found >= wanted,
    }[op]


def field_of(path, person):
    """Return what a field holds, None where it is unknown."""
    name, *inner = path
    found = getattr(person, name)
    if inner and name == "employments":
        found = tuple(one for one in (getattr(job, inner[0]) for job in found) if one is not None)
    elif inner:
        found = found.get(inner[0])
    if name == "timezone":
        return found and found.key
    if isinstance(found, float) and math.isnan(found):
        return None
    return None if isinstance(found, str | tuple) and not found else found if found != {} else None


def passes(fact, test):
    in_properties = test.name not in ATTRIBUTES
    found = fact.properties.get(test.name) if in_properties else getattr(fact, test.name)
    return (found is not None and compared(test.op, found, test.value)) == test.holds


def facts_of(events, relationship, now):
    """Return the interactions that count, up to *now*, oldest first."""
    found = [
        fact
        for fact in relationship.history
        if fact.at <= now
        and fact.kind in events.kinds
        and any(fact.automated is author for author in events.automated)
        and (events.since is None or events.since <= fact.at)
        and (events.before is None or fact.at < events.before)
        and all(passes(fact, test) for test in events.where)
    ]
    return sorted(found, key=lambda fact: (fact.at, fact.id))


def times_of(events, relationship, now):
    return [fact.at for fact in facts_of(events, relationship, now)]


def returns(anchor, zone, year):
    """Return the anniversaries of *anchor* up to a few years after *year*."""
    span = CalendarSpan(years=1, zone=zone)
    found = [plus(anchor, span, times) for times in range(1, max(year - anchor.year, 0) + 4)]
    return [one for one in found if one is not None]


def near(anchor, node, now):
    return any(
        a - node.before <= now < a + node.after for a in returns(anchor, node.zone, now.year)
    )


# Consent


def stops(relationship, purpose, now):
    found = []
    for fact in relationship.history:
        if fact.at > now:
            continue
        of = fact.properties.get("purpose")
        other = isinstance(of, str) and of != purpose
        if fact.kind == "unsubscribed" or (fact.kind == "withdrew_consent" and not other):
            found.append(fact.at)
    return found


def consents(relationship, purpose, now):
    """Return the consents to the purpose that can be read, the oldest first."""
    found = []
    for fact in relationship.history:
        if fact.kind == "consented" and fact.at <= now:
            try:
                found.append(Consent.of(fact))
            except InvalidRecord:
                continue
    return [consent for consent in found if consent.purpose == purpose]


def consented(relationship, purpose, now):
    """Whether the newest consent to the purpose has not expired and nothing stopped it since."""
    newest = next(reversed(consents(relationship, purpose, now)), None)
    if newest is None or come(newest.expires_at, now):
        return False
    return all(stop < newest.at for stop in stops(relationship, purpose, now))


def suppressed(relationship, channel, now):
    person = relationship.candidate
    if person.erased or person.do_not_contact:
        return True
    if stops(relationship, "nurture", now) and not consented(relationship, "nurture", now):
        return True
    past = [fact for fact in relationship.history if fact.at <= now]
    given = [consent.at for consent in consents(relationship, "nurture", now)]
    return any(
        fact.kind == "complained"
        and (fact.channel or "email") == channel
        and all(at <= fact.at for at in given)
        for fact in past
    )


# Rules


def holds(rule, who, now, segments=None):  # noqa: C901, PLR0912 - one for each node
    """Answer *rule* about the relationship *who* at *now*."""
    match rule:
        case nodes.Everyone():
            return True
        case nodes.AllOf(parts=parts):
            return all(holds(part, who, now, segments) for part in parts)
        case nodes.AnyOf(parts=parts):
            return any(holds(part, who, now, segments) for part in parts)
        case nodes.Not(part=part):
            return not holds(part, who, now, segments)
        case nodes.Member(segment=name):
            return holds(segments[name], who, now, segments)
        case nodes.Held(part=part, span=span):
            return _held(part, span, who, now, segments)
        case nodes.FieldTest(path=path, op=op, value=wanted):
            found = field_of(path, who.candidate)
            return found is not None and compared(op, found, wanted)
        case nodes.FieldAge(path=path, op=op, span=span):
            at = field_of(path, who.candidate)
            if not isinstance(at, datetime):
                return False
            old = come(plus(at, span), now)
            return old if op == "older_than" else at <= now and not old
        case nodes.FieldAnniversary(path=path):
            at = field_of(path, who.candidate)
            return isinstance(at, datetime) and near(at, rule, now)
        case nodes.ScoreTest(op=op, value=x, policy=policy):
            return compared(op, score(who, now=now, policy=policy), x)
        case nodes.TemperatureTest(among=among, policy=policy):
            return temperature(who, now=now, policy=policy).value in among
        case nodes.Permitted(channel=channel, purpose=purpose, policy=policy):
            given = {"channel": channel, "purpose": purpose, "policy": policy}
            return permission(who.upto(now), now=now, **given).value
        case nodes.Consented(purpose=purpose):
            return consented(who, purpose, now)
        case nodes.Suppressed(channel=channel):
            return suppressed(who, channel, now)
        case nodes.Listed(ids=ids):
            return any(one in ids for one in who.candidate.ids)
        case nodes.Bucket(at_least=low, below=high):
            return low <= rule.place(who.id) < high
    return _happened(rule, who, now)


def _happened(rule, who, now):
    facts = facts_of(rule.events, who, now)
    times = [fact.at for fact in facts]
    match rule:
        case nodes.EventCount(at_least=low, at_most=high, within=within, lag=lag):
            found = 0
            for at in times:
                began = plus(at, lag)
                ended = plus(began, within) if within and began else None
                found += come(began, now) and not come(ended, now)
            return low <= found and (high is None or found <= high)
        case nodes.EventAge(which=which, op=op, span=span):
            at = (min if which == "first" else max)(times, default=None)
            return at is not None and come(plus(at, span), now) == (op == "older_than")
        case nodes.EventAnniversary(which=which):
            at = (min if which == "first" else max)(times, default=None)
            return at is not None and near(at, rule, now)
        case nodes.EventWhere(which=which, test=test):
            return bool(facts) and passes(facts[0 if which == "first" else -1], test)
        case nodes.EventAfter(other=other, within=within):
            others = times_of(other, who, now)
            return any(
                r < s and not (within is not None and come(plus(r, within), s))
                for s in times
                for r in others
            )
        case nodes.EventStands(other=other):
            return bool(times) and all(r < max(times) for r in times_of(other, who, now))
        case nodes.EventRegular(at_least=least, periods=periods, every=every):
            full = [
                any(
                    come(plus(at, every, i), now) and not come(plus(at, every, i + 1), now)
                    for at in times
                )
                for i in range(periods)
            ]
            return sum(full) >= least
        case nodes.EventRestarted(gap=gap, within=within):
            return any(
                come(plus(p, gap), s) and not come(plus(s, within), now) for p, s in pairwise(times)
            )
    raise AssertionError(rule)


def _held(part, span, who, now, segments):
    """Go back from *now* to where the part began to be true."""
    since = None
    for at in sorted({turn for turn in turns(part, who, now, segments) if turn <= now} | {DAWN}):
        true = holds(part, who, at, segments)
        since = (since or at) if true else None
    return since is not None and (since == DAWN or come(plus(since, span), now))


# Turns


def turns(rule, who, now, segments=None):
    """Return every instant, up to some years after *now*, from which on the answer may differ."""
    found = set()
    for node in nodes.each(rule):
        found |= _turns(node, who, now, segments)
    return {at for at in found if at is not None}


def _turns(node, who, now, segments):  # noqa: C901, PLR0912 - one for each node
    log = {fact.at for fact in who.history}
    found = set(log)
    match node:
        case nodes.Held(part=part, span=span):
            inner = turns(part, who, now, segments)
            found |= inner | {plus(at, span) for at in inner}
        case nodes.Member(segment=name):
            found |= turns(segments[name], who, now, segments)
        case nodes.FieldAge(path=path, span=span):
            at = field_of(path, who.candidate)
            if isinstance(at, datetime):
                found |= {at, plus(at, span)}
        case nodes.FieldAnniversary(path=path):
            at = field_of(path, who.candidate)
            if isinstance(at, datetime):
                found |= _near_turns({at}, node, now)
        case nodes.EventAnniversary():
            found |= _near_turns(log, node, now)
        case nodes.EventCount(within=within, lag=lag):
            entered = {plus(at, lag) for at in log}
            found |= entered | {plus(at, within) for at in entered if at}
        case nodes.EventAge(span=span):
            found |= {plus(at, span) for at in log}
        case nodes.EventRegular(periods=periods, every=every):
            found |= {plus(at, every, i) for at in log for i in range(1, periods + 1)}
        case nodes.EventRestarted(within=within):
            found |= {plus(at, within) for at in log}
        case nodes.ScoreTest(value=x, policy=policy):
            for threshold in (x, math.nextafter(x, math.inf)):
                found |= {
                    score_crosses(who, now=at, threshold=threshold, policy=policy) for at in log
                }
        case nodes.TemperatureTest(policy=policy):
            for at in log:
                changes = temperatures(who, since=at, policy=policy)
                found |= {change[0] for change in changes}
        case nodes.Permitted() | nodes.Consented() | nodes.Suppressed():
            policy = getattr(node, "policy", None)
            found.add(who.candidate.interested_from)
            for fact in who.history:
                stated = [fact.properties.get(name) for name in ("expires_at", "until")]
                found |= {one for one in stated if isinstance(one, datetime)}
                if policy:
                    kept = policy.retention_of(who.candidate.country).span
                    found |= {plus(fact.at, kept), plus(fact.at, policy.cap_window)}
    return found


def _near_turns(anchors, node, now):
    found = set()
    for anchor in anchors:
        for one in returns(anchor, node.zone, now.year):
            found |= {one - node.before, one + node.after}
    return found
