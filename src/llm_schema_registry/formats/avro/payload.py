"""Payloads of one schema: checked, read and written."""

import functools
from typing import Any

from llm_schema_registry.core.budget import DEFAULT_STEPS, BudgetExceededError
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats.avro import findings as say
from llm_schema_registry.formats.avro.decoder import Decoder, Decoders, MalformedError, decode
from llm_schema_registry.formats.avro.encoder import Encoder, Encoders
from llm_schema_registry.formats.avro.schema import AvroSchema
from llm_schema_registry.formats.avro.validation import MAX_RECORD_DEPTH, Check, Checks, GivenUpError, Report

_BYTES_OF_A_CHARACTER = 20
_INLINE_STEPS = 20_000


class InvalidPayloadError(Exception):
    """The payload does not fit its schema.

    Attributes:
        findings: what is wrong, at least one.
    """

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__(findings[0].message)
        self.findings = tuple(findings)


class AvroValidator:
    """Checks, reads and writes payloads of one schema; fulfils `PayloadValidator`.

    What a payload as JSON value looks like: a record is an object, in which a field with a default may be absent,
    since the default stands in for it when it is written; an integer is a whole number, however it is written
    (`1000`, `1e3`); a union takes the value as such or tagged with the branch as in Avro's JSON encoding
    (`{"string": "x"}`); bytes and fixed are text of the characters U+0000 to U+00FF; dates, times and timestamps
    are the numbers that Avro writes; a decimal is a number, decimal text or the text of its bytes; a UUID is its
    text; a float may be `"NaN"`, `"Infinity"` or `"-Infinity"`.
    """

    def __init__(self, schema: AvroSchema, *, inline: bool = False) -> None:
        self._root = schema.root
        self._is_inline = inline
        self._characters = len(schema.canonical)

    @functools.cached_property
    def _check(self) -> Check:
        return Checks().of(self._root)

    @functools.cached_property
    def _read(self) -> Decoder:
        return Decoders().of(self._root)

    @functools.cached_property
    def _write(self) -> Encoder:
        return Encoders().of(self._root)

    @property
    def size(self) -> int:
        """Bytes of memory that it takes, roughly."""
        return _BYTES_OF_A_CHARACTER * self._characters

    def check_value(self, value: Any, text: bytes | None = None) -> list[Finding]:
        """Findings for a payload given as JSON value, at most about a hundred; empty means valid."""
        report = Report(_INLINE_STEPS if self._is_inline else DEFAULT_STEPS)
        try:
            self._check(value, None, report)
        except GivenUpError as error:
            if self._is_inline and report.left < 0:
                raise BudgetExceededError("Checking the payload") from None
            return [error.finding]
        except RecursionError:
            return [say.too_deep("", MAX_RECORD_DEPTH)]
        return report.findings()

    def check_bytes(self, data: bytes) -> list[Finding]:
        """The first problem of a payload in Avro binary without framing; empty means valid."""
        try:
            decode(self._read, data)
        except MalformedError as error:
            return [error.finding()]
        return []

    def decode(self, data: bytes) -> Any:
        """The JSON value of a payload in Avro binary, branches of unions without tag.

        Raises:
            InvalidPayloadError: the bytes are no encoding of the schema.
        """
        try:
            return decode(self._read, data)
        except MalformedError as error:
            raise InvalidPayloadError([error.finding()]) from None

    def encode(self, value: Any) -> bytes:
        """The Avro binary encoding of a JSON value; absent fields are written with their defaults.

        Raises:
            InvalidPayloadError: the value does not fit the schema.
        """
        found = self.check_value(value)
        if found:
            raise InvalidPayloadError(found)
        out = bytearray()
        try:
            self._write(value, out)
        except GivenUpError as error:
            raise InvalidPayloadError([error.finding]) from None
        except BudgetExceededError:
            raise InvalidPayloadError([say.too_complex("")]) from None
        return bytes(out)
