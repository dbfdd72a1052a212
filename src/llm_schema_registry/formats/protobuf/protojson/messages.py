"""The check of a JSON value against a message, by the JSON mapping of Protocol Buffers.

Source: Protocol Buffers documentation, ProtoJSON format. Both the JSON names and the original names of fields
are accepted, as every implementation does.
"""

from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.descriptor_pool import DescriptorPool

from llm_schema_registry.core.findings import Finding, Severity, shortened
from llm_schema_registry.formats.protobuf.descriptor_options import map_entry_of
from llm_schema_registry.formats.protobuf.protojson.scalars import (
    SCALAR_CHECKS,
    Check,
    Problem,
    check_duration,
    check_field_mask,
    check_timestamp,
    did_you_mean,
    enum_check,
    key_check,
    mismatch,
)
from llm_schema_registry.formats.suggestions import begin_suggestions

MAX_FINDINGS: Final = 100
# The depth at which every implementation stops reading messages.
MAX_PAYLOAD_DEPTH: Final = 100

MAX_WARNINGS: Final = 20

ANY: Final = "google.protobuf.Any"
_NULL_VALUE: Final = "google.protobuf.NullValue"
_VALUE: Final = "google.protobuf.Value"
_WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)
_STRING_FORMS: Final[dict[str, Check]] = {
    "google.protobuf.Timestamp": check_timestamp,
    "google.protobuf.Duration": check_duration,
    "google.protobuf.FieldMask": check_field_mask,
}
_FREE_FORMS: Final[dict[str, tuple[type, ...]]] = {
    "google.protobuf.Struct": (dict,),
    "google.protobuf.ListValue": (list,),
    _VALUE: (dict, list, str, int, float, type(None)),
}
_UNDER_VALUE_KEY = frozenset((*_STRING_FORMS, *_FREE_FORMS, *_WRAPPERS, ANY))


def has_no_object_form(descriptor: Descriptor) -> bool:
    """Whether a message is not written as an object of its fields, but in a form of its own."""
    return descriptor.full_name in _UNDER_VALUE_KEY


class _Field:
    """What the check of one field needs, taken from its descriptor once."""

    __slots__ = ("check", "json_name", "key_check", "message", "name", "nullable", "oneof", "repeated", "required")

    def __init__(self, field: FieldDescriptor) -> None:
        self.name = field.name
        self.json_name = field.json_name
        self.oneof = field.containing_oneof.name if field.containing_oneof is not None else None
        self.required = field.is_required
        self.repeated = field.is_repeated
        self.key_check: Check | None = None
        map_entry = map_entry_of(field)
        if map_entry is not None:
            self.key_check = key_check(map_entry[0])
            field = map_entry[1]
        self.message = field.message_type
        self.check = _scalar_check(field)
        named: Descriptor | EnumDescriptor | None = field.message_type or field.enum_type
        self.nullable = named is not None and named.full_name in {_VALUE, _NULL_VALUE}


def _scalar_check(field: FieldDescriptor) -> Check | None:
    if field.enum_type is None:
        return SCALAR_CHECKS.get(field.type)
    if field.enum_type.full_name != _NULL_VALUE:
        return enum_check(field.enum_type)
    by_name = enum_check(field.enum_type)
    return lambda value: None if value is None else by_name(value)


class _Message:
    """The fields of a message by every name JSON may call them."""

    __slots__ = ("by_name", "full_name", "required")

    def __init__(self, descriptor: Descriptor) -> None:
        fields = [_Field(field) for field in descriptor.fields]
        self.full_name = descriptor.full_name
        self.by_name = {field.name: field for field in fields} | {field.json_name: field for field in fields}
        self.required = [field for field in fields if field.required]


class JsonChecker:
    """Checks JSON values against the messages of one pool. Safe to share: what it learns is only ever added."""

    def __init__(self, pool: DescriptorPool) -> None:
        self._pool = pool
        self._messages: dict[str, _Message] = {}

    def check(self, descriptor: Descriptor, value: Any) -> list[Finding]:
        """Findings for `value` as a message of type `descriptor`.

        At most `MAX_FINDINGS` errors and `MAX_WARNINGS` warnings, which are types inside `Any` that the schema does
        not know.
        """
        run = _Run()
        begin_suggestions()
        self._message(run, descriptor, value, "", 1)
        return run.findings + run.warnings if run.warnings else run.findings

    def _plan(self, descriptor: Descriptor) -> _Message:
        plan = self._messages.get(descriptor.full_name)
        if plan is None:
            plan = self._messages[descriptor.full_name] = _Message(descriptor)
        return plan

    def _message(self, run: "_Run", descriptor: Descriptor, value: Any, path: str, depth: int) -> None:
        if depth > MAX_PAYLOAD_DEPTH:
            run.add(path, ("protobuf.TOO_DEEP", f"is nested deeper than {MAX_PAYLOAD_DEPTH} levels"))
        elif not descriptor.full_name.startswith("google.protobuf."):
            self._fields(run, descriptor, value, path, depth)
        else:
            self._well_known(run, descriptor, value, path, depth)

    def _well_known(self, run: "_Run", descriptor: Descriptor, value: Any, path: str, depth: int) -> None:
        name = descriptor.full_name
        if name in _STRING_FORMS:
            run.add(path, _STRING_FORMS[name](value))
        elif name in _FREE_FORMS:
            if not isinstance(value, _FREE_FORMS[name]):
                run.add(path, mismatch(value, "an object" if name.endswith("Struct") else "an array"))
            else:
                _free(run, value, path, depth)
        elif name in _WRAPPERS:
            run.add(path, SCALAR_CHECKS[descriptor.fields_by_name["value"].type](value))
        elif name == ANY:
            self._any(run, value, path, depth)
        else:
            self._fields(run, descriptor, value, path, depth)

    def _any(self, run: "_Run", value: Any, path: str, depth: int) -> None:
        if not isinstance(value, dict):
            run.add(path, mismatch(value, "an object with an @type (google.protobuf.Any)"))
            return
        url = value.get("@type")
        if not isinstance(url, str) or "/" not in url:
            if value:
                problem = ("protobuf.REQUIRED_MISSING", "has no @type with the type of the message it holds")
                run.add(f"{path}/@type", problem)
            return
        try:
            descriptor = self._pool.FindMessageTypeByName(url.rpartition("/")[2])
        except KeyError:
            run.warn(unknown_type(url, path))
            return
        rest = {key: item for key, item in value.items() if key != "@type"}
        if has_no_object_form(descriptor):
            self._message(run, descriptor, rest.get("value"), f"{path}/value", depth + 1)
        else:
            self._message(run, descriptor, rest, path, depth + 1)

    def _fields(self, run: "_Run", descriptor: Descriptor, value: Any, path: str, depth: int) -> None:
        if not isinstance(value, dict):
            run.add(path, mismatch(value, f"an object (message {descriptor.full_name})"))
            return
        plan = self._plan(descriptor)
        seen: dict[str, str] = {}
        oneofs: dict[str, str] = {}
        for name, item in value.items():
            if run.full:
                return
            here = f"{path}/{_escaped(name)}"
            field = plan.by_name.get(name) or self._extension(descriptor, name)
            if field is None:
                hint = did_you_mean(name, plan.by_name) if isinstance(name, str) else ""
                problem = ("protobuf.UNKNOWN_FIELD", f"is not in message {plan.full_name}{hint}")
                run.add(here, problem, subject="field")
                continue
            other = seen.setdefault(field.name, name)
            if other != name:
                run.add(here, ("protobuf.DUPLICATE_FIELD", f'is the same field as "{other}"'))
            if item is None and not field.nullable:
                continue
            if field.oneof is not None:
                other = oneofs.setdefault(field.oneof, name)
                if other != name:
                    problem = ("protobuf.ONEOF_CONFLICT", f'cannot be set beside "{other}": oneof {field.oneof}')
                    run.add(here, problem)
            self._field(run, field, item, here, depth)
        for field in plan.required:
            if value.get(field.name) is None and value.get(field.json_name) is None:
                problem = ("protobuf.REQUIRED_MISSING", f"is required in message {plan.full_name} and missing")
                run.add(f"{path}/{_escaped(field.name)}", problem)

    def _extension(self, descriptor: Descriptor, name: Any) -> _Field | None:
        """The extension that `[full.name]` means, if it extends this message."""
        if not isinstance(name, str) or not (name.startswith("[") and name.endswith("]")):
            return None
        try:
            extension = self._pool.FindExtensionByName(name[1:-1])
        except KeyError:
            return None
        extended = extension.containing_type
        return _Field(extension) if extended is not None and extended.full_name == descriptor.full_name else None

    def _field(self, run: "_Run", field: _Field, value: Any, path: str, depth: int) -> None:
        if field.key_check is not None:
            self._map(run, field, value, path, depth)
        elif not field.repeated:
            self._single(run, field, value, path, depth)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                if run.full:
                    return
                self._single(run, field, item, f"{path}/{index}", depth)
        else:
            run.add(path, mismatch(value, "an array (repeated)"))

    def _map(self, run: "_Run", field: _Field, value: Any, path: str, depth: int) -> None:
        if not isinstance(value, dict) or field.key_check is None:
            run.add(path, mismatch(value, "an object (map)"))
            return
        for key, item in value.items():
            if run.full:
                return
            here = f"{path}/{_escaped(key)}"
            run.add(here, field.key_check(key), subject="key")
            self._single(run, field, item, here, depth)

    def _single(self, run: "_Run", field: _Field, value: Any, path: str, depth: int) -> None:
        if field.message is not None:
            self._message(run, field.message, value, path, depth + 1)
        elif field.check is not None:
            problem = field.check(value)
            if problem is not None:
                run.add(path, problem)


class _Run:
    """The findings of one check: errors, and warnings apart from them."""

    __slots__ = ("findings", "warnings")

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.warnings: list[Finding] = []

    @property
    def full(self) -> bool:
        """Whether there are enough findings."""
        return len(self.findings) >= MAX_FINDINGS

    def add(self, path: str, problem: Problem | None, *, subject: str = "value") -> None:
        """Notes a problem, if there is one."""
        if problem is not None and not self.full:
            code, text = problem
            place = shortened(path) or "the root"
            self.findings.append(Finding(code=code, path=path, message=f"The {subject} at {place} {text}."))

    def warn(self, finding: Finding) -> None:
        """Notes a warning."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(finding)


def unknown_type(url: str, path: str) -> Finding:
    """The warning about an `Any` with a type that neither the schema nor its imports declare."""
    name = f"the type {shortened(url)}" if url else "a value without a type"
    text = f"The Any at {shortened(path) or 'the root'} holds {name}, which the schema does not know: not checked."
    return Finding(code="protobuf.UNKNOWN_TYPE", path=path, message=text, severity=Severity.WARNING)


def _free(run: _Run, value: Any, path: str, depth: int) -> None:
    """A value of google.protobuf.Struct and its kin: any JSON that is not too deep."""
    if depth > MAX_PAYLOAD_DEPTH:
        run.add(path, ("protobuf.TOO_DEEP", f"is nested deeper than {MAX_PAYLOAD_DEPTH} levels"))
    elif isinstance(value, dict):
        for key, item in value.items():
            _free(run, item, f"{path}/{_escaped(key)}", depth + 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _free(run, item, f"{path}/{index}", depth + 1)
    elif isinstance(value, str):
        run.add(path, SCALAR_CHECKS[FieldDescriptor.TYPE_STRING](value))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        run.add(path, SCALAR_CHECKS[FieldDescriptor.TYPE_DOUBLE](value))


def _escaped(name: Any) -> str:
    """A name as a part of a JSON pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")
