"""Media types of the Confluent-compatible surface: what is accepted, and what an answer is written in."""

from functools import lru_cache

from llm_schema_registry.server.http.errors import HttpError

SCHEMA_REGISTRY = "application/vnd.schemaregistry.v1+json"
JSON = "application/json"
NDJSON = "application/x-ndjson"
PROBLEM = "application/problem+json"
# In order of the server's preference.
OFFERED = (SCHEMA_REGISTRY, "application/vnd.schemaregistry+json", JSON)
ACCEPTED = frozenset({*OFFERED, "application/octet-stream"})
_SERVER_QUALITY = {SCHEMA_REGISTRY: 1.0, "application/vnd.schemaregistry+json": 0.9, JSON: 0.5}


@lru_cache(256)
def negotiated(accept: str) -> str:
    """The media type of the answer for an `Accept` header; raises `HttpError` 406 if none fits."""
    if not accept.strip():
        return SCHEMA_REGISTRY
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best, best_weight = "", 0.0
    for offered in OFFERED:
        fitting = [found for found in ranges if found[0] in (offered, "application/*", "*/*")]
        if not fitting:
            continue
        # The most specific range decides about a type (RFC 9110, 12.5.1).
        _, quality = max(fitting, key=lambda found: (found[0] == offered, found[0] == "application/*"))
        weight = quality * _SERVER_QUALITY[offered]
        if weight > best_weight:
            best, best_weight = offered, weight
    if not best:
        raise HttpError(406, "HTTP 406 Not Acceptable")
    return best


def bare(content_type: str) -> str:
    """A media type without parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def _range(text: str) -> tuple[str, float]:
    kind, _, parameters = text.partition(";")
    quality = 1.0
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return kind.strip().lower(), quality
