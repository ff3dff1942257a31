"""The demonstration: a simulated year of the whole practice on a sample of real people.

The people are respondents of a developer survey; how they came in, their addresses and all that
they do is simulated from a seed. Only the story is made up: capture, segments, plans, permission,
messages, shortlist and scorecard are the library at work.
"""

from crmkit.demo._run import run_demo
from crmkit.demo._show import DemoResult

__all__ = ["DemoResult", "run_demo"]
