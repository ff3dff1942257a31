"""How the documentation is built: Sphinx, Furo, MyST."""

project = "crmkit"
author = "The crmkit authors"
copyright = "The crmkit authors"  # noqa: A001 - Sphinx's name
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.viewcode"]
html_theme = "furo"
html_title = "crmkit"
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "undoc-members": False, "show-inheritance": False}
autodoc_class_signature = "mixed"
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]
nitpicky = False
