"""A digest of definitions: the same for the same, in whatever order and process."""

import subprocess
import sys
from datetime import date, timedelta
from enum import Enum
from zoneinfo import ZoneInfo

import attrs
import pytest

from crmkit.cadence import SEVEN_TOUCH, Playbook
from crmkit.engagement import EngagementPolicy
from crmkit.lifecycle._digest import digest
from crmkit.permission import ContactPolicy, Hours


class Colour(Enum):
    RED = 1
    BLUE = 2


class Dates(dict):
    """A calendar that fills itself, as some do, but says what it is."""

    def __repr__(self):
        return "Dates('DE')"


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ({"a": 1, "b": {1, 2, 3}}, {"b": {3, 2, 1}, "a": 1}),
        (frozenset("abc"), frozenset("cba")),
        (timedelta(days=1), timedelta(hours=24)),
        (ZoneInfo("Europe/Paris"), ZoneInfo.no_cache("Europe/Paris")),
        (Colour.RED, Colour(1)),
        (Dates(), Dates({date(2026, 1, 1): "New Year"})),
        (
            ContactPolicy(retention={"es": timedelta(days=9)}),
            ContactPolicy(retention={"ES": timedelta(days=9)}),
        ),
        (Playbook([("a", SEVEN_TOUCH)]), Playbook([("a", attrs.evolve(SEVEN_TOUCH))])),
    ],
)
def test_the_same(one, same):
    """What is equal has one digest."""
    assert digest(one) == digest(same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, "1"),
        ([1, 2], [2, 1]),
        ([1], (1,)),
        (None, "None"),
        (Colour.RED, Colour.BLUE),
        (ZoneInfo("Europe/Paris"), ZoneInfo("Europe/Berlin")),
        (Playbook([("a", SEVEN_TOUCH)]), Playbook([("b", SEVEN_TOUCH)])),
        (SEVEN_TOUCH, attrs.evolve(SEVEN_TOUCH, touches=SEVEN_TOUCH.touches[:-1])),
        (EngagementPolicy(), EngagementPolicy(weights={"opened": 1})),
        (ContactPolicy(), ContactPolicy(hours=Hours.office())),
        (object(), object()),
    ],
)
def test_another(one, other):
    """What differs, or may differ, has another one."""
    assert digest(one) != digest(other)


def test_another_process():
    """Sets are in another order there; the digest is the same."""
    code = (
        "from crmkit.lifecycle import DEFAULT_PLAYBOOK\n"
        "from crmkit.lifecycle._digest import digest\n"
        "from crmkit.permission import ContactPolicy\n"
        "print(digest(DEFAULT_PLAYBOOK, ContactPolicy()))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(found) == 1
