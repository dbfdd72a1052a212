"""Resolving `$ref` without ever fetching: the schema itself, its declared references, the bundled metaschemas."""

import difflib
import functools
import importlib.resources
import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import Finding, shortened
from llm_schema_registry.formats.format import Dependency
from llm_schema_registry.formats.json_schema.canonical import read_json
from llm_schema_registry.formats.json_schema.dialects import DATA_KEYWORDS, SCHEMA_MAPS, Dialect, dialect_of
from llm_schema_registry.formats.json_schema.pointers import pointer
from llm_schema_registry.formats.json_schema.uris import forbidden, join, normal, pointer_fragment

# The name of the anchor that `$recursiveAnchor` makes; no plain-name fragment has this character.
_RECURSIVE = "#"
_MAX_NAMED = 5
_MAX_CANDIDATES = 500
_MAX_COMPARED = 100


class Resource:
    """A schema that has a URI of its own: a document, or a part of one with `$id`.

    Attributes:
        uri: its absolute URI (or the name it was registered under), normal, without fragment.
        raw: its JSON value.
        dialect: how it is read.
        name: the declared name of the document it stands in; `None` in the schema itself.
        bundled: whether it is a metaschema that the validator library has too.
        anchors: its plain-name fragments, normal.
        dynamic_anchors: those among them that `$dynamicAnchor` makes.
    """

    __slots__ = ("anchors", "bundled", "dialect", "dynamic_anchors", "name", "raw", "uri")

    def __init__(self, uri: str, raw: Any, dialect: Dialect, name: str | None, *, bundled: bool = False) -> None:
        self.uri = uri
        self.raw = raw
        self.dialect = dialect
        self.name = name
        self.bundled = bundled
        self.anchors: dict[str, Any] = {}
        self.dynamic_anchors: dict[str, Any] = {}


class Target(NamedTuple):
    """What a `$ref` means.

    Attributes:
        raw: the JSON value, a schema if all is well.
        resource: the resource it belongs to.
        fragment: where it is in there, as a normal URI fragment; empty for the whole.
    """

    raw: Any
    resource: Resource
    fragment: str


class DynamicTarget(NamedTuple):
    """What a `$dynamicRef` or `$recursiveRef` means.

    Attributes:
        target: the schema.
        others: those that it may mean instead, depending on the way to the reference.
    """

    target: Target
    others: tuple[Any, ...] = ()


@functools.cache
def _metaschemas() -> dict[str, Any]:
    text = importlib.resources.files(__package__).joinpath("metaschemas.json").read_bytes()
    documents: list[dict[str, Any]] = msgspec.json.decode(text)
    return {(document.get("$id") or document["id"]).removesuffix("#"): document for document in documents}


def _own_uri(raw: Any, dialect: Dialect) -> str | None:
    """The URI that a schema gives itself, normal, without fragment; `None` if it has none or only an anchor."""
    if not isinstance(raw, dict) or (dialect.ref_hides_siblings and "$ref" in raw):
        return None
    own = raw.get(dialect.id_keyword)
    return normal(own).partition("#")[0] or None if isinstance(own, str) else None


def subschemas(raw: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """What may be a schema inside a schema, with the steps to it; keywords that no draft knows may hold schemas too."""
    for key, value in raw.items():
        if key in DATA_KEYWORDS:
            continue
        if isinstance(value, list):
            yield from (((key, index), child) for index, child in enumerate(value))
        elif key in SCHEMA_MAPS and isinstance(value, dict):
            yield from (((key, name), child) for name, child in value.items())
        elif isinstance(value, dict):
            yield (key,), value


class References:
    """Everything that the `$ref`s of one schema can mean.

    Args:
        raw: the schema.
        dependencies: its declared references, by name; the name is the URI that `$ref` uses. One that names no draft
            is read by the draft it was registered under, which is the default of a root.
        budget: bounds the search for embedded `$id`s.

    Raises:
        InvalidSchemaError: a dependency is not JSON.
    """

    def __init__(self, raw: Any, dependencies: Sequence[Dependency], budget: Budget) -> None:
        self._budget = budget
        dialect = dialect_of(raw)
        self.root = Resource(_own_uri(raw, dialect) or "", raw, dialect, None)
        self._resources = {self.root.uri: self.root}
        self._documents = [self.root]
        self._unindexed = [self.root]
        self._by_name: dict[str, Resource] = {}
        self._embedded: dict[int, Resource] = {}
        for dependency in dependencies:
            self._declare(dependency)

    def _declare(self, dependency: Dependency) -> None:
        raw = read_json(dependency.text)
        dialect = dialect_of(raw)
        name = normal(dependency.name).partition("#")[0]
        resource = Resource(_own_uri(raw, dialect) or join(self.root.uri, name), raw, dialect, dependency.name)
        self._by_name[name] = resource
        self._documents.append(resource)
        self._unindexed.append(resource)
        self._resources.setdefault(join(self.root.uri, name), resource)
        self._resources.setdefault(resource.uri, resource)

    def embedded(self, raw: dict[str, Any], inside: Resource) -> Resource:
        """The resource that `raw`, a subschema of `inside`, belongs to: its own if it has an `$id`, else `inside`."""
        if raw is inside.raw or ("$id" not in raw and "id" not in raw):
            return inside
        self._index()
        return self._embedded.get(id(raw), inside)

    def find(self, reference: str, inside: Resource) -> Target | Finding:
        """The schema that a `$ref` inside a resource means, or why there is none. Nothing is fetched or read."""
        written = normal(reference)
        uri, _, fragment = join(inside.uri, written).partition("#")
        resource = inside if uri == inside.uri else self._find(uri, written.partition("#")[0])
        if resource is None:
            return self._unknown(reference)
        if not fragment:
            return Target(resource.raw, resource, "")
        if fragment.startswith("/"):
            return self._pointed(reference, resource, fragment)
        self._index()
        if fragment in resource.anchors:
            return Target(resource.anchors[fragment], resource, fragment)
        anchors = {unquote(name): "#" + name for name in resource.anchors}
        return _missing(reference, f"there is no anchor '{shortened(fragment)}'", unquote(fragment), anchors)

    def find_dynamic(self, keyword: str, reference: str, inside: Resource) -> DynamicTarget | Finding:
        """The schema that `$dynamicRef` or `$recursiveRef` inside a resource means when validation begins at the root.

        It is that of the outermost resource that has the anchor, and the root is always the outermost. Without the
        anchor there, it is what `$ref` would mean, or depends on the way to the reference.
        """
        found = self.find(reference, inside)
        if isinstance(found, Finding):
            return found
        self._index()
        name = found.fragment if keyword == "$dynamicRef" else _RECURSIVE
        if found.resource.dynamic_anchors.get(name) is not found.raw:
            return DynamicTarget(found)
        if name in self.root.dynamic_anchors:
            target = Target(self.root.dynamic_anchors[name], self.root, found.fragment)
            return DynamicTarget(target)
        found_in = {id(each): each for each in self._all_resources() if name in each.dynamic_anchors}
        others = [each.dynamic_anchors[name] for each in found_in.values() if each is not found.resource]
        return DynamicTarget(found, tuple(others))

    def _all_resources(self) -> Iterator[Resource]:
        return itertools.chain(self._documents, self._resources.values(), self._embedded.values())

    def _find(self, uri: str, name: str) -> Resource | None:
        found = self._resources.get(uri) or self._by_name.get(name)
        if found is None:
            self._index()
            found = self._resources.get(uri)
        if found is None and uri in _metaschemas():
            raw = _metaschemas()[uri]
            found = self._resources[uri] = Resource(uri, raw, dialect_of(raw), uri, bundled=True)
            self._unindexed.append(found)
        return found

    def _pointed(self, reference: str, resource: Resource, fragment: str) -> Target | Finding:
        value = resource.raw
        walked: list[str | int] = []
        way: list[str | int] = []
        steps = [step.replace("~1", "/").replace("~0", "~") for step in unquote(fragment).split("/")[1:]]
        for index, key in enumerate(steps):
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key in map(str, range(len(value))):
                value = value[int(key)]
            else:
                names = {
                    name: f"{reference.partition('#')[0]}#{pointer_fragment(pointer([*way, name]))}"
                    for name in (value if isinstance(value, dict) else ())
                }
                rest = "/".join(steps[index:])
                where = f"'#{shortened(pointer(way))}' has no '{shortened(key)}'"
                return _missing(reference, where, rest if rest in names else key, names)
            walked.append(key)
            way.append(key)
            if isinstance(value, dict):
                entered = self.embedded(value, resource)
                if entered is not resource:
                    resource = entered
                    walked.clear()
        return Target(value, resource, pointer_fragment(pointer(walked)))

    def _index(self) -> None:
        """Finds the `$id`s and anchors inside all documents; needed by few schemas, so done on the first question.

        Under keywords that the draft does not know they count only if no other schema has the name.
        """
        pending: list[tuple[Any, Resource]] = [(document.raw, document) for document in self._unindexed]
        under_unknown: list[tuple[Any, Resource]] = []
        self._unindexed.clear()
        while pending or under_unknown:
            known = bool(pending)
            value, resource = (pending or under_unknown).pop()
            self._budget.spend()
            if isinstance(value, dict):
                resource = self._noted(value, resource)
                keywords = resource.dialect.subschemas
                for steps, child in subschemas(value):
                    (pending if known and steps[0] in keywords else under_unknown).append((child, resource))
            elif isinstance(value, list):
                (pending if known else under_unknown).extend((child, resource) for child in value)

    def _noted(self, value: dict[str, Any], resource: Resource) -> Resource:
        if value is not resource.raw:
            dialect = dialect_of(value, resource.dialect)
            own = _own_uri(value, dialect) or _own_uri(value, resource.dialect)
            if own is not None:
                resource = Resource(join(resource.uri, own), value, dialect, resource.name, bundled=resource.bundled)
                self._embedded[id(value)] = resource
                self._resources.setdefault(resource.uri, resource)
        for name in anchors_of(value, resource.dialect):
            resource.anchors.setdefault(name, value)
        if resource.dialect.is_2019:
            dynamic = value.get("$dynamicAnchor")
            if isinstance(dynamic, str):
                resource.dynamic_anchors.setdefault(normal(dynamic), value)
            if value.get("$recursiveAnchor") is True and value is resource.raw:
                resource.dynamic_anchors[_RECURSIVE] = value
        return resource

    def place(self, raw: Any) -> tuple[str, str | None]:
        """Where a schema stands: `#` and a JSON pointer, and the declared name of its document unless it is the root's.

        For messages: it searches all documents.
        """
        for document in self._documents:
            pending: list[tuple[Any, tuple[str | int, ...]]] = [(document.raw, ())]
            while pending:
                value, way = pending.pop()
                if value is raw:
                    return "#" + pointer(way), document.name
                if isinstance(value, dict):
                    pending.extend((child, (*way, *steps)) for steps, child in subschemas(value))
                elif isinstance(value, list):
                    pending.extend((child, (*way, index)) for index, child in enumerate(value))
        return "#", None

    def _unknown(self, reference: str) -> Finding:
        declared = [resource.name for resource in self._documents if resource.name is not None]
        named = ", ".join(map(repr, declared[:_MAX_NAMED])) + (", …" if len(declared) > _MAX_NAMED else "")
        known = f"Declared are {named}." if declared else "None is declared."
        written = normal(reference) if forbidden(reference) else reference
        asked = written.partition("#")[0]
        meant = _closest(asked, declared)
        entry = f'{{"name": "{shortened(asked)}", "subject": …, "version": …}}'
        fix = f"Add {entry} to the references of the request. {known}"
        if written != reference:
            fix = f"Write the $ref as '{shortened(written)}'. {fix}"
        return Finding(
            code="json.UNRESOLVED_REF",
            message=f"The $ref '{shortened(reference)}' is unknown. References are never fetched: register that schema "
            "under a subject and declare it in 'references' with this URI as its name",
            new=shortened(reference),
            fix=f"Did you mean '{meant}'? {fix}" if meant else fix,
        )


def anchors_of(raw: dict[str, Any], dialect: Dialect) -> list[str]:
    """The plain-name fragments that a schema gives itself, normal."""
    if dialect.is_2019:
        names = [raw.get("$anchor"), raw.get("$dynamicAnchor")]
    else:
        own = raw.get(dialect.id_keyword)
        names = [own.partition("#")[2]] if isinstance(own, str) else []
    return [normal(name) for name in names if isinstance(name, str) and name]


def _closest(name: str, known: Iterable[str]) -> str | None:
    """The name that was probably meant, if any; upper and lower case do not count."""
    candidates = {
        each.casefold(): each for each in itertools.islice(known, _MAX_CANDIDATES) if len(each) <= _MAX_COMPARED
    }
    meant = difflib.get_close_matches(name[:_MAX_COMPARED].casefold(), candidates, n=1, cutoff=0.7)
    return candidates[meant[0]] if meant else None


def _missing(reference: str, reason: str, name: str, known: dict[str, str]) -> Finding:
    """A place that is not there. `known`: the names there are instead, with the `$ref` that leads to each."""
    meant = name if name in known else _closest(name, known)
    listed = ", ".join(f"'{shortened(each, 80)}'" for each in itertools.islice(known, _MAX_NAMED))
    if meant is not None:
        fix = f"Did you mean '{known[meant]}'?"
    elif listed:
        more = ", …" if len(known) > _MAX_NAMED else ""
        fix = f"There are {listed}{more}: refer to one of them, or add the missing one."
    else:
        fix = "Correct the $ref, or add the schema it points to."
    return Finding(
        code="json.UNRESOLVED_REF",
        message=f"The $ref '{shortened(reference)}' points to a place that does not exist: {reason}",
        new=shortened(reference),
        fix=fix,
    )
