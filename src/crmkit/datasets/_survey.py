"""The files of the sample pool."""

from importlib.resources import files
from importlib.resources.abc import Traversable


def survey_csv() -> Traversable:
    """Return the sample of the 2019 developer survey: 700 people, a CSV file.

    >>> with survey_csv().open(encoding="utf-8") as lines:
    ...     next(lines).split(",")[:4]
    ['Respondent', 'Employment', 'Country', 'DevType']
    """
    return files("crmkit.datasets") / "developer_survey_2019.csv"


def survey_mapping() -> Traversable:
    """Return the mapping of `survey_csv`, a TOML file.

    Job-search status is the interest, years of professional coding are the seniority (a
    convention), languages worked with the skills and languages wanted the topics.

    >>> survey_mapping().name
    'developer_survey_2019.toml'
    """
    return files("crmkit.datasets") / "developer_survey_2019.toml"
