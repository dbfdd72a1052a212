"""Plans: a set of schemas across subjects, tried out together, and applied as one."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from llm_schema_registry.budget import BudgetExceededError
from llm_schema_registry.contracts import Subject
from llm_schema_registry.registry.candidates import SchemaRequest
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.naming import check_subject
from llm_schema_registry.registry.registering import Registered, checked, decide, write
from llm_schema_registry.registry.registry import Registry
from llm_schema_registry.store.store import Transaction


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
        registered: the version and content, unless it is refused. Ids and versions of new ones hold only if
            nothing is written between the plan and its application.
        error: why it is refused.
    """

    planned: Planned
    action: Action
    registered: Registered | None = None
    error: RegistryError | None = None


class _RolledBackError(Exception):
    """Ends a transaction of which nothing shall stay."""


async def plan(
    registry: Registry, schemas: Sequence[Planned], *, apply: bool = False, actor: str = ""
) -> list[Outcome]:
    """What registering these schemas would do, decided exactly as registration decides.

    All of them are registered in one transaction, each seeing those before it, so that they may refer to each
    other and to subjects that do not exist yet. Without `apply`, or if any is refused, it is rolled back.

    Args:
        registry: the registry.
        schemas: in any order; schemas of one subject are taken in the order given, and a subject that others
            refer to before them.
        apply: keep what was written if nothing is refused.
        actor: who does it.

    Returns:
        One outcome per schema, in the order given.
    """
    outcomes: dict[int, Outcome] = {}
    try:
        async with registry.store.transaction(actor) as transaction:
            for index in _in_order_of_references(schemas):
                outcomes[index] = await _outcome(registry, transaction, schemas[index])
            if not apply or any(outcome.action is Action.REFUSE for outcome in outcomes.values()):
                raise _RolledBackError
    except _RolledBackError:
        pass
    return [outcomes[index] for index in range(len(schemas))]


async def _outcome(registry: Registry, transaction: Transaction, planned: Planned) -> Outcome:
    try:
        check_subject(planned.subject)
        decision = await decide(
            registry, transaction, planned.subject, checked(planned.request), planned.normalize, force=False
        )
    except RegistryError as error:
        return Outcome(planned, Action.REFUSE, error=error)
    except BudgetExceededError as error:
        refusal = RegistryError(ErrorCode.BUDGET_EXCEEDED, message=str(error))
        return Outcome(planned, Action.REFUSE, error=refusal)
    if isinstance(decision, Registered):
        return Outcome(planned, Action.UNCHANGED, registered=decision)
    return Outcome(planned, Action.REGISTER, registered=await write(transaction, decision))


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
