"""What a refusal by a draft's metaschema, or by the validator library's compiler, means, and what to write instead."""

from typing import Any

from llm_schema_registry.core.findings import shortened

_TYPES = "array, boolean, integer, null, number, object, string"
_FIX = "Correct the keyword as the metaschema of the schema's draft demands."
# Patterns that are no regular expressions have been refused before; unless the schema was stored without checks.
_TOO_LARGE = "the pattern '{}' cannot be run: it is not a regular expression, or needs more memory than one may take"
# The keyword, and the kind of its value where that matters -> what to write.
_FIXES: dict[tuple[str, type | None], str] = {
    ("exclusiveMinimum", bool): "Write the limit as its number, or declare draft-04, where it is a flag of 'minimum'.",
    ("exclusiveMaximum", bool): "Write the limit as its number, or declare draft-04, where it is a flag of 'maximum'.",
    ("exclusiveMinimum", None): "In draft-04 it is a flag of 'minimum', which has to be there: write true or false.",
    ("exclusiveMaximum", None): "In draft-04 it is a flag of 'maximum', which has to be there: write true or false.",
    ("items", list): "In 2020-12 a tuple is 'prefixItems', and 'items' is the schema of what follows.",
    ("required", bool): "List the names of required properties in 'required' of the object that has them.",
    ("required", list): "List at least one name, each once; leave the keyword out if no property is required.",
    ("required", str): "Write a list of property names.",
    ("enum", list): "List at least one value, each once.",
    ("type", str): f"Write one of {_TYPES}.",
    ("type", list): f"List each type once; the types are {_TYPES}.",
    ("additionalItems", None): "Write a schema, true or false.",
    ("multipleOf", None): "Write a number greater than 0.",
}


def refusal(error: Any, written: dict[str, str]) -> tuple[str, str]:
    """The cause of a `ValidationError` about a schema, as a clause, and the fix.

    `written`: the patterns as the client wrote them, by what the library was given.
    """
    keywords = [step for step in error.instance_path if isinstance(step, str)]
    keyword = keywords[-1] if keywords else ""
    value = error.instance
    if keyword == "pattern" or keywords[-2:-1] == ["patternProperties"]:
        pattern = value if keyword == "pattern" else keyword
        if isinstance(pattern, str):
            return _TOO_LARGE.format(shortened(written.get(pattern, pattern))), "Write a shorter or simpler pattern."
    cause = shortened(error.message, 400)
    if error.kind.name == "anyOf" and keyword == "type":
        cause = f"{shortened(repr(value), 100)} is not a type; the types are {_TYPES}"
    return cause, _FIXES.get((keyword, type(value))) or _FIXES.get((keyword, None), _FIX)
