"""From text to model, with the errors of Apache Avro 1.12.

A text is read in three steps: each JSON node becomes a type (`_Reader`), names that are defined further down are
filled in (`name_resolution`), and what needs the whole is checked: redefinitions, depth, defaults.
"""

from collections.abc import Sequence

from llm_schema_registry.core.budget import CHARACTERS_PER_STEP, Budget
from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.avro.canonical import rendered
from llm_schema_registry.formats.avro.defaults import fits
from llm_schema_registry.formats.avro.json_text import JsonTextError, read_json, written
from llm_schema_registry.formats.avro.model import Named
from llm_schema_registry.formats.avro.name_resolution import alike, check_depth, check_unions, resolve
from llm_schema_registry.formats.avro.node_reader import NodeReader
from llm_schema_registry.formats.avro.rules import FIXES, MAX_MESSAGE, invalid
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError

_JSON_CODES = {
    "syntax": "avro.INVALID_JSON",
    "duplicate key": "avro.DUPLICATE_KEY",
    "too deep": "avro.TOO_DEEP",
    "unicode": "avro.INVALID_TEXT",
}


def parse(
    text: str,
    dependencies: Sequence[Dependency] = (),
    *,
    strict: bool = True,
    budget: Budget | None = None,
) -> AvroSchema:
    """Parses an Avro schema; the contract is `Format.parse`.

    Strict refuses illegal names, defaults that do not fit their type, and duplicate keys; a dependency is always
    read as a stored schema, not strictly.
    """
    budget = budget or Budget(what="Parsing the schema")
    known: dict[str, Named] = {}
    referenced = set()
    try:
        for dependency in dependencies:
            stored = _parse_one(dependency.text, known, frozenset(), strict=False, budget=budget)
            known.update(stored.types)
            if isinstance(stored.root, Named):
                referenced.add(stored.root.full_name)
        return _parse_one(text, known, frozenset(referenced), strict=strict, budget=budget)
    except RecursionError:
        raise invalid("avro.TOO_DEEP", "Schema is nested too deeply", "") from None


def _parse_one(
    text: str, known: dict[str, Named], referenced: frozenset[str], *, strict: bool, budget: Budget
) -> AvroSchema:
    budget.spend(len(text) // CHARACTERS_PER_STEP)
    try:
        node = read_json(text, unique_keys=strict)
    except JsonTextError as error:
        raise _json_error(error) from None
    reader = NodeReader(known, strict, budget)
    root = reader.read(node, None, "")
    root = resolve(root, reader)
    for again, first, path in reader.redefinitions:
        if not alike(again, first, budget):
            raise invalid("avro.REDEFINED_TYPE", f"Can't redefine: {first.full_name}", path)
    if isinstance(root, Named):
        # Apache Avro keeps each definition where it stands, but takes the whole by its name.
        root = reader.types[root.full_name]
    check_unions(reader)
    check_depth(root)
    if strict:
        _check_defaults(reader, budget)
    return AvroSchema(root, reader.types, referenced, frozenset(known))


def _json_error(error: JsonTextError) -> InvalidSchemaError:
    code = _JSON_CODES[error.kind]
    message = shortened(error.message, MAX_MESSAGE)
    finding = Finding(code=code, message=message, line=error.line, column=error.column, fix=FIXES[code])
    return InvalidSchemaError(message, [finding])


def _check_defaults(reader: NodeReader, budget: Budget) -> None:
    for field, path in reader.defaults:
        if not fits(field.type, field.default, budget.spend):
            text = written(field.default)
            message = f"Invalid default for field {field.name}: {text} not a {rendered(field.type)}"
            raise invalid("avro.INVALID_DEFAULT", message, path)
