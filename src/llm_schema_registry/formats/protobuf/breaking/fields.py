"""What changed between two fields, as far as profiles are concerned: type, cardinality, default, oneof, options."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2 as pb
from google.protobuf.descriptor import FieldDescriptor

from llm_schema_registry.core.findings import shortened
from llm_schema_registry.formats.profiles import ProfileDifference
from llm_schema_registry.formats.protobuf.breaking.rules import PROFILE_RULES
from llm_schema_registry.formats.protobuf.features import JAVA
from llm_schema_registry.formats.protobuf.linked import LinkedEnum, LinkedField

_TYPE_NAMES: Final[dict[int, str]] = {
    number: name.removeprefix("TYPE_").lower() for name, number in pb.FieldDescriptorProto.Type.items()
}
_NAMED: Final = frozenset((FieldDescriptor.TYPE_MESSAGE, FieldDescriptor.TYPE_GROUP, FieldDescriptor.TYPE_ENUM))
# Types within one group can be read as each other; a type that is in none is alone.
_WIRE_GROUPS: Final = {
    FieldDescriptor.TYPE_INT32: "varint",
    FieldDescriptor.TYPE_INT64: "varint",
    FieldDescriptor.TYPE_UINT32: "varint",
    FieldDescriptor.TYPE_UINT64: "varint",
    FieldDescriptor.TYPE_BOOL: "varint",
    FieldDescriptor.TYPE_SINT32: "zigzag",
    FieldDescriptor.TYPE_SINT64: "zigzag",
    FieldDescriptor.TYPE_FIXED32: "fixed32",
    FieldDescriptor.TYPE_SFIXED32: "fixed32",
    FieldDescriptor.TYPE_FIXED64: "fixed64",
    FieldDescriptor.TYPE_SFIXED64: "fixed64",
}
_JSON_GROUPS: Final = {
    FieldDescriptor.TYPE_INT32: "int32",
    FieldDescriptor.TYPE_UINT32: "int32",
    FieldDescriptor.TYPE_INT64: "int64",
    FieldDescriptor.TYPE_UINT64: "int64",
    FieldDescriptor.TYPE_FIXED32: "fixed32",
    FieldDescriptor.TYPE_SFIXED32: "fixed32",
    FieldDescriptor.TYPE_FIXED64: "fixed64",
    FieldDescriptor.TYPE_SFIXED64: "fixed64",
}
_INT64S: Final = frozenset(
    (
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_SINT64,
        FieldDescriptor.TYPE_FIXED64,
        FieldDescriptor.TYPE_SFIXED64,
    )
)
_IMPLICIT, _EXPLICIT, _REQUIRED, _REPEATED, _MAP = (
    "single without presence",
    "single with presence",
    "required",
    "repeated",
    "a map",
)
_WIRE_CARDINALITIES: Final = {_IMPLICIT: "single", _EXPLICIT: "single", _REPEATED: "many", _MAP: "many"}
_JSON_CARDINALITIES: Final = {_IMPLICIT: "single", _EXPLICIT: "single"}
_WIRE_TYPE: Final = "FIELD_WIRE_COMPATIBLE_TYPE"
_TYPE_TIERS: Final = (_WIRE_TYPE, "FIELD_WIRE_JSON_COMPATIBLE_TYPE", "FIELD_SAME_TYPE")


def found(rule: str, path: str, old: object = "", new: object = "") -> ProfileDifference:
    """A difference against the rule of that name."""
    return ProfileDifference(PROFILE_RULES[rule], "#" + path, shortened(str(old)), shortened(str(new)))


def field_differences(
    new: LinkedField, old: LinkedField, path: str, oneofs: tuple[str | None, str | None] = (None, None)
) -> Iterator[ProfileDifference]:
    """What changed between two fields or extensions with the same number, that are in `oneofs` (new and old)."""
    if new.name != old.name:
        yield found("FIELD_SAME_NAME", path, old.name, new.name)
    elif new.json_name != old.json_name:
        yield found("FIELD_SAME_JSON_NAME", path, old.json_name, new.json_name)
    type_rule = _type_rule(new, old)
    if type_rule is not None:
        yield found(type_rule, path, _type_text(old), _type_text(new))
    new_oneof, old_oneof = oneofs
    if new_oneof != old_oneof:
        yield found("FIELD_SAME_ONEOF", path, _oneof_text(old_oneof), _oneof_text(new_oneof))
    cardinality_rule = _cardinality_rule(new, old)
    # Presence follows the type and the oneof.
    implied = type_rule is not None or new_oneof != old_oneof
    if cardinality_rule is not None and not (implied and cardinality_rule == "FIELD_SAME_CARDINALITY"):
        yield found(cardinality_rule, path, _cardinality(old), _cardinality(new))
    if type_rule != _WIRE_TYPE and not _same_default(new, old):
        yield found("FIELD_SAME_DEFAULT", path, _default_text(old), _default_text(new))
    yield from _option_differences(new, old, path)


def _type_rule(new: LinkedField, old: LinkedField) -> str | None:
    """The strictest rule that a change of the type is against."""
    new_entry, old_entry = new.map_entry, old.map_entry
    if new_entry is None or old_entry is None:
        return _item_rule(new, old)
    rules = _item_rule(new_entry[0], old_entry[0]), _item_rule(new_entry[1], old_entry[1])
    return next((rule for rule in _TYPE_TIERS if rule in rules), None)


def _item_rule(new: LinkedField, old: LinkedField) -> str | None:
    wire, json, source = _TYPE_TIERS
    if new.type != old.type:
        if old.type == FieldDescriptor.TYPE_STRING and new.type == FieldDescriptor.TYPE_BYTES:
            return json
        if _group(_WIRE_GROUPS, new.type) != _group(_WIRE_GROUPS, old.type):
            return wire
        return source if _group(_JSON_GROUPS, new.type) == _group(_JSON_GROUPS, old.type) else json
    if new.type not in _NAMED or _named_text(new) == _named_text(old):
        return None
    return source if _extends(new.enum, old.enum) else wire


def _group(groups: dict[int, str], kind: int) -> str | int:
    return groups.get(kind, kind)


def _extends(new: LinkedEnum | None, old: LinkedEnum | None) -> bool:
    """Whether an enum is another one moved to another place, perhaps with more constants."""
    if new is None or old is None or new.proto.name != old.proto.name:
        return False
    constants = {value.name: value.number for value in new.proto.value}
    return all(constants.get(value.name) == value.number for value in old.proto.value)


def _named_text(field: LinkedField) -> str:
    """The name of the type of a field, below the package if it is of the package of the field's own file."""
    return field.file.text_name(field.proto.type_name)


def _type_text(field: LinkedField) -> str:
    entry = field.map_entry
    if entry is not None:
        return f"map<{_type_text(entry[0])}, {_type_text(entry[1])}>"
    if field.type == FieldDescriptor.TYPE_GROUP:
        return f"group {_named_text(field)}"
    return _named_text(field) if field.type in _NAMED else _TYPE_NAMES[field.type]


def _cardinality(field: LinkedField) -> str:
    if field.map_entry is not None:
        return _MAP
    if field.is_repeated:
        return _REPEATED
    if field.is_required:
        return _REQUIRED
    return _EXPLICIT if field.has_presence else _IMPLICIT


def _cardinality_rule(new: LinkedField, old: LinkedField) -> str | None:
    one, other = _cardinality(new), _cardinality(old)
    if one == other:
        return None
    if _WIRE_CARDINALITIES.get(one) != _WIRE_CARDINALITIES.get(other):
        return "FIELD_WIRE_COMPATIBLE_CARDINALITY"
    same = _JSON_CARDINALITIES.get(one, one) == _JSON_CARDINALITIES.get(other, other)
    return "FIELD_SAME_CARDINALITY" if same else "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY"


def _oneof_text(name: str | None) -> str:
    return "no oneof" if name is None else f"oneof {name}"


def _same_default(new: LinkedField, old: LinkedField) -> bool:
    one, other = _default(new), _default(old)
    return one is None or other is None or one == other


def _default(field: LinkedField) -> Any:
    """The default as it is compared: floats as text, for the sake of NaN and the sign of zero."""
    value = field.default
    return repr(value) if isinstance(value, float) else value


def _default_text(field: LinkedField) -> str:
    value, text = field.default, field.proto.default_value
    if field.enum is not None:
        return text or str(field.enum.proto.value[0].name)
    if field.type == FieldDescriptor.TYPE_STRING:
        return repr(text)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _option_differences(new: LinkedField, old: LinkedField, path: str) -> Iterator[ProfileDifference]:
    if new.type in _INT64S and old.type in _INT64S:
        one, other = new.proto.options.jstype, old.proto.options.jstype
        if one != other:
            names = pb.FieldOptions.JSType.Name
            yield found("FIELD_SAME_JSTYPE", path, names(other), names(one))
    if new.is_text and old.is_text and new.cpp_string_type != old.cpp_string_type:
        yield found("FIELD_SAME_CPP_STRING_TYPE", path, old.cpp_string_type, new.cpp_string_type)
    yield from _utf8_differences(new, old, path)


def _utf8_differences(new: LinkedField, old: LinkedField, path: str) -> Iterator[ProfileDifference]:
    new_items, old_items = new.map_entry or (new,), old.map_entry or (old,)
    if len(new_items) != len(old_items):
        return
    for new_item, old_item in zip(new_items, old_items, strict=True):
        if {new_item.type, old_item.type} != {FieldDescriptor.TYPE_STRING}:
            continue
        old_check, new_check = _utf8_check(old_item), _utf8_check(new_item)
        if old_check != new_check:
            yield found("FIELD_SAME_UTF8_VALIDATION", path, old_check, new_check)
            return
        old_java, new_java = _java_check(old_item), _java_check(new_item)
        if old_java != new_java:
            yield found("FIELD_SAME_JAVA_UTF8_VALIDATION", path, old_java, new_java)
            return


def _utf8_check(field: LinkedField) -> str:
    return field.features.value("utf8_validation")


def _java_check(field: LinkedField) -> str:
    """Whether Java verifies a string: its own feature or the option of the file adds to the check of all languages."""
    verified = field.file.proto.options.java_string_check_utf8 or (
        field.features.value("utf8_validation", JAVA) == "VERIFY"
    )
    return "VERIFY" if verified else _utf8_check(field)
