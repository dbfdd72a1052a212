"""Modes by scope: who may write, and whether ids are assigned or imported."""

import enum

from llm_schema_registry.contracts import DEFAULT_CONTEXT, DEFAULT_SCOPE, GLOBAL_SCOPE, Subject
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.identifiers import check_scope, context_token
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.registry.removal import remove_versions
from llm_schema_registry.store.api import Reads
from llm_schema_registry.store.records import Deleted, Setting


class Mode(enum.StrEnum):
    """What a scope allows (Confluent's rule)."""

    READWRITE = "READWRITE"
    READONLY = "READONLY"
    READONLY_OVERRIDE = "READONLY_OVERRIDE"
    IMPORT = "IMPORT"
    FORWARD = "FORWARD"

    @property
    def read_only(self) -> bool:
        """Whether writes are refused."""
        return self in (Mode.READONLY, Mode.READONLY_OVERRIDE)

    @property
    def importing(self) -> bool:
        """Whether ids are brought along, and schemas taken as they are."""
        return self in (Mode.IMPORT, Mode.FORWARD)


async def own_mode(reads: Reads, scope: Subject) -> Mode | None:
    """The mode set at exactly this scope."""
    text = await reads.setting(scope, Setting.MODE)
    return None if text is None else Mode(text)


async def effective_mode(reads: Reads, scope: Subject) -> Mode:
    """The mode that decides for a scope: its own, its context's, the one above all contexts, READWRITE."""
    for above in dict.fromkeys((scope, scope.scope_of_context, GLOBAL_SCOPE)):
        mode = await own_mode(reads, above)
        if mode is not None:
            return mode
    return Mode.READWRITE


async def refuse_if_read_only(reads: Reads, scope: Subject) -> None:
    """Raises OPERATION_NOT_PERMITTED when the scope is read-only."""
    if (await effective_mode(reads, scope)).read_only:
        raise not_permitted(scope, "is in read-only mode")


def not_permitted(scope: Subject, why: str) -> RegistryError:
    """The refusal as the reference words it: `Subject s in context  is in read-only mode`."""
    message = f"Subject {scope} in context {context_token(scope.context)} {why}"
    return RegistryError(ErrorCode.OPERATION_NOT_PERMITTED, message=message)


async def get_mode(registry: Registry, scope: Subject, *, default_to_global: bool = False) -> Mode:
    """The mode of a scope: its own, or the effective one for the default context and on request.

    Raises:
        RegistryError: SUBJECT_MODE_NOT_SET when a subject has none of its own.
    """
    check_scope(scope)
    if default_to_global or scope == DEFAULT_SCOPE:
        return await effective_mode(registry.store, scope)
    mode = await own_mode(registry.store, scope)
    if mode is None:
        raise RegistryError(ErrorCode.SUBJECT_MODE_NOT_SET, subject=scope)
    return mode


async def put_mode(
    registry: Registry, scope: Subject, name: str | None, *, force: bool = False, actor: str = ""
) -> Mode | None:
    """Sets the mode of a scope; `None` clears it.

    Args:
        registry: the registry.
        scope: subject, context, or the level above all contexts.
        name: the mode, in any case.
        force: set IMPORT although there are subjects in scope.
        actor: who does it.

    Raises:
        RegistryError: INVALID_MODE, FORWARD_MODE_NOT_GLOBAL, OPERATION_NOT_PERMITTED.
    """
    check_scope(scope)
    _refuse_if_immutable(registry)
    mode = _mode(name)
    if mode is Mode.FORWARD and scope != GLOBAL_SCOPE:
        raise RegistryError(ErrorCode.FORWARD_MODE_NOT_GLOBAL)
    async with registry.store.transaction(actor) as transaction:
        if mode is Mode.IMPORT and await own_mode(transaction, scope) is not Mode.IMPORT:
            subjects = await _subjects_in(transaction, scope, Deleted.EXCLUDED)
            if subjects and not force:
                raise RegistryError(
                    ErrorCode.OPERATION_NOT_PERMITTED, message="Cannot import since found existing subjects"
                )
            if not subjects:
                for subject in await _subjects_in(transaction, scope, Deleted.ONLY):
                    await remove_versions(transaction, await transaction.versions(subject))
        await transaction.put_setting(scope, Setting.MODE, mode)
    return mode


async def delete_mode(registry: Registry, scope: Subject, *, recursive: bool = False, actor: str = "") -> Mode | None:
    """Removes the mode of a scope and returns what it was; `recursive` clears every subject of a context too.

    Raises:
        RegistryError: SUBJECT_NOT_FOUND when a subject has none and nothing else was asked for.
    """
    check_scope(scope)
    _refuse_if_immutable(registry)
    async with registry.store.transaction(actor) as transaction:
        mode = await own_mode(transaction, scope)
        if mode is None and not recursive:
            if scope == DEFAULT_SCOPE:
                return await effective_mode(transaction, scope)
            raise RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject=scope)
        scopes = [scope]
        if recursive and not scope.name:
            scopes += await transaction.scopes_with_setting(scope.context, Setting.MODE)
        for each in dict.fromkeys(scopes):
            await transaction.put_setting(each, Setting.MODE, None)
    return mode


def _mode(name: str | None) -> Mode | None:
    if name is None:
        return None
    try:
        return Mode(name.upper())
    except ValueError:
        raise RegistryError(ErrorCode.INVALID_MODE) from None


def _refuse_if_immutable(registry: Registry) -> None:
    if not registry.rules.mode_mutability:
        raise RegistryError(ErrorCode.OPERATION_NOT_PERMITTED, message="Mode changes are not allowed")


async def _subjects_in(reads: Reads, scope: Subject, deleted: Deleted) -> list[Subject]:
    context = None if scope == GLOBAL_SCOPE else scope.context or DEFAULT_CONTEXT
    if not scope.name:
        return await reads.subjects(context=context, deleted=deleted)
    versions = await reads.versions(scope)
    if deleted is Deleted.ONLY:
        return [scope] if versions and all(version.deleted for version in versions) else []
    return [scope] if any(not version.deleted for version in versions) else []
