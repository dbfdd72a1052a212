"""The schema as the validator library reads it rightly: what is valid stays what it is, only the notation changes.

The library compiles each document of a registry by the draft that its `$schema` names. So every resource becomes a
document of its own, with an explicit `$schema` and a URI that nothing else has, and every `$ref` names its document.
Patterns are translated from ECMA-262, URIs brought into their normal form. A schema that needs none of this is not
copied.
"""

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any

from llm_schema_registry.core.budget import MAX_DEPTH, Budget
from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.json_schema.dialects import DATA_KEYWORDS, SCHEMA_MAPS
from llm_schema_registry.formats.json_schema.ecma import PatternError, is_same_for_both
from llm_schema_registry.formats.json_schema.patterns import translated
from llm_schema_registry.formats.json_schema.pointers import pointer
from llm_schema_registry.formats.json_schema.references import References, Resource, Target, anchors_of
from llm_schema_registry.formats.json_schema.uris import forbidden, normal

_REFERENCES = frozenset({"$ref", "$dynamicRef"})
_URIS = frozenset({"$id", "id", "$anchor", "$dynamicAnchor"})
_CHARACTERS_OF_A_STEP = 4
_STRINGS = _REFERENCES | _URIS | {"pattern", "$schema"}

# What the text of most schemas does not hold. A quotation mark inside a string has a backslash before it.
_TOKENS = ('"$anchor":"', '"$dynamicAnchor":"', '"$dynamicRef":"', '"patternProperties":{"')
_OTHER_REFERENCE = re.compile(r'"\$ref":"(?!#[A-Za-z0-9._~/?:@!$&\'()*+,;=-]*")')
_PATTERN = re.compile(r'"pattern":"((?:[^"\\]|\\.)*)"')

_Way = tuple[str | int, ...]


@dataclass(slots=True)
class Documents:
    """The documents of one schema for the validator library.

    Attributes:
        root: the schema itself.
        referenced: what it refers to, by URI.
        embedded: the parts of the schema itself that have a URI of their own, each with its place and its document.
        written: the patterns as the schema has them, by their translation.
        faults: what a new schema must not have.
    """

    root: Any = None
    referenced: dict[str, Any] = field(default_factory=dict)
    embedded: list[tuple[str, Resource, Any]] = field(default_factory=list)
    written: dict[str, str] = field(default_factory=dict)
    faults: list[Finding] = field(default_factory=list)


def documents(references: References, canonical: str, budget: Budget) -> Documents:
    """The documents of a schema with its canonical text.

    Raises:
        BudgetExceededError: too much work.
    """
    if _is_ready(references.root, canonical):
        return Documents(references.root.raw)
    return _Translator(references, budget).documents()


def _is_ready(root: Resource, canonical: str) -> bool:
    """Whether the text shows that nothing has to change and nothing is at fault: so it is with most schemas."""
    if any(token in canonical for token in _TOKENS):
        return False
    raw, dialect = root.raw, root.dialect
    own = raw.get(dialect.id_keyword) if isinstance(raw, dict) else None
    declared = "$schema" in raw if isinstance(raw, dict) else False
    if canonical.count(f'"{dialect.id_keyword}":"') > isinstance(own, str) or canonical.count('"$schema":"') > declared:
        return False
    if isinstance(own, str) and (normal(own) != own or "#" in own):
        return False
    if '"$ref":"' in canonical and _OTHER_REFERENCE.search(canonical):
        return False
    return '"pattern":"' not in canonical or all(map(_is_same, _PATTERN.findall(canonical)))


@functools.lru_cache(maxsize=4096)
def _is_same(encoded: str) -> bool:
    """Whether a pattern, as a JSON string, needs no translation in any draft."""
    pattern = json.loads(f'"{encoded}"') if "\\" in encoded else encoded
    return is_same_for_both(pattern)


class _Translator:
    """Makes the documents of one schema. Used once, after the schema's references have been found to resolve.

    Raises:
        BudgetExceededError: too much work.
    """

    def __init__(self, references: References, budget: Budget) -> None:
        self._references = references
        self._budget = budget
        self._documents = Documents()
        self._uris: dict[int, str] = {}
        # Resources whose documents are to be made: those met where they stand, and those that a `$ref` names.
        self._met: list[Resource] = []
        self._named: list[Resource] = []
        self._places: dict[int, _Way] = {}
        self._anchors: dict[tuple[int, str], str] = {}

    def documents(self) -> Documents:
        """All of them."""
        root = self._references.root
        done = self._documents
        done.root = self._schema(root.raw, root, (), known=True)
        while self._met or self._named:
            # Those that are named may still be met, and are then checked as parts of the schema.
            resource = (self._met or self._named).pop()
            uri = self._uri(resource)
            if uri in done.referenced:
                continue
            place = self._places.get(id(resource))
            document = self._schema(resource.raw, resource, place or (), known=place is not None)
            if isinstance(document, dict):
                document = {**document, "$schema": resource.dialect.uri}
                self._identify(document, resource)
            done.referenced[uri] = document
            if place is not None:
                done.embedded.append(("#" + pointer(place), resource, document))
        if id(root) in self._uris:
            done.root = {**done.root}
            self._identify(done.root, root)
        return done

    def _identify(self, document: dict[str, Any], resource: Resource) -> None:
        """Writes the document's URI over the one that it gives itself, if it does."""
        own = document.get(resource.dialect.id_keyword)
        if isinstance(own, str):
            _, hash_sign, fragment = own.partition("#")
            document[resource.dialect.id_keyword] = self._uris[id(resource)] + hash_sign + fragment

    def _uri(self, resource: Resource) -> str:
        """The URI of a resource's document, which is made later."""
        if resource.bundled:
            return resource.uri
        if id(resource) not in self._uris:
            self._uris[id(resource)] = f"urn:resource:{len(self._uris)}"
            self._named.append(resource)
        return self._uris[id(resource)]

    def _schema(self, raw: Any, inside: Resource, way: _Way, *, known: bool) -> Any:
        """A schema, or the list of them that a keyword holds; the same object if nothing changes."""
        if isinstance(raw, list):
            items = [self._child(item, inside, (*way, index), known=known) for index, item in enumerate(raw)]
            return items if any(new is not old for new, old in zip(items, raw, strict=True)) else raw
        if not isinstance(raw, dict) or (not known and len(way) > MAX_DEPTH):
            return raw
        self._budget.spend()
        changed: dict[str, Any] = {}
        subschemas = inside.dialect.subschemas
        for key, value in raw.items():
            new = value
            if isinstance(value, str):
                if key in _STRINGS:
                    new = self._string(key, value, raw, inside, way, known=known)
            elif isinstance(value, (dict, list)) and key not in DATA_KEYWORDS:
                below = known and key in subschemas
                if key in SCHEMA_MAPS and isinstance(value, dict):
                    new = self._map(key, value, inside, (*way, key), known=below)
                else:
                    new = self._child(value, inside, (*way, key), known=below)
            if new is not value:
                changed[key] = new
        return {**raw, **changed} if changed else raw

    def _child(self, raw: Any, inside: Resource, way: _Way, *, known: bool) -> Any:
        """A schema inside another one: a `$ref` if it is a resource of its own."""
        if isinstance(raw, dict):
            resource = self._references.embedded(raw, inside)
            if resource is not inside:
                if known:
                    self._places[id(resource)] = way
                    self._met.append(resource)
                return {"$ref": self._uri(resource)}
        return self._schema(raw, inside, way, known=known)

    def _map(self, keyword: str, schemas: dict[str, Any], inside: Resource, way: _Way, *, known: bool) -> Any:
        new: dict[str, Any] = {}
        changed = False
        for name, value in schemas.items():
            child = self._child(value, inside, (*way, name), known=known)
            key = self._pattern(name, inside, (*way, name), known=known) if keyword == "patternProperties" else name
            if key in new:
                # Two notations of one pattern: both schemas count.
                child = {"allOf": [new[key], child]}
            new[key] = child
            changed = changed or child is not value or key != name
        return new if changed else schemas

    def _string(self, key: str, value: str, raw: dict[str, Any], inside: Resource, way: _Way, *, known: bool) -> str:
        """A keyword's value that is a string; the same object if nothing changes."""
        if key == "$schema":
            # Without a URI of its own a schema has the draft of what is around it; the library would heed this one.
            return value if raw is inside.raw else inside.dialect.uri
        if key == "pattern":
            return self._pattern(value, inside, (*way, key), known=known)
        if key in _URIS and key not in (inside.dialect.id_keyword, "$anchor", "$dynamicAnchor"):
            return value
        if known:
            self._check_uri(key, value, (*way, key))
            if key != "$ref":
                self._check_anchors(raw, inside, way)
        plain = normal(value)
        if key in _REFERENCES:
            plain = self._target(value, plain, inside)
        return value if plain == value else plain

    def _target(self, reference: str, plain: str, inside: Resource) -> str:
        found = self._references.find(reference, inside)
        if not isinstance(found, Target):
            return plain
        fragment = f"#{found.fragment}" if found.fragment else ""
        if found.resource is not inside:
            return self._uri(found.resource) + fragment
        # `#name` may be found dynamically, so only its resource may be spelled otherwise.
        return plain if plain.startswith("#") else fragment or "#"

    def _pattern(self, pattern: str, inside: Resource, way: _Way, *, known: bool) -> str:
        self._budget.spend(1 + len(pattern) // _CHARACTERS_OF_A_STEP)
        try:
            new = translated(pattern, plain=inside.dialect.plain_patterns)
        except PatternError as error:
            if known:
                self._fault(
                    way,
                    f"the pattern '{shortened(pattern)}' is not a regular expression of ECMA-262: {error}",
                    f"Correct '{error.part}' in the pattern.",
                )
            return pattern
        if new != pattern:
            self._documents.written.setdefault(new, pattern)
        return new

    def _check_uri(self, key: str, value: str, way: _Way) -> None:
        character = forbidden(value)
        if character and key not in ("$anchor", "$dynamicAnchor"):
            fix = f"Percent-encode it: write '{shortened(normal(value))}'."
            self._fault(way, f"the {key} '{shortened(value)}' is not a URI: it has the character {character!r}", fix)

    def _check_anchors(self, raw: dict[str, Any], inside: Resource, way: _Way) -> None:
        place = pointer(way)
        for name in anchors_of(raw, inside.dialect):
            other = self._anchors.setdefault((id(inside), name), place)
            if other != place:
                cause = f"the anchor '{shortened(name)}' is also that of '#{shortened(other)}'"
                self._fault(way, cause, "Give one of them another name.")

    def _fault(self, way: _Way, cause: str, fix: str) -> None:
        place = "#" + pointer(way)
        message = f"Not a valid JSON Schema at '{place}': {cause}"
        self._documents.faults.append(Finding(code="json.METASCHEMA", message=message, path=place, fix=fix))
