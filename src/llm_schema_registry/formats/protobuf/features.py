"""Features of the editions: what each element of a file has after inheritance, older syntaxes included.

Source: Protocol Buffers documentation, Feature Settings for Editions. The defaults come from the `edition_defaults`
of `descriptor.proto` and of the bundled features of C++ and Java.
"""

import functools
from typing import Any, Final

from google.protobuf import descriptor_pb2 as pb
from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from llm_schema_registry.formats.protobuf.ast import File, Import
from llm_schema_registry.formats.protobuf.compiler import compile_text
from llm_schema_registry.formats.protobuf.descriptor_options import pool_of

CPP: Final = "pb.cpp"
JAVA: Final = "pb.java"
_SYNTAXES: Final = {"": pb.EDITION_PROTO2, "proto2": pb.EDITION_PROTO2, "proto3": pb.EDITION_PROTO3}
_FEATURE_SET: Final = pb.FeatureSet.DESCRIPTOR.full_name


class Features:
    """The features of one element. Immutable: `inherited` makes another set."""

    __slots__ = ("_resolved",)

    def __init__(self, resolved: Any) -> None:
        self._resolved = resolved

    def value(self, name: str, language: str | None = None) -> str:
        """The name of a feature's value.

        Args:
            name: of an enum feature, such as `json_format`.
            language: the extension that declares it (`CPP`, `JAVA`); `None` for the features of all languages.
        """
        features = self._resolved
        if language is not None:
            features = features.Extensions[_Runtime.instance().extensions[language]]
        enum = features.DESCRIPTOR.fields_by_name[name].enum_type
        return str(enum.values_by_number[getattr(features, name)].name)

    def equals(self, other: "Features") -> bool:
        """Whether all features have the same values."""
        return bool(self._resolved == other._resolved)

    def inherited(self, own: pb.FeatureSet | bytes) -> "Features":
        """The features of an element within this one that sets `own`."""
        data = own if isinstance(own, bytes) else own.SerializeToString()
        if not data:
            return self
        resolved = type(self._resolved)()
        resolved.CopyFrom(self._resolved)
        resolved.MergeFromString(data)
        return Features(resolved)


def file_features(file: pb.FileDescriptorProto) -> Features:
    """The features of a file: the defaults of its syntax or edition, and its own options."""
    edition = file.edition if file.syntax == "editions" else _SYNTAXES[file.syntax]
    return _defaults(edition).inherited(file.options.features)


@functools.cache
def own_features(**values: str) -> bytes:
    """Serialized features that set the named values, for what older syntaxes say by other means."""
    features = pb.FeatureSet()
    descriptor: Any = features.DESCRIPTOR
    for name, value in values.items():
        setattr(features, name, descriptor.fields_by_name[name].enum_type.values_by_name[value].number)
    return features.SerializeToString()


@functools.cache
def own_string_type(value: str) -> bytes:
    """Serialized features that set the C++ type of strings."""
    runtime = _Runtime.instance()
    features = runtime.feature_set()
    cpp = runtime.extensions[CPP]
    number = cpp.message_type.fields_by_name["string_type"].enum_type.values_by_name[value].number
    features.Extensions[cpp].string_type = number
    data: bytes = features.SerializeToString()
    return data


class _Runtime:
    """The class of feature sets that knows the features of the languages."""

    __slots__ = ("extensions", "feature_set")

    def __init__(self) -> None:
        paths = ("google/protobuf/cpp_features.proto", "google/protobuf/java_features.proto")
        text = 'syntax = "proto3"; ' + "".join(f'import "{path}";' for path in paths)
        compiled = compile_text(text, File(syntax="proto3", imports=tuple(map(Import, paths))), ())
        pool = pool_of(pb.FileDescriptorSet.FromString(compiled))
        self.feature_set: Any = message_factory.GetMessageClass(pool.FindMessageTypeByName(_FEATURE_SET))
        self.extensions: dict[str, Any] = {name: pool.FindExtensionByName(name) for name in (CPP, JAVA)}

    @staticmethod
    @functools.cache
    def instance() -> "_Runtime":
        """The one instance of this process."""
        return _Runtime()


@functools.cache
def _defaults(edition: int) -> Features:
    runtime = _Runtime.instance()
    resolved = runtime.feature_set()
    _set_defaults(resolved, resolved.DESCRIPTOR, edition)
    for extension in runtime.extensions.values():
        _set_defaults(resolved.Extensions[extension], extension.message_type, edition)
    return Features(resolved)


def _set_defaults(features: Any, descriptor: Descriptor, edition: int) -> None:
    field: FieldDescriptor
    for field in descriptor.fields:
        known = [default for default in field.GetOptions().edition_defaults if default.edition <= edition]
        if known and field.enum_type is not None:
            value = max(known, key=lambda default: default.edition).value
            setattr(features, field.name, field.enum_type.values_by_name[value].number)
