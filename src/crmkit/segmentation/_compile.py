"""Many segments as one generated Python function.

It goes once over the rows of an index. What the clock cannot change was answered when the row
was made, so the function asks only what the clock changes, each segment in one expression.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from crmkit.model import Relationship
from crmkit.segmentation._clocked import CLOCKED, asked
from crmkit.segmentation._facts import Facts
from crmkit.segmentation._nodes import AllOf, AnyOf, Member, Not, Rule
from crmkit.segmentation._plan import Expression, Plan, Settled
from crmkit.segmentation._seen import referred
from crmkit.segmentation._settled import SETTLED, Question

Row = tuple[Any, ...]


@attrs.frozen(kw_only=True, repr=False, eq=False)
class Compiled:
    """The function of some segments, and what it needs of each person and of each instant."""

    names: tuple[str, ...]
    """Of the segments, in the order in which the function takes where their members go."""
    source: str
    _run: Callable[..., None]
    _questions: tuple[Question, ...]
    _reads: tuple[Callable[[Facts], object], ...]
    _cuts: tuple[Callable[[int], float], ...]

    def row(self, relationship: Relationship) -> Row:
        """Return what the function needs of a person, who has no fact dated after it is asked."""
        facts = Facts(relationship, self._questions)
        return relationship.id, relationship, *[read(facts) for read in self._reads]

    def members(self, rows: Sequence[Row], now: int, at: datetime) -> dict[str, list[str]]:
        """Return the ids of the members of each segment at one instant, given in two forms."""
        found: dict[str, list[str]] = {name: [] for name in self.names}
        cuts = [cut(now) for cut in self._cuts]
        self._run(rows, now, at, cuts, [ids.append for ids in found.values()])
        return found


def compiled(rules: Mapping[str, Rule], order: Sequence[str]) -> Compiled:
    """Return the function of these segments, of which those come first that others refer to."""
    plan = Plan()
    tree = _Tree(plan, rules)
    needed = frozenset[str]().union(*map(referred, rules.values()))
    for place, name in enumerate(order):
        expression = tree.expression(rules[name])
        if name in needed and not isinstance(expression, Settled):
            expression = plan.local(expression)
        tree.found[name] = expression
        plan.body.append(f"if {plan.text(expression)}: g{place}(i)")
    source = _source(plan, len(order))
    namespace: dict[str, Any] = {
        f"a{place}": function for place, function in enumerate(plan.functions)
    }
    # Fixed templates and numbered names alone: nothing of a rule is in the source.
    exec(compile(source, "<segments>", "exec"), namespace)  # noqa: S102
    return Compiled(
        names=tuple(order),
        source=source,
        run=namespace["run"],
        questions=tuple(plan.questions),
        reads=tuple(plan.reads),
        cuts=tuple(plan.cuts),
    )


def _source(plan: Plan, segments: int) -> str:
    lines = [
        "def run(rows, now, at, cuts, members):",
        f"    [{_numbered('n', len(plan.cuts))}] = cuts",
        f"    [{_numbered('g', segments)}] = members",
        f"    for [i, p, {_numbered('x', len(plan.reads))}] in rows:",
        *(f"        {line}" for line in plan.body),
        "        pass",
    ]
    return "\n".join(lines) + "\n"


def _numbered(letter: str, count: int) -> str:
    return ", ".join(f"{letter}{number}" for number in range(count))


class _Tree:
    """Rules on their way to expressions; equal ones become one."""

    def __init__(self, plan: Plan, rules: Mapping[str, Rule]) -> None:
        self.found: dict[str, Expression] = {}
        self._plan = plan
        self._rules = rules
        self._known: dict[Rule, Expression] = {}

    def expression(self, rule: Rule) -> Expression:
        if rule not in self._known:
            self._known[rule] = self._made(rule)
        return self._known[rule]

    def _made(self, rule: Rule) -> Expression:
        match rule:
            case AllOf(parts=parts):
                return self._plan.all_of([self.expression(part) for part in parts])
            case AnyOf(parts=parts):
                return self._plan.any_of([self.expression(part) for part in parts])
            case Not(part=part):
                return self._plan.negated(self.expression(part))
            case Member(segment=name):
                return self.found[name]
        return self._leaf(rule)

    def _leaf(self, rule: Rule) -> Expression:
        settled = SETTLED.get(type(rule))
        if settled is not None and (question := settled(rule)) is not None:
            return self._plan.settle(question)
        clocked = CLOCKED.get(type(rule))
        if clocked is not None and (made := clocked(rule, self._plan)) is not None:
            return made
        return asked(rule, self._rules, self._plan)
