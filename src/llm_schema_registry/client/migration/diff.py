"""Plan of an import: what a registry lacks, decided before anything is written."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from llm_schema_registry.client.migration.failures import Action, Failure
from llm_schema_registry.client.migration.snapshot import Snapshot, VersionRecord
from llm_schema_registry.client.model import ScopeSettings
from llm_schema_registry.contracts import GLOBAL_SCOPE, Subject

_LEVEL = "compatibilityLevel"
_LEVEL_IN_REQUESTS = "compatibility"
IMPORT = "IMPORT"


@dataclass(frozen=True, slots=True)
class Collision:
    """Something that an import would have to overwrite, or could not do.

    Attributes:
        name: the subject with version, or the scope.
        why: one sentence.
    """

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A config to be set: `changes` is the body of the request, with `None` for what is cleared."""

    scope: str
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import has to do.

    Attributes:
        register: versions to be registered, what is referred to first.
        delete: versions to be soft-deleted, what refers to others first.
        configs: configs to be set.
        modes: modes to be set, by scope; `None` for one to be removed.
        present: how many versions are there already, as they should be.
        collisions: what stands in the way; nothing is imported while there are any.
        notes: what is worth knowing.
    """

    register: list[VersionRecord] = field(default_factory=list)
    delete: list[VersionRecord] = field(default_factory=list)
    configs: list[ConfigChange] = field(default_factory=list)
    modes: dict[str, str | None] = field(default_factory=dict)
    present: int = 0
    collisions: list[Collision] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.register or self.delete or self.configs or self.modes)

    def without(self, failures: Iterable[Failure]) -> "ImportPlan":
        """The work without the steps that failed, and without what is left to do because of them."""
        steps = [failure.step for failure in failures]
        unregistered = {(step.scope, step.version) for step in steps if step.action is Action.REGISTER}
        kept = unregistered | {(step.scope, step.version) for step in steps if step.action is Action.DELETE}
        configs = {step.scope for step in steps if step.action is Action.CONFIG}
        modes = {step.scope for step in steps if step.action is Action.MODE}
        names = {step.name for step in steps}
        return replace(
            self,
            register=[each for each in self.register if (each.subject, each.version) not in unregistered],
            delete=[each for each in self.delete if (each.subject, each.version) not in kept],
            configs=[each for each in self.configs if each.scope not in configs],
            modes={scope: mode for scope, mode in self.modes.items() if scope not in modes},
            collisions=[each for each in self.collisions if each.name not in names],
        )


def compare(source: Snapshot, target: Snapshot, *, settings: bool = True, end_import_mode: bool = False) -> ImportPlan:
    """What brings everything of `source` into `target`, with the same ids and versions.

    What only the target has stays. Settings of the source win over those of the target.

    Args:
        source: what is brought.
        target: what is there.
        settings: bring configs and modes too.
        end_import_mode: remove IMPORT mode from the scopes of the target that have it before anything is done.
    """
    register: list[VersionRecord] = []
    delete: list[VersionRecord] = []
    collisions: list[Collision] = []
    contents = {(each.parsed_subject.context, each.id): each for each in target.versions}
    present = 0
    for version in source.versions:
        there = target.by_place.get(version.place)
        same_id = contents.get((version.parsed_subject.context, version.id))
        why = _why_not(source, version, there, same_id)
        if why:
            collisions.append(Collision(f"{version.subject} version {version.version}", why))
            continue
        if there is None or (there.deleted and not version.deleted):
            register.append(version)
        present += there is not None and there.deleted == version.deleted
        if version.deleted and (there is None or not there.deleted):
            delete.append(version)
    wanted, doomed = {version.place for version in register}, {version.place for version in delete}
    work = ImportPlan(
        register=[each for each in source.in_order_of_references(register) if each.place in wanted],
        delete=[each for each in reversed(source.in_order_of_references(delete)) if each.place in doomed],
        present=present,
        collisions=collisions,
        notes=list(_notes(source, target)),
    )
    if settings:
        _compare_settings(source, target, work)
    _compare_import_mode(source, target, work, ends=end_import_mode)
    work.collisions.extend(_scopes_in_the_way(target, work))
    return work


def with_scopes(subject: Subject) -> tuple[Subject, Subject, Subject]:
    """The scopes of config and mode that a subject is in, its own first."""
    return subject, subject.scope_of_context, GLOBAL_SCOPE


def import_scopes(target: Snapshot, register: Iterable[VersionRecord]) -> dict[Subject, str | None]:
    """The contexts, and subjects with a mode of their own, to be put in IMPORT mode; with the own mode of each."""
    subjects = dict.fromkeys(version.parsed_subject for version in register)
    modes = {scope: settings.mode for scope, settings in target.by_scope.items() if settings.mode}
    contexts = dict.fromkeys(subject.scope_of_context for subject in subjects)
    scopes = (*contexts, *(subject for subject in subjects if subject in modes))
    return {scope: modes.get(scope) for scope in scopes if modes.get(scope) != IMPORT}


def _why_not(
    source: Snapshot, version: VersionRecord, there: VersionRecord | None, same_id: VersionRecord | None
) -> str:
    """Why a version cannot be imported; empty if it can, or if it is there already."""
    for other, what in ((there, "the version"), (same_id, "the id")):
        if other is None or _same_content(source, version, other):
            continue
        taken_by = f"{what} is taken by other content: {other.subject} version {other.version}, id {other.id}"
        return f"{taken_by}, guid {other.identity}; to be imported: id {version.id}, guid {version.identity}"
    if there is not None and there.id != version.id:
        return f"the version is there with id {there.id}; to be imported: id {version.id}"
    return ""


def _same_content(source: Snapshot, version: VersionRecord, other: VersionRecord) -> bool:
    if version.schema_type != other.schema_type:
        return False
    # Registries may write one schema in more than one way; what counts is what becomes of it here.
    return version.identity == other.identity or source.canonical_identity(version) == other.identity


def _scopes_in_the_way(target: Snapshot, work: ImportPlan) -> Iterator[Collision]:
    subjects = {version.parsed_subject for version in work.register}
    for subject in sorted(subjects):
        settings = target.by_scope.get(subject)
        alias = (settings.config or {}).get("alias") if settings else None
        if alias:
            yield Collision(
                str(subject), f"it is an alias of {alias} there, so that nothing can be registered under it"
            )
    there = {scope for version in target.versions for scope in with_scopes(version.parsed_subject)}
    alive = {scope for each in target.versions if not each.deleted for scope in with_scopes(each.parsed_subject)}
    registered = {scope for subject in subjects for scope in with_scopes(subject)}
    final = {Subject.parse(scope) for scope, mode in work.modes.items() if mode == IMPORT} - registered
    for scope in sorted({*import_scopes(target, work.register), *final} & (there - alive)):
        yield Collision(
            f"subject {scope}" if scope.name else f"context {scope.context}",
            "all its versions there are soft-deleted, and IMPORT mode would remove them for good: "
            "delete them permanently, or register a schema there first",
        )


def _notes(source: Snapshot, target: Snapshot) -> Iterator[str]:
    off = [version for version in source.versions if version.guid and version.guid != version.identity]
    if off:
        first = off[0]
        yield (
            f"{len(off)} versions have a guid that their content does not give, the first {first.subject} "
            f"version {first.version}: they get the guid of their content"
        )
    used = {version.parsed_subject.context for version in (*source.versions, *target.versions)}
    empty = [context for context in source.contexts if context not in {*used, *target.contexts}]
    if empty:
        yield f"contexts without schemas come into being with their first one: {', '.join(empty)}"


def _compare_settings(source: Snapshot, target: Snapshot, work: ImportPlan) -> None:
    for scope, wanted in source.by_scope.items():
        there = target.by_scope.get(scope) or ScopeSettings(wanted.scope)
        if wanted.config is not None and wanted.config != there.config:
            cleared = dict.fromkeys(there.config or {})
            changes = {**cleared, **wanted.config}
            changes = {_LEVEL_IN_REQUESTS if key == _LEVEL else key: value for key, value in changes.items()}
            work.configs.append(ConfigChange(wanted.scope, changes))
        if wanted.mode is not None and wanted.mode != there.mode:
            work.modes[wanted.scope] = wanted.mode


def _compare_import_mode(source: Snapshot, target: Snapshot, work: ImportPlan, *, ends: bool) -> None:
    """What becomes of scopes that are in IMPORT mode already: nobody can tell whether that is meant to be so."""
    for scope, there in target.by_scope.items():
        wanted = source.by_scope.get(scope)
        if there.mode != IMPORT or there.scope in work.modes or (wanted is not None and wanted.mode == IMPORT):
            continue
        if ends:
            work.modes[there.scope] = None
        else:
            work.notes.append(
                f"{there.scope or 'the default context'} is in IMPORT mode already: somebody set it, or an import was "
                "killed. It stays so; --end-import-mode removes it"
            )
