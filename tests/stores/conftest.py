"""Where SQLAlchemy is not installed, only the store in memory is tested."""

from importlib.util import find_spec

collect_ignore_glob = (
    []
    if find_spec("sqlalchemy")
    else [
        "test_sql_*.py",
        "test_stores_agree.py",
        "test_postgres.py",
    ]
)
