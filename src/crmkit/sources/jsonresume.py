"""People from JSON Resume documents (https://jsonresume.org/schema, version 1.0.0).

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     file = Path(folder, "cv.json")
...     _ = file.write_text('{"basics": {"label": "Programmer"}, "skills": [{"name": "Go"}]}')
...     imported = read(file, captured_at="2026-03-02T09:00Z", id="cv-7")
>>> imported.relationships[0].candidate.skills, imported.relationships[0].candidate.title
(('go',), 'Programmer')
"""

import hashlib
import os
from calendar import monthrange
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from crmkit._progress import Progress
from crmkit._time import to_instant
from crmkit.errors import InvalidRecord, SourceError
from crmkit.model import Candidate, Employment, Interaction, Relationship, Source, to_kind
from crmkit.model import _fields as fields
from crmkit.sources._files import File, label, parse_json, read_bytes
from crmkit.sources._imported import Collector, Imported, OnError, Rejected
from crmkit.sources._json import Node, day_of

__all__ = ["read"]

Identify = Callable[[Mapping[str, Any]], str]


def read(
    path: File | Iterable[File],
    *,
    captured_at: datetime | str,
    id: str | Identify | None = None,  # noqa: A002 - it is the record's field
    kind: str = "captured",
    source: Source | str | None = None,
    on_error: OnError = "raise",
    progress: Progress | None = None,
) -> Imported:
    """Read one or more JSON Resume documents; each file is one `Relationship`.

    A document does not say when it came in, so ``captured_at`` does; ``kind`` is the fact of it.
    ``id`` is the person's id, or a function of the document; when not given it is ``resume-`` and
    a digest of the first e-mail address or, without one, of the file's name, so that the same
    file is the same person. ``progress`` is called with the files read and the files there are.

    Taken over: the name, e-mail, phone, summary (its line breaks become spaces), place, links,
    ``label`` as title, skills with their keywords, and ``work``, of which the newest job without
    an end is the company (and the title, if there is no label). A date known by its year or month
    is that period's first day.

    Raises `SourceError` with the path to the fault (``work[0].startDate``), or line and column
    of broken JSON. A file that cannot be opened raises whatever ``on_error`` says.
    """
    single = isinstance(path, str | os.PathLike) or hasattr(path, "open")
    files: list[File] = [path] if single else list(path)  # type: ignore[list-item,arg-type]
    if isinstance(id, str) and len(files) != 1:
        raise InvalidRecord("id", f"one id cannot name {len(files)} people; give a function")
    collector = Collector(on_error)
    fact = to_kind(kind)
    came_by = fields.optional_source(source)
    at = to_instant(captured_at, "captured_at")
    for count, file in enumerate(files, 1):
        data = read_bytes(file)
        document = None
        try:
            document = _parse(data, file)
            person = _Resume(Node(document), file).candidate(id, came_by)
            capture = Interaction(candidate_id=person.id, kind=fact, at=at)
            collector.add(Relationship(person, [capture]), label(file))
        except InvalidRecord as error:
            collector.reject(
                Rejected(
                    reason=error.problem, file=label(file), path=error.path or None, raw=document
                )
            )
        if progress:
            progress(count, len(files))
    return collector.result()


def _parse(data: bytes, file: File) -> Any:
    try:
        return parse_json(data, file)
    except SourceError as error:
        raise InvalidRecord("", error.problem) from None


class _Resume:
    """One document."""

    def __init__(self, document: Node, file: File) -> None:
        document.object()
        self._document = document
        self._basics = document["basics"]
        self._file = file

    def candidate(self, identify: str | Identify | None, source: Source | None) -> Candidate:
        """Return the person that the document tells of."""
        basics, place = self._basics, self._basics["location"]
        jobs = self._jobs()
        current = _current(jobs)
        address = basics["email"]
        emails = (address.to(fields.email),) if address.text() else ()
        return Candidate(
            id=self._id(identify, emails),
            name=basics["name"].text() or "",
            emails=emails,
            phones=[phone] if (phone := basics["phone"].text()) else [],
            links=self._links(),
            company=current.company if current else None,
            title=basics["label"].text() or (current.title if current else None),
            skills=self._skills(),
            summary=basics["summary"].paragraph(),
            employments=jobs,
            country=place["countryCode"].to(fields.optional_country),
            region=place["region"].text(),
            city=place["city"].text(),
            source=source,
        )

    def _id(self, identify: str | Identify | None, emails: tuple[str, ...]) -> str:
        if callable(identify):
            return fields.text(identify(self._document.value))
        if identify is not None:
            return identify
        known = f"email:{emails[0].casefold()}" if emails else f"file:{_name(self._file)}"
        return f"resume-{hashlib.sha256(known.encode()).hexdigest()[:16]}"

    def _links(self) -> list[str]:
        places = [self._basics, *self._basics["profiles"].items()]
        return [link for place in places if (link := place["url"].text())]

    def _skills(self) -> list[str]:
        found = []
        for skill in self._document["skills"].items():
            words = [skill["name"], *skill["keywords"].items()]
            found += [text for word in words if (text := word.text())]
        return found

    def _jobs(self) -> list[Employment]:
        return [job for node in self._document["work"].items() if (job := _job(node))]


def _name(file: File) -> str:
    return Path(file).name if isinstance(file, str | os.PathLike) else file.name


def _job(node: Node) -> Employment | None:
    # Until version 1.0.0 of the schema the employer was "company".
    company = node["name"].text() or node["company"].text()
    if company is None:
        return None
    since, until = day_of(node["startDate"], *_PARTIAL), day_of(node["endDate"], *_PARTIAL)
    if since and until and until < since <= _last_day(until, node["endDate"]):
        # "from June 2014 until 2014": the end is only known to be in that year.
        until = since
    return node.to(
        lambda _: Employment(
            company=company, title=node["position"].text(), since=since, until=until
        )
    )


_PARTIAL = ("%Y-%m", "%Y")


def _last_day(first: date, node: Node) -> date:
    text = node.text() or ""
    last = {4: (12, 31), 7: (first.month, monthrange(first.year, first.month)[1])}
    month, day = last.get(len(text), (first.month, first.day))
    return date(first.year, month, day)


def _current(jobs: list[Employment]) -> Employment | None:
    open_jobs = [job for job in jobs if job.until is None]
    long_ago = datetime.min.replace(tzinfo=UTC).date()
    return max(open_jobs, key=lambda job: job.since or long_ago, default=None)
