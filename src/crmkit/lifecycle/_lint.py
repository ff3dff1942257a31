"""What is weak in a text that would go out: the same for all, or never used, or not for all."""

from collections.abc import Iterator, Sequence

import attrs

from crmkit.cadence import Cadence, Touch
from crmkit.lifecycle._values import ALWAYS, PIECE

_PERSONAL = frozenset({"company", "title", "topic", "topics"})
"""What differs by person; not the name, for a name alone is a merge field."""


@attrs.frozen(kw_only=True)
class Finding:
    """Something weak in the texts of a cadence; print it.

    ``rule`` is one of these:

    ``same for all``
        a touch of level 4, personalised value, uses nothing that differs by person but the name:
        neither company, title or topic, nor a piece of content.
    ``plain first``
        the first body of such a touch needs nothing of the person, so the personal ones after it
        are never used.
    ``never used``
        an earlier body needs nothing that this one does not need, so it is always taken instead.
    ``not for all``
        no body, or not the subject, does without values that may be unknown: some people get
        nothing. Only of touches that go out by themselves; a person can do without a draft.
    """

    rule: str
    path: str
    """To the text: ``touches[2].bodies[1]``."""
    touch: str
    """The key of the touch."""
    level: int
    problem: str

    def __str__(self) -> str:
        return f"{self.path} ({self.touch}, level {self.level}): {self.problem}"


@attrs.frozen(kw_only=True)
class Letter:
    """One text: the names in it, and those that it cannot do without."""

    path: str
    uses: frozenset[str]
    needs: frozenset[str]


def findings(
    touch: Touch, *, subject: Letter, bodies: Sequence[Letter], path: str
) -> Iterator[Finding]:
    """Yield what is weak in the touch; *path* leads to its bodies."""
    sure = frozenset(ALWAYS)
    if touch.content and touch.content.needed:
        sure |= {"piece_title"}
    wrong = [*_personal(touch, subject, bodies, path, sure)]
    if "plain first" not in [rule for rule, _, _ in wrong]:
        wrong += _reached(bodies, sure)
    if not touch.by_hand:
        wrong += _for_all(subject, bodies, path, sure)
    for rule, where, problem in wrong:
        yield Finding(rule=rule, path=where, touch=touch.key, level=touch.level, problem=problem)


_Wrong = tuple[str, str, str]
"""Rule, path, problem."""


def _personal(
    touch: Touch, subject: Letter, bodies: Sequence[Letter], path: str, sure: frozenset[str]
) -> Iterator[_Wrong]:
    if touch.level != 4:
        return
    personal = [_is_personal(letter, touch) for letter in bodies]
    if not any([_is_personal(subject, touch), *personal]):
        problem = "goes out the same to everyone: use the topic, company, title or a piece"
        yield "same for all", path, problem
    if any(personal[1:]) and not personal[0] and not bodies[0].needs - sure:
        problem = "needs nothing of the person, so the personal ones after it are never used"
        yield "plain first", bodies[0].path, problem


def _reached(bodies: Sequence[Letter], sure: frozenset[str]) -> Iterator[_Wrong]:
    for index, letter in enumerate(bodies):
        known = _with_title(letter) | sure
        first = next((each for each in bodies[:index] if each.needs <= known), None)
        if first:
            yield "never used", letter.path, f"is never used: {first.path} needs nothing more"


def _for_all(
    subject: Letter, bodies: Sequence[Letter], path: str, sure: frozenset[str]
) -> Iterator[_Wrong]:
    if subject.needs - sure:
        yield "not for all", subject.path, _unknown(subject.needs - sure)
    if not bodies:
        yield "not for all", path, "there is no body, so nobody gets it"
    elif all(letter.needs - sure for letter in bodies):
        last = _unknown(bodies[-1].needs - sure)
        yield "not for all", path, f"no body does for everyone; the last {last}"


def _is_personal(letter: Letter, touch: Touch) -> bool:
    chosen = touch.content is not None and bool(letter.uses & {*PIECE})
    return chosen or bool(letter.uses & _PERSONAL)


def _with_title(letter: Letter) -> frozenset[str]:
    """Return what is known when the text can be filled: no piece is without a title."""
    return letter.needs | ({"piece_title"} if letter.needs & {*PIECE} else set())


def _unknown(names: frozenset[str]) -> str:
    return f"needs what may be unknown ({', '.join(sorted(names))})"


@attrs.frozen
class _Where:
    subject: str
    bodies: str


def as_written(touch: Touch) -> Iterator[tuple[_Where, Touch]]:
    """Yield the touch as each run may get it, and where its texts stand."""
    if not touch.variants:
        yield _Where(".subject", ".bodies"), touch
    for number, variant in enumerate(touch.variants):
        own = f".variants[{number}]"
        subject = own if variant.subject else ""
        bodies = own if variant.bodies else ""
        yield _Where(f"{subject}.subject", f"{bodies}.bodies"), touch.as_variant(variant)


def texts_of(cadence: Cadence) -> Iterator[tuple[Touch, str, str]]:
    """Yield every text of a cadence, with the path to it; a blank subject is none."""
    for index, touch in enumerate(cadence.touches):
        places = [(f"touches[{index}]", touch.subject, touch.bodies)]
        for number, variant in enumerate(touch.variants):
            path = f"touches[{index}].variants[{number}]"
            places.append((path, variant.subject, variant.bodies))
        for path, subject, bodies in places:
            if subject:
                yield touch, f"{path}.subject", subject
            for number, body in enumerate(bodies):
                yield touch, f"{path}.bodies[{number}]", body
