"""The containment prover of the validator library, which answers yes, no or unknown."""

from typing import Any

import jsonschema_rs

from llm_schema_registry.formats.containment import Answer
from llm_schema_registry.formats.json_schema.engine import Documents

_ANSWERS = {"yes": Answer.YES, "no": Answer.NO}
_ERRORS = (jsonschema_rs.canonical.CanonicalizationError, jsonschema_rs.ValidationError, ValueError, TypeError)


def covers(reader: Any, writer: Any) -> Answer:
    """Whether the document `reader` accepts every payload of the document `writer`, both of 2020-12.

    It may take long. What the prover cannot read or compare is unknown.
    """
    try:
        new = jsonschema_rs.canonicalize(reader, offline=True, validate_formats=True)
        old = jsonschema_rs.canonicalize(writer, offline=True, validate_formats=True)
        return _ANSWERS.get(str(new.covers(old)), Answer.UNKNOWN)
    except _ERRORS:
        return Answer.UNKNOWN


def covers_in_draft_4(reader: Documents, writer: Documents, *, assert_formats: bool) -> Answer:
    """The same for schemas of draft-04 in their own notation."""
    try:
        old, new = (
            jsonschema_rs.canonicalize(
                side.root,
                registry=jsonschema_rs.Registry(side.referenced.items()) if side.referenced else None,
                offline=True,
                validate_formats=assert_formats,
            )
            for side in (writer, reader)
        )
        return _ANSWERS.get(str(new.covers(old)), Answer.UNKNOWN)
    except _ERRORS:
        return Answer.UNKNOWN
