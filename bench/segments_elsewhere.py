"""The eight segments of `segments.py` for two rule libraries, as far as they have the words."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from segments_by_hand import ANSWERS, DAY, MESSAGES, Person

from crmkit.model import Relationship

Tests = tuple[Callable[[Relationship], Callable[[], bool]] | None, ...]
"""For each segment what makes, of a person, the question to be timed."""


def document(person: Person) -> dict[str, Any]:
    """Return what the libraries read: the same facts, oldest first."""
    names = ("kind", "at", "outcome", "automated", "stage")
    return {
        "source": person.source and str(person.source),
        "salary": person.salary,
        "country": person.country,
        "skills": sorted(person.skills),
        "log": [dict(zip(names, fact, strict=True)) for fact in reversed(person.log)],
    }


def _var(name: str) -> dict[str, Any]:
    return {"var": name}


def _is(name: str, *values: str) -> dict[str, Any]:
    return {"in": [_var(name), list(values)]}


def _some(test: dict[str, Any]) -> dict[str, Any]:
    return {"some": [_var("log"), test]}


def _stands(does: dict[str, Any], undoes: dict[str, Any]) -> dict[str, Any]:
    kept = {"if": [undoes, False, {"if": [does, True, _var("accumulator")]}]}
    return {"reduce": [_var("log"), kept, False]}


def _of(test: dict[str, Any]) -> dict[str, Any]:
    """Return a test of an element as one of what a reduction is at."""
    if isinstance(test, dict):
        ((op, value),) = test.items()
        return {"var": f"current.{value}"} if op == "var" else {op: _of(value)}
    return [_of(item) for item in test] if isinstance(test, list) else test


def json_logic_rules(now: int) -> tuple[dict[str, Any] | None, ...]:
    """Return the segments as JSON Logic; None where it has no words for one."""
    alone = {"!==": [_var("automated"), True]}
    well = {"and": [_is("kind", *ANSWERS), _is("outcome", "positive", "later"), alone]}
    declined = {"and": [_is("kind", *ANSWERS), _is("outcome", "negative"), alone]}
    hired, left = _is("kind", "hired"), _is("kind", "left")
    final = {"and": [_is("kind", "rejected"), {"===": [_var("stage"), "final"]}]}
    employed = {"!": _stands(_of(hired), _of(left))}
    applying = {"and": [_is("kind", "applied"), {">": [_var("at"), now - 180 * DAY]}]}
    not_applying = {"!": _some(applying)}
    asked = {"and": [_is("kind", *MESSAGES), {"<=": [_var("at"), now - 14 * DAY]}]}
    silent = {"and": [_some(asked), {"!": _some({"and": [_is("kind", *ANSWERS), alone]})}]}
    replied = {"and": [_is("kind", "replied"), alone, {">": [_var("at"), now - 90 * DAY]}]}
    sourced = _some(_is("kind", "sourced"))
    return (
        {
            "and": [
                {
                    "or": [
                        {"and": [_is("source", "silver_medalist"), {"!": _some(hired)}]},
                        _stands(_of(final), _of(hired)),
                    ]
                },
                employed,
            ]
        },
        {
            "and": [
                {
                    "or": [
                        _is("source", "sourced", "prospect", "referral"),
                        _some(_is("kind", "sourced", "referred")),
                    ]
                },
                _stands(_of(well), _of(declined)),
                not_applying,
                employed,
            ]
        },
        {
            "and": [
                {"or": [_is("source", "sourced", "prospect"), sourced]},
                {"or": [silent, _stands(_of(declined), _of(well))]},
                not_applying,
                employed,
            ]
        },
        {
            "and": [
                {"or": [_is("source", "event"), _some(_is("kind", "attended"))]},
                {"!": _some(_is("kind", "applied"))},
                employed,
            ]
        },
        {"or": [{"in": ["python", _var("skills")]}, {"in": ["go", _var("skills")]}]},
        {"===": [_var("country"), "DE"]},
        None,  # no power, no logarithm
        {"and": [{"!": {">": [_var("salary"), 100_000]}}, {"!": _some(replied)}]},
    )


def rule_engine_texts(now: int) -> tuple[str | None, ...]:
    """Return the segments for rule-engine; None where it has no words for one."""
    answers = "(e.kind == 'replied' or e.kind == 'called' or e.kind == 'met')"
    well = (
        f"{answers} and e.automated != true and (e.outcome == 'positive' or e.outcome == 'later')"
    )
    declined = f"{answers} and e.automated != true and e.outcome == 'negative'"

    def some(test: str, name: str = "e") -> str:
        return f"[{name} for {name} in log if {test}].length > 0"

    def stands(does: str, undoes: str) -> str:
        later = undoes.replace("e.", "u.")
        none = f"[u for u in log if {later} and u.at >= e.at].length == 0"
        return some(f"{does} and {none}")

    employed = stands("e.kind == 'hired'", "e.kind == 'left'")
    applying = some(f"e.kind == 'applied' and e.at > {now - 180 * DAY}")
    usual = f"not ({applying}) and not ({employed})"
    messages = " or ".join(f"e.kind == '{kind}'" for kind in sorted(MESSAGES))
    asked = some(f"({messages}) and e.at <= {now - 14 * DAY}")
    answered = some(f"{answers} and e.automated != true")
    final = stands("e.kind == 'rejected' and e.stage == 'final'", "e.kind == 'hired'")
    sourced = "source == 'sourced' or source == 'prospect'"
    referred = some("e.kind == 'sourced' or e.kind == 'referred'")
    never_hired = "[e for e in log if e.kind == 'hired'].length == 0"
    sourced_then = some("e.kind == 'sourced'")
    attended, applied = some("e.kind == 'attended'"), some("e.kind == 'applied'")
    recent = some(f"e.kind == 'replied' and e.automated != true and e.at > {now - 90 * DAY}")
    return (
        f"((source == 'silver_medalist' and {never_hired}) or {final}) and not ({employed})",
        f"({sourced} or source == 'referral' or {referred}) and "
        f"{stands(well, declined)} and {usual}",
        f"({sourced} or {sourced_then}) and "
        f"(({asked} and not ({answered})) or {stands(declined, well)}) and {usual}",
        f"(source == 'event' or {attended}) and not ({applied}) and not ({employed})",
        "'python' in skills or 'go' in skills",
        "country == 'DE'",
        None,  # a power there is, of decimals: not the same score
        f"not (salary != null and salary > 100000) and not ({recent})",
    )


def json_logic_tests(now: int) -> Tests | None:
    """Return how JSON Logic is asked, None if it is not installed."""
    try:
        from json_logic import jsonLogic
    except ImportError:
        return None

    def test(rule: Any) -> Callable[[Relationship], Callable[[], bool]]:
        def ask(relationship: Relationship) -> Callable[[], bool]:
            data = document(Person(relationship))
            return lambda: bool(jsonLogic(rule, data))

        return ask

    return tuple(rule and test(rule) for rule in json_logic_rules(now))


def rule_engine_tests(now: int) -> Tests | None:
    """Return how rule-engine is asked, None if it is not installed."""
    try:
        from rule_engine import Context, Rule, resolve_attribute
    except ImportError:
        return None
    # Five times as fast over objects as over dictionaries.
    context = Context(resolver=resolve_attribute)

    def test(text: str) -> Callable[[Relationship], Callable[[], bool]]:
        rule = Rule(text, context=context)

        def ask(relationship: Relationship) -> Callable[[], bool]:
            known = document(Person(relationship))
            data = SimpleNamespace(**known | {"log": [SimpleNamespace(**f) for f in known["log"]]})
            return lambda: bool(rule.matches(data))

        return ask

    return tuple(text and test(text) for text in rule_engine_texts(now))
