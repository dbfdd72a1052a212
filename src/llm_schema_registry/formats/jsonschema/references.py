"""Resolving `$ref` without ever fetching: the schema itself, its declared references, the bundled metaschemas."""

import functools
import importlib.resources
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote, urljoin

import jsonschema_rs
import msgspec

from llm_schema_registry.budget import Budget
from llm_schema_registry.findings import Finding, shortened
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError
from llm_schema_registry.formats.jsonschema.canonical import read_json
from llm_schema_registry.formats.jsonschema.dialects import Dialect, dialect_of

# Their contents are data, not schemas: an `$id` or `$ref` in there means nothing.
DATA_KEYWORDS = frozenset({"enum", "const", "default", "examples"})


class Resource:
    """A schema that has a URI of its own: a document, or a part of one with `$id`.

    Attributes:
        uri: its absolute URI (or the name it was registered under), without fragment.
        raw: its JSON value.
        dialect: how it is read.
        inside_root: whether it is a part of the schema itself, not of what it refers to.
        anchors: its plain-name fragments.
    """

    __slots__ = ("anchors", "dialect", "inside_root", "raw", "uri")

    def __init__(self, uri: str, raw: Any, dialect: Dialect, *, inside_root: bool) -> None:
        self.uri = uri
        self.raw = raw
        self.dialect = dialect
        self.inside_root = inside_root
        self.anchors: dict[str, Any] = {}


def join(base: str, reference: str) -> str:
    """`reference` resolved against `base`; also against bases of which `urllib` knows no hierarchy."""
    if reference.startswith("#"):
        return base + reference
    try:
        return urljoin(base, reference)
    except ValueError:
        return reference


@functools.cache
def _metaschemas() -> dict[str, Any]:
    text = importlib.resources.files(__package__).joinpath("metaschemas.json").read_bytes()
    documents: list[dict[str, Any]] = msgspec.json.decode(text)
    return {(document.get("$id") or document["id"]).removesuffix("#"): document for document in documents}


def _own_uri(raw: Any, dialect: Dialect) -> str | None:
    """The URI that a schema gives itself, without fragment; `None` if it has none or only an anchor."""
    if not isinstance(raw, dict) or (dialect.ref_hides_siblings and "$ref" in raw):
        return None
    own = raw.get(dialect.id_keyword)
    return own.partition("#")[0] or None if isinstance(own, str) else None


class References:
    """Everything that the `$ref`s of one schema can mean.

    Args:
        raw: the schema.
        dependencies: its declared references, by name; the name is the URI that `$ref` uses.
        budget: bounds the search for embedded `$id`s.

    Raises:
        InvalidSchemaError: a dependency is no JSON.
    """

    def __init__(self, raw: Any, dependencies: Sequence[Dependency], budget: Budget) -> None:
        self._budget = budget
        dialect = dialect_of(raw)
        self.root = Resource(_own_uri(raw, dialect) or "", raw, dialect, inside_root=True)
        self._resources = {self.root.uri: self.root}
        self._unindexed = [self.root]
        self._by_name: dict[str, Resource] = {}
        for dependency in dependencies:
            self._declare(dependency)
        # URI as the validator library will ask for it -> document; filled by what is really referred to.
        self._external: dict[str, Any] = {}

    def _declare(self, dependency: Dependency) -> None:
        raw = read_json(dependency.text)
        dialect = dialect_of(raw, self.root.dialect)
        name = dependency.name.partition("#")[0]
        resource = Resource(_own_uri(raw, dialect) or join(self.root.uri, name), raw, dialect, inside_root=False)
        self._by_name[name] = resource
        self._unindexed.append(resource)
        self._resources.setdefault(join(self.root.uri, name), resource)
        self._resources.setdefault(resource.uri, resource)

    def embedded(self, raw: dict[str, Any], inside: Resource) -> Resource:
        """The resource that `raw`, a subschema of `inside`, belongs to: its own if it has an `$id`, else `inside`."""
        own = _own_uri(raw, inside.dialect)
        if own is None or raw is inside.raw:
            return inside
        self._index()
        found = self._resources.get(join(inside.uri, own))
        return found if found is not None and found.raw is raw else inside

    def resolve(self, reference: str, inside: Resource) -> tuple[Any, Resource]:
        """The schema that a `$ref` inside a resource means, and the resource it belongs to.

        Raises:
            InvalidSchemaError: it means nothing that is known here. Nothing is fetched or read.
        """
        uri, _, fragment = join(inside.uri, reference).partition("#")
        resource = inside if uri == inside.uri else self._find(uri, reference.partition("#")[0])
        if resource is None:
            raise _unknown(reference)
        if not fragment:
            return resource.raw, resource
        found = self._pointed(resource, fragment) if fragment.startswith("/") else self._anchored(resource, fragment)
        if found is None:
            message = f"The $ref '{shortened(reference)}' points to a place that does not exist"
            raise InvalidSchemaError(message, [Finding(code="json.UNRESOLVED_REF", message=message, new=reference)])
        return found

    def _find(self, uri: str, name: str) -> Resource | None:
        found = self._resources.get(uri) or self._by_name.get(name)
        if found is None:
            self._index()
            found = self._resources.get(uri)
        if found is None and uri in _metaschemas():
            raw = _metaschemas()[uri]
            found = self._resources[uri] = Resource(uri, raw, dialect_of(raw), inside_root=False)
            self._unindexed.append(found)
        if found is not None and not found.inside_root:
            for asked in (uri, name, join(self.root.uri, name)):
                self._external.setdefault(asked, found.raw)
        return found

    def _pointed(self, resource: Resource, pointer: str) -> tuple[Any, Resource] | None:
        value = resource.raw
        for step in unquote(pointer).split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key in map(str, range(len(value))):
                value = value[int(key)]
            else:
                return None
            if isinstance(value, dict):
                resource = self.embedded(value, resource)
        return value, resource

    def _anchored(self, resource: Resource, anchor: str) -> tuple[Any, Resource] | None:
        self._index()
        raw = resource.anchors.get(anchor)
        return None if raw is None else (raw, resource)

    def _index(self) -> None:
        """Finds the `$id`s and anchors inside all documents; needed by few schemas, so done on the first question."""
        pending: list[tuple[Any, Resource]] = [(document.raw, document) for document in self._unindexed]
        self._unindexed.clear()
        while pending:
            value, resource = pending.pop()
            self._budget.spend()
            if isinstance(value, dict):
                resource = self._noted(value, resource)
                pending.extend((child, resource) for key, child in value.items() if key not in DATA_KEYWORDS)
            elif isinstance(value, list):
                pending.extend((child, resource) for child in value)

    def _noted(self, value: dict[str, Any], resource: Resource) -> Resource:
        own = _own_uri(value, resource.dialect)
        if own is not None and value is not resource.raw:
            uri = join(resource.uri, own)
            resource = self._resources.setdefault(
                uri,
                Resource(uri, value, dialect_of(value, resource.dialect), inside_root=resource.inside_root),
            )
        names: tuple[Any, ...]
        if resource.dialect.is_2019:
            names = (value.get("$anchor"), value.get("$dynamicAnchor"))
        else:
            names = (str(value.get(resource.dialect.id_keyword, "")).partition("#")[2],)
        for name in names:
            if isinstance(name, str) and name:
                resource.anchors.setdefault(name, value)
        return resource

    def registry(self) -> jsonschema_rs.Registry | None:
        """The documents outside the schema that its `$ref`s reach, for the validator library."""
        if not self._external:
            return None
        documents = [(uri, raw) for uri, raw in self._external.items() if uri]
        return jsonschema_rs.Registry(documents, draft=self.root.dialect.draft)


def _unknown(reference: str) -> InvalidSchemaError:
    message = (
        f"The $ref '{shortened(reference)}' is unknown. References are never fetched: register that schema under a "
        "subject and declare it in 'references' with this URI as its name"
    )
    finding = Finding(
        code="json.UNRESOLVED_REF",
        message=message,
        new=shortened(reference),
        fix=f'Add {{"name": "{shortened(reference)}", "subject": …, "version": …}} to the references of the request.',
    )
    return InvalidSchemaError(message, [finding])
