"""People from Greenhouse: Harvest API candidates and webhooks.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> document = '''{"id": 7, "created_at": "2026-01-05T09:00:00Z", "applications": [{"id": 8,
...     "applied_at": "2026-01-05T09:00:00Z", "rejected_at": "2026-02-02T09:00:00Z",
...     "status": "rejected", "current_stage": {"name": "Onsite"}, "jobs": [{"id": 9}]}]}'''
>>> with TemporaryDirectory() as folder:
...     file = Path(folder, "candidate.json")
...     _ = file.write_text(document)
...     imported = read(file)
>>> rejection = imported.relationships[0].history.last("rejected")
>>> rejection.candidate_id, rejection.role_id, rejection.properties["stage"]
('greenhouse-7', '9', 'final')
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import attrs

from crmkit._progress import Progress
from crmkit.errors import InvalidRecord, SourceError
from crmkit.model import Candidate, Employment, Interaction, Relationship
from crmkit.model import _fields as fields
from crmkit.sources._files import File, label, parse_json, read_bytes
from crmkit.sources._greenhouse import FINAL_STAGES, RUNNER_UP_REASONS, SOURCES, kind_of_stage
from crmkit.sources._imported import Collector, Imported, OnError, Rejected
from crmkit.sources._json import Node, day_of

__all__ = ["FINAL_STAGES", "RUNNER_UP_REASONS", "SOURCES", "read"]


def read(
    path: File,
    *,
    final_stages: Collection[str] = FINAL_STAGES,
    runner_up_reasons: Collection[str] = RUNNER_UP_REASONS,
    skills_from_tags: Collection[str] | bool = False,
    on_error: OnError = "raise",
    progress: Progress | None = None,
) -> Imported:
    """Read a Harvest candidate, a webhook's envelope, or a list of these.

    The candidate's id becomes ``greenhouse-…`` and an external id. Tags are no skills: they go to
    ``custom["tags"]``, but for those that ``skills_from_tags`` names (True for all). The source
    is that of the earliest application, by `SOURCES`; its name there is kept in
    ``custom["greenhouse_source"]``. ``can_email`` false means do not contact. The recruiter's id
    is the owner. ``progress`` is called with the documents read and the documents there are.

    Facts, each with the job's id as its role:

    - ``captured`` when the record was made (or by the first application, if that is not said);
    - ``applied``; of a prospect, who did not apply, ``sourced``;
    - ``rejected``, or ``withdrew`` when the reason's type is "They rejected us". The property
      ``stage`` is ``"final"`` for a late rejection, which makes a silver medalist, and else the
      name of the stage. Late is: the stage is in ``final_stages``; or the reason is in
      ``runner_up_reasons`` and the stage came after an interview or a test. The reason is kept as
      a property and takes nothing away: somebody "too junior" at the offer reached the offer,
      and a rule can leave them out by ``reason`` or ``reason_type``;
    - ``hired``; and for an application under way, what its stage amounts to (``screened``,
      ``assessed``, ``interviewed``, ``offered``). Greenhouse does not say when these happened:
      they have the instant of the last activity and the property ``approximate``, unless a
      webhook's offer tells more.

    Raises `SourceError` with the path to the fault (``[3].email_addresses[0].value``), or line
    and column of broken JSON, which raises whatever ``on_error`` says.
    """
    collector = Collector(on_error)
    document = parse_json(read_bytes(path), path)
    found = Node(document).items() if isinstance(document, list) else [Node(document)]
    if not found:
        raise SourceError("is an empty list; expected candidates", file=label(path))
    options = _Options(
        final_stages=_folded(final_stages, "final_stages"),
        runner_up_reasons=_folded(runner_up_reasons, "runner_up_reasons"),
        skills_from_tags=(
            skills_from_tags
            if isinstance(skills_from_tags, bool)
            else _folded(skills_from_tags, "skills_from_tags")
        ),
    )
    for count, node in enumerate(found, 1):
        try:
            collector.add(_person(node, options), node.path or "the document")
        except InvalidRecord as error:
            reason, place = error.problem, error.path or None
            collector.reject(Rejected(reason=reason, file=label(path), path=place, raw=node.value))
        if progress:
            progress(count, len(found))
    return collector.result()


@attrs.frozen(kw_only=True)
class _Options:
    final_stages: frozenset[str]
    runner_up_reasons: frozenset[str]
    skills_from_tags: frozenset[str] | bool


def _folded(names: Collection[str], argument: str) -> frozenset[str]:
    if isinstance(names, str):
        raise InvalidRecord(argument, "expected a list of names, got one text")
    return frozenset(name.casefold() for name in names)


def _person(node: Node, options: _Options) -> Relationship:
    hired = False
    if node["payload"]:
        hired = node["action"].text() == "hire_candidate"
        payload = node["payload"]
        candidate = payload["application"]["candidate"] or payload["candidate"]
        if not candidate:
            action = node["action"].text()
            raise node["payload"].fault(f"a webhook {action!r} tells of no candidate")
        inside = [payload["application"]] if payload["application"] else []
    else:
        candidate, inside = node, []
    applications = inside or candidate["applications"].items()
    if not (number := candidate["id"].identifier()):
        raise candidate["id"].fault("expected a candidate's id, got nothing")
    who = f"greenhouse-{number}"
    facts = [
        fact
        for application in applications
        for fact in _Application(application, who, options, hired=hired).facts()
    ]
    created = candidate["created_at"].instant() or min((f.at for f in facts), default=None)
    if created is None:
        raise candidate["created_at"].fault("expected when the record was made, got nothing")
    facts.append(Interaction(candidate_id=who, kind="captured", at=created))
    return Relationship(_candidate(candidate, number, applications, options), facts)


def _candidate(node: Node, number: str, applications: list[Node], options: _Options) -> Candidate:
    names = [node["first_name"].text(), node["last_name"].text()]
    tags = _texts(node["tags"].items())
    wanted = options.skills_from_tags
    skills = [tag for tag in tags if wanted is True or (wanted and tag.casefold() in wanted)]
    source = _source_name(applications)
    custom = {key: value for key, value in _custom(node["custom_fields"]) if value is not None}
    if kept := [tag for tag in tags if tag not in skills]:
        custom["tags"] = kept
    if source:
        custom["greenhouse_source"] = source
    addresses = [item["value"] for item in node["email_addresses"].items()]
    return Candidate(
        id=f"greenhouse-{number}",
        name=" ".join(name for name in names if name),
        emails=[address.to(fields.email) for address in addresses if address.text()],
        phones=_texts([item["value"] for item in node["phone_numbers"].items()]),
        links=_texts(
            [
                item["value"]
                for key in ("website_addresses", "social_media_addresses")
                for item in node[key].items()
            ]
        ),
        company=node["company"].text(),
        title=node["title"].text(),
        skills=skills,
        employments=[job for item in node["employments"].items() if (job := _job(item))],
        source=SOURCES.get(source.casefold()) if source else None,
        owner=node["recruiter"]["id"].identifier(),
        do_not_contact=node["can_email"].flag() is False,
        external_ids={"greenhouse": number},
        custom=node["custom_fields"].to(lambda _: fields.values(custom)),
    )


def _texts(nodes: list[Node]) -> list[str]:
    return [text for node in nodes if (text := node.text())]


def _custom(node: Node) -> list[tuple[str, Any]]:
    """Return the custom fields; webhooks wrap each value, and write no fields as a list."""
    if node.value == []:
        return []
    return [
        (key, value["value"] if isinstance(value, dict) and "value" in value else value)
        for key, value in node.object().items()
    ]


def _source_name(applications: list[Node]) -> str | None:
    dated = [(node["applied_at"].instant(), node["source"]) for node in applications]
    known = [(at, source) for at, source in dated if at and source]
    first = min(known, key=lambda pair: pair[0])[1] if known else None
    if first is None:
        first = next((source for _, source in dated if source), None)
    return (first["public_name"].text() or first["name"].text()) if first else None


def _job(node: Node) -> Employment | None:
    company = node["company_name"].text()
    if company is None:
        return None
    since = day_of(node["start_date"], "%m/%d/%Y")
    until = day_of(node["end_date"], "%m/%d/%Y")
    title = node["title"].text()
    return node.to(lambda _: Employment(company=company, title=title, since=since, until=until))


class _Application:
    """One application and the facts that it tells of."""

    def __init__(self, node: Node, who: str, options: _Options, *, hired: bool) -> None:
        self._node = node
        self._who = who
        self._options = options
        self._status = "hired" if hired else node["status"].text()
        jobs = node["jobs"].items()
        self._job = jobs[0] if jobs else node["job"]
        self._stage = node["current_stage"]["name"].text()
        self._reason = node["rejection_reason"]["name"].text()
        self._reason_type = node["rejection_reason"]["type"]["name"].text()

    def facts(self) -> list[Interaction]:
        """Return what happened, oldest first."""
        found = []
        if applied := self._node["applied_at"].instant():
            prospect = self._node["prospect"].flag()
            found.append(self._fact("sourced" if prospect else "applied", applied))
        rejected = self._node["rejected_at"].instant()
        if rejected:
            found.append(self._rejection(rejected))
        elif self._status == "hired":
            found.append(self._hire())
        else:
            found += self._under_way()
        return found

    def _fact(self, kind: str, at: datetime, **properties: object) -> Interaction:
        about = {"role": self._job["name"].text(), **properties}
        return Interaction(
            candidate_id=self._who,
            kind=kind,
            at=at,
            role_id=self._role(),
            properties={key: value for key, value in about.items() if value is not None},
        )

    def _role(self) -> str | None:
        # An end without a role would end every process of this person, not only this one.
        number = self._node["id"].identifier()
        return self._job["id"].identifier() or (number and f"greenhouse-application-{number}")

    def _rejection(self, at: datetime) -> Interaction:
        return self._fact(
            "withdrew"
            if (self._reason_type or "").casefold() == "they rejected us"
            else "rejected",
            at,
            stage="final" if self._late() else self._stage,
            stage_name=self._stage,
            reason=self._reason,
            reason_type=self._reason_type,
        )

    def _late(self) -> bool:
        stage, reason = (self._stage or "").casefold(), (self._reason or "").casefold()
        evaluated = kind_of_stage(stage) in {"assessed", "interviewed", "offered"}
        runner_up = reason in self._options.runner_up_reasons
        return stage in self._options.final_stages or (runner_up and evaluated)

    def _hire(self) -> Interaction:
        if resolved := self._node["offer"]["resolved_at"].instant():
            return self._fact("hired", resolved)
        return self._fact("hired", self._last_activity(), approximate=True)

    def _last_activity(self) -> datetime:
        if at := self._node["last_activity_at"].instant():
            return at
        raise self._node["last_activity_at"].fault("expected when it was, got nothing")

    def _under_way(self) -> list[Interaction]:
        kind = kind_of_stage(self._stage or "")
        if kind is None or not self._node["last_activity_at"]:
            return []
        return [self._fact(kind, self._last_activity(), stage=self._stage, approximate=True)]
