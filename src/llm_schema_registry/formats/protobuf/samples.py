"""Payloads of a schema, made from the schema alone: the material of the search for witnesses.

Every message of the file has samples, since a payload may be any of them. Each differs from the message's simplest
value in one field, but for those in which all fields are set; so their number grows with the size of the schema,
and not with the product of its choices. What a message holds is gone through where it is met first only.
"""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.formats.protobuf.descriptor_options import map_entry_of
from llm_schema_registry.formats.protobuf.payload import TYPE_KEY, ProtobufValidator, has_type_key
from llm_schema_registry.formats.protobuf.protojson.messages import has_no_object_form

# Both together stay below the depth at which payloads are refused.
_MAX_DEPTH: Final = 12
_MAX_REQUIRED_DEPTH: Final = 60
_PER_TURN: Final = 8
_MAX_ENUM_NUMBER: Final = 2**31 - 1

# Of each scalar: zero, an ordinary value, others of interest, the largest, the smallest. 64-bit integers are
# strings in JSON.
_INT32 = (0, 5, 1, -1, 2**31 - 1, -(2**31))
_UINT32 = (0, 5, 1, 2**31, 2**32 - 1)
_INT64 = ("0", "5", "1", "-1", str(2**31), str(2**32), str(2**63 - 1), str(-(2**63)))
_UINT64 = ("0", "5", "1", str(2**32), str(2**63), str(2**64 - 1))
_SPECIAL = ("NaN", "Infinity", "-Infinity")
_SCALARS: Final[dict[int, tuple[Any, ...]]] = {
    FieldDescriptor.TYPE_INT32: _INT32,
    FieldDescriptor.TYPE_SINT32: _INT32,
    FieldDescriptor.TYPE_SFIXED32: _INT32,
    FieldDescriptor.TYPE_UINT32: _UINT32,
    FieldDescriptor.TYPE_FIXED32: _UINT32,
    FieldDescriptor.TYPE_INT64: _INT64,
    FieldDescriptor.TYPE_SINT64: _INT64,
    FieldDescriptor.TYPE_SFIXED64: _INT64,
    FieldDescriptor.TYPE_UINT64: _UINT64,
    FieldDescriptor.TYPE_FIXED64: _UINT64,
    FieldDescriptor.TYPE_BOOL: (False, True),
    FieldDescriptor.TYPE_FLOAT: (0.0, 1.5, *_SPECIAL, 3.4028234663852886e38, -3.4028234663852886e38),
    FieldDescriptor.TYPE_DOUBLE: (0.0, 1.5, 0.1, *_SPECIAL, 1.7976931348623157e308, -1.7976931348623157e308),
    FieldDescriptor.TYPE_STRING: ("", "text", "é☃😀"),
    FieldDescriptor.TYPE_BYTES: ("", "dGV4dA==", "AID/"),
}
_ORDINARY, _LARGEST, _SMALLEST = 1, -2, -1
_PICKS: Final = (_ORDINARY, _LARGEST, _SMALLEST)
_WELL_KNOWN: Final[dict[str, tuple[Any, ...]]] = {
    "google.protobuf.Timestamp": (
        "1970-01-01T00:00:00Z",
        "2026-01-31T12:00:00.500Z",
        "9999-12-31T23:59:59.999999999Z",
        "0001-01-01T00:00:00Z",
    ),
    "google.protobuf.Duration": ("0s", "1.5s", "315576000000s", "-315576000000s"),
    "google.protobuf.FieldMask": ("", "name", "name,address.city"),
    "google.protobuf.Struct": ({}, {"key": "text"}, {"key": {"inner": [1.5, None]}}),
    "google.protobuf.ListValue": ([], ["text"], ["text", 1.5, True, None]),
    "google.protobuf.Value": ("text", 1.5, True, None, [], {}),
    "google.protobuf.Any": ({},),
}


def samples(validator: ProtobufValidator, budget: Budget) -> Iterator[Any]:
    """Payloads of the messages of a file: the simplest of each, then all of the first message, then the others.

    Those of all messages but the first name theirs (see `ProtobufValidator.message_of`). A message that no finite
    value exists for has none.

    Raises:
        BudgetExceededError: too much work.
    """
    maker = _Samples(budget)
    messages = list(validator.messages())
    walks = [_named(maker, message, named=position > 0) for position, message in enumerate(messages)]
    if messages and has_type_key(messages[0]):
        del walks[1:]
    for walk in walks:
        yield from itertools.islice(walk, 1)
    yield from itertools.chain.from_iterable(walks[:1])
    # The others in turns, so that a large message does not use up the patience for the ones behind it.
    waiting = walks[1:]
    while waiting:
        turns = [(walk, list(itertools.islice(walk, _PER_TURN))) for walk in waiting]
        for _, values in turns:
            yield from values
        waiting = [walk for walk, values in turns if values]


def _named(maker: "_Samples", message: Descriptor, *, named: bool) -> Iterator[Any]:
    if not named:
        return maker.of_root(message)
    if has_no_object_form(message):
        return ({TYPE_KEY: message.full_name, "value": value} for value in maker.of_root(message))
    if has_type_key(message):
        return iter(())
    return ({TYPE_KEY: message.full_name, **value} for value in maker.of_root(message))


class _Samples:
    __slots__ = ("_budget", "_expanded", "_simplest")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._expanded: set[str] = set()
        # The simplest value of each message, `None` if every value would have to hold itself.
        self._simplest: dict[str, dict[str, Any] | None] = {}

    def of_root(self, message: Descriptor) -> Iterator[Any]:
        """The samples of a message as a whole payload."""
        well_known = _forms_of(message)
        if well_known is not None:
            yield from well_known
            return
        base = self._simplest_of(message, frozenset())
        if base is None:
            return
        self._expanded.add(message.full_name)
        yield base
        yield from self._varied(message, base, 1)
        # Members of two oneofs together: the place where a merge of the two loses one.
        for one, other in itertools.combinations(_oneofs(message), 2):
            for members in itertools.product(one.fields, other.fields):
                yield self._with(message, base, {field.json_name: self._picked(field, _ORDINARY) for field in members})

    def _varied(self, message: Descriptor, base: dict[str, Any], depth: int) -> Iterator[dict[str, Any]]:
        """One field set, for every field and each of its values; then all fields set, with each member of oneofs."""
        for field in message.fields:
            for value in self._values(field, depth):
                if value != base.get(field.json_name):
                    yield self._with(message, base, {field.json_name: value})
        yield from self._full(message, base)

    def _full(self, message: Descriptor, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
        oneofs = _oneofs(message)
        members = {field.number for oneof in oneofs for field in oneof.fields}
        alone = [field for field in message.fields if field.number not in members]
        choices = max([len(_PICKS), *(len(oneof.fields) for oneof in oneofs)])
        for choice in range(choices if len(message.fields) > 1 else 0):
            chosen = [*alone, *(oneof.fields[choice % len(oneof.fields)] for oneof in oneofs)]
            pick = _PICKS[choice] if choice < len(_PICKS) else _ORDINARY
            yield self._with(message, base, {field.json_name: self._picked(field, pick) for field in chosen})

    def _with(self, message: Descriptor, base: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
        self._budget.spend(1 + len(base) + len(values))
        # A message without a finite value is left out, a list of such is empty.
        return {**base, **{name: value for name, value in values.items() if value is not None}}

    def _values(self, field: FieldDescriptor, depth: int) -> Iterable[Any]:
        """The values of a field that is set."""
        map_entry = map_entry_of(field)
        if map_entry is not None:
            return self._maps(*map_entry, depth)
        if field.is_repeated:
            return self._lists(field, depth)
        return self._items(field, depth)

    def _maps(self, key: FieldDescriptor, value: FieldDescriptor, depth: int) -> Iterator[Any]:
        keys = [_key_text(item) for item in _leaves(key)]
        ordinary = self._item(value, _ORDINARY)
        if ordinary is None:
            return
        for text in keys:
            yield {text: ordinary}
        for item in self._items(value, depth):
            if item != ordinary:
                yield {keys[_ORDINARY]: item}
        yield dict.fromkeys(keys[:2], ordinary)

    def _lists(self, field: FieldDescriptor, depth: int) -> Iterator[Any]:
        first: list[Any] = []
        for item in self._items(field, depth):
            if len(first) < 3:
                first.append(item)
            yield [item]
        if len(first) > 1:
            yield first

    def _items(self, field: FieldDescriptor, depth: int) -> Iterable[Any]:
        """The values of one item of a field."""
        message = field.message_type
        if message is None:
            return _leaves(field)
        return _forms_of(message) or self._nested(message, depth)

    def _nested(self, message: Descriptor, depth: int) -> Iterator[Any]:
        self._budget.spend()
        base = self._simplest_of(message, frozenset())
        if base is None:
            return
        yield base
        if message.full_name in self._expanded or depth >= _MAX_DEPTH:
            yield from self._full_scalars(message, base)
        else:
            self._expanded.add(message.full_name)
            yield from self._varied(message, base, depth + 1)

    def _full_scalars(self, message: Descriptor, base: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for pick in _PICKS:
            full = self._scalars(message, base, pick)
            if full != base:
                yield full

    def _scalars(self, message: Descriptor, base: dict[str, Any], pick: int) -> dict[str, Any]:
        """The value of a message with all of its fields set that hold no message, and of each oneof one."""
        last_of_oneof: dict[str, FieldDescriptor] = {}
        for field in message.fields:
            if field.message_type is None:
                oneof = field.containing_oneof
                group = field.name if oneof is None else f"oneof {oneof.name}"
                if pick == _ORDINARY:
                    last_of_oneof.setdefault(group, field)
                else:
                    last_of_oneof[group] = field
        values = {field.json_name: self._picked(field, pick) for field in last_of_oneof.values()}
        return self._with(message, base, values)

    def _picked(self, field: FieldDescriptor, pick: int) -> Any:
        """One value of a field, `None` if it has none."""
        map_entry = map_entry_of(field)
        if map_entry is not None:
            value = self._item(map_entry[1], pick)
            return None if value is None else {_key_text(_leaves(map_entry[0])[pick]): value}
        value = self._item(field, pick)
        return [value, value] if field.is_repeated and value is not None else value

    def _item(self, field: FieldDescriptor, pick: int) -> Any:
        message = field.message_type
        if message is None:
            leaves = _leaves(field)
            return leaves[pick if len(leaves) > 1 else 0]
        forms = _forms_of(message)
        if forms is not None:
            return forms[min(pick, len(forms) - 1)] if pick >= 0 else forms[-1]
        base = self._simplest_of(message, frozenset())
        return None if base is None else self._scalars(message, base, pick)

    def _simplest_of(self, message: Descriptor, enclosing: frozenset[str]) -> dict[str, Any] | None:
        """The value with nothing but the required fields; `None` if it would hold one of the `enclosing` messages."""
        name = message.full_name
        if name in enclosing or len(enclosing) > _MAX_REQUIRED_DEPTH:
            return None
        if name not in self._simplest:
            self._budget.spend()
            value: dict[str, Any] | None = {}
            for field in message.fields:
                if not field.is_required or value is None:
                    continue
                found = self._simplest_item(field, enclosing | {name})
                value = None if found is None else {**value, field.json_name: found}
            self._simplest[name] = value
        return self._simplest[name]

    def _simplest_item(self, field: FieldDescriptor, enclosing: frozenset[str]) -> Any:
        message = field.message_type
        if message is None:
            return _leaves(field)[0]
        forms = _forms_of(message)
        return self._simplest_of(message, enclosing) if forms is None else forms[0]


def _oneofs(message: Descriptor) -> list[OneofDescriptor]:
    """The oneofs with a choice; an `optional` field is alone in one."""
    return [oneof for oneof in message.oneofs if len(oneof.fields) > 1]


def _forms_of(message: Descriptor) -> tuple[Any, ...] | None:
    """The values of a message that has its own form in JSON, `None` for all others."""
    forms = _WELL_KNOWN.get(message.full_name)
    if forms is None and has_no_object_form(message):
        return _leaves(message.fields_by_name["value"])
    return forms


def _leaves(field: FieldDescriptor) -> tuple[Any, ...]:
    """The values of a scalar."""
    return _SCALARS[field.type] if field.enum_type is None else _constants(field.enum_type)


def _constants(enum: EnumDescriptor) -> tuple[Any, ...]:
    """The names of an enum; of an open one also a number that has none."""
    names = tuple(value.name for value in enum.values)
    largest = max(value.number for value in enum.values)
    return names if enum.is_closed or largest == _MAX_ENUM_NUMBER else (*names, largest + 1)


def _key_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
