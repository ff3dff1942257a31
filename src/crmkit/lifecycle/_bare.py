"""What is left of a record when its person has asked to be forgotten."""

import attrs

from crmkit.cadence import TouchRecord
from crmkit.model import Candidate, Interaction, Reason
from crmkit.segmentation import Transition

_ONE_WORD = frozenset({"positive", "negative", "later", "soft", "hard"})
"""The outcomes that say nothing of anybody."""


def tombstone(person: Candidate) -> Candidate:
    """Return the ids alone, under which the person stays known as erased."""
    return Candidate(id=person.id, aliases=person.aliases, erased=True)


def bare_fact(fact: Interaction) -> Interaction:
    """Return that something of the kind happened then, and what it belongs to."""
    known = (fact.outcome or "").lower() in _ONE_WORD
    return attrs.evolve(fact, properties={}, outcome=fact.outcome if known else None)


def bare_transition(move: Transition) -> Transition:
    """Return who moved, when, and in which segment."""
    return attrs.evolve(move, because=Reason("erased", holds=move.because.holds))


def bare_touch(record: TouchRecord) -> TouchRecord:
    """Return what became of a touch, and when."""
    return attrs.evolve(record, detail=None, provider_id=None)
