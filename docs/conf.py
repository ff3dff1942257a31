"""How the documentation is built: Sphinx, Furo, MyST; the notebooks are run."""

import inspect
import sys
from pathlib import Path

import attrs
from sphinx.util.inspect import stringify_signature

sys.path.insert(0, str(Path(__file__).parent))

project = "crmkit"
author = "The crmkit authors"
copyright = "The crmkit authors"  # noqa: A001 - Sphinx's name
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.viewcode", "metric_facts"]
html_theme = "furo"
html_title = "crmkit"
exclude_patterns = ["_build"]
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
# A key here is an option that is on, whatever its value: False would switch it on, too.
autodoc_default_options = {"members": True, "undoc-members": True}
default_role = "py:obj"
autodoc_class_signature = "mixed"
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
myst_enable_extensions = ["colon_fence"]
nitpicky = False


class _Short(str):
    __slots__ = ()

    def __repr__(self):
        return str(self)


def _short_defaults(_app, what, _name, obj, _options, signature, returns):
    """Show a record that is a default by its class, not by all its fields."""
    if what not in {"class", "function", "method"} or not signature:
        return None
    try:
        found = inspect.signature(obj)
    except (TypeError, ValueError):
        return None
    if what == "method":
        found = found.replace(parameters=list(found.parameters.values())[1:])
    long = [each for each in found.parameters.values() if attrs.has(type(each.default))]
    if not long:
        return None
    parameters = [
        each.replace(default=_Short(f"{type(each.default).__name__}()")) if each in long else each
        for each in found.parameters.values()
    ]
    short = found.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return stringify_signature(short, unqualified_typehints=True), returns


def setup(app):
    """Connect the above."""
    app.connect("autodoc-process-signature", _short_defaults)
