"""How far a run has come: kept beside the database, replaced as a whole."""

import json
from pathlib import Path

from crmkit.errors import StoreError


class Bookmark:
    """The steps done in a folder, by which seed and of how many people.

    Raises `StoreError` where the folder holds something else than a run of this kind.
    """

    def __init__(self, folder: Path, *, seed: int, people: int | None, steps: int) -> None:
        self._path = folder / "demo.json"
        self._kind: dict[str, object] = {"seed": seed, "people": people}
        self.done = 0
        database = folder / "talent.db"
        if not self._path.exists():
            if database.exists():
                raise StoreError(
                    f"{folder} holds a talent.db that no demonstration made; choose another folder"
                )
            self.move(0)
            return
        kept, done = self._read()
        for key, wanted in self._kind.items():
            if kept[key] != wanted:
                raise StoreError(
                    f"{folder} holds a demonstration with {key} {_shown(kept[key])}, not "
                    f"{_shown(wanted)}; choose another folder"
                )
        if done > steps:
            raise StoreError(
                f"{folder} holds a longer demonstration; ask for at least as many weeks, "
                "or choose another folder"
            )
        self.done = done if database.exists() else 0

    def _read(self) -> tuple[dict[str, object], int]:
        try:
            kept = json.loads(self._path.read_bytes())
            seed, people, done = kept["seed"], kept["people"], kept["done"]
            whole = all(type(value) is int for value in (seed, done))
            if whole and done >= 0 and type(people) in {int, type(None)}:
                return kept, done
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        raise StoreError(f"{self._path} is damaged; choose another folder") from None

    def move(self, done: int) -> None:
        """Note that so many steps are done."""
        draft = self._path.with_name(f".{self._path.name}.part")
        draft.write_text(json.dumps({**self._kind, "done": done}), encoding="utf-8")
        draft.replace(self._path)
        self.done = done


def _shown(value: object) -> object:
    return "left open" if value is None else value
