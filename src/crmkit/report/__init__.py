"""One self-contained HTML page: the numbers, what moved, what to do next, who fits, and why."""

from crmkit.report._advice import Advice, advise
from crmkit.report._files import write_tables
from crmkit.report._page import Report, need_templates, render_page, write_page

__all__ = [
    "Advice",
    "Report",
    "advise",
    "need_templates",
    "render_page",
    "write_page",
    "write_tables",
]
