"""What the clock cannot change: leaves answered once, when a person is indexed.

Each maker returns the question to ask of the person's facts, or None if the clock enters after
all. The answer is the walk's, without its reasons.
"""

from collections.abc import Callable
from typing import Any

from crmkit.segmentation._compare import LOOSE, STRICT
from crmkit.segmentation._event_leaves import follows
from crmkit.segmentation._facts import Facts
from crmkit.segmentation._look import passes
from crmkit.segmentation._nodes import (
    Bucket,
    EventAfter,
    EventCount,
    EventStands,
    EventWhere,
    Everyone,
    FieldTest,
    Listed,
    Rule,
)
from crmkit.segmentation._paths import Type, reader, type_of

Question = Callable[[Facts], bool]


def always(_facts: Facts) -> bool:
    """Hold for everyone."""
    return True


def _everyone(_node: Everyone) -> Question:
    return always


def _field_test(node: FieldTest) -> Question:
    read, wanted = reader(node.path), node.value
    test = (LOOSE if type_of(node.path) is Type.ANY else STRICT)[node.op]

    def holds(facts: Facts) -> bool:
        found = read(facts.candidate)
        return found is not None and test(found, wanted)

    return holds


def _event_count(node: EventCount) -> Question | None:
    if node.within is not None or node.lag is not None:
        return None
    events, low, high = node.events, node.at_least, node.at_most

    def holds(facts: Facts) -> bool:
        count = len(facts.of(events))
        return low <= count and (high is None or count <= high)

    return holds


def _event_where(node: EventWhere) -> Question:
    place = 0 if node.which == "first" else -1

    def holds(facts: Facts) -> bool:
        found = facts.of(node.events)
        return bool(found) and passes(found[place], node.test)

    return holds


def _event_after(node: EventAfter) -> Question:
    def holds(facts: Facts) -> bool:
        times = [fact.at for fact in facts.of(node.events)]
        others = [fact.at for fact in facts.of(node.other)]
        return follows(times, others, node.within) is not None

    return holds


def _event_stands(node: EventStands) -> Question:
    events, other = node.events, node.other

    def holds(facts: Facts) -> bool:
        found = facts.of(events)
        if not found:
            return False
        undone = facts.of(other)
        return not undone or undone[-1].at < found[-1].at

    return holds


def _listed(node: Listed) -> Question:
    ids = frozenset(node.ids)
    return lambda facts: not ids.isdisjoint(facts.candidate.ids)


def _bucket(node: Bucket) -> Question:
    return lambda facts: node.at_least <= node.place(facts.candidate.id) < node.below


SETTLED: dict[type[Rule], Callable[[Any], Question | None]] = {
    Everyone: _everyone,
    FieldTest: _field_test,
    EventCount: _event_count,
    EventWhere: _event_where,
    EventAfter: _event_after,
    EventStands: _event_stands,
    Listed: _listed,
    Bucket: _bucket,
}
