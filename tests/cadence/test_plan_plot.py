"""Pictures of a plan and of a pool: what is in them, and that nothing covers anything."""

import sys
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import combinations

import attrs
import pytest
from examples import examples
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crmkit.cadence import (
    SEVEN_TOUCH,
    Cadence,
    Enrollment,
    Touch,
    plan,
    plot_pool,
    touches_per_week,
)
from crmkit.cadence._weeks import draw_weeks
from crmkit.errors import MissingExtra, UnknownName
from crmkit.model import Candidate, Interaction, Relationship
from crmkit.permission import ContactPolicy

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
RUN = Enrollment(candidate_id="ada", cadence="seven-touch", enrolled_at=START)


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def fact(kind, day=0.0, **more):
    return Interaction(candidate_id="ada", kind=kind, at=START + day * DAY, **more)


def sent(key, day):
    return fact("sent", day, enrollment_id=RUN.id, touch=key, rotation=0)


def ask(*facts, day=0.0, country=None, cadence=SEVEN_TOUCH, run=RUN, **more):
    ada = Candidate(
        id="ada",
        name="Ada Byron",
        emails=["ada@example.org"],
        timezone="Europe/London",
        country=country,
    )
    known = Relationship(ada, [fact("met", -1), *facts])
    return plan(cadence, known, enrollment=run, now=START + day * DAY, **more)


THREE = [sent("welcome", 0), sent("value", 14), sent("update", 49)]
ANSWERED = [*THREE, fact("replied", 55), fact("called", 60)]
PAUSED = [*ANSWERED, fact("paused", 62, properties={"until": START + 100 * DAY})]
CASES = {
    "plain": ask(),
    "retention": ask(country="DE"),
    "moved": ask(*ANSWERED, day=61),
    "paused": ask(*PAUSED, day=65),
    "waiting": ask(sent("welcome", 0), fact("replied", 20), day=25),
    "stretched": ask(*THREE, day=60),
    "expired": ask(sent("welcome", 0), day=40),
    "archived": ask(*THREE, fact("archived", 60), day=80),
    "empty": ask(fact("completed", 0), day=1),
    "years": ask(through=START + 1500 * DAY),
}


@cache
def shown(case):
    """Return the axes of a case in a figure of its own."""
    return CASES[case].plot()


def texts(ax):
    return [text for text in ax.texts if text.get_text()]


def words(ax):
    """Return all that can be read, on one line."""
    found = [text.get_text() for text in (*ax.texts, ax.title)]
    found[:0] = [ax.get_title(loc="left")]
    if ax.get_legend():
        found += [text.get_text() for text in ax.get_legend().get_texts()]
    return " ".join(" ".join(found).split())


def covered(ax):
    """Return the pairs of texts of which one covers the other, and the texts cut off."""
    figure = ax.figure.canvas.figure
    figure.canvas.draw()
    labels = [*texts(ax), *ax.get_xticklabels(), *_legend(ax)]
    boxes = [(label.get_text(), label.get_window_extent()) for label in labels]
    whole = figure.bbox.padded(2)
    found = [(a, b) for (a, one), (b, two) in combinations(boxes, 2) if _overlap(one, two)]
    return found + [text for text, box in boxes if text and not whole.fully_overlaps(box)]


def _overlap(one, two):
    """Return whether they do by more than the rounding to whole pixels."""
    wide = min(one.x1, two.x1) - max(one.x0, two.x0)
    high = min(one.y1, two.y1) - max(one.y0, two.y0)
    return wide > 1 and high > 1.5


def _legend(ax):
    return ax.get_legend().get_texts() if ax.get_legend() else []


def drawn(ax, marker):
    """Return the size and x of the markers of that shape."""
    return [line.get_xdata()[0] for line in ax.lines if line.get_marker() == marker
            and line.get_markersize() > 6]  # fmt: skip


def rings(ax):
    return [line for line in ax.lines if line.get_marker() == "o" and line.get_markersize() < 6]


class TestNothingCoversAnything:
    @pytest.mark.parametrize("case", CASES)
    def test_in_a_figure_of_its_own(self, case):
        """As high as it has to be."""
        assert [] == covered(shown(case))

    @pytest.mark.parametrize("case", ["moved", "paused", "retention", "empty"])
    @pytest.mark.parametrize("size", [(10, 3.5), (4, 3.5)])
    def test_in_a_figure_of_somebody_else(self, case, size):
        """From an ordinary one down to 400 pixels; what does not fit is left out."""
        figure, ax = plt.subplots(figsize=size, layout="constrained")
        assert ax is CASES[case].plot(ax)
        assert size == tuple(figure.get_size_inches())
        assert [] == covered(ax)

    @settings(max_examples=examples(6))
    @example(found=[("opened", day) for day in (0, 26, 118)], day=211)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["opened", "replied", "called", "paused", "resumed", "clicked"]),
                st.floats(0, 200),
            ),
            max_size=8,
        ),
        st.integers(0, 250),
    )
    def test_whatever_has_happened(self, found, day):
        """Random facts between the touches."""
        facts = [fact(kind, when, automated=False) for kind, when in found]
        assert [] == covered(ask(*THREE, *facts, day=day).plot())
        plt.close("all")

    def test_in_a_part_of_a_figure(self):
        """Two plans side by side."""
        figure = plt.figure(figsize=(14, 4), layout="constrained")
        for part, case in zip(figure.subfigures(1, 2), ("plain", "moved"), strict=True):
            ax = part.subplots()
            CASES[case].plot(ax)
            assert "seven-touch for ada" in ax.get_title(loc="left")


class TestWhatIsInIt:
    def test_who_what_and_where(self):
        """The cadence, the id, the status, and whose clocks it shows."""
        read = words(shown("plain"))
        assert "seven-touch for ada" in read
        assert "active since 2026-03-02" in read
        assert "times in Europe/London" in read
        assert "now, 2 Mar" in read

    def test_a_zone_that_is_assumed_is_said_to_be(self):
        """With the reason, commas and all."""
        calendar = attrs.evolve(CASES["plain"], assumed="for want of a zone, a country, a city")
        assert "times in Europe/London (for want of a zone, a country, a city)" in words(
            calendar.plot()
        )

    def test_every_touch_with_its_date(self):
        """As the calendar on the wall says it."""
        read = words(shown("plain"))
        dates = ["welcome Mon 2 Mar", "value Mon 16 Mar", "update Mon 13 Apr"]
        dates += ["check-in Mon 25 May", "annual Mon 9 Nov"]
        assert [date for date in dates if date not in read] == []

    def test_ids_and_no_names(self):
        """Nor addresses."""
        for case in CASES:
            read = words(shown(case))
            assert "Byron" not in read
            assert "example.org" not in read

    @pytest.mark.parametrize("case", CASES)
    def test_what_people_do_is_a_square(self, case):
        """And what goes by itself a circle, where it went or is to go."""
        from matplotlib.dates import date2num

        ax = shown(case)
        touches = CASES[case].touches
        for marker, by_hand in (("s", True), ("o", False)):
            assert [
                date2num((planned.done_at or planned.due_at) + self._offset(planned))
                for planned in touches
                if planned.by_hand is by_hand
            ] == pytest.approx(drawn(ax, marker), abs=1e-6)

    @staticmethod
    def _offset(planned):
        zone = planned.frame.zone
        return (planned.done_at or planned.due_at).astimezone(zone).utcoffset()

    def test_the_legend_names_the_states_there_are(self):
        """And no others."""
        labels = {
            case: [each.get_text() for each in _legend(shown(case))]
            for case in ("plain", "retention", "moved", "expired", "empty")
        }
        assert {
            "plain": ["due", "ahead", "by hand"],
            "retention": ["due", "ahead", "not allowed", "by hand"],
            "moved": ["done", "ahead", "by hand", "by the plain weeks"],
            "expired": ["done", "ahead", "expired", "by hand"],
            "empty": [],
        } == labels

    def test_a_ring_shows_the_plain_week_of_what_moved(self):
        """With the days and the reason."""
        ax = shown("moved")
        assert 5 == len(rings(ax))
        read = words(ax)
        assert "+7 days done 7 days late" in read
        assert "+4 days stretched clock stood still hastened" in read
        assert "+4 days follows the one before" in read
        assert [] == rings(shown("plain"))

    def test_what_went_early_says_so(self):
        """By hand, one may be before the calendar."""
        call = fact("called", 80, enrollment_id=RUN.id, touch="check-in", rotation=0)
        assert "-4 days done 4 days early" in words(ask(*THREE[:1], call, day=80).plot())

    def test_shaded_is_where_the_clock_did_not_run_plainly(self):
        """Told apart by hatches, with what it was."""
        ax = shown("paused")
        assert {"///", "--", ".."} == {patch.get_hatch() for patch in ax.patches}
        read = words(ax)
        for caption in ("paused on 2026-05-03", "they replied on 2026-04-26", "gaps × 1.5, cold"):
            assert caption in read

    @pytest.mark.parametrize(
        ("case", "caption"),
        [
            ("waiting", "waiting: they replied on 2026-03-22"),
            ("archived", "archived: archived on 2026-05-01"),
            ("empty", "completed: completed on 2026-03-02"),
        ],
    )
    def test_a_stop_without_an_end_is_shaded_to_the_edge(self, case, caption):
        """Since nobody knows how long."""
        ax = shown(case)
        (band,) = [patch for patch in ax.patches if patch.get_x() + patch.get_width()
                   == pytest.approx(ax.get_xlim()[1])]  # fmt: skip
        assert "///" == band.get_hatch()
        assert caption in words(ax)

    def test_what_has_no_date_is_named(self):
        """Until the clock goes on."""
        assert "without a date until the clock goes on: update, check-in" in words(shown("waiting"))

    def test_archived_by_silence_it_is_shaded_from_now(self):
        """For no fact says since when."""
        silent = [sent(touch.key, touch.week * 7) for touch in SEVEN_TOUCH.touches]
        calendar = ask(*silent, day=300)
        assert calendar.stopped_at is None
        assert "archived: " in words(calendar.plot())

    def test_a_refusal_says_which_rule_and_when_retention_ends(self):
        """The end of the plan, as the law has it."""
        read = words(shown("retention"))
        assert "not allowed: retention kept no longer than 6 months after the last contact" in read
        assert "retention ends, 1 Sep 2026" in read

    def test_other_refusals_end_no_retention(self):
        """Nobody agreed to be written to."""
        calendar = ask(policy=ContactPolicy.consent_only())
        read = words(calendar.plot())
        assert "not allowed: no basis" in read
        assert "retention ends" not in read

    def test_returns_are_numbered(self):
        """They have one key."""
        assert "annual (return 1)" in words(shown("years"))

    def test_what_a_host_calls_things_is_text(self):
        """Dollars begin no formula."""
        touch = Touch(key="$\\frac{1}$ $", week=0, purpose="p", level=2)
        odd = Cadence(name="$x_1$", touches=[touch])
        run = Enrollment(candidate_id="ada", cadence=odd.name, enrolled_at=START)
        ax = ask(cadence=odd, run=run).plot()
        ax.figure.canvas.draw()
        assert "$x_1$ for ada" in words(ax)

    def test_drawing_changes_nothing(self):
        """Twice gives the same picture."""
        assert words(CASES["moved"].plot()) == words(shown("moved"))

    def test_without_matplotlib_the_error_says_what_to_install(self, monkeypatch):
        """Rather than that some module is missing."""
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        for draw in (CASES["plain"].plot, lambda: plot_pool([])):
            with pytest.raises(MissingExtra, match=r"pip install 'crmkit\[plot\]'"):
                draw()


def pool():
    """Return plans of six people in two segments and none, enrolled week by week."""
    segments = ["alumni", "warm passive", None] * 2
    runs = [
        Enrollment(
            candidate_id="ada",
            cadence="seven-touch",
            enrolled_at=START + week * 7 * DAY,
            segment=segment,
        )
        for week, segment in enumerate(segments)
    ]
    done = fact("sent", 1, enrollment_id=runs[0].id, touch="welcome", rotation=0)
    return [ask(done, run=run, day=22, country="DE") for run in runs]


class TestWeeks:
    def test_rows_count_what_falls_into_each_week(self):
        """By the Monday of the person's own week."""
        rows = touches_per_week(pool())
        first = {"week": date(2026, 3, 2), "segment": "alumni", "touches": 1, "done": 1}
        assert {**first, "by_hand": 0, "refused": 0} == rows[0]
        assert {0} == {row["week"].weekday() for row in rows}

    @pytest.mark.parametrize("by", ["segment", "cadence"])
    def test_every_touch_is_counted_once(self, by):
        """Done, ahead or refused; expired ones are not."""
        plans = pool()
        rows = touches_per_week(plans, by=by)
        touches = [planned for each in plans for planned in each.touches]
        assert {
            "touches": sum(not each.expired and not each.refused for each in touches),
            "refused": sum(each.refused for each in touches),
            "done": sum(each.done for each in touches),
            "by_hand": sum(each.by_hand and not each.refused for each in touches),
        } == {
            name: sum(row[name] for row in rows)
            for name in ("touches", "refused", "done", "by_hand")
        }
        assert any(each.refused for each in touches)
        assert any(each.expired for each in touches)

    def test_the_week_is_that_of_the_person_s_zone(self):
        """Monday morning in Tokyo is Sunday in Greenwich."""
        sunday = datetime(2026, 3, 1, 22, tzinfo=UTC)
        tokyo = Relationship(Candidate(id="ada", timezone="Asia/Tokyo"))
        rows = touches_per_week([plan(SEVEN_TOUCH, tokyo, enrolled_at=sunday, now=sunday)])
        assert date(2026, 3, 2) == rows[0]["week"]

    def test_other_groups_are_an_error(self):
        """That names those there are."""
        with pytest.raises(UnknownName, match="by: 'zone' is not a way to group touches"):
            touches_per_week([], by="zone")


class TestPool:
    def test_bars_are_as_high_as_the_rows(self):
        """Stacked, week by week."""
        plans = pool()
        wanted = Counter()
        for row in touches_per_week(plans):
            wanted[row["week"]] += row["touches"]
        found = Counter()
        ax = plot_pool(plans)
        for bars in ax.containers:
            for bar in bars:
                middle = bar.get_x() + bar.get_width() / 2
                found[(datetime(1970, 1, 1, tzinfo=UTC) + (middle - 3.5) * DAY).date()] += int(
                    bar.get_height()
                )
        assert +wanted == +found

    def test_it_names_groups_and_what_is_not_allowed(self):
        """Who is in no segment, too."""
        ax = plot_pool(pool())
        assert {"alumni", "warm passive", "no segment"} == {each.get_text() for each in _legend(ax)}
        assert ax.get_title(loc="left").startswith("touches per week, 1 person; ")
        assert ax.get_title(loc="left").endswith(" more not allowed")

    def test_by_cadence_into_given_axes(self):
        """And these are returned."""
        _, ax = plt.subplots()
        assert ax is plot_pool([ask()], by="cadence", ax=ax)
        assert ["seven-touch"] == [each.get_text() for each in _legend(ax)]
        assert "touches per week, 1 person" == ax.get_title(loc="left")

    def test_an_empty_pool_is_an_empty_picture(self):
        """Of nobody."""
        ax = plot_pool([])
        assert "touches per week, 0 people" == ax.get_title(loc="left")
        assert [] == ax.containers

    def test_many_groups_are_drawn_as_seven(self):
        """The largest, and the others together."""
        rows = [
            {"week": date(2026, 3, 2) + timedelta(weeks=week), "team": f"${team}$", "touches": team}
            for week in (0, 3)
            for team in range(1, 10)
        ]
        ax = draw_weeks(rows, by="team")
        ax.figure.canvas.draw()
        labels = [each.get_text() for each in _legend(ax)]
        assert ["others", "$4$", "$5$", "$6$", "$7$", "$8$", "$9$"] == labels
        assert 90 == sum(bar.get_height() for bars in ax.containers for bar in bars)
        assert {4} == {len(bars) for bars in ax.containers}
