"""Text to JSON values and back, strict about what JSON leaves open."""

import json
from collections import Counter
from typing import Any

from crmkit.codec._values import Repeated
from crmkit.errors import InvalidDocument, InvalidRecord

DEEP = "nested too deeply"


def parse(text: str | bytes, path: str) -> Any:
    """Return the JSON values in *text*; a key that stands twice makes its object a `Repeated`.

    NaN and infinity are kept: the field where they stand refuses them, and knows its path.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        return _DECODER.decode(text)
    except UnicodeDecodeError as error:
        raise InvalidDocument(path, f"expected UTF-8, byte {error.start} is not") from None
    except json.JSONDecodeError as error:
        early = error.pos >= len(error.doc.rstrip()) or error.msg.startswith("Unterminated")
        problem = "the document ends too early" if early else error.msg
        place = f"line {error.lineno}, column {error.colno}"
        raise InvalidDocument(path, f"{place}: {problem}") from None
    except RecursionError:
        raise InvalidDocument(path, DEEP) from None
    except ValueError:
        raise InvalidDocument(path, "a number has too many digits") from None


def write(document: Any) -> str:
    """Return JSON values as text, in one line."""
    try:
        text = _ENCODER.encode(document)
    except ValueError as error:
        raise InvalidRecord("", str(error)) from None
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate is not UTF-8, but as an escape it is JSON.
        return json.dumps(document, separators=(",", ":"))
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    repeated = Repeated(found)
    repeated.key = Counter(key for key, _ in pairs).most_common(1)[0][0]
    return repeated


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_ENCODER = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
