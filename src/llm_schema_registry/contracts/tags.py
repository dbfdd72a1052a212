"""Tags of the records and fields of a schema: their form on the wire, and those that metadata gives by pattern."""

import re
from collections.abc import Iterable, Mapping

import msgspec

from llm_schema_registry.contracts.metadata import Metadata
from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats import Entity, EntityKind

EVERY_TAG = "*"
_CHARACTERS_OF_A_STEP = 16
# The wildcards for any number of characters, and the character that each stops at.
_MANY = {"**": "", "*": "."}
_PIECE = re.compile(r"\*\*|\*|\?|[^*?]+")


class SchemaEntity(msgspec.Struct, frozen=True, rename="camel"):
    """A record or a field of a schema (see `Entity`)."""

    entity_path: str
    entity_type: EntityKind


class SchemaTags(msgspec.Struct, frozen=True, rename="camel"):
    """A record or a field, and tags of it."""

    schema_entity: SchemaEntity
    tags: list[str]


def by_entity(listed: Iterable[SchemaTags] | None) -> dict[Entity, tuple[str, ...]]:
    """A list of tagged entities as a table; tags of an entity that is named twice are united."""
    found: dict[Entity, tuple[str, ...]] = {}
    for each in listed or ():
        entity = Entity(each.schema_entity.entity_path, each.schema_entity.entity_type)
        found[entity] = (*found.get(entity, ()), *each.tags)
    return found


def tags_in_all(
    inline: Mapping[Entity, tuple[str, ...]], metadata: Metadata | None, budget: Budget
) -> dict[Entity, tuple[str, ...]]:
    """The inline tags of each entity with those that metadata gives it by a path pattern.

    In a pattern `?` stands for a character and `*` for any number of them within a name, `**` for any across names.

    Raises:
        BudgetExceededError: too many or too long patterns and paths.
    """
    patterns = [(_PIECE.findall(pattern), tags) for pattern, tags in ((metadata and metadata.tags) or {}).items()]
    found: dict[Entity, tuple[str, ...]] = {}
    for entity, tags in inline.items():
        path = entity.path.lstrip(".")
        more = (tag for pattern, given in patterns if _matches(pattern, path, budget) for tag in given)
        found[entity] = tuple(dict.fromkeys((*tags, *more)))
    return found


def listed_tags(tags: Mapping[Entity, tuple[str, ...]], wanted: Iterable[str]) -> list[SchemaTags]:
    """The entities that have one of the wanted tags (`EVERY_TAG`: any), with all tags they have."""
    searched = set(wanted)
    return [
        SchemaTags(SchemaEntity(entity.path, entity.kind), list(found))
        for entity, found in tags.items()
        if found and (EVERY_TAG in searched or not searched.isdisjoint(found))
    ]


def _matches(pattern: list[str], path: str, budget: Budget) -> bool:
    """Whether a path matches, in time of the product of both lengths; a backtracking search could be exponential."""
    budget.spend(1 + len(path) * len(pattern) // _CHARACTERS_OF_A_STEP)
    # The places in the path that the pieces so far can end at.
    places = {0}
    for piece in pattern:
        if piece in _MANY:
            places = _spread(places, path, _MANY[piece])
        elif piece == "?":
            places = {place + 1 for place in places if place < len(path) and path[place] != "."}
        else:
            places = {place + len(piece) for place in places if path.startswith(piece, place)}
        if not places:
            return False
    return len(path) in places


def _spread(places: set[int], path: str, stop: str) -> set[int]:
    """Every place from one of `places` on, up to the next `stop`."""
    spread: set[int] = set()
    reached = False
    for place in range(len(path) + 1):
        reached = reached or place in places
        if reached:
            spread.add(place)
            reached = place == len(path) or path[place] != stop
    return spread
