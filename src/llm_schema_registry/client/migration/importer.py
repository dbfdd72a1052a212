"""Applies an import, in IMPORT mode as long as needed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

from llm_schema_registry.client.client import RegistryClient
from llm_schema_registry.client.errors import ClientError, ImportMismatchError, ModeNotRestoredError, RegistryError
from llm_schema_registry.client.migration.diff import IMPORT, ConfigChange, ImportPlan, import_scopes, with_scopes
from llm_schema_registry.client.migration.failures import Action, Failure, Step
from llm_schema_registry.client.migration.snapshot import Place, Snapshot, VersionRecord
from llm_schema_registry.client.model import SchemaRequest
from llm_schema_registry.contracts import Subject

_TAKES_IDS = frozenset({IMPORT, "FORWARD"})


async def apply_import(
    client: RegistryClient,
    target: Snapshot,
    work: ImportPlan,
    announce: Callable[[str], None] = lambda name: None,
    report: Callable[[Failure], None] | None = None,
) -> None:
    """Does the work, in an order in which each step can be taken, and so that it can be begun again anywhere.

    Contexts and subjects that get schemas are in IMPORT mode meanwhile, and are put back whatever happens. With
    `report`, the import continues after a refused step, and skips the steps that need it. An error that concerns
    every step (unreachable registry, credentials) ends it in any case.

    Args:
        client: the registry.
        target: what it held when the work was decided.
        work: without collisions.
        announce: called before each step, skipped ones included, with its name.
        report: called for each failed step. By default the first failure ends the import with its error.

    Raises:
        RegistryError: the registry refused a step and there is no `report`, or it wants other credentials.
        NotAsSentError: it made another version of a schema than the one that was brought, and there is no `report`.
        ModeNotRestoredError: a scope stays in IMPORT mode.
        RegistryUnreachableError: it went away.
    """
    await _Import(client, target, work, announce, report).run()


class _Import:
    """One run of an import, and which of its steps failed. The arguments are those of `apply_import`."""

    def __init__(
        self,
        client: RegistryClient,
        target: Snapshot,
        work: ImportPlan,
        announce: Callable[[str], None],
        report: Callable[[Failure], None] | None,
    ) -> None:
        self._client = client
        self._target = target
        self._work = work
        self._announce = announce
        self._report = report
        # The versions that were not registered.
        self._failed: set[Place] = set()
        # The mode of each scope that is in IMPORT mode meanwhile, and the scopes where that was refused.
        self._before: dict[str, str | None] = {}
        self._closed: set[Subject] = set()
        # The scopes whose final mode takes ids, and is set.
        self._kept: set[str] = set()
        # The scopes that the next import puts in IMPORT mode, because something in them failed.
        self._waiting: set[Subject] = set()

    async def run(self) -> None:
        modes = self._work.modes
        # A mode that takes ids may only be set where a schema lives, or it removes what is soft-deleted: so before
        # deletes.
        early = {scope: mode for scope, mode in modes.items() if mode is not None and mode in _TAKES_IDS}
        async with self._importing():
            for version in self._work.register:
                await self._register(version)
            for scope, mode in early.items():
                if await self._set_mode(scope, mode):
                    self._kept.add(scope)
                else:
                    self._waiting.add(Subject.parse(scope))
            await self._delete()
            for change in self._work.configs:
                await self._configure(change)
        for scope, wanted in modes.items():
            if scope not in early:
                await self._set_mode(scope, wanted)

    async def _attempt(self, step: Step, call: Coroutine[Any, Any, object]) -> bool:
        """Whether a step was done; its failure is reported."""
        try:
            await call
        except ImportMismatchError as error:
            if self._report is None:
                raise
            self._report(Failure(step, str(error)))
        except RegistryError as error:
            if self._report is None or error.status == HTTPStatus.UNAUTHORIZED:
                raise
            self._report(Failure(step, str(error), error.error_code))
            # The registry may have set a mode before it failed; one that it refused it has not set.
            if step.action is Action.IMPORT_MODE and error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                del self._before[step.scope]
        else:
            return True
        return False

    def _skip(self, step: Step, why: str) -> None:
        if self._report is not None:
            self._report(Failure(step, why, skipped=True))

    async def _register(self, version: VersionRecord) -> None:
        step = Step.of(Action.REGISTER, version)
        self._announce(step.name)
        why = self._obstacle(version)
        if why:
            self._skip(step, why)
        elif await self._attempt(step, _register(self._client, version)):
            return
        subject = version.parsed_subject
        self._failed.add(version.place)
        self._waiting.add(subject.scope_of_context)
        settings = self._target.by_scope.get(subject)
        if self._work.modes.get(str(subject)) or (settings and settings.mode):
            self._waiting.add(subject)

    def _obstacle(self, version: VersionRecord) -> str:
        """The earlier failure because of which a version cannot be registered; empty if there is none."""
        subject = version.parsed_subject
        for scope in (subject.scope_of_context, subject):
            if scope in self._closed:
                return f"the {Step(Action.IMPORT_MODE, str(scope)).name} could not be set to IMPORT"
        for reference in version.references:
            if (Subject.parse(reference.subject, subject.context), reference.version) in self._failed:
                return f"references {reference.subject} version {reference.version}, which failed"
        return ""

    async def _set_mode(self, scope: str, mode: str | None) -> bool:
        step = Step(Action.MODE, scope)
        self._announce(step.name)
        call = self._client.delete_mode(scope) if mode is None else self._client.put_mode(scope, mode)
        return await self._attempt(step, call)

    async def _delete(self) -> None:
        """Soft-deletes, except where the next import would find nothing but soft-deleted versions.

        IMPORT mode, which it needs to register the failed versions, removes those for good.
        """
        places = {version.place: not version.deleted for version in self._target.versions}
        places |= {version.place: True for version in self._work.register if version.place not in self._failed}
        places |= {version.place: False for version in self._work.delete}
        alive = {scope for (subject, _), is_alive in places.items() if is_alive for scope in with_scopes(subject)}
        for version in self._work.delete:
            step = Step.of(Action.DELETE, version)
            self._announce(f"deleting {step.name}")
            if version.place in self._failed:
                continue
            bare = self._waiting.intersection(with_scopes(version.parsed_subject)) - alive
            if bare:
                scope = Step(Action.IMPORT_MODE, str(min(bare))).name.removeprefix("mode of ")
                self._skip(step, f"soft-deleted only when the failed steps of {scope} are done")
            else:
                await self._attempt(step, self._client.delete_version(version.subject, version.version))

    async def _configure(self, change: ConfigChange) -> None:
        step = Step(Action.CONFIG, change.scope)
        self._announce(step.name)
        scope = Subject.parse(change.scope)
        if change.changes.get("alias") and any(subject == scope for subject, _ in self._failed):
            self._skip(step, "it makes the subject an alias, which could not take the versions that failed")
        else:
            await self._attempt(step, self._client.put_config(change.scope, change.changes))

    @asynccontextmanager
    async def _importing(self) -> AsyncIterator[None]:
        """IMPORT mode where schemas are registered; afterwards as before, except final modes if nothing stopped it."""
        done = False
        try:
            for scope, mode in import_scopes(self._target, self._work.register).items():
                self._before[str(scope)] = mode
                step = Step(Action.IMPORT_MODE, str(scope))
                if not await self._attempt(step, self._client.put_mode(str(scope), IMPORT)):
                    self._closed.add(scope)
            yield
            done = True
        finally:
            left = {scope: mode for scope, mode in self._before.items() if not (done and scope in self._kept)}
            # Not even an interruption may leave the registry taking foreign ids.
            await asyncio.shield(_put_back(self._client, left))


async def _register(client: RegistryClient, version: VersionRecord) -> None:
    request = SchemaRequest(
        version.schema,
        version.schema_type,
        version.references,
        version.metadata,
        version.rule_set,
        version.id,
        version.version,
    )
    made = await client.register(version.subject, request)
    # An older registry answers the id alone.
    if made.id != version.id or made.version not in (0, version.version):
        raise ImportMismatchError(
            f"{version.subject} version {version.version}, id {version.id}, became version {made.version}, id {made.id}"
        )


async def _put_back(client: RegistryClient, modes: dict[str, str | None]) -> None:
    failed: ModeNotRestoredError | None = None
    for scope, mode in reversed(modes.items()):
        try:
            await (client.delete_mode(scope) if mode is None else client.put_mode(scope, mode))
        except ClientError as error:
            failed = ModeNotRestoredError(scope, mode, error)
    if failed is not None:
        raise failed
