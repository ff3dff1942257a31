"""How Hypothesis runs: how slow a machine is says nothing about what is right."""

from hypothesis import settings

settings.register_profile("crmkit", deadline=None)
settings.load_profile("crmkit")
