"""Variants: who gets which is settled by the run alone, in the shares that were asked for."""

from collections import Counter
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.cadence import Enrollment, Touch, Variant, assign
from crmkit.errors import InvalidRecord

RUNS = [f"enrolment-{number}" for number in range(4000)]
WEIGHTS = st.dictionaries(st.text(max_size=3), st.floats(1e-3, 1000), min_size=1, max_size=5)


def touch(*variants, key="value"):
    return Touch(
        key=key,
        week=0,
        purpose="p",
        level=4,
        subject="Hello",
        bodies=["the touch's"],
        variants=[Variant(name=name, weight=weight) for name, weight in variants],
    )


class TestVariant:
    @pytest.mark.parametrize(
        ("known", "told"),
        [
            ({"name": ""}, "name: expected text, got nothing"),
            ({"weight": 0}, "weight: expected a number above 0, at most 1000, got 0"),
            ({"weight": -1}, "weight: expected a finite number from 0, got -1"),
            ({"weight": float("nan")}, "weight: expected a number above 0, at most 1000, got nan"),
            ({"weight": float("inf")}, "weight: expected a finite number from 0"),
            ({"weight": 1001}, "weight: expected a number above 0"),
            ({"weight": "1"}, "weight: expected a number, got str"),
            ({"bodies": "text"}, "bodies: expected a list of texts, got str"),
            ({"bodies": ["a", 1]}, r"bodies\[1\]: expected text, got int"),
        ],
    )
    def test_a_faulty_one_is_told(self, known, told):
        """Each error names the field."""
        with pytest.raises(InvalidRecord, match=f"^{told}"):
            Variant(**({"name": "short"} | known))

    @pytest.mark.parametrize(
        ("variants", "told"),
        [
            ("ab", "variants: expected a list of variants, got str"),
            ([{"name": "a"}], r"variants\[0\]: expected a Variant, got dict"),
            ([Variant(name="a"), Variant(name="a")], r"variants\[1\]\.name: 'a' is there already"),
        ],
    )
    def test_faulty_ones_of_a_touch_are_told(self, variants, told):
        """Only variants, each name once."""
        with pytest.raises(InvalidRecord, match=f"^{told}$"):
            attrs.evolve(touch(), variants=variants)


class TestTouch:
    def test_what_a_variant_leaves_empty_stays(self):
        """Subject and bodies each, and nothing else of the touch changes."""
        one = touch(("a", 1))
        short = one.as_variant(Variant(name="a", subject="Hi"))
        other = one.as_variant(Variant(name="a", bodies=["its own"]))
        assert (short.subject, short.bodies) == ("Hi", ("the touch's",))
        assert (other.subject, other.bodies) == ("Hello", ("its own",))
        assert attrs.evolve(short, subject="Hello") == one
        assert one.as_variant(None) is one

    def test_a_touch_without_variants(self):
        """It is written as it stands."""
        assert touch().variant_for("enrolment-1") is None

    def test_each_run_has_one(self):
        """The same in any order of the variants, and another draw for each touch."""
        one, mixed = touch(("a", 1), ("b", 1)), touch(("b", 1), ("a", 1))
        found = [one.variant_for(run).name for run in RUNS[:200]]
        assert found == [mixed.variant_for(run).name for run in RUNS[:200]]
        other = touch(("a", 1), ("b", 1), key="insight")
        assert found != [other.variant_for(run).name for run in RUNS[:200]]

    def test_an_enrolment_s_id_decides(self):
        """The id that an enrolment has by itself does."""
        run = Enrollment(candidate_id="ada", cadence="c", enrolled_at="2026-03-02T09:00Z")
        assert touch(("only", 1)).variant_for(run.id) == Variant(name="only")


class TestAssign:
    def test_stays_as_it_is(self):
        """The method is fixed: another version of the library, or of Python, draws the same."""
        found = [assign(run, {"a": 1, "b": 2, "ü": 1}, salt="s") for run in RUNS[:12]]
        assert "".join(found) == "bübbbbbbbbüü"

    @pytest.mark.parametrize(
        "weights", [{"a": 1, "b": 1}, {"a": 1, "b": 3}, {"a": 0.2, "b": 5, "c": 1, "d": 1}]
    )
    def test_the_shares_are_the_weights(self, weights):
        """By the chi-square test, of ids that differ in one figure only."""
        stats = pytest.importorskip("scipy.stats")
        found = Counter(assign(run, weights, salt="s") for run in RUNS)
        total = sum(weights.values())
        expected = [len(RUNS) * weight / total for weight in weights.values()]
        observed = [found[name] for name in weights]
        assert stats.chisquare(observed, expected).pvalue > 0.001

    def test_touches_draw_independently(self):
        """Who has the short welcome has the short value by chance alone."""
        stats = pytest.importorskip("scipy.stats")
        pairs = Counter(
            tuple(assign(run, {"a": 1, "b": 1}, salt=salt) for salt in ("welcome", "value"))
            for run in RUNS
        )
        table = [[pairs[one, two] for two in "ab"] for one in "ab"]
        assert stats.chi2_contingency(table).pvalue > 0.001

    @given(WEIGHTS, st.text(), st.text(), st.integers())
    def test_order_does_not_matter(self, weights, key, salt, seed):
        """Neither that of the names, nor a factor that all weights share."""
        items = list(weights.items())
        Random(seed).shuffle(items)
        halved = {name: weight / 2 for name, weight in items}
        assert assign(key, weights, salt=salt) == assign(key, halved, salt=salt)

    @given(WEIGHTS, st.text())
    def test_taking_another_away_changes_nothing(self, weights, key):
        """Whoever has a name keeps it when one that they do not have goes."""
        found = assign(key, weights, salt="s")
        for gone in weights.keys() - {found}:
            rest = {name: weight for name, weight in weights.items() if name != gone}
            assert assign(key, rest, salt="s") == found

    def test_key_and_salt_are_kept_apart(self):
        """What ends the one does not begin the other."""
        weights = {str(number): 1 for number in range(100)}
        assert assign("bc", weights, salt="a") != assign("c", weights, salt="ab")

    def test_faulty_weights_are_told(self):
        """No names, or a weight that is not above 0."""
        with pytest.raises(InvalidRecord, match=r"^weights: expected at least one name"):
            assign("k", {}, salt="s")
        with pytest.raises(InvalidRecord, match=r"^weights\['b'\]: expected a number above 0"):
            assign("k", {"a": 1, "b": 0}, salt="s")
