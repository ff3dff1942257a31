"""How many examples property tests try."""

import os

SHARE = float(os.environ.get("CRMKIT_EXAMPLES", "1"))
"""Below 1 where the same has been asked in full already: on another Python, of the wheel."""


def examples(number):
    """Return the share that is asked for of a number of examples, kills or touches."""
    return max(5, round(number * SHARE))


def some(things):
    """Return the share that is asked for of what there is, from all of its length."""
    return list(things)[:: max(1, round(1 / SHARE))]
