"""The set of metrics: names, order, text, HTML and rows."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from crmkit.errors import InvalidRecord, NaiveInstant, NotFound
from crmkit.metrics import NAMES, Costs, Scorecard, scorecard
from crmkit.model import Candidate, Interaction, Relationship, Role

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)

GOLDEN = """\
Scorecard as of 2026-03-02 09:00 UTC, over the 365 days before

metric              value          counted                                  benchmark  verdict
------------------  -------------  ---------------------------------------  ---------  ------------
Pipeline size       31 people      31                                       varies
Engagement rate     25.0 %         8 of 32                                  20–35 %    within
Conversion rate     3.1 %          1 of 32                                  5–15 %     below
Time to fill        20.0 % faster  80.0 days (1) against 100.0 days (1)     20–30 %    too few
Quality of hire     not measured   none (0) against none (0)                10–15 %    not measured
Cost per hire       40.0 % lower   1,200.0 EUR (1) against 2,000.0 EUR (1)  30–50 %    too few
Re-engagement rate  not measured   0 of 0                                   8–15 %     not measured

Pipeline size
  people in the CRM: 31
  people who work here left out: 2
  no clock changes it

Engagement rate
  8 of 32 people e-mailed in the window opened or clicked
  machine-made opens left out: 1
  holds until 2027-01-01 09:00 UTC

Conversion rate
  1 of 32 people who were sent a message applied in the window
  holds until 2027-01-11 09:00 UTC

Time to fill
  median days from opening to hire: 80.0 days CRM-sourced (of 1) against 100.0 days cold (of 1)
  hires without an application in the log, judged by the hire itself: 1
  holds until 2027-02-10 09:00 UTC

Quality of hire
  no CRM-sourced and no cold hire was counted
  holds until 2027-02-10 09:00 UTC

Cost per hire
  cost per hire: 1,200.0 EUR CRM-sourced (of 1) against 2,000.0 EUR cold (of 1)
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
            facts.append(("hired", 0, {"role_id": "r"}))
        log = [
            Interaction(
                candidate_id=key, kind=kind, at=NOW - days * DAY, **more, properties=properties
            )
            for kind, days, more in facts
        ]
        people.append(Relationship(Candidate(id=key), log))
    return people


def card(**properties: object) -> Scorecard:
    roles = [Role(id="r", title="R", opened_at=NOW - 100 * DAY)]
    costs = Costs(
        internal_crm=900, external_crm=300, internal_cold=800, external_cold=1_200, currency="EUR"
    )
    return scorecard(pool(**properties), now=NOW, roles=roles, costs=costs)


def test_it_prints_a_table_and_what_each_number_rests_on() -> None:
    """The whole text, as a person reads it."""
    assert str(card()) == GOLDEN


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
    assert expected == NAMES == tuple(metric.name for metric in found.metrics)
    assert list(found.metrics) == [found[name] for name in NAMES]
    assert len(found) == 7


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
    """The least of the seven instants."""
    found = card()
    assert min(metric.until for metric in found if metric.until) == found.until
    assert scorecard([], now=NOW).until is None


def test_every_output_says_simulated() -> None:
    """Text, page, repr and rows; and none of them when nothing is."""
    found = card(simulated=True)
    assert found.simulated == 44
    assert "SIMULATED: 44 of the facts read are simulated, not observed" in str(found)
    assert "<strong>SIMULATED: 44 of the facts read" in found._repr_html_()
    assert repr(found).endswith(", simulated>")
    assert {44} == {row["simulated"] for row in found.to_dicts()}
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
    assert scopes == ["col"] * 6 + ["row"] * 7
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
