"""Axes to draw into, and a scorecard to draw."""

import pytest
from pictures import card

from crmkit.metrics import Scorecard


@pytest.fixture(scope="module")
def drawn() -> Scorecard:
    """Return the card of a pool with hires on both sides."""
    return card()


@pytest.fixture
def pyplot():
    """Draw into memory, and leave no figure open."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    plt.close("all")  # what others left
    yield plt
    plt.close("all")


@pytest.fixture
def ax(pyplot):
    """Axes of a figure that pyplot does not know."""
    from matplotlib.figure import Figure

    return Figure(figsize=(9, 6), layout="constrained").subplots()


@pytest.fixture
def _scipy():
    pytest.importorskip("scipy")


@pytest.fixture(scope="session")
def oracle():
    """Return the statistics as others work them out."""
    for name in ("scipy", "statsmodels", "lifelines"):
        pytest.importorskip(name)
    return __import__("statistics_oracle")
