"""Rule documents from hell: python bench/fuzz_documents.py [--minutes 60] [--seed 1] [--replay N].

Reads random, mutated and hostile documents, as text and as parsed objects, and runs what is
accepted on a few people. Anything but the typed error and a document that takes more than 100 ms
or 64 MB to read fails, and says which document it was. Memory is traced for every 200th, since
tracing keeps some itself; for every one, the process may grow no more than 64 MB above its size
before the document.
Times are of the processor, and one past the limit is measured three times more: what else the
machine does is not the document's fault.
"""

import argparse
import json
import resource
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import available_timezones

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

import attrs
from random_rules import random_leaf, random_relationship, random_rule

from crmkit.codec import dumps, from_dict, loads, to_dict
from crmkit.errors import InvalidDocument, InvalidRecord, RuleError
from crmkit.model import Candidate
from crmkit.segmentation import Rule, Segment, Segmenter
from crmkit.segmentation._nodes import NODES

SECONDS, MEGABYTES = 0.1, 64
STATM = Path("/proc/self/statm")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PEOPLE = [random_relationship(Random(seed)) for seed in range(4)]
ZONES = sorted(available_timezones())
FIELDS = [field.name for field in attrs.fields(Candidate)]
JUNK: list[Any] = [
    None, True, False, 0, 1, -1, 1.0, 1e308, -0.0, 2**63, 10**300, 10**400, float("nan"),
    float("inf"), "", " ", "a", "P5D", "P6M[Europe/Paris]", "P1M[" + "x" * 99 + "]", "-P1D",
    "P" + "9" * 5000 + "D", "2026-03-02T09:00Z", "0001-01-01T00:00+14:00", "\ud800", "\x00", "\n",
    "é" * 99, "__class__", "__init__", "op", "..", "../../etc/passwd", "(a+)+$", "x-" + "y" * 9999,
    [], {}, [[]], [None], [{}], {"op": "not"}, {"$instant": "x"}, {"$map": {}}, {"a": {"a": 1}},
    {"$instant": "2026-03-02T09:00Z"}, {1: 2}, object, b"x", (1, 2), {"op": "everyone"},
]  # fmt: skip
TOKENS = ["[", "]", "{", "}", '"', ",", ":", "null", "NaN", "-", "1e999", "\\ud800", "\\u0000"]


def places(value: Any, found: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """List every (container, key) of a document."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        found.append((value, key))
        if isinstance(item, dict | list):
            places(item, found)
    return found


def mutated(rng: Random, document: Any) -> Any:
    document = deepcopy(document)
    for _ in range(rng.choice((1, 1, 2, 5))):
        spots = places(document, [])
        if not spots:
            return document
        where, key = rng.choice(spots)
        other, its = rng.choice(spots)
        match rng.randrange(7):
            case 0:
                del where[key]
            case 1:
                where[key] = deepcopy(rng.choice(JUNK))
            case 2:
                where[key] = deepcopy(other[its])
            case 3 if isinstance(where, dict):
                where[rng.choice((*JUNK[16:20], "op", "is", "value", "é", str(its)))] = where[key]
            case 4:
                where[key] = [where[key]] * rng.choice((1, 2, 1001 if len(spots) < 50 else 3))
            case 5 if isinstance(where[key], str):
                where[key] = rng.choice((*NODES, *FIELDS, *ZONES[:9], where[key] * 3))
            case _:
                where[key] = {"op": rng.choice(tuple(NODES)), "part": where[key]}
    return document


def scratched(rng: Random, text: str) -> str:
    for _ in range(rng.choice((1, 1, 3))):
        start, end = sorted((rng.randrange(len(text) + 1), rng.randrange(len(text) + 1)))
        match rng.randrange(4):
            case 0:
                text = text[:start]
            case 1:
                text = text[:start] + rng.choice(TOKENS) * rng.choice((1, 2, 500)) + text[start:]
            case 2:
                text = text[:start] + text[end:]
            case _:
                text = text[:end] + text[start:]
    return text


def valid(rng: Random) -> tuple[type, Any]:
    while True:
        rule = random_rule(rng, rng.randrange(5), members=("b", "c"))
        try:
            match rng.randrange(3):
                case 0:
                    return Rule, to_dict(rule)
                case 1:
                    return Segment, to_dict(Segment("a", rule, "why", on_leave="pause"))
                case _:
                    others = [Segment(name, random_rule(rng, 2)) for name in ("b", "c")]
                    return Segmenter, to_dict(Segmenter([Segment("a", rule), *others]))
        except InvalidRecord:  # infinity has no JSON
            continue


@attrs.frozen
class Endless:
    """A document that no text could hold."""

    document: Any


def hostile(rng: Random) -> tuple[type, Any]:  # noqa: C901, PLR0912 - a list of cases
    """Documents at the edges of the limits, and far beyond them."""
    leaf: Any = {"op": "everyone"}
    kinds: Any = {"kinds": ["sent"]}
    many = rng.choice((10, 500, 999, 1000, 1001, 5000))
    match rng.randrange(12):
        case 0:
            try:
                leaves = [to_dict(random_leaf(rng))["rule"] for _ in range(9)]
            except InvalidRecord:
                leaves = [leaf]
            rule: Any = {"op": rng.choice(("any_of", "all_of")), "parts": (leaves * many)[:many]}
        case 1:
            rule = rng.choice((leaf, {"op": "event_age", "events": kinds, "which": "last"}))
            if rule is not leaf:
                rule |= {"is": "within", "span": "P1D"}
            for _ in range(rng.choice((4, 30, 31, 32, 500))):
                join = rng.choice(("all_of", "not", "any_of", "not", "any_of", "held"))
                rule = (
                    {"op": join, "parts": [rule, leaf][: rng.choice((1, 2))]}
                    if join in {"all_of", "any_of"}
                    else {"op": join, "part": rule, **({"span": "P1D"} if join == "held" else {})}
                )
        case 2:
            rule = {"op": "all_of", "parts": []}
            for index in range(rng.choice((64, 65, 600))):
                span = f"P1M[{ZONES[(index + many) % len(ZONES)]}]"
                rule["parts"].append(
                    {
                        "op": "event_age",
                        "events": kinds,
                        "which": "last",
                        "is": "within",
                        "span": span,
                    }
                )
        case 3:
            rule = {"op": "listed", "ids": [f"{index}" for index in range(many * 2)]}
        case 4:
            rule = {"op": rng.choice(("x" * 65000, "everyone")), "y" * rng.choice((9, 60000)): 1}
        case 5:
            rule = {"op": "all_of"}
            rule["parts"] = rng.choice(([rule], [leaf, [rule]], rule))
            return Segment, Endless({"version": 1, "name": "n", "rule": rule})
        case 6:
            shared: Any = [leaf, leaf]
            for _ in range(30):
                shared = [{"op": "any_of", "parts": shared}] * 2
            rule = {"op": "all_of", "parts": shared}
            return Segment, Endless({"version": 1, "name": "n", "rule": rule})
        case 7:
            where = [{"name": f"p{index}", "is": "in", "value": [index]} for index in range(many)]
            rule = {"op": "event_count", "events": {**kinds, "where": where}}
        case 8:
            word = rng.choice(("a", "é", "\u2028")) * rng.choice((60000, 30000))
            path, test = rng.choice((["custom", word], ["city"], ["source"], [word])), "contains"
            rule = {"op": "field", "path": path, "is": rng.choice((test, "==")), "value": word}
        case 9:
            span = rng.choice(("P" + "9" * 4000 + "Y", "P9999Y", "P999999999D", "PT0.000001S"))
            rule = {"op": "event_regular", "events": kinds, "at_least": 366, "periods": 366}
            rule["every"] = span
            rule = {"op": "all_of", "parts": [rule] * rng.choice((1, 9, 500))}
        case 10:
            return Rule, "[" * rng.choice((200_000, 60_000, 900)) + "1" * rng.choice((0, 5000))
        case _:
            text = '{"version":1,"rule":' + '{"op":"not","part":' * rng.choice((31, 33, 3000))
            return Rule, text + '{"op":"everyone"' + "}" * rng.choice((0, 33, 3002))
    return Segment, {"version": 1, "name": "n", "rule": rule}


def document(seed: int, index: int) -> tuple[type, Any]:
    """Return the document of that number: its kind, and its text or its parsed form."""
    rng = Random(f"{seed}-{index}")
    if rng.random() < 0.1:
        cls, found = hostile(rng)
        if isinstance(found, Endless):
            return cls, found.document
    else:
        cls, found = valid(rng)
        if rng.random() < 0.7:
            found = mutated(rng, found)
    if isinstance(found, str) or rng.random() < 0.4:
        return cls, found
    try:
        text = json.dumps(found)
    except (TypeError, ValueError, RecursionError):
        return cls, found
    return cls, scratched(rng, text) if rng.random() < 0.5 else text


def read(cls: type, found: Any) -> Any:
    """Return the record in the document, or None when it is refused as it should be."""
    try:
        return loads(cls, found) if isinstance(found, str) else from_dict(cls, found)
    except InvalidDocument as error:
        str(error)
        return None


def run(record: Any, *, spell_out: bool) -> None:
    """Do with an accepted document what a host would."""
    segments = record if isinstance(record, Segmenter) else None
    segment = Segment("n", record) if isinstance(record, Rule) else record
    for person in PEOPLE:
        try:
            asked = segments or segment
            found = asked.check(person, now=NOW)
        except RuleError as error:  # a member of a segment that is not there
            assert "member" in str(error), error  # noqa: PT017 - no test
            return
        if spell_out:
            for verdict in found.values() if segments else [found]:
                str(verdict), str(verdict.to_dict())
    if spell_out:
        for each in segments.segments if segments else [segment]:
            each.describe(), each.digest, each.kinds


def again(record: Any) -> None:
    """Write an accepted document and read it once more; with its defaults it may be too long."""
    try:
        text = dumps(record)
    except InvalidRecord as error:
        assert "more than" in str(error), error  # noqa: PT017 - no test
        return
    assert loads(type(record), text) == record
    assert dumps(loads(type(record), text)) == text


def timed(work: Callable[[], Any]) -> float:
    best = float("inf")
    for _ in range(4):
        start = time.process_time()
        work()
        best = min(best, time.process_time() - start)
        if best <= SECONDS:
            break
    return best


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--replay", type=int, help="the number of one document to read again")
    options = parser.parse_args()
    if options.replay is not None:
        cls, found = document(options.seed, options.replay)
        print(cls.__name__, type(found).__name__, repr(found)[:5000])
        print("read", timed(lambda: read(cls, found)))
        if (record := read(cls, found)) is not None:
            again(record)
            print("run", timed(lambda: run(record, spell_out=True)))
        return 0
    return fuzz(options.minutes, options.seed)


def fuzz(minutes: float, seed: int) -> int:
    counts: Counter[str] = Counter()
    worst: dict[str, tuple[float, int]] = {
        "read": (0, 0),
        "run": (0, 0),
        "traced": (0, 0),
        "peak": (0, 0),
    }
    faults: list[str] = []
    until, tell, index, start = time.time() + minutes * 60, time.time(), 0, 0.0

    def keep(what: str, value: float, most: float) -> None:
        worst[what] = max(worst[what], (value, index))
        if value > most:
            faults.append(f"document {index}: {what} {value:.3f}")
            print(faults[-1], flush=True)

    while time.time() < until:
        index += 1
        cls, found = document(seed, index)
        size, before = resident(), greatest()
        try:
            keep("read", timed(lambda: read(cls, found)), SECONDS)  # noqa: B023 - called at once
            if greatest() > before:
                keep("peak", greatest() - size, MEGABYTES)
            if index % 200 == 0:
                tracemalloc.start()
                read(cls, found)
                keep("traced", tracemalloc.get_traced_memory()[1] / 2**20, MEGABYTES)
                tracemalloc.stop()
            record = read(cls, found)
            counts["accepted" if record is not None else "refused"] += 1
            if record is not None:
                again(record)
                spell = index % 5 == 0
                keep("run", timed(lambda: run(record, spell_out=spell)), 10)  # noqa: B023
        except Exception as error:  # noqa: BLE001 - just what we look for
            faults.append(f"document {index}: {type(error).__name__}: {str(error)[:200]}")
            print(faults[-1], flush=True)
        if index == 2000:
            start = resident()
        if time.time() > tell + 60:
            tell = time.time()
            print(f"{index} {dict(counts)} {worst} faults: {len(faults)}", flush=True)
    print(f"{index} documents, {dict(counts)}, {len(faults)} faults")
    print(f"slowest read {worst['read'][0] * 1000:.1f} ms (document {worst['read'][1]})")
    print(f"slowest run on {len(PEOPLE)} people {worst['run'][0]:.2f} s ({worst['run'][1]})")
    traced, peak = worst["traced"][0], worst["peak"][0]
    print(f"most memory for one: {traced:.1f} MB traced, {peak:.1f} MB more of the process")
    print(f"the process after {index} documents: {resident() - start:.0f} MB more than after 2,000")
    return 1 if faults else 0


def resident() -> float:
    return int(STATM.read_text().split()[1]) * resource.getpagesize() / 2**20


def greatest() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


if __name__ == "__main__":
    sys.exit(main())
