"""Explain: everything about one person, why, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from crmkit import CRM
from crmkit.cadence import Cadence, Playbook, Touch
from crmkit.errors import NotFound
from crmkit.model import Candidate, Interaction
from crmkit.segmentation import Segment, event
from crmkit.senders import MemorySender

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
READERS = Segment("readers", event("clicked").within(days=30))


def fact(kind, days_ago, **more):
    return Interaction(candidate_id="ada", kind=kind, at=NOW - days_ago * DAY, **more)


@pytest.fixture
def crm(store):
    crm = CRM(store, MemorySender(), segments=[READERS])
    known = Candidate(id="ada", name="Canary", emails=["canary@x.org"], company="Works")
    crm.capture(known, [fact("captured", 20), fact("clicked", 10), fact("met", 8)])
    return crm


class TestExplain:
    def test_says_all_that_is_known(self, crm):
        """Segments, temperature, permission, plans and brief, each with its reasons."""
        crm.engage(now=NOW)
        found = crm.explain("ada", now=NOW)
        assert (found.candidate_id, found.now) == ("ada", NOW)
        assert {name: bool(verdict) for name, verdict in found.segments.items()} == {
            "readers": True
        }
        assert found.segments["readers"].until == NOW + 20 * DAY
        assert (found.temperature.value, bool(found.permission)) == ("warm", True)
        assert [plan.cadence.name for plan in found.plans] == ["seven-touch"]
        assert found.brief.spoke_by == "met"

    def test_prints_in_the_order_in_which_one_reads(self, crm):
        """The text begins with the brief and ends with the calendar."""
        crm.engage(now=NOW)
        lines = str(crm.explain("ada", now=NOW)).splitlines()
        heads = [line for line in lines if line and not line.startswith(" ")]
        assert [head.split(":")[0].split("?")[0] for head in heads] == [
            "ada at 2026-03-02 09",
            "segment readers",
            "temperature",
            "may we write by e-mail",
            "cadence seven-touch",
        ]
        assert lines[1] == "  last spoke 2026-02-22 (met); works at Works"

    def test_changes_nothing(self, crm, store, dump):
        """Asking is free."""
        before = dump(store)
        assert str(crm.explain("ada", now=NOW)) == str(crm.explain("ada", now=NOW))
        assert dump(store) == before

    def test_reprs_hold_the_id_only(self, crm):
        """HTML and text show the brief to who asked; the repr shows who, and when."""
        found = crm.explain("ada", now=NOW)
        assert repr(found) == "<Explanation of ada at 2026-03-02>"
        assert "<h4>segment readers: yes" in found._repr_html_()
        assert "canary" not in (str(found) + found._repr_html_()).lower()

    def test_html_is_escaped(self, crm):
        """What people write about themselves is text."""
        crm.capture(Candidate(id="ada", company="<script>"))
        assert "<script>" not in crm.explain("ada", now=NOW)._repr_html_()

    def test_as_of_a_past_instant(self, crm):
        """What had not happened then is not known then."""
        found = crm.explain("ada", now=NOW - 9 * DAY)
        assert (found.brief.spoke_by, bool(found.segments["readers"])) == (None, True)

    def test_a_run_whose_cadence_is_gone_is_named(self, crm, store):
        """It is shown as what it is, and stops nothing else."""
        touch = Touch(key="t", week=0, purpose="p", level=2, subject="s", bodies=["b"])
        short = Playbook(otherwise=Cadence(name="short", touches=[touch]))
        CRM(store, MemorySender(), playbook=short).engage(now=NOW)
        found = crm.explain("ada", now=NOW)
        assert (found.plans, [run.cadence for run in found.lost]) == ((), ["short"])
        assert str(found).endswith("cadence short 1\n  not in the playbook any more")

    def test_who_is_not_known(self, crm):
        """Nobody is explained by a guess."""
        with pytest.raises(NotFound, match="no candidate 'bob'"):
            crm.explain("bob", now=NOW)
