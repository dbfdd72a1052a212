"""Content models: what a schema says of the properties and items it does not declare, and what follows from it.

The rules for added and removed properties and items are the tables here. An addition is judged by the writer's model
(could the writer have sent something of that name?), a removal by the reader's (does the reader still accept it?).
"""

import enum

from llm_schema_registry.formats.json_schema.model import ArrayNode, Node, ObjectNode
from llm_schema_registry.formats.json_schema.patterns import matches


class ContentModel(enum.Enum):
    """Whether undeclared properties or items are free, must fulfil a schema, or are refused."""

    OPEN = enum.auto()
    PARTIALLY_OPEN = enum.auto()
    CLOSED = enum.auto()


class Added(enum.Enum):
    """Added properties: optional (`EMPTY` if they accept every value), or required with a default or without."""

    EMPTY = enum.auto()
    OPTIONAL = enum.auto()
    DEFAULTED = enum.auto()
    REQUIRED = enum.auto()


OPEN, PARTIALLY_OPEN, CLOSED = ContentModel

PROPERTY_ADDED = {
    (OPEN, Added.EMPTY): "PROPERTY_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
    (OPEN, Added.OPTIONAL): "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
    (OPEN, Added.DEFAULTED): "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
    (OPEN, Added.REQUIRED): "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
    (PARTIALLY_OPEN, Added.EMPTY): "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
    (PARTIALLY_OPEN, Added.OPTIONAL): "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
    (PARTIALLY_OPEN, Added.DEFAULTED): "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL",
    (PARTIALLY_OPEN, Added.REQUIRED): "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
    (CLOSED, Added.EMPTY): "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
    (CLOSED, Added.OPTIONAL): "OPTIONAL_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
    (CLOSED, Added.DEFAULTED): "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_UNOPEN_CONTENT_MODEL",
    (CLOSED, Added.REQUIRED): "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
}
"""The difference for an added property, by the writer's model; a partially open one must cover it besides."""

ITEM_ADDED = {
    (OPEN, True): "ITEM_WITH_EMPTY_SCHEMA_ADDED_TO_OPEN_CONTENT_MODEL",
    (OPEN, False): "ITEM_ADDED_TO_OPEN_CONTENT_MODEL",
    (CLOSED, True): "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL",
    (CLOSED, False): "ITEM_ADDED_TO_CLOSED_CONTENT_MODEL",
}
"""The difference for an added item, by the writer's model and whether it accepts every value."""

REMOVED = {
    (OPEN, True): "{what}_REMOVED_FROM_OPEN_CONTENT_MODEL",
    (OPEN, False): "{what}_REMOVED_FROM_OPEN_CONTENT_MODEL",
    (CLOSED, True): "{what}_WITH_FALSE_REMOVED_FROM_CLOSED_CONTENT_MODEL",
    (CLOSED, False): "{what}_REMOVED_FROM_CLOSED_CONTENT_MODEL",
}
"""The difference for something removed, by the reader's model and whether its schema was `false`."""

COVERED = {
    True: "{what}_{change}_IS_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
    False: "{what}_{change}_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL",
}
"""The difference for a change inside a partially open model, by whether the schema of the undeclared covers it."""


def _by_rest(rest: Node | bool | None) -> tuple[ContentModel, Node | None]:
    """The model by what is said of the undeclared; `unevaluated…` says nothing beside `additional…`."""
    if isinstance(rest, Node):
        return PARTIALLY_OPEN, rest
    return (CLOSED if rest is False else OPEN), None


def of_property(node: ObjectNode, name: str) -> tuple[ContentModel, Node | None]:
    """The content model for a property of this name, and the schema that covers it in a partially open one.

    As the Confluent registry has it, a model with `patternProperties` of which none matches is closed unless
    `additionalProperties` is a schema.
    """
    for pattern, covering in node.patterns:
        if matches(pattern, name):
            return PARTIALLY_OPEN, covering
    model, rest = _by_rest(node.unevaluated if node.additional is None else node.additional)
    return (CLOSED, None) if node.patterns and model is OPEN else (model, rest)


def of_items(node: ArrayNode) -> tuple[ContentModel, Node | None]:
    """The content model for items after a tuple, and the schema that covers them in a partially open one.

    `additionalItems` without a tuple constrains nothing.
    """
    return _by_rest(node.unevaluated if node.prefix is None or node.additional is None else node.additional)


def openness(node: ObjectNode) -> str:
    """Why the model is open, in the words of a finding."""
    if node.additional is None:
        return "the content model is open because additionalProperties is absent"
    return "the content model is open because additionalProperties is true"
