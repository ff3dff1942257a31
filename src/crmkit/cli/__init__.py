"""The command line: thin over `crmkit.CRM`."""

from crmkit.cli._main import main

__all__ = ["main"]
