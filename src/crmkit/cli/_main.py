"""Arguments in, exit status out.

0: it worked; 2: it did not, and one readable line says why; 3: it did, but something is in doubt.
"""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from crmkit import __version__
from crmkit.cli import _commands as commands
from crmkit.cli import _due as due
from crmkit.cli._report import report
from crmkit.cli._senders import PASSWORD, SECRET
from crmkit.errors import CrmkitError
from crmkit.lifecycle._tasks import DONE_KINDS
from crmkit.model import Channel


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    ``--help`` and ``--version`` raise `SystemExit`, as `argparse` does.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may know no ✓
            stream.reconfigure(errors="replace")
    try:
        options = _parser().parse_args(arguments)
        status: int | None = options.run(options)
        sys.stdout.flush()
    except CrmkitError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # Whoever read (head, say) has seen enough; what is left must not be flushed at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"{error.filename or 'system'}: {error.strerror or error}")
    except KeyboardInterrupt:
        print("crmkit: stopped; run the same command again to go on", file=sys.stderr)
        return 130
    return status or 0


def _fail(problem: str) -> int:
    print(f"crmkit: {' '.join(problem.splitlines())}", file=sys.stderr)
    return 2


class _UsageError(CrmkitError):
    """The arguments are not those of a command."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _UsageError(f"{message}; see {self.prog} --help")


def _at_least(least: int) -> Callable[[str], int]:
    def whole(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if number < least:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least}, got {text!r}")
        return number

    return whole


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="crmkit",
        description="Candidate relationship management: every answer says why, and until when.",
    )
    parser.add_argument("--version", action="version", version=f"crmkit {__version__}")
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    _demo(verbs.add_parser("demo", help="a simulated year on a sample pool, to look at"))
    _import(verbs.add_parser("import", help="take people in from a file"))
    _run_due(verbs.add_parser("run-due", help="bring segments up to date and send what is due"))
    _doubts(verbs.add_parser("doubts", help="of which messages nobody knows whether they left"))
    _resolve(verbs.add_parser("resolve", help="say whether a message in doubt has left"))
    _tasks(verbs.add_parser("tasks", help="what people have to do, and what to remember for it"))
    _done(verbs.add_parser("done", help="say that a person has done a task"))
    _shortlist(verbs.add_parser("shortlist", help="who have we already met that fits a role?"))
    _report(verbs.add_parser("report", help="the scorecard as one HTML page"))
    _explain(verbs.add_parser("explain", help="everything about one person: why, until when"))
    return parser


def _database(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--db", default="talent.db", help="an SQLite file or a SQLAlchemy URL (%(default)s)"
    )


def _now(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--now", metavar="INSTANT", help="the instant to work as of, with its zone; now if left out"
    )


def _segments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--segments",
        metavar="FILE",
        type=Path,
        help="a JSON document of segments, in place of the catalogue",
    )


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", type=Path, default=Path("crmkit-demo"), help="(%(default)s)")
    weeks = "how many to simulate (%(default)s)"
    parser.add_argument("--weeks", type=_at_least(1), default=52, help=weeks)
    many = "how many of the sample's 700 to take (%(default)s)"
    parser.add_argument("--people", type=_at_least(1), default=500, help=many)
    parser.add_argument("--seed", type=int, default=2019, help="of the simulation (%(default)s)")
    parser.set_defaults(run=commands.demo)


def _import(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="CSV, JSON Resume or Greenhouse JSON")
    parser.add_argument(
        "--format",
        choices=["csv", "jsonresume", "greenhouse"],
        help="what the file is; guessed from its ending: .csv, else greenhouse",
    )
    parser.add_argument("--mapping", type=Path, help="for CSV: the TOML file that maps columns")
    parser.add_argument("--encoding", help="for CSV: the text encoding (UTF-8)")
    parser.add_argument(
        "--captured-at",
        metavar="INSTANT",
        help="when the people were captured, where the file does not say",
    )
    parser.add_argument(
        "--keep-good",
        dest="on_error",
        action="store_const",
        const="collect",
        default="raise",
        help="keep the good rows and write the others, with reasons, beside the file",
    )
    _database(parser)
    parser.set_defaults(run=commands.import_)


def _run_due(parser: argparse.ArgumentParser) -> None:
    _database(parser)
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--outbox", type=Path, default=Path("outbox"), help="a Maildir (%(default)s)"
    )
    place.add_argument(
        "--smtp",
        metavar="URL",
        help="a mail server instead: smtp://user@host:587 (STARTTLS), smtps://… (TLS) or "
        f"smtp+plain://…; the password from the environment, {PASSWORD}",
    )
    parser.add_argument("--from", dest="from_address", help="the address that messages come from")
    parser.add_argument("--reply-to", help="the address that answers go to, if it is another")
    parser.add_argument("--organization", default="our company", help="(%(default)s)")
    parser.add_argument("--signature", default="The talent team", help="(%(default)s)")
    parser.add_argument("--postal-address", help="shown below every message, as CAN-SPAM asks")
    parser.add_argument(
        "--unsubscribe-url",
        metavar="URL",
        help="your page that stops messages, https://…/{token}; "
        f"with secrets from the environment, {SECRET}",
    )
    parser.add_argument("--html", action="store_true", help="write messages as pages, too")
    parser.add_argument("--limit", type=_at_least(0), help="send at most so many messages")
    _segments(parser)
    _now(parser)
    parser.set_defaults(run=due.run_due)


def _doubts(parser: argparse.ArgumentParser) -> None:
    _database(parser)
    parser.set_defaults(run=due.doubts)


def _resolve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="of the message, as doubts shows it")
    answer = parser.add_mutually_exclusive_group(required=True)
    answer.add_argument("--sent", action="store_true", dest="sent", help="it has left")
    answer.add_argument(
        "--not-sent", action="store_false", dest="sent", help="it never left, and may go again"
    )
    parser.add_argument("--detail", help="how you know; no names and addresses")
    _database(parser)
    _segments(parser)
    _now(parser)
    parser.set_defaults(run=due.resolve)


def _tasks(parser: argparse.ArgumentParser) -> None:
    _database(parser)
    _segments(parser)
    _now(parser)
    parser.set_defaults(run=due.tasks)


def _done(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("key", help="of the task, as tasks shows it")
    kinds = "what was done (%(default)s)"
    parser.add_argument("--kind", choices=DONE_KINDS, default="messaged", help=kinds)
    parser.add_argument("--channel", choices=list(Channel), help="by which it was done")
    parser.add_argument("--outcome", help="positive, say; or later")
    parser.add_argument("--said", metavar="TEXT", help="what they said, for the next time")
    parser.add_argument("--by", metavar="ID", help="who did it")
    _database(parser)
    _segments(parser)
    _now(parser)
    parser.set_defaults(run=due.done)


def _shortlist(parser: argparse.ArgumentParser) -> None:
    _database(parser)
    parser.add_argument("--role", help="the id of a role; a stored one needs nothing more")
    parser.add_argument("--title", help="describes the role anew, with the options that follow")
    parser.add_argument("--skills", default="", help="what it needs, separated by commas")
    parser.add_argument("--nice-to-have", default="", help="separated by commas")
    parser.add_argument("--seniority")
    parser.add_argument("--country", help="ISO 3166-1 alpha-2")
    parser.add_argument("--city")
    parser.add_argument("--remote", action="store_true")
    many = "how many people (%(default)s)"
    parser.add_argument("--limit", type=_at_least(1), default=10, help=many)
    _now(parser)
    parser.set_defaults(run=commands.shortlist)


def _report(parser: argparse.ArgumentParser) -> None:
    _database(parser)
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="(%(default)s)")
    parser.add_argument("--title", default="Candidate relationships", help="(%(default)s)")
    days = "of how many days the numbers are (%(default)s)"
    parser.add_argument("--window", metavar="DAYS", type=_at_least(1), default=365, help=days)
    before = parser.add_mutually_exclusive_group()
    before.add_argument(
        "--compare-to",
        metavar="INSTANT",
        help="the earlier instant to compare with; one window earlier if left out",
    )
    before.add_argument("--no-compare", action="store_true", help="say nothing of what moved")
    parser.add_argument(
        "--csv", metavar="FOLDER", type=Path, help="write the numbers as CSV files there, too"
    )
    _segments(parser)
    _now(parser)
    parser.set_defaults(run=report)


def _explain(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("candidate", help="the person's id")
    _database(parser)
    _segments(parser)
    _now(parser)
    parser.set_defaults(run=commands.explain)
