"""The facade: the first lines as they are written, its clock, and what it looks up."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit import CRM, Role, lifecycle
from crmkit.errors import NaiveInstant, NotFound
from crmkit.lifecycle import DEFAULT_PLAYBOOK, SystemClock
from crmkit.metrics import NAMES, Costs
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.protocols import Clock
from crmkit.segmentation import CATALOGUE
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)

FIRST_LINES = """
from datetime import UTC, datetime
from crmkit import Candidate, Interaction, Relationship
from crmkit.cadence import SEVEN_TOUCH, plan
from crmkit.segmentation import Segment, event, field

now = datetime(2026, 3, 2, 9, tzinfo=UTC)
ada = Candidate(id="ada", name="Ada Byron", emails=["ada@example.org"], company="Analytical Engines",
                skills=["python", "ml"], source="sourced", timezone="Europe/London")
relationship = Relationship(ada, [
    Interaction(candidate_id="ada", kind="sourced", at=datetime(2026, 1, 5, 9, tzinfo=UTC)),
    Interaction(candidate_id="ada", kind="replied", at=datetime(2026, 1, 9, 9, tzinfo=UTC), outcome="positive"),
])

warm = Segment("warm-python", (field.source == "sourced") & field.skills.has_any("python", "go")
               & event("replied", outcome="positive").ever() & ~event("applied").within(days=180))
verdict = warm.check(relationship, now=now)       # truthy; verdict.until; print(verdict.because)

calendar = plan(SEVEN_TOUCH, relationship, enrolled_at=now, now=now)
print(calendar)                                   # seven touches, each with its date and why
"""  # noqa: E501 - word for word

NEXT_LINES = """
from crmkit import CRM
from crmkit.senders import MaildirSender
from crmkit.stores import SQLStore

crm = CRM(store=SQLStore("sqlite:///talent.db"), sender=MaildirSender("outbox"))
crm.capture(ada, interactions=relationship.history)
crm.segment(now=now)            # who entered and who left which segment, and why
crm.engage(now=now)             # plans, asks permission, sends what is due
crm.convert(role, now=now)      # who have we already met that fits
crm.measure(now=now)            # the scorecard
"""


class TestFirstLines:
    def test_the_pure_ones(self, capsys):
        """The first block runs word for word, and says what its comments promise."""
        names = {}
        exec(FIRST_LINES, names)
        assert names["verdict"]
        assert names["verdict"].because.holds is True
        assert [touch.touch.week for touch in names["calendar"].touches] == [
            0,
            2,
            6,
            12,
            18,
            26,
            36,
        ]
        assert capsys.readouterr().out == f"{names['calendar']}\n"

    def test_the_five_verbs(self, tmp_path, monkeypatch):
        """The second runs on a database and a Maildir of its own, and once more after it."""
        pytest.importorskip("sqlalchemy")
        monkeypatch.chdir(tmp_path)
        names = {"role": Role(id="ml-1", title="ML engineer", skills=["python", "ml"])}
        exec(FIRST_LINES, names)
        for _ in range(2):
            exec(NEXT_LINES, names)
            names["crm"]._work.store.close()
        assert (tmp_path / "talent.db").exists()
        assert len(list((tmp_path / "outbox" / "new").iterdir())) == 1

    def test_what_they_return(self, store):
        """Each verb returns a record that says what happened."""
        names = {"role": Role(id="ml-1", title="ML engineer", skills=["python", "ml"])}
        exec(FIRST_LINES, names)
        crm, now = CRM(store=store, sender=MemorySender()), names["now"]
        assert (
            crm.capture(names["ada"], interactions=names["relationship"].history).interactions == 2
        )
        assert [move.segment for move in crm.segment(now=now).entered] == ["warm passive"]
        assert [each.touch for each in crm.engage(now=now).sent] == ["welcome"]
        assert [each.candidate_id for each in crm.convert(names["role"], now=now).fits] == ["ada"]
        assert len(list(crm.measure(now=now))) == len(NAMES)


COSTS = Costs(internal_crm=1, external_crm=1, internal_cold=1, external_cold=1, currency="EUR")


class FixedClock(Clock):
    def __init__(self, at):
        self.at = at

    def now(self):
        return self.at


class TestClock:
    def test_without_now_the_clock_is_asked(self):
        """Every verb that needs an instant takes the clock's."""
        crm = CRM(MemoryStore(), MemorySender(), clock=FixedClock(NOW))
        captured = Interaction(candidate_id="a", kind="captured", at=NOW)
        crm.capture(Candidate(id="a", emails=["a@x.org"]), [captured])
        crm.capture(Candidate(id="b"))
        role = Role(id="r", title="t")
        found = [crm.segment().now, crm.engage().now, crm.convert(role).now, crm.measure().as_of]
        assert [*found, crm.explain("a").now] == [NOW] * 5
        assert (crm.tasks(), crm.merge("a", "b").id) == ((), "a")

    def test_the_system_clock_is_aware(self):
        """It shows the present instant, in UTC."""
        before = datetime.now(UTC)
        shown = SystemClock().now()
        assert shown.tzinfo is UTC
        assert timedelta(0) <= shown - before < timedelta(minutes=1)

    @pytest.mark.parametrize("verb", ["segment", "engage", "measure", "tasks"])
    def test_a_naive_now_is_refused(self, verb):
        """By every verb, before anything happens."""
        with pytest.raises(NaiveInstant):
            getattr(CRM(MemoryStore()), verb)(now=datetime(2026, 1, 1))  # noqa: DTZ001


class TestLookUp:
    def test_people_by_their_id_and_by_an_old_one(self, store):
        """Who was merged is found under both ids."""
        crm = CRM(store)
        crm.capture(Candidate(id="a", emails=["x@y.org"]))
        crm.capture(Candidate(id="b", emails=["x@y.org"]))
        assert crm.relationship("b").id == "a"
        assert [each.id for each in crm.relationships()] == ["a"]
        with pytest.raises(NotFound, match="no candidate 'c'"):
            crm.relationship("c")

    def test_roles(self, store):
        """A role that is not there suggests one that is."""
        crm = CRM(store)
        role = Role(id="backend", title="t")
        crm.convert(role, now=NOW)
        assert crm.role("backend") == role
        with pytest.raises(NotFound, match="did you mean 'backend'"):
            crm.role("backen")

    def test_measure_takes_window_and_costs(self, store):
        """The options of the scorecard reach it."""
        crm = CRM(store)
        crm.capture_all([Relationship(Candidate(id="a"))])
        told = []
        card = crm.measure(
            now=NOW,
            window=timedelta(days=90),
            costs=COSTS,
            progress=lambda done, total: told.append((done, total)),
        )
        assert (card.as_of, told) == (NOW, [(1, None)])

    def test_repr(self, store):
        """It names its parts."""
        assert repr(CRM(store)) == f"CRM(store={store!r}, sender=None)"

    def test_the_default_playbook_has_a_cadence_for_everyone(self):
        """Every segment of the catalogue is in it, and those in none get the same."""
        assert [name for name, _ in DEFAULT_PLAYBOOK.entries] == [each.name for each in CATALOGUE]
        assert DEFAULT_PLAYBOOK.choose([])[0][0] is None


class TestReplay:
    def test_memberships_can_be_dropped_and_rebuilt(self, store):
        """Segments are a function of people, log, definitions and now."""
        people = [
            Relationship(
                Candidate(id=key, source="sourced"),
                [Interaction(candidate_id=key, kind="replied", at=NOW, outcome="positive")],
            )
            for key in "abc"
        ]
        crm, fresh = CRM(store), CRM(MemoryStore())
        crm.capture_all(people)
        for days in (0, 30, 200):
            crm.segment(now=NOW + timedelta(days=days))
        fresh.capture_all(people)
        fresh.segment(now=NOW + timedelta(days=200))
        last = [
            (each.candidate_id, each.segment, each.because, each.next_change)
            for each in store.memberships()
        ]
        assert last == [
            (each.candidate_id, each.segment, each.because, each.next_change)
            for each in fresh._work.store.memberships()
        ]
        assert len(last) == 3


def test_the_public_names():
    """What the package offers, sorted."""
    assert lifecycle.__all__ == [
        "CRM",
        "DEFAULT_PLAYBOOK",
        "FIELD_PLAYBOOK",
        "Brief",
        "CadenceChange",
        "Captured",
        "Enrolled",
        "Erased",
        "Explanation",
        "Finding",
        "Fit",
        "FitWeights",
        "InDoubt",
        "Moves",
        "Outcome",
        "Progress",
        "Recorded",
        "RunReport",
        "SegmentRun",
        "Shortlist",
        "SystemClock",
        "Task",
        "TemplateRenderer",
        "UnsubscribeLinks",
        "brief",
        "fit",
        "merge",
        "shortlist",
    ]
    assert all(hasattr(lifecycle, name) for name in lifecycle.__all__)
