"""A rule as a tree of clauses, for rules too long for one sentence."""

from crmkit.model import Reason
from crmkit.segmentation._nodes import AllOf, AnyOf, Held, Not, Rule
from crmkit.segmentation._rule import to_rule
from crmkit.segmentation._sentences import phrase, span_text

_JOINTS = {
    (AllOf, True): "all of",
    (AllOf, False): "not all of",
    (AnyOf, True): "any of",
    (AnyOf, False): "none of",
}


def outline(rule: Rule) -> Reason:
    """Return a rule as a tree: what is asked, with nobody asked yet.

    It prints one clause a line, and has the forms of a reason: text, dict and notebook.

    >>> from crmkit.segmentation import event, field
    >>> print(outline((field.country == "DE") & ~(event("met").ever() | event("called").ever())))
    all of
      country is 'DE'
      none of
        ever met
        ever called
    """
    holds = not isinstance(to_rule(rule), Not)
    part = rule.part if isinstance(rule, Not) else rule
    if isinstance(part, AllOf | AnyOf):
        return Reason(_JOINTS[type(part), holds], parts=map(outline, part.parts))
    if isinstance(part, Held):
        text = f"{'' if holds else 'not '}for at least {span_text(part.span)}"
        return Reason(text, parts=(outline(part.part),))
    if isinstance(part, Not):
        return Reason("not", parts=(outline(part),))
    return Reason(phrase(rule))
