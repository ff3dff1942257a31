"""What a type checker sees of the public names; checked by mypy, never run."""

from datetime import UTC, datetime, timedelta
from typing import Any, assert_type

from crmkit import CRM, Candidate, Interaction, Relationship, Role, Verdict
from crmkit.cadence import SEVEN_TOUCH, Plan, plan
from crmkit.codec import loads
from crmkit.engagement import Temperature, score, temperature
from crmkit.lifecycle import Captured, Erased, RunReport, SegmentRun, Shortlist
from crmkit.metrics import Metric, Scorecard
from crmkit.permission import Permission, permission
from crmkit.segmentation import Rule, Segment, Segmenter, event, field
from crmkit.senders import MemorySender
from crmkit.stores import MemoryStore

now = datetime(2026, 3, 2, 9, tzinfo=UTC)
ada = Candidate(id="ada", emails=["ada@example.org"], source="sourced", timezone="Europe/London")
met = Interaction(candidate_id="ada", kind="met", at=now)
relationship = Relationship(ada, [met])

assert_type(ada.emails, tuple[str, ...])
assert_type(relationship.history.last("met"), Interaction | None)

assert_type(event("met").within(days=90), Rule)
assert_type(~event("met").within(timedelta(days=90)) & event("replied").ever(), Rule)
assert_type(field.skills.has_any("python"), Rule)
warm = Segment("warm", event("met").ever())
assert_type(warm.check(relationship, now=now), Verdict[bool])
assert_type(Segmenter([warm]).check(relationship, now=now), dict[str, Verdict[bool]])

assert_type(score(relationship, now=now), float)
assert_type(temperature(relationship, now=now), Verdict[Temperature])
assert_type(temperature(relationship, now=now).value, Temperature)
assert_type(permission(relationship, now=now), Permission)
assert_type(plan(SEVEN_TOUCH, relationship, enrolled_at=now, now=now), Plan)
assert_type(loads(Candidate, "{}"), Candidate)

crm = CRM(MemoryStore(), MemorySender())
assert_type(crm.capture(ada, [met]), Captured)
assert_type(crm.segment(now=now), SegmentRun)
assert_type(crm.engage(now=now), RunReport)
assert_type(crm.convert(Role(id="r", title="Engineer"), now=now), Shortlist)
assert_type(crm.measure(now=now), Scorecard)
assert_type(crm.may_contact("ada", now=now), Permission)
assert_type(crm.suppress(["ada@example.org"], now=now), int)
assert_type(crm.erase("ada", now=now), Erased)
assert_type(crm.export("ada", now=now), dict[str, Any])
assert_type(crm.measure(now=now)["engagement_rate"], Metric)
