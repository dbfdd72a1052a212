"""Metadata of a schema: tags by field path, properties, and which properties are sensitive."""

from typing import TypeVar

import msgspec

_V = TypeVar("_V")

CONFLUENT_VERSION = "confluent:version"
RESERVED_FIELDS = "confluent:reserved"


class Metadata(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Metadata as the Confluent registry shapes it (also its form on the wire and at rest).

    Attributes:
        tags: path pattern (`**.ssn`) -> tags; matched by clients.
        properties: free names and values.
        sensitive: names of properties whose values are secret.
    """

    tags: dict[str, list[str]] | None = None
    properties: dict[str, str] | None = None
    sensitive: list[str] | None = None

    def property(self, name: str) -> str | None:
        """The value of one property, `None` when it is not set."""
        return (self.properties or {}).get(name)

    def with_property(self, name: str, value: str | None) -> "Metadata":
        """A copy in which `name` has `value`, or is absent for `None`."""
        properties = {k: v for k, v in (self.properties or {}).items() if k != name}
        if value is not None:
            properties[name] = value
        return msgspec.structs.replace(self, properties=properties)


def property_of(metadata: Metadata | None, name: str) -> str | None:
    """The value of one property of possibly absent metadata."""
    return None if metadata is None else metadata.property(name)


def merge_metadata(earlier: Metadata | None, later: Metadata | None) -> Metadata | None:
    """`later` laid over `earlier`: tags and properties per key, sensitive names united (Confluent's rule)."""
    if earlier is None or later is None:
        return later if earlier is None else earlier
    return Metadata(
        tags=_laid_over(earlier.tags, later.tags),
        properties=_laid_over(earlier.properties, later.properties),
        sensitive=_united(earlier.sensitive, later.sensitive),
    )


def same_but_for_version(one: Metadata | None, other: Metadata | None) -> bool:
    """Equality as identity lookup sees it (Confluent's rule): `confluent:version` counts only if both carry it.

    Metadata that holds nothing besides the marker equals absent metadata when the other side has none.
    """
    if property_of(one, CONFLUENT_VERSION) is None or property_of(other, CONFLUENT_VERSION) is None:
        one, other = without_version_marker(one), without_version_marker(other)
    return one == other


def without_version_marker(metadata: Metadata | None) -> Metadata | None:
    """Metadata without `confluent:version`, and `None` when nothing else is in it."""
    if metadata is None or metadata.property(CONFLUENT_VERSION) is None:
        return metadata
    bare = metadata.with_property(CONFLUENT_VERSION, None)
    if bare.properties:
        return bare
    bare = msgspec.structs.replace(bare, properties=None)
    return None if bare == Metadata() else bare


def _laid_over(earlier: dict[str, _V] | None, later: dict[str, _V] | None) -> dict[str, _V] | None:
    if earlier is None or later is None:
        return later if earlier is None else earlier
    return {**earlier, **later}


def _united(earlier: list[str] | None, later: list[str] | None) -> list[str] | None:
    if earlier is None or later is None:
        return later if earlier is None else earlier
    return sorted({*earlier, *later})
