"""Plans as iCalendar files; needs ``pip install 'crmkit[ical]'``."""

from crmkit.ical._file import to_ical

__all__ = ["to_ical"]
