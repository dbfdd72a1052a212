"""Parsing: from a client's text to a `ProtobufSchema`."""

import base64
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Final

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.format import Dependency, InvalidSchemaError, SchemaType
from llm_schema_registry.formats.protobuf.ast import File
from llm_schema_registry.formats.protobuf.canonical import canonical_text
from llm_schema_registry.formats.protobuf.compiler import compile_text, imported_texts, refuse_unparsed
from llm_schema_registry.formats.protobuf.descriptors import file_of_base64, own_descriptor
from llm_schema_registry.formats.protobuf.linked import LinkedFile, linked_file
from llm_schema_registry.formats.protobuf.map_fields import OPTION, with_map_fields
from llm_schema_registry.formats.protobuf.model import SchemaModel
from llm_schema_registry.formats.protobuf.normalized import normalized_file, without_extensions
from llm_schema_registry.formats.protobuf.parser import parse_file
from llm_schema_registry.formats.protobuf.payload import ProtobufValidator
from llm_schema_registry.formats.protobuf.symbols import TypeTable

WORK: Final = "The Protobuf parse"
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]++={0,2}+\s*+", re.ASCII)


class ProtobufSchema:
    """A parsed `.proto` file with what it needs to be understood. Immutable; everything else is made on first use.

    Attributes:
        file: the elements.
        dependencies: the files that its imports name, transitively; bundled files are not among them.
    """

    def __init__(self, file: File, dependencies: Sequence[Dependency], descriptors: bytes | None = None) -> None:
        self.file = file
        self.dependencies = tuple(dependencies)
        self._compiled = descriptors

    @property
    def schema_type(self) -> SchemaType:
        """`PROTOBUF`."""
        return SchemaType.PROTOBUF

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Always empty."""
        return ()

    @cached_property
    def canonical(self) -> str:
        """The canonical text."""
        return canonical_text(self.file)

    @cached_property
    def meaning(self) -> File:
        """The elements with maps that are written out as map fields; the same as `file` in almost every schema."""
        return with_map_fields(self.file) if OPTION in self.canonical else self.file

    @cached_property
    def types(self) -> TypeTable:
        """The types that the file can name."""
        return TypeTable(self.meaning, self.dependencies)

    @cached_property
    def model(self) -> SchemaModel:
        """The model that comparisons work on."""
        return SchemaModel(self.meaning, self.types)

    @cached_property
    def descriptors(self) -> bytes:
        """The serialised FileDescriptorSet of the file and its imports, the file itself last.

        Raises:
            InvalidSchemaError: a stored text that protoc refuses today.
        """
        if self._compiled is not None:
            return self._compiled
        # The canonical text is parsed again for the places of its fields.
        return compile_text(self.canonical, parse_file(self.canonical), self.dependencies)

    @cached_property
    def imported_texts(self) -> dict[str, str]:
        """The canonical texts that the file imports, transitively, by import path; bundled ones left out."""
        return imported_texts(self.file, self.dependencies)

    @cached_property
    def linked(self) -> LinkedFile:
        """The declarations with names resolved and features inherited, which profiles compare.

        Raises:
            InvalidSchemaError: as `descriptors`.
        """
        return linked_file(self.descriptors)

    @cached_property
    def validator(self) -> ProtobufValidator:
        """The payload validator.

        Raises:
            InvalidSchemaError: as `descriptors`.
        """
        return ProtobufValidator(self.descriptors)

    def normalized(self) -> str:
        """The normal form's text."""
        return self._normalized

    @cached_property
    def _normalized(self) -> str:
        return canonical_text(normalized_file(self.meaning, self.types))

    def rendered(self, form: str) -> str:
        """`serialized`: base64 of the FileDescriptorProto; `ignore_extensions`: the text without extensions and
        custom options other than those of `confluent`; anything else: the canonical text.
        """
        if form == "serialized":
            return base64.b64encode(own_descriptor(self.descriptors)).decode("ascii")
        if form == "ignore_extensions":
            return canonical_text(without_extensions(self.file))
        return self.canonical


def parse_schema(text: str, dependencies: Sequence[Dependency], *, strict: bool, budget: Budget) -> ProtobufSchema:
    """Parses `.proto` text or the base64 of a FileDescriptorProto; see `Format.parse`."""
    budget.spend(len(text) // 4)
    if text.strip() and _BASE64.fullmatch(text):
        file = file_of_base64(text, dependencies)
        text = canonical_text(file)
        file = parse_file(text)
    else:
        try:
            file = parse_file(text)
        except InvalidSchemaError:
            if strict:
                refuse_unparsed(text, dependencies)
            raise
    if not strict:
        return ProtobufSchema(file, dependencies)
    return ProtobufSchema(file, dependencies, compile_text(text, file, dependencies))
