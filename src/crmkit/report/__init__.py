"""One self-contained HTML page: the numbers, who moved, who fits, and why."""

from crmkit.report._page import Report, need_templates, render_page, write_page

__all__ = ["Report", "need_templates", "render_page", "write_page"]
