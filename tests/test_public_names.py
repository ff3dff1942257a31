"""The package's front door: the records at once, the facade when it is asked for."""

import subprocess
import sys

import pytest

import crmkit


def test_the_facade_comes_when_it_is_asked_for():
    """`import crmkit` leaves the rooms closed; `crmkit.CRM` opens them."""
    code = (
        "import sys, crmkit; before = 'crmkit.lifecycle' in sys.modules; "
        "crmkit.CRM; print(before, 'crmkit.lifecycle' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_every_public_name_is_listed_and_there():
    """`dir` and `__all__` name the facade too."""
    assert set(crmkit.__all__) <= set(dir(crmkit))
    assert all(hasattr(crmkit, name) for name in crmkit.__all__)


def test_a_name_that_is_not_there():
    """A wrong name fails as it does in any module."""
    with pytest.raises(AttributeError, match="module 'crmkit' has no attribute 'Crm'"):
        crmkit.Crm  # noqa: B018
