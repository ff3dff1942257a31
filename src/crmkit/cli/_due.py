"""The commands around sending: what is due, what is in doubt, what people have to do."""

import argparse
import shlex
from collections.abc import Iterable
from textwrap import indent

from crmkit._progress import Bar
from crmkit.cli._senders import links_of, sender_of
from crmkit.cli._shared import now_of, open_store, segments_of
from crmkit.lifecycle import CRM, InDoubt, Task, TemplateRenderer

IN_DOUBT = 3
"""The exit status of who has to tell a person that something is in doubt."""


def run_due(options: argparse.Namespace) -> int:
    """Bring segments up to date, send what is due, and say what is left to people."""
    now, segments, links = now_of(options), segments_of(options), links_of(options)
    renderer = TemplateRenderer(
        organization=options.organization,
        signature=options.signature,
        postal_address=options.postal_address,
        html=options.html,
    )
    with open_store(options.db) as store, sender_of(options) as sender:
        crm = CRM(store, sender, renderer=renderer, segments=segments, unsubscribe=links)
        with Bar("segments") as progress:
            moves = crm.advance(now=now, progress=progress)
        with Bar("engaging") as progress:
            run = crm.engage(now=now, limit=options.limit, progress=progress)
        doubtful = crm.in_doubt()
    print(moves)
    print(run)
    for task in run.tasks:
        print(f"  task: {task}")
    if run.tasks:
        print("what to remember for them: crmkit tasks")
    if run.sent and options.smtp is None:
        print(f"the messages are in {options.outbox}")
    if run.next_due:
        print(f"next due: {run.next_due:%Y-%m-%d %H:%M} UTC")
    return _tell(doubtful)


def doubts(options: argparse.Namespace) -> int:
    """List the touches of which nobody knows whether they left."""
    with open_store(options.db) as store:
        doubtful = CRM(store).in_doubt()
    if not doubtful:
        print("nothing is in doubt")
    return _tell(doubtful)


def _tell(doubtful: Iterable[InDoubt]) -> int:
    status = 0
    for doubt in doubtful:
        status, key = IN_DOUBT, shlex.quote(doubt.key)
        print(f"in doubt: {doubt.touch} for {doubt.candidate_id}, {doubt.why}")
        print(f"  since {doubt.since:%Y-%m-%d %H:%M} UTC; it is not sent again by itself")
        print(f"  look for it at the mail server, then: crmkit resolve {key} --sent")
        print(f"                              or, to send it: crmkit resolve {key} --not-sent")
    return status


def resolve(options: argparse.Namespace) -> None:
    """Settle what is in doubt, by what a person has found."""
    now, segments = now_of(options), segments_of(options)
    with open_store(options.db) as store:
        crm = CRM(store, segments=segments)
        open_ = {doubt.key for doubt in crm.in_doubt()}
        record = crm.resolve(options.key, sent=options.sent, detail=options.detail, now=now)
    what = f"{record.touch} for {record.candidate_id}"
    if options.key not in open_:
        print(f"{what} was not in doubt: it is {record.state}")
    elif options.sent:
        print(f"{what}: sent")
    else:
        print(f"{what}: not sent; the next run-due tries again")


def tasks(options: argparse.Namespace) -> None:
    """List what people have to do, with what to remember."""
    now, segments = now_of(options), segments_of(options)
    with open_store(options.db) as store:
        found = CRM(store, segments=segments).tasks(now=now)
    if not found:
        print("nothing to do")
    for task in found:
        _show(task)


def _show(task: Task) -> None:
    print(f"{task}: {task.why}")
    print(f"  {task.brief}")
    if task.draft:
        print(indent(task.draft, "  | ", lambda _: True))
    print(f"  done: crmkit done {shlex.quote(task.key)}")


def done(options: argparse.Namespace) -> None:
    """Log that a person has done a task."""
    now, segments = now_of(options), segments_of(options)
    with open_store(options.db) as store:
        fact = CRM(store, segments=segments).complete(
            options.key,
            options.kind,
            channel=options.channel,
            outcome=options.outcome,
            said=options.said,
            by=options.by,
            now=now,
        )
    print(f"{fact.candidate_id}: {fact.kind} on {fact.at:%Y-%m-%d}")
