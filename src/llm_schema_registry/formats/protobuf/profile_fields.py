"""What changed between two fields, as far as profiles are concerned: type, cardinality, default, oneof, options."""

from collections.abc import Iterator
from typing import Any, Final

from google.protobuf import descriptor_pb2 as pb
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from llm_schema_registry.findings import shortened
from llm_schema_registry.formats.profiles import ProfileDifference
from llm_schema_registry.formats.protobuf.descriptor_options import map_entry_of
from llm_schema_registry.formats.protobuf.profile_rules import PROFILE_RULES

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
    new: FieldDescriptor, old: FieldDescriptor, path: str, oneofs: tuple[str | None, str | None] = (None, None)
) -> Iterator[ProfileDifference]:
    """What changed between two fields or extensions with the same number, that are in `oneofs` (new and old)."""
    new_name, old_name = _name(new), _name(old)
    if new_name != old_name:
        yield found("FIELD_SAME_NAME", path, old_name, new_name)
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


def _name(field: FieldDescriptor) -> str:
    return local_name(field) if field.is_extension else str(field.name)


def local_name(element: Any) -> str:
    """The name of a type or extension below the package of its own file."""
    package, full_name = element.file.package, str(element.full_name)
    return full_name.removeprefix(f"{package}.") if package else full_name


def _type_rule(new: FieldDescriptor, old: FieldDescriptor) -> str | None:
    """The strictest rule that a change of the type is against."""
    new_entry, old_entry = map_entry_of(new), map_entry_of(old)
    if new_entry is None or old_entry is None:
        return _item_rule(new, old)
    rules = _item_rule(new_entry[0], old_entry[0]), _item_rule(new_entry[1], old_entry[1])
    return next((rule for rule in _TYPE_TIERS if rule in rules), None)


def _item_rule(new: FieldDescriptor, old: FieldDescriptor) -> str | None:
    wire, json, source = _TYPE_TIERS
    if new.type != old.type:
        if old.type == FieldDescriptor.TYPE_STRING and new.type == FieldDescriptor.TYPE_BYTES:
            return json
        if _group(_WIRE_GROUPS, new.type) != _group(_WIRE_GROUPS, old.type):
            return wire
        return source if _group(_JSON_GROUPS, new.type) == _group(_JSON_GROUPS, old.type) else json
    if new.type not in _NAMED or _named_text(new) == _named_text(old):
        return None
    return source if _extends(new.enum_type, old.enum_type) else wire


def _group(groups: dict[int, str], kind: int) -> str | int:
    return groups.get(kind, kind)


def _extends(new: EnumDescriptor | None, old: EnumDescriptor | None) -> bool:
    """Whether an enum is another one moved to another place, perhaps with more constants."""
    if new is None or old is None or new.name != old.name:
        return False
    constants = {value.name: value.number for value in new.values}
    return all(constants.get(value.name) == value.number for value in old.values)


def _named_text(field: Any) -> str:
    """The name of the type of a field, below the package if it is of the package of the field's own file."""
    name = str((field.message_type or field.enum_type).full_name)
    package = field.file.package
    return name.removeprefix(f"{package}.") if package else name


def _type_text(field: FieldDescriptor) -> str:
    entry = map_entry_of(field)
    if entry is not None:
        return f"map<{_type_text(entry[0])}, {_type_text(entry[1])}>"
    if field.type == FieldDescriptor.TYPE_GROUP:
        return f"group {_named_text(field)}"
    return _named_text(field) if field.type in _NAMED else _TYPE_NAMES[field.type]


def _cardinality(field: FieldDescriptor) -> str:
    if map_entry_of(field) is not None:
        return _MAP
    if field.is_repeated:
        return _REPEATED
    if field.is_required:
        return _REQUIRED
    return _EXPLICIT if field.has_presence else _IMPLICIT


def _cardinality_rule(new: FieldDescriptor, old: FieldDescriptor) -> str | None:
    one, other = _cardinality(new), _cardinality(old)
    if one == other:
        return None
    if _WIRE_CARDINALITIES.get(one) != _WIRE_CARDINALITIES.get(other):
        return "FIELD_WIRE_COMPATIBLE_CARDINALITY"
    same = _JSON_CARDINALITIES.get(one, one) == _JSON_CARDINALITIES.get(other, other)
    return "FIELD_SAME_CARDINALITY" if same else "FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY"


def _oneof_text(name: str | None) -> str:
    return "no oneof" if name is None else f"oneof {name}"


def _default(field: FieldDescriptor) -> Any:
    """The default as it is compared: enums by number, texts as bytes, floats as text; `None` for what has none."""
    if field.is_repeated:
        return None
    value = field.default_value
    if isinstance(value, float):
        return repr(value)
    return value.encode() if isinstance(value, str) else value


def _same_default(new: FieldDescriptor, old: FieldDescriptor) -> bool:
    one, other = _default(new), _default(old)
    return one is None or other is None or one == other


def _default_text(field: FieldDescriptor) -> str:
    value = field.default_value
    if field.enum_type is not None:
        return str(field.enum_type.values_by_number[value].name)
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _option_differences(new: FieldDescriptor, old: FieldDescriptor, path: str) -> Iterator[ProfileDifference]:
    one, other = new.GetOptions(), old.GetOptions()
    if one.jstype != other.jstype:
        names = pb.FieldOptions.JSType.Name
        yield found("FIELD_SAME_JSTYPE", path, names(other.jstype), names(one.jstype))
    if one.ctype != other.ctype:
        types = pb.FieldOptions.CType.Name
        yield found("FIELD_SAME_CPP_STRING_TYPE", path, types(other.ctype), types(one.ctype))
    new_items, old_items = map_entry_of(new) or (new,), map_entry_of(old) or (old,)
    if len(new_items) != len(old_items):
        return
    for new_item, old_item in zip(new_items, old_items, strict=True):
        if {new_item.type, old_item.type} != {FieldDescriptor.TYPE_STRING}:
            continue
        old_check, new_check = feature(old_item, "utf8_validation"), feature(new_item, "utf8_validation")
        if old_check != new_check:
            yield found("FIELD_SAME_UTF8_VALIDATION", path, old_check, new_check)
            return
        old_java, new_java = _java_check(old, old_check), _java_check(new, new_check)
        if old_java != new_java:
            yield found("FIELD_SAME_JAVA_UTF8_VALIDATION", path, old_java, new_java)
            return


def _java_check(field: Any, check: str) -> str:
    return "VERIFY" if field.file.GetOptions().java_string_check_utf8 else check


def feature(element: Any, name: str) -> str:
    """The name of the value that a feature of the editions has for an element, which older syntaxes have, too."""
    # The runtime resolves features, but has no public way to ask for them.
    features = element._GetFeatures()
    value = features.DESCRIPTOR.fields_by_name[name].enum_type.values_by_number[getattr(features, name)]
    return str(value.name)
