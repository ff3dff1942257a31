"""The guarantee page: every promise has a test, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import crmkit

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "explanation" / "guarantees.md"
TEXT = PAGE.read_text(encoding="utf-8")

LINK = re.compile(r"\[((?:test|check)_\w+)\]\(([^)\s]+)\)")
LINKS = sorted(set(LINK.findall(TEXT)))

WITHOUT_PROMISES = {"In short", "What nobody can promise", "What is not covered"}


@cache
def functions(path):
    """Return the names of the functions in a file, those of its classes too."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def sections():
    """Return the page's sections, by their headings."""
    parts = re.split(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@pytest.mark.parametrize(("name", "target"), LINKS)
def test_each_test_is_there(name, target):
    """A test that was renamed or taken away is missed on the page."""
    path = (PAGE.parent / target).resolve()
    if path.is_relative_to(ROOT / "src"):  # which may be in a wheel elsewhere
        path = Path(crmkit.__file__).parents[1] / path.relative_to(ROOT / "src")
    assert name in functions(path)


@pytest.mark.parametrize("heading", sections())
def test_each_section_with_promises_has_tests(heading):
    """No section promises something that nothing proves."""
    assert bool(LINK.search(sections()[heading])) or heading in WITHOUT_PROMISES


def test_nothing_else_is_linked_as_a_test():
    """Every link into a Python file has the name of what is in it for its text."""
    into_python = re.findall(r"\]\(([^)\s]+\.py)\)", TEXT)
    assert len(into_python) == len(LINK.findall(TEXT)) > 90
    assert "pending" not in TEXT
