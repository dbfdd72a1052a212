"""Plans: a set of schemas across subjects, checked together and applied as one."""

import asyncio
import enum
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec

from llm_schema_registry.compatibility.witnesses import Witness
from llm_schema_registry.contracts import Subject
from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.commit import PendingRegistration, RegistrationResult, write
from llm_schema_registry.registry.config import scopes_above
from llm_schema_registry.registry.errors import ErrorCode, RegistryError, over_budget
from llm_schema_registry.registry.identifiers import LATEST, check_subject
from llm_schema_registry.registry.overlay import OverlayStore
from llm_schema_registry.registry.registration import plan_registration, validate_request
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.registry.witnesses import search, version_refused_for
from llm_schema_registry.store.api import Reads, Transaction

_ATTEMPTS = 3


class Action(enum.StrEnum):
    """What applying a plan would do with one of its schemas."""

    REGISTER = "register"
    UNCHANGED = "unchanged"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Planned:
    """A schema of a plan: where it shall go."""

    subject: Subject
    request: SchemaRequest
    normalize: bool | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happens to one schema of a plan.

    Attributes:
        planned: the schema.
        action: what would be, or was, done.
        registered: the version and content, unless it is refused. Until the plan is applied, the ids of new
            contents hold only if nothing else is registered in between.
        error: why it is refused.
        witness: a payload that an incompatible schema would break, if one was looked for and found.
    """

    planned: Planned
    action: Action
    registered: RegistrationResult | None = None
    error: RegistryError | None = None
    witness: Witness | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What registering a set of schemas would do, or did.

    Attributes:
        outcomes: one per schema, in the order given.
        applied: whether it was written.
    """

    outcomes: tuple[Outcome, ...]
    applied: bool = False

    @property
    def refused(self) -> bool:
        """Whether any schema is refused, so that nothing can be applied."""
        return any(outcome.action is Action.REFUSE for outcome in self.outcomes)

    @property
    def digest(self) -> str:
        """A hash over where each schema ends up: subject, version and content.

        Not the id, which others move; nor whether it was there before, so that applying twice is applying once.
        """
        facts = [
            (
                str(outcome.planned.subject),
                outcome.registered and outcome.registered.version.version,
                outcome.registered and outcome.registered.content.guid,
            )
            for outcome in self.outcomes
        ]
        return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


@dataclass(frozen=True, slots=True)
class _TriedOut:
    """Outcomes in the order of writing, by index, and what would be written for them."""

    outcomes: dict[int, Outcome]
    decisions: dict[int, PendingRegistration]

    def plan(self) -> Plan:
        return Plan(tuple(self.outcomes[index] for index in range(len(self.outcomes))))

    async def write(self, transaction: Transaction) -> Plan:
        """Writes what was decided, provided that it still holds."""
        written = {index: await write(transaction, decision) for index, decision in self.decisions.items()}
        return Plan(
            tuple(
                replace(self.outcomes[index], registered=written.get(index, self.outcomes[index].registered))
                for index in range(len(self.outcomes))
            ),
            applied=True,
        )

    def scopes(self) -> list[Subject]:
        """Every scope whose change could make another plan of it."""
        scopes: dict[Subject, None] = {}
        for index, outcome in self.outcomes.items():
            decision = self.decisions.get(index)
            scopes |= dict.fromkeys(decision.scopes if decision else scopes_above(outcome.planned.subject))
        return list(scopes)


async def plan(
    registry: Registry,
    schemas: Sequence[Planned],
    *,
    apply: bool = False,
    expect: str | None = None,
    witness: bool = False,
    actor: str = "",
) -> Plan:
    """What registering these schemas would do, decided exactly as registration decides.

    Each schema sees those before it, so that they may refer to each other and to subjects that do not exist yet.
    Trying out writes nothing and locks nothing; applying writes all of them in one transaction, or none. If others
    keep changing the same subjects, the last attempt is made inside the lock.

    Args:
        registry: the registry.
        schemas: in any order; schemas of one subject are taken in the order given, and a subject that others
            refer to before them.
        apply: write it, if nothing is refused.
        expect: the digest of an earlier plan; another outcome is then not applied.
        witness: look for payloads that incompatible schemas would break.
        actor: who does it.

    Raises:
        RegistryError: BUDGET_EXCEEDED; CONCURRENT_CHANGE when others kept changing the same subjects, and it is too
            much work to be done inside the lock.
    """
    store = registry.store
    for _ in range(_ATTEMPTS):
        seen = await registry.observed_revision()
        tried = await registry.run_within_budget(_try_out_on_store, schemas, witness)
        tentative = tried.plan()
        if not apply or not _may_be_written(tentative, expect):
            return tentative
        for decision in tried.decisions.values():
            await store.stage(decision.content)
        async with store.transaction(actor) as transaction:
            if await transaction.last_changed(tried.scopes()) <= seen:
                return await tried.write(transaction)
    async with store.transaction(actor) as transaction:
        try:
            tried = await _try_out(registry, transaction, schemas, witness)
        except BudgetExceededError:
            # Too much work for here, and nobody may be kept waiting for a process beside.
            raise RegistryError(ErrorCode.CONCURRENT_CHANGE, subject=schemas[0].subject) from None
        tentative = tried.plan()
        return await tried.write(transaction) if _may_be_written(tentative, expect) else tentative


def _may_be_written(tentative: Plan, expect: str | None) -> bool:
    return not tentative.refused and expect in (None, tentative.digest)


async def _try_out_on_store(registry: Registry, schemas: Sequence[Planned], witness: bool) -> _TriedOut:
    return await _try_out(registry, registry.store, schemas, witness)


async def _try_out(registry: Registry, reads: Reads, schemas: Sequence[Planned], witness: bool) -> _TriedOut:
    tentative = OverlayStore(reads, await reads.revision())
    there = tentative.registry_of(registry)
    tried = _TriedOut({}, {})
    of_set: dict[Subject, int] = {}
    for index in _in_order_of_references(schemas):
        planned = _within_set(schemas[index], of_set)
        try:
            decision = await _decide(there, planned)
        except RegistryError as error:
            found = await _witness(there, planned, error) if witness else None
            tried.outcomes[index] = Outcome(planned, Action.REFUSE, error=error, witness=found)
        else:
            if isinstance(decision, RegistrationResult):
                outcome = Outcome(planned, Action.UNCHANGED, decision)
            else:
                tried.decisions[index] = decision
                decision = await tentative.write(decision)
                outcome = Outcome(planned, Action.REGISTER, decision)
            tried.outcomes[index] = outcome
            of_set[planned.subject] = decision.version.version
        # Reads of SQLite do not wait: without this nobody else would get a turn between two schemas.
        await asyncio.sleep(0)
    return tried


def _within_set(planned: Planned, of_set: dict[Subject, int]) -> Planned:
    """The schema with references to the latest version of a subject of the set meaning the version of the set.

    It need not be the latest: a set may hold a schema that has been followed by others meanwhile.
    """
    references = [
        msgspec.structs.replace(reference, version=of_set.get(subject, LATEST))
        if reference.version == LATEST
        else reference
        for reference in planned.request.references or ()
        for subject in (Subject.parse(reference.subject, planned.subject.context),)
    ]
    return replace(planned, request=msgspec.structs.replace(planned.request, references=references or None))


async def _decide(there: Registry, planned: Planned) -> RegistrationResult | PendingRegistration:
    check_subject(planned.subject)
    try:
        return await plan_registration(
            there, there.store, planned.subject, validate_request(planned.request), planned.normalize, force=False
        )
    except BudgetExceededError as error:
        if there.schemas.steps < there.schemas.max_steps:
            raise
        # There is no larger place than this: it is this schema that is refused, not the whole set.
        raise over_budget(error, there.schemas.max_steps) from error


async def _witness(there: Registry, planned: Planned, error: RegistryError) -> Witness | None:
    against = version_refused_for(error)
    if against is None or not planned.request.schema:
        return None
    return await search(there, planned.subject, planned.request, against, planned.normalize)


def _in_order_of_references(schemas: Sequence[Planned]) -> list[int]:
    """Indexes of the schemas, those of a subject that another one refers to before it; cycles stay as given."""
    of_subject: dict[Subject, list[int]] = {}
    for index, planned in enumerate(schemas):
        of_subject.setdefault(planned.subject, []).append(index)
    ordered: dict[int, None] = {}
    visited: set[int] = set()
    stack = [(index, False) for index in reversed(range(len(schemas)))]
    while stack:
        index, done = stack.pop()
        if done:
            ordered.setdefault(index)
            continue
        if index in visited:
            continue
        visited.add(index)
        stack.append((index, True))
        planned = schemas[index]
        before = [other for other in of_subject[planned.subject] if other < index]
        for reference in planned.request.references or ():
            subject = Subject.parse(reference.subject, planned.subject.context)
            if subject != planned.subject:
                before += of_subject.get(subject, [])
        stack.extend((other, False) for other in reversed(before))
    return list(ordered)
