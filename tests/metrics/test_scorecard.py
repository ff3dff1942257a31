"""The set of metrics: names, order, text, HTML and rows."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from crmkit.errors import InvalidRecord, NaiveInstant, NotFound
from crmkit.metrics import DEFINITIONS, NAMES, Costs, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)

GOLDEN = """\
Scorecard as of 2026-03-02 09:00 UTC, over the 365 days before

metric                  value            95 %                counted      benchmark
----------------------  ---------------  ------------------  -----------  ----------------------
Pipeline size           31 people                            31
Engagement rate         25.0 %           13.3 to 42.1 %      8 of 32      within: 20–35 %
Conversion rate         3.1 %            0.6 to 15.7 %       1 of 32      below: 5–15 %
Time to fill            20.0 % faster                        1 against 1  too few: 20–30 %
Quality of hire         not measured                         1 against 1  usual: 10–15 %
Cost per hire           40.0 % lower     -4,609.8 to 99.2 %  1 against 1  too few: 30–50 %
Re-engagement rate      not measured                         0 of 0       usual: 8–15 %

Active                  0.0 %            0.0 to 11.0 %       0 of 31
Fresh profiles          0.0 %            0.0 to 11.0 %       0 of 31
Reachable               0.0 %            0.0 to 11.0 %       0 of 31
With consent            0.0 %            0.0 to 11.0 %       0 of 31
Time since contact      60 days          60 to 60            31
Open rate               25.0 %           13.3 to 42.1 %      8 of 32
Click rate              0.0 %            0.0 to 10.7 %       0 of 32
Reply rate              0.0 %            0.0 to 10.7 %       0 of 32
Answered by message 2   not measured                         0 of 0
Bounce rate             0.0 %            0.0 to 10.7 %       0 of 32
Unsubscribe rate        0.0 %            0.0 to 10.7 %       0 of 32
Complaint rate          0.0 %            0.0 to 10.7 %       0 of 32      too few: at most 0.1 %
Time to hire            not measured                         1 against 0
Performance of hires    not measured
Return on the practice  0.67 × the cost  -0.98 to 129.83     1
Hires out of the CRM    50.0 %           9.5 to 90.5 %       1 of 2
Hires rediscovered      0.0 %            0.0 to 79.3 %       0 of 1
Left without an answer  0.0 %            0.0 to 79.3 %       0 of 1

Pipeline size
  31 people, neither erased nor working here
  of them active: 0
  of them stale: 31
  of them unreachable: 31
  of them without consent: 31
  people who work here left out: 2
  no clock changes it

Engagement rate
  8 of 32 people e-mailed in the window opened or clicked
  95 %: 13.3 % to 42.1 %
  of them clicked: 0
  machine-made opens left out: 1
  holds until 2027-01-01 09:00 UTC

Conversion rate
  1 of 32 people who were sent a message applied in the window
  95 %: 0.55 % to 15.7 %
  holds until 2027-01-11 09:00 UTC

Time to fill
  median days from opening to hire: 80.0 days CRM-sourced (of 1) against 100.0 days cold (of 1)
  95 %: too few for an interval
  log-rank p = 0.317: the data cannot tell them apart
  hires without an application in the log, judged by the hire itself: 1
  holds until 2026-11-22 09:00 UTC

Quality of hire
  still here after 365 days: not known yet CRM-sourced (of 1) against not known yet cold (of 1)
  nothing can be compared with that
  hires without an application in the log, judged by the hire itself: 1
  holds until 2027-02-10 09:00 UTC

Cost per hire
  cost per hire: 1,200.0 EUR CRM-sourced (of 1) against 2,000.0 EUR cold (of 1)
  95 %: over 1,000 % higher to 99.2 % lower: the data cannot tell
  hires without an application in the log, judged by the hire itself: 1
  holds until 2027-02-10 09:00 UTC

Re-engagement rate
  no one was sent a message while cold in the window
  no clock changes it\
"""


def pool(**properties: object) -> list[Relationship]:
    """Thirty-two people who were written to; eight opened, one of them was hired, one came cold."""
    people = []
    for number in range(33):
        key = f"p{number:02}"
        facts: list[tuple[str, int, dict[str, object]]] = [("sent", 60, {})] if number < 32 else []
        if number < 8:
            facts.append(("opened", 59, {}))
        if number == 0:
            facts += [("applied", 50, {"role_id": "r"}), ("hired", 20, {"role_id": "r"})]
        if number == 9:
            facts.append(("opened", 59, {"automated": True}))
        if number == 32:
            facts.append(("hired", 0, {"role_id": "s"}))
        log = [
            Interaction(
                candidate_id=key, kind=kind, at=NOW - days * DAY, **more, properties=properties
            )
            for kind, days, more in facts
        ]
        people.append(Relationship(Candidate(id=key), log))
    return people


def card(**properties: object) -> Scorecard:
    roles = [Role(id=key, title="R", opened_at=NOW - 100 * DAY) for key in ("r", "s")]
    costs = Costs(
        internal_crm=900, external_crm=300, internal_cold=800, external_cold=1_200, currency="EUR"
    )
    return scorecard(pool(**properties), now=NOW, roles=roles, costs=costs)


def test_it_prints_a_table_and_what_each_number_rests_on() -> None:
    """The whole text, as a person reads it."""
    pytest.importorskip("scipy")
    assert str(card()) == GOLDEN


def test_without_scipy_it_prints_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """No interval and no curve; what needs SciPy says so."""
    for name in ("scipy", "scipy.stats", "scipy.stats.contingency"):
        monkeypatch.setitem(sys.modules, name, None)
    text = str(card())
    assert "Engagement rate" in text
    assert "pip install 'crmkit[stats]'" in card()["time_to_fill"].because.text
    assert "8 of 32" in text


def test_the_seven_are_there_in_the_fields_order() -> None:
    """By position and by name."""
    expected = (
        "pipeline_size",
        "engagement_rate",
        "conversion_rate",
        "time_to_fill",
        "quality_of_hire",
        "cost_per_hire",
        "re_engagement_rate",
    )
    found = card()
    assert expected == NAMES[:7] == tuple(metric.name for metric in found.seven)
    assert list(found.metrics) == [found[name] for name in NAMES]
    assert [metric.name for metric in found] == list(DEFINITIONS)


def test_membership_takes_a_name_or_a_metric() -> None:
    """`in` asks for either."""
    found = card()
    assert "pipeline_size" in found
    assert found["pipeline_size"] in found
    assert "pipeline" not in found


def test_an_unknown_name_suggests_a_near_one() -> None:
    """A typing error is answered."""
    with pytest.raises(
        NotFound, match="no metric 'engagment_rate'; did you mean 'engagement_rate'"
    ):
        card()["engagment_rate"]


def test_the_whole_holds_until_the_first_part_changes() -> None:
    """The least of all their instants."""
    found = card()
    assert min(metric.until for metric in found if metric.until) == found.until
    assert scorecard([], now=NOW).until is None


def test_every_output_says_simulated() -> None:
    """Text, page, repr and rows; and none of them when nothing is."""
    found = card(simulated=True)
    assert found.simulated == 33
    assert "SIMULATED: 33 people, or what they did, are simulated" in str(found)
    assert "<strong>SIMULATED: 33 people" in found._repr_html_()
    assert repr(found).endswith(", simulated>")
    assert {33} == {row["simulated"] for row in found.to_dicts()}
    observed = card(simulated=False, other=1)
    assert "SIMULATED" not in f"{observed}{observed._repr_html_()}{observed!r}"


class Reader(HTMLParser):
    """Collects the tags of a page and checks that they close in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_a_table_with_caption_and_scopes() -> None:
    """Every row and every column has a header that says what it heads."""
    reader = Reader()
    reader.feed(card(simulated=True)._repr_html_())
    assert reader.open == []
    scopes = [attributes["scope"] for tag, attributes in reader.tags if tag == "th"]
    assert scopes == ["col"] * 6 + ["row"] * len(NAMES)
    assert [tag for tag, _ in reader.tags].count("caption") == 1


def test_rows_are_flat_json() -> None:
    """Each metric is a row that carries its definition and its counts."""
    rows = card().to_dicts()
    assert rows == json.loads(json.dumps(rows))
    engagement = rows[1]
    assert tuple(
        engagement[key]
        for key in (
            "name",
            "value",
            "numerator",
            "denominator",
            "benchmark_low",
            "benchmark_high",
            "verdict",
        )
    ) == ("engagement_rate", 0.25, 8, 32, 0.2, 0.35, "within")
    assert engagement["exclusions"] == "machine-made opens left out: 1"
    assert (engagement["as_of"], engagement["window_days"]) == ("2026-03-02T09:00:00+00:00", 365.0)
    assert rows[0]["until"] is None


@pytest.mark.parametrize("window", [timedelta(0), -DAY])
def test_a_window_is_longer_than_nothing(window: timedelta) -> None:
    """Zero days hold no fact."""
    with pytest.raises(InvalidRecord, match="window"):
        scorecard([], now=NOW, window=window)


def test_now_must_be_an_instant() -> None:
    """A naive one is refused."""
    with pytest.raises(NaiveInstant, match="now"):
        scorecard([], now=datetime(2026, 3, 2))  # noqa: DTZ001


def test_a_window_beyond_the_calendar_holds_everything() -> None:
    """No overflow at either end: nothing ever leaves."""
    found = scorecard(pool(), now=NOW, window=timedelta(days=3_000_000))
    assert (found["engagement_rate"].numerator, found["engagement_rate"].denominator) == (8, 32)
    assert found["engagement_rate"].until is None


def test_a_past_instant_can_be_asked() -> None:
    """Before the hire and after the opens: what was known then."""
    then = scorecard(pool(), now=NOW - 30 * DAY)
    assert then["pipeline_size"].value == 32.0
    assert then["engagement_rate"].value == 0.25
    assert then["pipeline_size"].until == NOW - 20 * DAY


def test_importing_metrics_imports_no_optional_library() -> None:
    """Nor dateutil nor SciPy before they are needed."""
    code = (
        "import sys, crmkit.metrics\n"
        "print(sorted({'scipy', 'dateutil', 'cattrs', 'jinja2', 'sqlalchemy'} & {*sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
