"""The arbiter: addresses, caps, snoozes, and that every answer is sound."""

import pickle
from datetime import UTC, datetime, timedelta

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from permission_cases import ADA, DAY, START, TICK, ask, fact, person, rule

from crmkit.errors import InvalidRecord
from crmkit.model import (
    NURTURE,
    CalendarSpan,
    Channel,
    Consent,
    Interaction,
)
from crmkit.permission import (
    ASSESSMENT,
    ContactPolicy,
    Hours,
    Retention,
    SendWindow,
    permission,
    usable_address,
)


class TestAddress:
    def test_no_address_is_refused(self):
        """A channel that needs an address is refused without one; being there needs none."""
        bare = person(emails=[], phones=[], links=["https://example.org"], captured=True)
        found = [rule(bare, channel=Channel(name)) for name in ("email", "phone", "linkedin")]
        assert [*found, rule(bare, channel=Channel.IN_PERSON)] == ["address"] * 3 + [None]

    @pytest.mark.parametrize(
        ("channel", "expected"),
        [
            ("email", "ada@example.org"),
            ("text", "+44 20 7946 0000"),
            ("phone", "+44 20 7946 0000"),
            ("linkedin", "https://www.linkedin.com/in/ada"),
            ("in_person", None),
            ("web", None),
        ],
    )
    def test_each_channel_has_its_addresses(self, channel, expected):
        """E-mail, phones for text and phone, LinkedIn links; none for the rest."""
        assert usable_address(person(), now=START, channel=Channel(channel)) == expected

    def test_a_hard_bounce_falls_to_the_next_address(self):
        """The address that bounced is out, in any case of letters; a soft bounce is none."""
        hard = fact("bounced", properties={"address": "Ada@Example.org"})
        soft = fact("bounced", outcome="Soft")
        both = [hard, fact("bounced", properties={"address": "byron@example.org"})]
        found = [usable_address(person(*log), now=START) for log in ([hard], [soft], both)]
        assert found == ["byron@example.org", "ada@example.org", None]
        assert [rule(person(hard)), rule(person(*both))] == [None, "address"]

    def test_a_bounce_without_an_address_takes_out_the_channel(self):
        """Nobody knows which it was, so none is used; other channels stay."""
        bounced = person(fact("bounced"))
        assert [rule(bounced), rule(bounced, channel=Channel.PHONE)] == ["address", None]

    def test_a_later_verification_brings_an_address_back(self):
        """Only a verified fact that names the address, later than the bounce, does."""
        verified = {"address": "byron@example.org"}
        log = [fact("bounced", 1), fact("verified", 1, properties=verified), fact("verified", 2)]
        found = [usable_address(person(*log), now=START + 3 * DAY)]
        log.append(fact("verified", 2.5, properties=verified))
        found.append(usable_address(person(*log), now=START + 3 * DAY))
        assert found == [None, "byron@example.org"]

    def test_a_complaint_takes_out_the_channel_until_consent(self):
        """Who calls us spam is not written to at the next address either."""
        log = [fact("complained", 1, properties={"address": "ada@example.org"})]
        found = [rule(person(*log), 2), rule(person(*log), 2, channel=Channel.LINKEDIN)]
        assert [*found, rule(person(*log, fact("consented", 1)), 2)] == ["address", None, "address"]
        assert rule(person(*log, fact("consented", 1.5)), 2) is None
        other = fact("consented", 1.5, properties={"purpose": "assessment"})
        assert rule(person(*log, other), 2) == "address"


class TestProcess:
    def test_nobody_in_a_process_or_employed_is_nurtured(self):
        """An application closes the door, a rejection opens it, a hiring closes it again."""
        log = person(fact("applied", 1), fact("rejected", 2), fact("hired", 3), fact("left", 4))
        found = [rule(log, day) for day in (0.5, 1, 2, 3, 4)]
        assert found == [None, "in_process", None, "in_process", None]

    def test_what_belongs_to_the_process_goes_on(self):
        """An assessment with consent is not refused for the process that asks for it."""
        agreed = Consent(at=START, purpose=ASSESSMENT).given_by("ada")
        assert rule(person(agreed, fact("applied")), purpose=ASSESSMENT) is None


class TestSnooze:
    def test_interested_later_waits_until_then(self):
        """Interested in six months: refused up to that instant, which is the next allowed."""
        later = person(interest="later", interested_from=START + 9 * DAY)
        verdict = ask(later)
        assert (verdict.rule, verdict.next_allowed) == ("snoozed", START + 9 * DAY)
        assert [rule(later, 9), rule(person(interest="later"))] == [None, None]

    def test_not_interested_now_is_no_objection(self):
        """Those who declined are nurtured for the long term."""
        assert rule(person(interest="not_interested")) is None

    def test_a_pause_holds_until_its_instant(self):
        """An ISO text will do; the newest pause counts."""
        log = [
            fact("paused", properties={"until": START + 90 * DAY}),
            fact("paused", 1, properties={"until": "2026-01-04T09:00Z"}),
        ]
        assert [rule(person(*log), day) for day in (0.5, 2.9, 3)] == ["snoozed", "snoozed", None]

    @pytest.mark.parametrize("properties", [{}, {"until": "spring"}, {"until": 7}])
    def test_a_pause_without_an_end_holds_until_resumed(self, properties):
        """Also one whose end cannot be read; a resumption at the same instant does not lift it."""
        paused = fact("paused", 1, properties=properties)
        same, later = (person(paused, fact("resumed", day)) for day in (1, 2))
        assert [rule(same, 9), rule(later, 1.5), rule(later, 2)] == ["snoozed", "snoozed", None]
        assert ask(person(paused), 9).until is None

    def test_pausing_one_enrolment_is_not_snoozing(self):
        """A pause that names an enrolment is the cadence's matter."""
        assert rule(person(fact("paused", enrollment_id="e1"))) is None

    def test_an_absence_holds_until_its_end(self):
        """An automatic reply with a return date snoozes; without one, or an unreadable one, not."""
        away = fact("auto_replied", 1, properties={"until": START + 9 * DAY})
        verdict = ask(person(away), 2)
        assert (verdict.rule, verdict.next_allowed) == ("snoozed", START + 9 * DAY)
        assert "auto_replied on 2026-01-02: not before 2026-01-10" in str(verdict.because)
        assert [rule(person(away), day) for day in (0.5, 9)] == [None, None]
        bare = [fact("auto_replied", 1), fact("auto_replied", 1, properties={"until": "May"})]
        assert [rule(person(each), 2) for each in bare] == [None, None]

    @pytest.mark.parametrize(
        ("kind", "more", "lifts"),
        [
            ("replied", {}, True),
            ("replied", {"automated": False, "enrollment_id": "e1"}, True),
            ("replied", {"automated": True}, False),
            ("auto_replied", {}, False),
            ("resumed", {}, True),
            ("resumed", {"enrollment_id": "e1"}, False),
        ],
    )
    @pytest.mark.parametrize("away", ["auto_replied", "replied"])
    def test_a_later_reply_or_resumption_of_the_person_ends_it(self, away, kind, more, lifts):
        """By a human, and later; what is about one enrolment or came at the same instant is not."""
        told = fact(away, 1, properties={"until": START + 9 * DAY})
        found = [rule(person(told, fact(kind, day, **more)), 3) for day in (0.5, 1, 2)]
        assert found == ["snoozed", "snoozed", None if lifts else "snoozed"]

    def test_the_longest_absence_counts_and_a_later_date_replaces_it(self):
        """Machines add up; what the person says last is what holds."""
        long, short = (
            fact("auto_replied", day, properties={"until": START + until * DAY})
            for day, until in ((1, 20), (2, 9))
        )
        said = fact("replied", 3, properties={"until": START + 12 * DAY})
        found = [ask(person(*log), 4).next_allowed for log in ([long, short], [long, short, said])]
        assert found == [START + 20 * DAY, START + 12 * DAY]
        assert ask(person(long, said, fact("paused", 4)), 5).next_allowed is None

    def test_a_reply_to_come_bounds_it(self):
        """Whatever it will say, it may end the snooze or begin one."""
        away = fact("auto_replied", 1, properties={"until": START + 9 * DAY})
        assert ask(person(away, fact("replied", 5)), 2).until == START + 5 * DAY
        assert ask(person(fact("auto_replied", 5)), 2).until == START + 5 * DAY

    def test_both_snoozes_must_end(self):
        """With two, the later end counts; without an end for one, none is in sight."""
        later = {"interest": "later", "interested_from": START + 9 * DAY}
        both = person(fact("paused", properties={"until": START + 5 * DAY}), **later)
        assert [ask(both).until, ask(person(fact("paused"), **later)).until] == [
            START + 9 * DAY,
            None,
        ]


class TestCap:
    def test_the_second_of_a_week_fills_it(self):
        """Two messages in seven days are enough; it lifts when the older leaves the window."""
        log = person(fact("sent", 1), fact("delivered", 1), fact("sent", 3), fact("sent", 4))
        verdict = ask(log, 5)
        assert (verdict.rule, verdict.until) == ("cap", START + 10 * DAY)
        assert [rule(log, day) for day in (2, 9.9, 10)] == [None, "cap", None]

    def test_a_recruiters_own_message_counts(self):
        """Two people writing to one person are two messages."""
        assert rule(person(fact("sent"), fact("messaged"))) == "cap"

    def test_the_host_sets_it(self):
        """Cap and window are the policy's."""
        policy = ContactPolicy(cap=1, cap_window=timedelta(hours=1))
        sent = person(fact("sent", 1))
        assert [rule(sent, day, policy=policy) for day in (1, 1 + 1 / 24)] == ["cap", None]

    def test_the_end_of_the_calendar_never_lifts_it(self):
        """A window beyond the year 9999 has no end."""
        sent = [
            Interaction(candidate_id="ada", kind="sent", at=f"9999-12-3{day}T00:00Z")
            for day in "01"
        ]
        contact = Interaction(candidate_id="ada", kind="met", at="9999-12-01T00:00Z")
        refused = permission(person(contact, *sent), now=datetime(9999, 12, 31, tzinfo=UTC))
        assert (refused.rule, refused.until, refused.next_allowed) == ("cap", None, None)


class TestPolicy:
    @pytest.mark.parametrize(
        ("wrong", "path"),
        [
            ({"cap": 0}, "cap"),
            ({"cap_window": timedelta(0)}, "cap_window"),
            ({"interest_channels": ["pigeon"]}, "interest_channels"),
            ({"interest_purposes": "nurture"}, "interest_purposes"),
            ({"hours": SendWindow()}, "hours"),
            ({"retention": [1]}, "retention"),
            ({"retention": {"DEU": CalendarSpan(months=6)}}, "retention['DEU']"),
            ({"retention": {"DE": timedelta(0)}}, "retention['DE'].span"),
            ({"retention": {"DE": 180}}, "retention['DE'].span"),
            ({"retention": {1: CalendarSpan(months=6)}}, "retention[1]"),
        ],
    )
    def test_nonsense_is_refused_at_its_field(self, wrong, path):
        """A policy that cannot mean anything ends in an error that names the field."""
        with pytest.raises(InvalidRecord) as caught:
            ContactPolicy(**wrong)
        assert caught.value.path == path

    def test_can_be_a_key_and_travel(self):
        """Policies hash, pickle and evolve."""
        policy = ContactPolicy(retention={"es": CalendarSpan(years=1)})
        assert {pickle.loads(pickle.dumps(policy)), attrs.evolve(policy)} == {policy}


def properties(kind):
    day = st.integers(0, 40).map(lambda days: START + days * DAY)
    if kind == "consented":
        return st.fixed_dictionaries(
            {}, optional={"expires_at": day, "purpose": st.sampled_from([NURTURE, ASSESSMENT])}
        )
    if kind in {"bounced", "verified"}:
        return st.fixed_dictionaries({}, optional={"address": st.sampled_from(ADA.emails)})
    if kind in {"paused", "replied", "auto_replied"}:
        return st.fixed_dictionaries({}, optional={"until": day})
    return st.just({})


KINDS = [
    *("captured", "met", "clicked", "consented", "withdrew_consent", "unsubscribed"),
    *("bounced", "verified", "complained", "applied", "rejected", "hired", "left"),
    *("paused", "resumed", "replied", "auto_replied", "sent", "delivered"),
]
facts = st.sampled_from(KINDS).flatmap(
    lambda kind: st.builds(
        lambda day, stated: fact(kind, day, properties=stated),
        st.integers(0, 40) | st.floats(0, 40),
        properties(kind),
    )
)
people = st.builds(
    lambda found, country, later, zone: person(
        *found,
        captured=False,
        country=country,
        timezone=zone,
        interest="later" if later else None,
        interested_from=START + later * DAY if later else None,
    ),
    st.lists(facts, max_size=9),
    st.sampled_from(["DE", "FR", None]),
    st.sampled_from([None, None, 5, 30]),
    st.sampled_from([None, "Europe/London", "Asia/Kolkata"]),
)
# Short spans, so that ends fall among the facts.
policies = st.sampled_from(
    [
        ContactPolicy(),
        ContactPolicy.consent_only(),
        ContactPolicy(
            retention={"DE": timedelta(days=9), "FR": CalendarSpan(months=1)},
            default_retention=Retention(timedelta(days=12), consent_extends=False),
        ),
        ContactPolicy(
            hours=Hours(
                windows={"email": SendWindow(start="08:00", days=range(5))},
                holidays={"DE": ["2026-01-05", "2026-01-06"]},
            )
        ),
    ]
)


def turns(relationship):
    """Every instant at which anything could turn, and its neighbours."""
    spans = [timedelta(days=days) for days in (0, 7, 9, 12)]
    found = {each.at + span for each in relationship.history for span in spans}
    found |= {CalendarSpan(months=1).after(each.at) for each in relationship.history}
    found |= {START + days * DAY for days in range(60)}
    # Midnight, 8:00 and 21:00 in each zone.
    hours = [timedelta(hours=hour) for hour in (0, 8, 21)]
    midnight = START.replace(hour=0)
    found |= {
        midnight + days * DAY + hour - ahead
        for days in range(60)
        for hour in hours
        for ahead in (timedelta(0), timedelta(hours=5, minutes=30))
    }
    return sorted(at + step for at in found for step in (-TICK, timedelta(0)))


class TestClock:
    @pytest.mark.parametrize(
        "kind",
        ["unsubscribed", "withdrew_consent", "bounced", "complained", "applied", "hired", "paused"],
    )
    @pytest.mark.parametrize("consented", [[], [Consent(at=START).given_by("ada")]])
    def test_a_fact_to_come_ends_the_permission(self, kind, consented):
        """What the log dates later than now counts as arriving at its own instant."""
        log = person(*consented, fact(kind, 5))
        assert (bool(ask(log)), ask(log).until) == (True, START + 5 * DAY)
        assert not ask(log, 5)

    @given(people, st.integers(0, 40), policies, st.sampled_from([Channel.EMAIL, Channel.TEXT]))
    def test_holds_until_it_says_and_opens_when_it_says(self, ada, day, policy, channel):
        """A sweep finds no turn before `until`, and the first yes at `next_allowed`."""
        now = START + day * DAY
        verdict = permission(ada, now=now, policy=policy, channel=channel)
        opened = None
        for instant in (at for at in turns(ada) if at >= now):
            value = bool(permission(ada, now=instant, policy=policy, channel=channel))
            assert value is bool(verdict) or (verdict.until and instant >= verdict.until)
            opened = instant if value and opened is None else opened
        assert verdict.next_allowed == (None if verdict else opened)
        assert (verdict.rule is None) is bool(verdict)
        assert verdict.until is None or verdict.until > now
