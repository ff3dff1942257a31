"""Where everything is kept: in memory, or in an SQL database (`crmkit[sql]`).

>>> MemoryStore()
<MemoryStore: 0 candidates, 0 interactions>
"""

from typing import TYPE_CHECKING

from crmkit.stores.memory import MemoryStore

if TYPE_CHECKING:
    from crmkit.stores.sql import SQLStore

__all__ = ["MemoryStore", "SQLStore"]


def __getattr__(name: str) -> object:
    if name == "SQLStore":  # imports SQLAlchemy, which is an extra
        from crmkit.stores.sql import SQLStore

        return SQLStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "SQLStore"])
