"""The directive ``metric-facts``: what the registry states of a metric, on the metric's page.

The pages say it in no other place, so that they cannot differ from what is computed.
"""

from crmkit.engagement import DEFAULT
from crmkit.metrics import DEFINITIONS, Definition, Unit

_UNITS = {
    Unit.PEOPLE: "people",
    Unit.SHARE: "a share, from 0 to 1",
    Unit.DAYS: "days",
    Unit.FASTER: "how much faster, as a share: 0.25 is 25 % faster, -0.25 is 25 % slower",
    Unit.HIGHER: "how much higher, as a share: 0.1 is 10 % higher, -0.1 is 10 % lower",
    Unit.LOWER: "how much lower, as a share: 0.3 is 30 % lower, -0.3 is 30 % higher",
    Unit.TIMES: "times what was spent: 0.5 is half of it",
}


def benchmark_of(about: Definition) -> str:
    """Return the benchmark with its source, or that there is none."""
    if about.benchmark is None:
        return "none"
    word = about.unit.removeprefix("share ") if about.unit.compares else ""
    return f"{about.benchmark} {word}".strip() + f": {about.benchmark.source}"


def facts_of(about: Definition) -> list[tuple[str, str]]:
    """Return what the registry states of a metric, each with what it is."""
    stated = [
        ("Name", about.name),
        ("Unit", _UNITS[about.unit]),
        ("Whose ids are counted", about.counts.value),
        ("Population", about.population),
        ("Window", about.window),
        ("Numerator", about.numerator),
        ("Denominator", about.denominator),
        ("Left out", "; ".join(about.exclusions)),
        ("Benchmark", benchmark_of(about)),
        ("Measured elsewhere", about.elsewhere),
        ("Better is", "less" if about.less_is_better else ""),
    ]
    return [(what, value) for what, value in stated if value]


def definition_of(about: Definition) -> str:
    """Return the definition, with the numbers of the default policy in it."""
    return about.definition.format(cold_after=DEFAULT.cold_after)


def setup(app):
    """Add the directive."""
    from docutils import nodes
    from docutils.parsers.rst import Directive

    def field(what, value):
        row = nodes.row()
        for node in (nodes.strong(what, what), nodes.Text(value)):
            row += nodes.entry("", nodes.paragraph("", "", node))
        return row

    class MetricFacts(Directive):
        """``{metric-facts} open_rate``: the definition, a table, and the reasons."""

        required_arguments = 1

        def run(self):
            about = DEFINITIONS.get(self.arguments[0])
            if about is None:
                raise self.error(f"no metric {self.arguments[0]!r} is in the registry")
            body = nodes.tbody("", *(field(*each) for each in facts_of(about)))
            columns = [nodes.colspec(colwidth=width) for width in (25, 75)]
            table = nodes.table("", nodes.tgroup("", *columns, body, cols=2))
            texts = [definition_of(about), *([about.reasons] if about.reasons else [])]
            first, *rest = (nodes.paragraph(text, text) for text in texts)
            return [nodes.block_quote("", first), table, *rest]

    app.add_directive("metric-facts", MetricFacts)
    return {"parallel_read_safe": True}
