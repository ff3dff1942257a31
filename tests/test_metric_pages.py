"""The pages of the metrics agree with the registry, and leave none out."""

import importlib.util
import inspect
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmkit import metrics
from crmkit.metrics import DEFINITIONS, NAMES, Definition

DOCS = Path(__file__).parent.parent / "docs"
PAGES = DOCS / "reference" / "metrics"


def _load():
    spec = importlib.util.spec_from_file_location("metric_facts", DOCS / "metric_facts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


metric_facts = _load()


def _page(name: str) -> str:
    return (PAGES / f"{name}.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_the_title_and_the_facts_of_its_metric(name):
    """Every metric has a page, by its title, which takes the registry's facts on it once."""
    page = _page(name)

    assert page.startswith(f"# {DEFINITIONS[name].title}\n")
    assert re.findall(r"^```\{metric-facts\} (\S+)$", page, re.MULTILINE) == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_page_has_its_parts_in_order(name):
    """Every page has a formula, an example, the interval, other definitions and the traps."""
    parts = ["Formula", "Example", "Interval", "How others define it", "Traps"]

    assert re.findall(r"^## (.+)$", _page(name), re.MULTILINE) == parts


@pytest.mark.parametrize("name", NAMES)
def test_a_page_measures_its_own_metric(name):
    """The example on every page computes the metric, and shows what it prints."""
    example = _page(name).split("## Example")[1].split("## Interval")[0]

    assert f'["{name}"]' in example
    assert "```text" in example


@pytest.mark.parametrize("about", DEFINITIONS.values(), ids=NAMES)
def test_the_facts_are_those_of_the_registry(about):
    """The table on a page states all that the registry has, and nothing else."""
    facts = dict(metric_facts.facts_of(about))

    assert facts.pop("Name") == about.name
    assert facts.pop("Whose ids are counted") == about.counts.value
    assert facts.pop("Population") == about.population
    assert facts.pop("Window") == about.window
    assert facts.pop("Numerator", "") == about.numerator
    assert facts.pop("Denominator", "") == about.denominator
    assert facts.pop("Left out", "") == "; ".join(about.exclusions)
    assert facts.pop("Measured elsewhere", "") == about.elsewhere
    assert facts.pop("Better is", "") == ("less" if about.less_is_better else "")
    assert facts.pop("Benchmark") == _benchmark(about)
    assert [*facts] == ["Unit"]
    assert facts["Unit"]


def _benchmark(about: Definition) -> str:
    if about.benchmark is None:
        return "none"
    word = {"share faster": " faster", "share higher": " higher", "share lower": " lower"}
    return f"{about.benchmark}{word.get(about.unit, '')}: {about.benchmark.source}"


@pytest.mark.parametrize("about", DEFINITIONS.values(), ids=NAMES)
def test_a_definition_leaves_no_gap(about):
    """The definition on a page has its numbers filled in."""
    assert "{" not in metric_facts.definition_of(about)


def test_the_directive_puts_the_facts_on_the_page():
    """What the directive returns has the definition, each fact and the reasons as text."""
    pytest.importorskip("docutils")
    directives = {}

    class App:
        def add_directive(self, name, directive):
            directives[name] = directive

    metric_facts.setup(App())
    about = DEFINITIONS["reply_rate"]
    machine = SimpleNamespace(reporter=None)
    directive = directives["metric-facts"](
        "metric-facts", [about.name], {}, [], 1, 0, "", None, machine
    )
    shown = "\n".join(node.astext() for node in directive.run())

    assert about.definition in shown
    assert about.reasons in shown
    assert all(what in shown and value in shown for what, value in metric_facts.facts_of(about))


def test_the_index_lists_every_metric_with_its_question():
    """The index links every page by title, with the question that the page begins with."""
    index = (PAGES / "index.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| \[[^]]+\]\((\w+)\.md\) \| (.+) \|$", index, re.MULTILINE))

    assert sorted(rows) == sorted(NAMES)
    assert all(f"[{DEFINITIONS[name].title}]({name}.md)" in index for name in NAMES)
    assert all(f"\n{name}\n" in index.split("{toctree}")[1] for name in NAMES)
    assert {name: _page(name).split("\n")[2] for name in NAMES} == rows


def test_no_page_is_left_over():
    """There is no page of a metric that is not in the registry."""
    assert {page.stem for page in PAGES.glob("*.md")} == {*NAMES, "index", "api"}


def test_every_public_name_is_in_the_reference():
    """Constants, which autodoc does not find, are written out; what is left out is on its page."""
    names = (PAGES / "api.md").read_text(encoding="utf-8")
    fairness = (DOCS / "reference" / "fairness.md").read_text(encoding="utf-8")
    (left_out,) = re.findall(r"^   :exclude-members: (.+)$", names, re.MULTILINE)
    elsewhere = re.findall(r"^\.\. auto(?:class|function):: (\w+)$", fairness, re.MULTILINE)
    public = {name: getattr(metrics, name) for name in metrics.__all__}
    constants = {
        name
        for name, it in public.items()
        if not inspect.isclass(it) and not inspect.isfunction(it)
    }

    assert ".. automodule:: crmkit.metrics\n" in names
    assert set(re.findall(r"^\.\. py:data:: (\w+)$", names, re.MULTILINE)) == constants
    assert set(left_out.split(", ")) == set(elsewhere)
    assert set(elsewhere) <= set(public)
