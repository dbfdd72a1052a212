"""Bounded cache of parsed schemas and compiled validators.

Parsing is a function of text and dependencies, and content is immutable under its GUID, so nothing here ever has to
be invalidated: entries only make room for newer ones.
"""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Hashable, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec

from llm_schema_registry.contracts import Reference, Subject
from llm_schema_registry.core.budget import DEFAULT_STEPS, MAX_DEPTH, Budget
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.formats import (
    Dependency,
    InvalidSchemaError,
    ParsedSchema,
    PayloadValidator,
    SchemaType,
    format_of,
)
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import StoredSchema, Version

_MAX_REFERENCES = 1_000
# What an entry takes besides its text, in characters of it.
_ENTRY = 200
_REGISTER_FIRST = "Register the referenced schema first, and name its subject and an existing version."
_MAX_GIVEN_UP = 1_000
_GIVEN_UP_SECONDS = 60.0
_MEBIBYTE = 1024 * 1024
DEFAULT_COMPILED_BYTES = 64 * _MEBIBYTE
_Value = TypeVar("_Value")


class _Bounded(Generic[_Value]):
    """A dictionary that forgets its least recently used entries once their weights exceed a capacity."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._weight = 0
        self._entries: OrderedDict[Hashable, tuple[_Value, int]] = OrderedDict()

    def get(self, key: Hashable) -> _Value | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def weight(self, key: Hashable) -> int:
        entry = self._entries.get(key)
        return 0 if entry is None else entry[1]

    def put(self, key: Hashable, value: _Value, weight: int) -> None:
        previous = self._entries.pop(key, None)
        if previous is not None:
            self._weight -= previous[1]
        self._entries[key] = (value, weight)
        self._weight += weight
        while self._weight > self._capacity and len(self._entries) > 1:
            _, (_, freed) = self._entries.popitem(last=False)
            self._weight -= freed


class Schemas:
    """Reads contents with their references, parses and compiles them, each at most once while remembered.

    Args:
        store: the store; what an open transaction sees instead is not remembered, since it may be rolled back.
        steps: how many steps one piece of work may take, unless it is done in a transaction, which no other
            process could see into.
        max_steps: how many it may take in a transaction.
        capacity: bound on the characters of schema text behind the remembered objects, that of references included,
            per kind of object. A parsed form takes about twenty bytes per character.
        compiled_bytes: bound on the bytes of compiled validators together.
    """

    def __init__(
        self,
        store: Reads,
        steps: int,
        max_steps: int = DEFAULT_STEPS,
        capacity: int = 2 * _MEBIBYTE,
        compiled_bytes: int = DEFAULT_COMPILED_BYTES,
    ) -> None:
        self._store = store
        self.max_steps = max_steps
        self.steps = min(steps, max_steps)
        self._contents: _Bounded[StoredSchema] = _Bounded(4 * capacity)
        self._parsed: _Bounded[ParsedSchema] = _Bounded(capacity)
        self._by_id: _Bounded[ParsedSchema] = _Bounded(capacity)
        self._validators: _Bounded[PayloadValidator] = _Bounded(compiled_bytes)
        self._given_up: _Bounded[tuple[float, str]] = _Bounded(_MAX_GIVEN_UP)

    async def content(self, reads: Reads, context: str, schema_id: int) -> StoredSchema | None:
        """The content of an id, read each time.

        An id that was removed for good may come back with other content in IMPORT mode, from any process, so that
        nothing may be remembered by the id alone.
        """
        return await reads.schema(context, schema_id)

    async def content_of(self, reads: Reads, version: Version) -> StoredSchema | None:
        """The content of a version; remembered, since a version keeps its content for as long as it is there.

        A version that was removed for good and came back was registered at another time.
        """
        if reads is not self._store:
            return await reads.schema(version.subject.context, version.schema_id)
        key = (version.subject, version.version, version.registered_at, version.schema_id)
        content = self._contents.get(key)
        if content is None:
            content = await reads.schema(version.subject.context, version.schema_id)
            if content is not None:
                self._contents.put(key, content, _length(content))
        return content

    async def parsed(self, reads: Reads, content: StoredSchema, budget: Budget | None = None) -> ParsedSchema:
        """The parsed form of stored content.

        Args:
            reads: where its references are read.
            content: the content.
            budget: bounds the work; as for any other piece of work if not given.

        Raises:
            RegistryError: STORED_SCHEMA_UNREADABLE when it cannot be parsed (any more).
        """
        remember = reads is self._store
        key = (content.context, content.schema_id, content.guid)
        parsed = self._by_id.get(key) if remember else None
        if parsed is None:
            schema_type = SchemaType(content.schema_type)
            budget = budget or self.budget(reads, "Parsing the schema")
            try:
                dependencies = await self.dependencies(reads, content.references, content.context, deleted=True)
                parsed = self.parse(schema_type, content.text, dependencies, strict=False, budget=budget)
            except InvalidSchemaError as error:
                raise _unusable(ErrorCode.STORED_SCHEMA_UNREADABLE, content, error) from error
            if remember:
                self._by_id.put(key, parsed, _length_of_all(content.text, dependencies))
        return parsed

    async def validator(self, content: StoredSchema) -> PayloadValidator:
        """The compiled payload validator of stored content.

        Raises:
            RegistryError: STORED_SCHEMA_UNREADABLE when it cannot be parsed, PAYLOADS_NOT_CHECKED when it cannot be
                compiled.
            BudgetExceededError: that is too much work for here.
        """
        key = (content.context, content.schema_id, content.guid)
        validator = self._validators.get(key)
        if validator is None:
            parsed = await self.parsed(self._store, content, self.budget(self._store, "Compiling the schema"))
            # Others may have waited for the same references, and been here before.
            validator = self._validators.get(key)
        if validator is None:
            try:
                validator = format_of(parsed.schema_type).validator(parsed, inline=True)
            except InvalidSchemaError as error:
                raise not_checked(content, error) from error
            self._validators.put(key, validator, validator.size)
        return validator

    @asynccontextmanager
    async def compiling(self, content: StoredSchema) -> AsyncIterator[None]:
        """Surrounds the compilation of a stored schema elsewhere: one that was given up is not tried again for a while.

        Raises:
            RegistryError: BUDGET_EXCEEDED, it was given up lately.
        """
        key = (content.context, content.schema_id, content.guid)
        given_up = self._given_up.get(key)
        if given_up is not None and time.monotonic() < given_up[0]:
            raise RegistryError(ErrorCode.BUDGET_EXCEEDED, message=given_up[1])
        try:
            yield
        except RegistryError as error:
            if error.code is ErrorCode.BUDGET_EXCEEDED:
                self._given_up.put(key, (time.monotonic() + _GIVEN_UP_SECONDS, error.message), 1)
            raise

    def budget(self, reads: Reads, what: str) -> Budget:
        """The budget of one piece of work that reads from `reads`."""
        return Budget(self.steps if reads is self._store else self.max_steps, what)

    def parse(
        self,
        schema_type: SchemaType,
        text: str,
        dependencies: tuple[Dependency, ...],
        *,
        strict: bool,
        budget: Budget,
    ) -> ParsedSchema:
        """Parses a text, or remembers how it was parsed.

        Raises:
            InvalidSchemaError: it is no valid schema.
            BudgetExceededError: it takes more than `budget`.
        """
        key = (schema_type, text, dependencies, strict)
        parsed = self._parsed.get(key)
        if parsed is None:
            parsed = format_of(schema_type).parse(text, dependencies, strict=strict, budget=budget)
            weight = _length_of_all(text, dependencies)
            self._parsed.put(key, parsed, weight)
            if strict:
                # That is how it is going to be stored.
                self._parsed.put((schema_type, parsed.canonical, dependencies, False), parsed, weight)
        return parsed

    async def dependencies(
        self, reads: Reads, references: Iterable[Reference], context: str, *, deleted: bool
    ) -> tuple[Dependency, ...]:
        """Everything the references lead to: dependencies before dependants, each name once (Confluent's rule).

        Args:
            reads: where to look.
            references: with concrete versions.
            context: where unqualified reference subjects live.
            deleted: whether soft-deleted versions still count. They do for what is stored, and for references
                of references; not for the direct references of a new schema.

        Raises:
            InvalidSchemaError: a reference leads nowhere, or there are too many.
        """
        found: dict[str, Dependency] = {}
        on_the_way: set[tuple[Subject, int]] = set()

        async def visit(reference: Reference, context: str, deleted: bool) -> None:
            if reference.name in found:
                return
            subject = Subject.parse(reference.subject, context)
            place = (subject, reference.version)
            if place in on_the_way:
                raise _unresolved(reference, "The references form a cycle: {} refers to itself through others")
            if len(on_the_way) >= MAX_DEPTH:
                raise _unresolved(reference, f"A chain of more than {MAX_DEPTH} references, counted up to {{}}")
            if len(found) + len(on_the_way) > _MAX_REFERENCES:
                raise _unresolved(reference, f"More than {_MAX_REFERENCES} references, counted up to {{}}")
            version = await reads.version(subject, reference.version)
            if version is None or (version.deleted and not deleted):
                raise _unresolved(reference, *await _absence(reads, subject, version))
            content = await self.content(reads, subject.context, version.schema_id)
            if content is None:
                raise _unresolved(reference, "No schema reference found for {}")
            on_the_way.add(place)
            for inner in content.references:
                await visit(inner, subject.context, True)
            on_the_way.discard(place)
            found[reference.name] = Dependency(reference.name, content.text)

        for reference in references:
            await visit(reference, context, deleted)
        return tuple(found.values())


def _length(content: StoredSchema) -> int:
    """How much a content weighs, in characters."""
    beside = (content.references, content.metadata, content.rule_set)
    return _ENTRY + len(content.text) + (len(msgspec.json.encode(beside)) if any(beside) else 0)


def _length_of_all(text: str, dependencies: Iterable[Dependency]) -> int:
    """How much a text and all that it refers to weigh, in characters."""
    return _ENTRY + len(text) + sum(len(dependency.text) for dependency in dependencies)


def not_checked(content: StoredSchema, error: InvalidSchemaError) -> RegistryError:
    """The error for a stored schema that payloads cannot be checked against."""
    return _unusable(ErrorCode.PAYLOADS_NOT_CHECKED, content, error)


def _unusable(code: ErrorCode, content: StoredSchema, error: InvalidSchemaError) -> RegistryError:
    return RegistryError(
        code,
        error.findings,
        schema_id=content.schema_id,
        context=content.context,
        message=error.message,
    )


async def _absence(reads: Reads, subject: Subject, version: Version | None) -> tuple[str, str]:
    """Why a reference leads to no version that counts, and the fix."""
    if version is not None:
        sentence = "No schema reference found for {}: the version is soft-deleted"
    elif (versions := await reads.versions(subject)) and all(each.deleted for each in versions):
        sentence = "No schema reference found for {}: all versions of the subject are soft-deleted"
    else:
        return "No schema reference found for {}", _REGISTER_FIRST
    return sentence, "Register the referenced schema again, or name a version that is not deleted."


def _unresolved(reference: Reference, sentence: str, fix: str = _REGISTER_FIRST) -> InvalidSchemaError:
    message = sentence.format(f'subject "{reference.subject}" and version {reference.version}')
    return InvalidSchemaError(
        message,
        [
            Finding(
                code="schema.UNRESOLVED_REFERENCE",
                path=reference.name,
                message=message,
                fix=fix,
                docs="reference/findings/schema.md#unresolved_reference",
            )
        ],
    )
