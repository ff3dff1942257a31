"""Caps on one channel, beside the one on all: in the arbiter's answer and in a plan."""

from datetime import timedelta

import attrs
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from one_run import DAY, EVEN, START, TICK, ask, consent, days, fact, person, whys

from crmkit.cadence import Cadence, Touch
from crmkit.codec import from_dict, to_dict
from crmkit.errors import InvalidRecord, UnknownName
from crmkit.model import Channel
from crmkit.permission import ContactPolicy, ContactRule, permission
from crmkit.segmentation import Rule, permitted

EMAIL, LINKEDIN, TEXT = Channel.EMAIL, Channel.LINKEDIN, Channel.TEXT
FEW_TEXTS = ContactPolicy(cap=5, channel_caps={"text": 1, "linkedin": 2})
DAILY = attrs.evolve(EVEN, least_gap=DAY)


def cadence(*touches):
    """Return a cadence with touches on days and channels."""
    return Cadence(
        name="c",
        pace=DAILY,
        touches=[
            Touch(key=f"t{day}", week=day // 7, day=day % 7, purpose="p", level=2, channel=channel)
            for day, channel in touches
        ],
    )


def may(*facts, day=0.0, channel=EMAIL, policy=FEW_TEXTS):
    profile = {"phones": ["+44"], "links": ["linkedin.com/in/ada"], "timezone": "UTC"}
    known = person(fact("consented", -1), *facts, **profile)
    return permission(known, now=START + day * DAY, channel=channel, policy=policy)


class TestPolicy:
    def test_it_is_given_by_channel(self):
        """A mapping goes in; channels without a cap of their own have none."""
        assert FEW_TEXTS.channel_caps == ((LINKEDIN, 2), (TEXT, 1))
        assert [FEW_TEXTS.cap_of(TEXT), FEW_TEXTS.cap_of(EMAIL)] == [1, None]
        assert FEW_TEXTS == ContactPolicy(cap=5, channel_caps=FEW_TEXTS.channel_caps)
        assert FEW_TEXTS != ContactPolicy(cap=5)

    @pytest.mark.parametrize(
        ("given", "error", "path"),
        [
            ({"txt": 1}, UnknownName, "channel_caps['txt']"),
            ({"text": 0}, InvalidRecord, "channel_caps['text']"),
            ({"text": "1"}, InvalidRecord, "channel_caps['text']"),
            ([1], InvalidRecord, "channel_caps"),
        ],
    )
    def test_a_faulty_cap_is_refused(self, given, error, path):
        """With the path to it."""
        with pytest.raises(error) as caught:
            ContactPolicy(channel_caps=given)
        assert caught.value.path == path

    def test_it_has_a_json_form(self):
        """In a rule that asks for permission."""
        rule = permitted(policy=FEW_TEXTS)
        document = to_dict(rule)
        assert document["rule"]["policy"]["channel_caps"] == {"linkedin": 2, "text": 1}
        assert from_dict(Rule, document) == rule


class TestArbiter:
    def test_the_cap_of_the_channel_refuses_and_is_named(self):
        """Until the message has left the window; other channels are free."""
        text = fact("sent", -1, channel="text")
        refused = may(text, channel=TEXT)
        assert (refused.rule, refused.next_allowed) == (ContactRule.CAP, START + 6 * DAY)
        assert (
            "✗ fewer than 5 messages within 7 days, fewer than 1 of them by text "
            "(found 1, 1 by text)" in str(refused)
        )
        assert [may(text).rule, may(text, channel=LINKEDIN).rule] == [None, None]

    def test_the_cap_on_all_holds_beside_it(self):
        """Whichever is free last lets it go."""
        policy = attrs.evolve(FEW_TEXTS, cap=2)
        facts = [fact("sent", -3, channel="text"), fact("sent", -1), fact("messaged", -2)]
        refused = may(*facts, channel=TEXT, policy=policy)
        assert (refused.rule, refused.next_allowed) == (ContactRule.CAP, START + 5 * DAY)
        assert "(found 3, 1 by text)" in str(refused)

    def test_facts_without_a_channel_are_e_mails(self):
        """Recruiters' own count like ours; one that is logged twice is one."""
        policy = ContactPolicy(cap=5, channel_caps={"email": 2})
        once = [fact("sent", -1), fact("delivered", -0.9)]
        assert may(*once, policy=policy)
        assert may(*once, fact("messaged", -2), policy=policy).rule == "cap"
        assert may(*once, fact("messaged", -2, channel="linkedin"), policy=policy)

    def test_nothing_is_another_for_channels_without_one(self):
        """Not even the words."""
        facts = [fact("sent", -1), fact("sent", -2)]
        plain = ContactPolicy(cap=2)
        assert may(*facts, policy=plain) == may(
            *facts, policy=attrs.evolve(plain, channel_caps={"text": 1})
        )


CHANNELS = st.sampled_from([None, "email", "linkedin", "text"])
MESSAGES = st.builds(
    lambda kind, hours, channel: fact(kind, hours / 24, channel=channel),
    st.sampled_from(["sent", "delivered", "messaged"]),
    st.integers(-10 * 24, 10 * 24),
    CHANNELS,
)
POLICIES = st.builds(
    lambda cap, caps, days: ContactPolicy(
        cap=cap, channel_caps=caps, cap_window=timedelta(days=days)
    ),
    st.integers(1, 4),
    st.dictionaries(st.sampled_from(["email", "linkedin", "text"]), st.integers(1, 3), max_size=3),
    st.integers(1, 7),
)


def full(instants, now, policy, channel):
    """Say whether one more message at an instant is one too many, counting one by one.

    *instants* are (kind, instant, channel) of all messages.
    """
    for kinds in (("sent", "messaged"), ("delivered",)):
        inside = [
            on for kind, at, on in instants if kind in kinds and now - policy.cap_window < at <= now
        ]
        if len(inside) >= policy.cap:
            return True
        own = dict(policy.channel_caps).get(channel)
        if own is not None and sum(each is channel for each in inside) >= own:
            return True
    return False


def counted(facts):
    """Return the messages; the same fact twice is one."""
    once = {each.id: each for each in facts}.values()
    return [(each.kind, each.at, each.channel or EMAIL) for each in once]


@given(st.lists(MESSAGES, max_size=8), POLICIES, st.sampled_from([EMAIL, LINKEDIN]))
def test_the_arbiter_counts_as_one_counts_by_hand(facts, policy, channel):
    """Now, and at the first instant at which one more is none too many."""
    rows = counted(facts)
    answer = may(*facts, channel=channel, policy=policy)
    assert (answer.rule == "cap") is full(rows, START, policy, channel)
    if answer.rule == "cap":
        turns = sorted(
            at + policy.cap_window for _, at, _ in rows if at + policy.cap_window > START
        )
        free = next(at for at in turns if not full(rows, at, policy, channel))
        assert answer.next_allowed == free
        assert full(rows, free - TICK, policy, channel)


@given(
    st.lists(
        MESSAGES.filter(lambda each: each.at <= START and each.kind == "messaged"), max_size=6
    ),
    st.lists(
        st.tuples(st.integers(0, 12), st.sampled_from([EMAIL, LINKEDIN])), min_size=1, max_size=6
    ),
    POLICIES,
)
def test_a_plan_keeps_the_caps_as_one_would_by_hand(facts, touches, policy):
    """Each touch has the first day, a day after the one before, on which no cap is full."""
    touches = sorted(dict(touches).items())
    rows, expected, last = counted(facts), [], None
    for day, channel in touches:
        at = START + day * DAY if last is None else max(START + day * DAY, last + DAY)
        while full(rows, at, policy, channel):
            at += DAY
        rows.append(("messaged", at, channel))
        expected.append((at - START) / DAY)
        last = at
    calendar = ask(cadence(*touches), person(*facts, links=["linkedin.com/in/ada"]), policy=policy)
    assert list(days(calendar).values()) == expected


class TestPlan:
    def test_a_full_channel_puts_its_own_touches_off(self):
        """With the cap as the reason; those of other channels keep their days."""
        calendar = ask(
            cadence((0, TEXT), (2, TEXT), (3, EMAIL)),
            person(consent(-1), phones=["+44"], timezone="Europe/London"),
            policy=FEW_TEXTS,
        )
        assert days(calendar) == {"t0": 0, "t2": 7, "t3": 8}
        assert whys(calendar.touches[1]) == ["at most 1 message by text within 7 days"]

    def test_other_cadences_share_it(self):
        """The less important plan gives way on that channel, and says to which."""
        known = person(links=["linkedin.com/in/ada"])
        policy = ContactPolicy(cap=5, channel_caps={"linkedin": 1})
        first = ask(attrs.evolve(cadence((1, LINKEDIN)), name="c"), known, policy=policy)
        other = cadence((0, EMAIL), (2, LINKEDIN))
        calendar = ask(other, known, policy=policy, beside=[first])
        assert days(calendar) == {"t0": 0, "t2": 8}
        assert whys(calendar.touches[1]) == [
            "at most 1 message by linkedin within 7 days, with those of c"
        ]

    @given(st.lists(MESSAGES, max_size=6), st.integers(1, 3))
    def test_a_cap_that_is_none_changes_no_plan(self, facts, cap):
        """As many on one channel as on all."""
        assume(all(each.at <= START for each in facts))
        plain = ContactPolicy(cap=cap)
        same = attrs.evolve(plain, channel_caps={"email": cap, "linkedin": cap})
        known = person(*facts, links=["linkedin.com/in/ada"])
        touches = cadence((0, EMAIL), (1, LINKEDIN), (2, EMAIL), (9, LINKEDIN))
        assert days(ask(touches, known, policy=plain)) == days(ask(touches, known, policy=same))
