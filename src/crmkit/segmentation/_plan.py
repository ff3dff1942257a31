"""The parts of the function that answers many rules at once.

Its source is made of the templates here, of `_clocked` and of `_compile`, and of numbered names
alone: ``x3`` what the index keeps of a person, ``n1`` an instant that many spans before now,
``a2`` a function to ask, ``v0`` an answer found already. Whatever comes from a rule is
bound to such a name, never written out.
"""

from collections.abc import Callable, Hashable
from typing import Any, Literal

import attrs

from crmkit.segmentation._facts import Facts
from crmkit.segmentation._settled import Question


@attrs.frozen
class Settled:
    """An answer that the clock does not change, by the number of its question."""

    number: int


@attrs.frozen
class Clocked:
    """A piece of source that is true or false at an instant."""

    text: str
    cost: int = 1
    """Cheap ones are asked first."""
    joined: bool = False
    """Whether it is ``and`` or ``or`` outside, so that it needs parentheses inside another."""


Expression = Settled | Clocked


class Plan:
    """What is to be kept of each person, found for each instant, and asked of both."""

    def __init__(self) -> None:
        self.questions: list[Question] = []
        self.reads: list[Callable[[Facts], object]] = []
        self.cuts: list[Callable[[int], float]] = []
        self.functions: list[Callable[..., bool]] = []
        self.body: list[str] = []
        self._slots: dict[Hashable, str] = {}
        self._cuts: dict[Hashable, str] = {}
        self._locals = 0

    def settle(self, question: Question) -> Settled:
        """Take in a question that the clock does not enter."""
        self.questions.append(question)
        return Settled(len(self.questions) - 1)

    def slot(self, key: Hashable, read: Callable[[Facts], object]) -> str:
        """Return the name of what is kept of each person under *key*."""
        if key not in self._slots:
            self._slots[key] = f"x{len(self.reads)}"
            self.reads.append(read)
        return self._slots[key]

    def cut(self, key: Hashable, make: Callable[[int], float]) -> str:
        """Return the name of what is found from now, once for all people."""
        if key not in self._cuts:
            self._cuts[key] = f"n{len(self.cuts)}"
            self.cuts.append(make)
        return self._cuts[key]

    def function(self, function: Callable[..., bool]) -> str:
        """Return the name of a function that may be asked."""
        self.functions.append(function)
        return f"a{len(self.functions) - 1}"

    def text(self, expression: Expression) -> str:
        """Return the source of an expression."""
        if isinstance(expression, Clocked):
            return expression.text
        number = expression.number
        return self.slot(("settled", number), lambda facts: facts.settled(number))

    def all_of(self, parts: list[Expression]) -> Expression:
        """Return the expression that holds when every part does."""
        return self._join(parts, "and", all)

    def any_of(self, parts: list[Expression]) -> Expression:
        """Return the expression that holds when some part does."""
        return self._join(parts, "or", any)

    def negated(self, part: Expression) -> Expression:
        """Return the expression that holds when the part does not."""
        if isinstance(part, Settled):
            number = part.number
            return self.settle(lambda facts: not facts.settled(number))
        return Clocked(f"not {_inside(part)}", part.cost)

    def _join(
        self, parts: list[Expression], word: Literal["and", "or"], decide: Callable[[Any], bool]
    ) -> Expression:
        numbers = [part.number for part in parts if isinstance(part, Settled)]
        clocked = [part for part in parts if isinstance(part, Clocked)]
        known: list[Expression] = [Settled(number) for number in numbers[:1]]
        if len(numbers) > 1:
            known = [self.settle(lambda facts: decide(map(facts.settled, numbers)))]
        if not clocked:
            return known[0]
        texts = [*map(self.text, known), *map(_inside, sorted(clocked, key=_cost))]
        if len(texts) == 1:
            return clocked[0]
        # Parentheses in parentheses: at most as deep as rules are, half of what Python takes.
        cost = sum(part.cost for part in clocked)
        return Clocked(f" {word} ".join(texts), cost, joined=True)

    def local(self, expression: Expression) -> Clocked:
        """Find an expression on a line of its own, and return its name."""
        name = f"v{self._locals}"
        self._locals += 1
        self.body.append(f"{name} = {self.text(expression)}")
        return Clocked(name, cost=0)


def _inside(part: Clocked) -> str:
    return f"({part.text})" if part.joined else part.text


def _cost(part: Clocked) -> int:
    return part.cost
