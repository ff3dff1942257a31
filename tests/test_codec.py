"""JSON in and out."""

import json
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmkit.cadence import Cadence, Enrollment, Pace, Touch, TouchRecord
from crmkit.codec import dumps, from_dict, loads, to_dict
from crmkit.codec._values import read_span, write_exact
from crmkit.errors import InvalidDocument, InvalidRecord, NaiveInstant
from crmkit.model import (
    CalendarSpan,
    Candidate,
    Consent,
    Employment,
    FrozenMap,
    History,
    Interaction,
    Message,
    Reason,
    Receipt,
    Relationship,
    Role,
    Span,
    Verdict,
)
from crmkit.segmentation import Membership, Transition

AT = datetime(2026, 1, 5, 9, 0, 0, 1, tzinfo=UTC)
WHY = Reason("all", holds=False, found="unknown", until=AT, parts=(Reason("a"), Reason("b")))

FIRST = Touch(key="k", week=0, purpose="p", level=1)
NEXT = Touch(key="next", week=2, purpose="p", level=1)

texts = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1).filter(
    str.strip
)
instants = st.datetimes(timezones=st.just(UTC))
scalars = st.none() | st.booleans() | st.integers() | st.text() | instants
scalars |= st.floats(allow_nan=False, allow_infinity=False)
keys = st.sampled_from(["$instant", "$map", "$", "a"]) | st.text()
values = st.recursive(
    scalars,
    lambda deeper: st.lists(deeper, max_size=3) | st.dictionaries(keys, deeper, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(keys, values, max_size=4)
zones = st.sampled_from(["UTC", "Europe/London", "America/St_Johns", "Asia/Kathmandu"])


def optional(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


employments = st.builds(
    Employment, company=texts, title=optional(texts), since=optional(st.dates())
)
candidates = st.builds(
    Candidate,
    id=texts,
    name=texts,
    emails=st.lists(st.emails(), max_size=2),
    skills=st.lists(texts, max_size=3),
    years_experience=optional(st.floats(0, 60)),
    salary=optional(st.floats(0, 1e12) | st.integers(0, 10**12)),
    seniority=optional(st.sampled_from(["junior", "executive"])),
    timezone=optional(zones),
    interested_from=optional(instants),
    do_not_contact=st.booleans(),
    employments=st.lists(employments, max_size=2),
    external_ids=st.dictionaries(texts, texts, max_size=2),
    custom=maps,
)
interactions = st.builds(
    Interaction,
    candidate_id=st.just("ada"),
    kind=st.sampled_from(["met", "replied", "x-own"]),
    at=instants,
    channel=optional(st.sampled_from(["email", "web"])),
    automated=optional(st.booleans()),
    rotation=optional(st.integers(0, 99)),
    properties=maps,
)
pasts = st.lists(interactions, max_size=3, unique_by=lambda fact: fact.id)
relationships = st.builds(Relationship, st.builds(Candidate, id=st.just("ada")), pasts)


@given(st.one_of(candidates, interactions, relationships))
def test_generated_records_survive(record):
    """Whatever a record holds is there again after a trip through JSON."""
    assert loads(type(record), dumps(record)) == record


@pytest.mark.parametrize(
    "record",
    [
        Employment(company="x", since="2020-02-29", until=date(2021, 1, 1)),
        Role(id="r", title="Engineer", remote=True, opened_at=AT, custom={"at": [AT]}),
        Consent(at=AT, wording="1", expires_at=AT),
        WHY,
        Verdict(value=True, because=WHY, until=AT),
        Verdict(value=AT, because=WHY),
        Membership(segment="s", candidate_id="c", since=AT, because=WHY, next_change=AT),
        Transition(segment="s", candidate_id="c", entered=False, at=AT, because=WHY),
        Enrollment(candidate_id="c", cadence="k", enrolled_at=AT, version=2),
        TouchRecord(
            enrollment_id="e",
            rotation=0,
            touch="t",
            candidate_id="c",
            state="sent",
            due_at=AT,
            at=AT,
        ),
        Touch(key="k", week=0, purpose="p", level=5, bodies=["one\nline"]),
        Touch(
            key="k",
            week=1,
            day=6,
            purpose="p",
            level=4,
            fallback=["text", "phone"],
            deadline=None,
            was=["old"],
        ),
        Touch(key="k", week=0, purpose="p", level=2, deadline=timedelta(hours=36)),
        Pace(least_gap=timedelta(microseconds=1), hot=0.1, eager_after=2),
        Cadence(name="n", touches=[FIRST], every=CalendarSpan(years=1)),
        Cadence(name="n", touches=[FIRST, NEXT], every=CalendarSpan(months=3), repeat=2),
        CalendarSpan(months=6),
        CalendarSpan(years=2, months=-3, zone="Europe/Paris"),
        Message(key="k", candidate_id="c", to="t", body="a\n\ud800", headers={"X": "y"}),
        Receipt(delivery="unknown", detail="timed out"),
    ],
    ids=lambda record: type(record).__name__,
)
def test_every_record_survives(record):
    """Each kind of record can be written and read."""
    assert loads(type(record), dumps(record)) == record


@given(st.timedeltas())
def test_exact_spans_survive(span):
    """A timedelta survives to the microsecond, also a negative one."""
    assert read_span(write_exact(span), timedelta) == span


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(0), "PT0S"),
        (timedelta(days=5), "P5D"),
        (timedelta(hours=36, minutes=1), "P1DT12H1M"),
        (timedelta(seconds=-61), "-PT1M1S"),
        (timedelta(microseconds=1), "PT0.000001S"),
    ],
)
def test_exact_spans_are_iso_durations(span, text):
    """A timedelta is written as people would write it."""
    assert write_exact(span) == text


def test_span_of_either_kind():
    """Where either span may stand, the text says which it is."""
    both = [timedelta(days=30), CalendarSpan(months=1, zone="UTC")]
    assert [loads(Span, dumps(span)) for span in both] == both


def test_empty_fields_are_left_out():
    """What is empty is left out; what has another default value is written."""
    document = to_dict(Role(id="r", title="t"))
    assert document == {"id": "r", "title": "t"}
    assert to_dict(FIRST)["channel"] == "email"
    assert to_dict(Interaction(candidate_id="c", kind="met", at=AT, automated=False, id="1")) == {
        "candidate_id": "c",
        "kind": "met",
        "at": "2026-01-05T09:00:00.000001+00:00",
        "automated": False,
        "id": "1",
    }


def test_ids_are_always_written():
    """A digest is stored, not made anew: it may be made otherwise one day."""
    fact = Interaction(candidate_id="c", kind="met", at=AT)
    assert to_dict(fact)["id"] == fact.id


def test_instants_are_written_in_utc():
    """An instant of another zone is the same instant in UTC."""
    fact = TouchRecord(
        enrollment_id="e",
        rotation=0,
        touch="t",
        candidate_id="c",
        state="task",
        due_at=AT.astimezone(timezone(timedelta(hours=5))),
        at=AT,
    )
    assert to_dict(fact)["due_at"] == "2026-01-05T09:00:00.000001+00:00"


def test_lists_of_records():
    """A list of records is written and read as one document."""
    people = [Candidate(id="a"), Candidate(id="b")]
    assert loads(list[Candidate], dumps(people)) == people


def test_python_values_are_accepted():
    """A dictionary made by hand may hold instants and dates as they are."""
    job = from_dict(Employment, {"company": "x", "since": date(2020, 1, 1)})
    fact = from_dict(Consent, {"at": AT, "purpose": "nurture"})
    assert (job.since, fact.at) == (date(2020, 1, 1), AT)


def test_text_is_readable_unless_it_cannot_be():
    """Names are written as they are; a lone surrogate is escaped, so that UTF-8 can hold all."""
    assert "Zoë" in dumps(Candidate(id="a", name="Zoë"))
    assert dumps(Reason("\ud800é")).isascii()


def test_an_own_mapping_is_not_mistaken_for_an_instant():
    """A host's mapping that looks like a tag stays a mapping."""
    own = {"x": {"$instant": "2026-01-05T09:00Z"}, "$map": {"$map": 1}}
    read = loads(Candidate, dumps(Candidate(id="a", custom=own)))
    assert read.custom == FrozenMap(
        {"x": FrozenMap({"$instant": "2026-01-05T09:00Z"}), "$map": FrozenMap({"$map": 1})}
    )


@pytest.mark.parametrize(
    ("cls", "text", "message"),
    [
        (Candidate, "", "line 1, column 1: the document ends too early"),
        (Candidate, '{"id":\n "a"', "line 2, column 5: the document ends too early"),
        (Candidate, '{"id": "a', "line 1, column 8: the document ends too early"),
        (Candidate, '{"id": "a"} x', "line 1, column 13: Extra data"),
        (Candidate, b'{"id": "\xff"}', "expected UTF-8, byte 8 is not"),
        (Candidate, "[" * 200_000, "nested too deeply"),
        (Candidate, "9" * 5000, "a number has too many digits"),
        (Candidate, "[]", "expected an object, got a list"),
        (Candidate, "null", "expected an object, got null"),
        (Candidate, "{}", "id: missing, and needed"),
        (Candidate, '{"id": 5}', "id: expected text, got a number"),
        (Candidate, '{"id": "a", "id": "b"}', "id: the key stands there twice"),
        (Candidate, '{"id": "a", "emials": []}', "did you mean 'emails'?"),
        (Candidate, '{"id": "a", "odd key": 1}', "['odd key']: not a field of Candidate"),
        (Candidate, '{"id": "a", "' + "k" * 99 + ' ": 1}', "...]: not a field of Candidate"),
        (Candidate, '{"id": "a", "skills": "go"}', "skills: expected a list, got text"),
        (Candidate, '{"id": "a", "skills": ["go", 1]}', "skills[1]: expected text, got a number"),
        (Candidate, '{"id": "a", "erased": 1}', "erased: expected true or false, got a number"),
        (Candidate, '{"id": "a", "salary": NaN}', "salary: expected a finite number, got nan"),
        (Candidate, '{"id": "a", "salary": 1e999}', "salary: expected a finite number, got inf"),
        (Candidate, '{"id": "a", "salary": "1"}', "salary: expected a number, got text"),
        (Candidate, '{"id": "a", "salary": -1}', "salary: expected a finite number from 0"),
        (Candidate, '{"id": "a", "salary": 1' + "0" * 400 + "}", "salary: the number is too great"),
        (Candidate, '{"id": "a", "timezone": "Asia/Tokio"}', "timezone: 'Asia/Tokio' is not"),
        (Candidate, '{"id": "a", "source": "refferal"}', "did you mean 'referral'?"),
        (Candidate, '{"id": "a", "custom": {"b c": [0, {"x": -Infinity}]}}', "custom['b c'][1].x:"),
        (Candidate, '{"id": "a", "custom": {"x": {"y": 1, "y": 2}}}', "custom.x.y: the key stands"),
        (
            Candidate,
            '{"id": "a", "custom": {"x": {"$instant": "2026-01-05T09:00"}}}',
            "custom.x['$instant']: 2026-01-05T09:00:00 has no time zone",
        ),
        (Candidate, '{"id": "a", "custom": {"x": {"$map": 1}}}', "custom.x['$map']: expected an"),
        (Candidate, '{"id": "a", "external_ids": {"ats": 7}}', "external_ids.ats: expected text"),
        (Candidate, '{"id": "a", "employments": [{"company": ""}]}', "employments[0].company:"),
        (Employment, '{"company": "a", "since": "2026-13-01"}', "since: expected a date such as"),
        (Employment, '{"company": "a", "since": 2026}', "since: expected text, got a number"),
        (
            Employment,
            '{"company": "a", "since": "2026-01-02", "until": "2026-01-01"}',
            "until: 2026-01-01 is before since",
        ),
        (
            Interaction,
            '{"candidate_id": "a", "kind": "repled", "at": "2026-01-05T09:00Z"}',
            "kind: 'repled' is not",
        ),
        (
            Receipt,
            '{"delivery": "latr"}',
            "delivery: 'latr' is not a Delivery; did you mean 'later'?",
        ),
        (Interaction, '{"candidate_id": "a", "kind": "met", "at": 1}', "at: expected a datetime"),
        (TouchRecord, '{"rotation": 1.5, "state": "send"}', "enrollment_id: missing, and needed"),
        (Pace, '{"archive_after": 1.5}', "archive_after: expected a whole number, got 1.5"),
        (Pace, '{"archive_after": true}', "archive_after: expected a whole number, got true or f"),
        (Pace, '{"least_gap": "P6M"}', "least_gap: expected an ISO 8601 duration such as 'P5D'"),
        (Pace, '{"least_gap": "P"}', "least_gap: expected an ISO 8601 duration"),
        (Pace, '{"least_gap": "P1DT"}', "least_gap: expected an ISO 8601 duration"),
        (Pace, '{"least_gap": "P9999999999D"}', "least_gap: the span is too long"),
        (Pace, '{"hot": 9.0}', "warm: expected hot <= warm"),
        (CalendarSpan, '"P5D"', "expected an ISO 8601 duration such as 'P6M'"),
        (CalendarSpan, '"P0M"', "a calendar span must be longer than nothing"),
        (CalendarSpan, '"P1M[Europe/Pari]"', "'Europe/Pari' is not an IANA time zone"),
        (Relationship, '{"candidate": {"id": "a"}, "history": []}', "history: not a field of Rel"),
        (
            Relationship,
            '{"candidate": {"id": "a"}, "interactions": [{"candidate_id": "a", "kind": "met"}]}',
            "interactions[0].at: missing, and needed",
        ),
        (
            Reason,
            '{"text": "a", "parts": [{"text": "b", "parts": [{}]}]}',
            "parts[0].parts[0].text",
        ),
    ],
)
def test_faulty_documents(cls, text, message):
    """A faulty document ends in one error that says where and what."""
    with pytest.raises(InvalidDocument) as caught:
        loads(cls, text)
    assert message in str(caught.value)


def test_the_path_goes_on_from_where_the_caller_is():
    """The path of a part starts at the whole document."""
    document = {"id": "a", "employments": [{"company": "x", "since": "soon"}]}
    with pytest.raises(InvalidDocument) as caught:
        from_dict(Candidate, document, path="candidates[3]")
    assert caught.value.path == "candidates[3].employments[0].since"


def test_deep_documents_are_refused():
    """A document nested beyond reason is an error, not a crash."""
    deep = "[" * 900 + "]" * 900
    with pytest.raises(InvalidDocument, match="nested too deeply"):
        loads(Candidate, f'{{"id": "a", "custom": {{"x": {deep}}}}}')


def _deep(depth: int) -> Reason:
    reason = Reason("leaf")
    for _ in range(depth):
        reason = Reason("node", parts=(reason,))
    return reason


def test_deep_records_are_refused():
    """A record nested beyond reason cannot be written."""
    with pytest.raises(InvalidRecord, match="nested too deeply"):
        dumps(_deep(5000))


@pytest.mark.parametrize(
    ("record", "kind", "message"),
    [
        (
            [Verdict(value=1.0, because=WHY), Verdict(value=float("inf"), because=WHY)],
            InvalidRecord,
            "[1].value: expected a finite number, got inf",
        ),
        (
            Membership(segment="s", candidate_id="c", since=datetime(2026, 1, 1), because=WHY),  # noqa: DTZ001
            NaiveInstant,
            "since: 2026-01-01T00:00:00 has no time zone",
        ),
        (
            Verdict(value=float("nan"), because=WHY),
            InvalidRecord,
            "value: expected a finite number",
        ),
        (FrozenMap({"a b": [1, float("nan")]}), InvalidRecord, "['a b'][1]: expected a finite"),
        (FrozenMap({"a": {1: 2}}), InvalidRecord, "a[1]: expected a name as key"),
        (FrozenMap({"a": object()}), InvalidRecord, "a: expected a JSON value or an instant"),
    ],
)
def test_what_json_cannot_hold(record, kind, message):
    """A record that JSON cannot hold is an error with the path; nothing is written."""
    with pytest.raises(kind) as caught:
        dumps(record)
    assert message in str(caught.value)


def test_zones_without_a_name_are_refused(tmp_path):
    """A zone that was read from a file has no IANA name to write."""
    path = tmp_path / "zone"
    path.write_bytes(_fixed_zone())
    with path.open("rb") as file:
        zone = ZoneInfo.from_file(file)
    with pytest.raises(InvalidRecord, match="timezone: the zone has no IANA name"):
        dumps(Candidate(id="a", timezone=zone))


def _fixed_zone() -> bytes:
    header = (
        b"TZif"
        + b"\0" * 16
        + bytes(4 * 3)
        + b"".join(count.to_bytes(4, "big") for count in (0, 1, 4))
    )
    return header + bytes(6) + b"UTC\0"


def test_huge_numbers_cannot_be_written():
    """Python writes no number of more than 4,300 digits."""
    with pytest.raises(InvalidRecord, match="digits"):
        dumps(Candidate(id="a", custom={"n": 10**5000}))


def test_only_records_become_dictionaries():
    """A span is a text, not a dictionary."""
    with pytest.raises(TypeError, match="CalendarSpan is not a record"):
        to_dict(CalendarSpan(months=1))


def test_unknown_classes_are_refused():
    """What the codec has no form for is the caller's mistake."""
    with pytest.raises(TypeError, match="no JSON form"):
        loads(complex, "1")


def test_verdicts_of_a_stated_type():
    """A verdict may be asked for with the type of its value."""
    verdict = Verdict(value=True, because=WHY)
    assert loads(Verdict[bool], dumps(verdict)) == verdict


def test_histories_keep_their_order():
    """A history is a list in the document, under the name that people know."""
    facts = [Interaction(candidate_id="a", kind="met", at=AT + timedelta(n)) for n in range(3)]
    person = Relationship(Candidate(id="a"), History(facts))
    assert [item["id"] for item in to_dict(person)["interactions"]] == [fact.id for fact in facts]


def test_everything_is_json():
    """What to_dict returns is what dumps writes."""
    person = Candidate(id="a", custom={"at": AT}, employments=[Employment(company="x")])
    assert json.loads(dumps(person)) == to_dict(person)
    assert attrs.has(type(person))


def test_cattrs_is_imported_late():
    """Importing the codec does not import cattrs."""
    code = "import crmkit.codec, sys; sys.exit('cattrs' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
