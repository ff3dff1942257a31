"""A pool of real people to try things on, and a generator for what no public data has.

The pool is a sample of a developer survey (`DATA_LICENSE.md` beside it: Open Database License
1.0): country, years of coding, languages, job-search status; no names and no addresses. Read it
with the mapping that comes with it::

    imported = csv.read(survey_csv(), CSVMapping.from_toml(survey_mapping()))

Engagement logs of real people are not public. What `simulate_contacts`, `simulate_responses` and
`simulate_people` return is made up from a seed, and every fact and record says so.
"""

from crmkit.datasets._assumptions import ASSUMPTIONS, Assumptions
from crmkit.datasets._contacts import simulate_contacts
from crmkit.datasets._people import simulate_people
from crmkit.datasets._responses import simulate_responses
from crmkit.datasets._survey import survey_csv, survey_mapping

__all__ = [
    "ASSUMPTIONS",
    "Assumptions",
    "simulate_contacts",
    "simulate_people",
    "simulate_responses",
    "survey_csv",
    "survey_mapping",
]
