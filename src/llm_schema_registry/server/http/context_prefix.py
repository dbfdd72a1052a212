"""`/contexts/{context}/…` in front of any path of the Confluent-compatible surface, rewritten to qualified names.

A pure function of path and query, applied before routing (Confluent's rule).
"""

from urllib.parse import parse_qsl, quote, urlencode

from llm_schema_registry.contracts import CONTEXT_WILDCARD
from llm_schema_registry.server.http.errors import HttpError, decoded_segment

_PREFIX = "/contexts/"
_QUALIFIED = (":.", CONTEXT_WILDCARD)
_NAMED_BY_NEXT_SEGMENT = ("subjects", "deks")
_ROOT_SCOPES = ("config", "mode")
_CHANGED_IN_A_CONTEXT = ("associations", "associations:batchMutate")
_LISTS = ("schemas", "subjects", "keks")


def context_name(text: str) -> str:
    """A context as a path names it (`c`, `.c`, `:.c:`) in its own form `.c`; raises `HttpError` 400 for a colon
    inside.
    """
    name = text.strip(":")
    if ":" in name:
        raise HttpError(400, f"Invalid context name: {text[:100]}")
    return name if name.startswith(".") else f".{name}"


def without_context(path: str, query: str) -> tuple[str, str]:
    """The path and query that mean the same without a leading `/contexts/{context}`; others as they are.

    Args:
        path: percent-encoded.
        query: percent-encoded.
    """
    if not path.startswith(_PREFIX):
        return path, query
    segment, _, rest = path.removeprefix(_PREFIX).partition("/")
    if not rest:
        return path, query
    qualifier = f":{context_name(decoded_segment(segment))}:"
    segments = rest.split("/")
    root = segments[0]
    if root in _ROOT_SCOPES and len(segments) == 1:
        return f"/{root}/{quote(qualifier, safe='')}", query
    if root in _ROOT_SCOPES:
        segments[1] = _qualified(qualifier, segments[1])
    for index in range(1, len(segments)):
        if segments[index - 1] in _NAMED_BY_NEXT_SEGMENT and not _is_subject(segments, index - 1):
            segments[index] = _qualified(qualifier, segments[index])
            break
    if root == "schemas" and segments[1:2] == ["ids"]:
        query = _with_qualified(query, "subject", qualifier)
    elif root in _CHANGED_IN_A_CONTEXT:
        query = _with_context(query, qualifier)
    elif root in _LISTS and (len(segments) == 1 or root == "keks"):
        query = _with_qualified(query, "subjectPrefix", qualifier)
    return "/" + "/".join(segments), query


def _is_subject(segments: list[str], index: int) -> bool:
    """Whether the segment is itself a name, e.g. the second of `/config/subjects`."""
    return (index == 1 and segments[0] in _ROOT_SCOPES) or (index > 1 and segments[0] == "associations")


def _qualified(qualifier: str, segment: str) -> str:
    return segment if decoded_segment(segment).startswith(_QUALIFIED) else quote(qualifier, safe="") + segment


def _with_context(query: str, qualifier: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return query if any(key == "context" for key, _ in pairs) else urlencode([*pairs, ("context", qualifier)])


def _with_qualified(query: str, name: str, qualifier: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    value = next((value for key, value in pairs if key == name), "")
    if not value.startswith(_QUALIFIED):
        value = qualifier + value
    return urlencode([(key, each) for key, each in pairs if key != name] + [(name, value)])
