"""What a database complains of, in words that say which one it is and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from crmkit.errors import StoreError

_DAMAGED = "it is not an SQLite database, or it is damaged; name another file or restore a backup"

_ADVICE = (
    (("not a database", "malformed"), _DAMAGED),
    (
        ("locked", "busy"),
        "another program is writing to it; close that program or wait, then try again",
    ),
    (
        ("readonly", "read-only", "permission denied"),
        "it cannot be written; give yourself write permission on the file and its directory",
    ),
    (
        ("unable to open",),
        "it cannot be opened; create its directory first and check the permissions",
    ),
    (
        ("disk is full", "no space left"),
        "the disk is full; make room, then try again: what was being written was taken back",
    ),
    (
        ("disk i/o error",),
        "the disk cannot be read or written; check it, then restore a backup if need be",
    ),
    (
        ("no such table", "no such column", "has no column", "does not exist"),
        "its tables are not those of this crmkit; open it with create=True or migrate it",
    ),
    (
        ("connection refused", "could not connect", "connection failed", "timeout expired"),
        "its server does not answer; check host, port and that it runs",
    ),
)


@contextmanager
def translated(name: str) -> Iterator[None]:
    """Raise every fault of the database *name* as `StoreError`.

    The chained error is the driver's own: SQLAlchemy's holds the statement and its parameters,
    which are personal data.
    """
    try:
        yield
    except DBAPIError as error:
        raise StoreError(f"{name}: {_explain(str(error.orig))}") from error.orig
    except SQLAlchemyError as error:
        raise StoreError(f"{name}: {type(error).__name__} in the database driver") from None
    except UnicodeDecodeError:
        raise StoreError(f"{name}: {_DAMAGED}") from None
    except UnicodeEncodeError:
        raise StoreError(f"{name}: a text holds characters that UTF-8 cannot") from None


def _explain(complaint: str) -> str:
    lowered = complaint.lower()
    for signs, advice in _ADVICE:
        if any(sign in lowered for sign in signs):
            return f"{advice} ({complaint.splitlines()[0]})"
    return complaint.splitlines()[0] if complaint else "the driver gives no reason"
