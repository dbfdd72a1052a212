"""Payloads that break: witnesses of refusals, and warnings about breaks that a check overlooks."""

from llm_schema_registry.compatibility import Policy, Verdict, overlooked_break
from llm_schema_registry.compatibility.laxity import VERSIONS_SEARCHED
from llm_schema_registry.compatibility.witnesses import WITNESS_STEPS, Witness, find_witness
from llm_schema_registry.contracts import Subject
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.core.findings import Finding, Severity
from llm_schema_registry.registry.candidates import SchemaRequest, prepare
from llm_schema_registry.registry.compatibility import baseline_contents, check_inputs
from llm_schema_registry.registry.config import effective_config
from llm_schema_registry.registry.errors import ErrorCode, RegistryError
from llm_schema_registry.registry.registry import Registry

# A payload that is written and read takes longer than the same number of steps of a comparison.
_STEPS_OF_WORK = 4


async def witness_of_refusal(
    registry: Registry, subject: Subject, request: SchemaRequest, error: RegistryError, *, normalize: bool | None = None
) -> Witness | None:
    """A payload that breaks between a refused schema and the version it was refused for.

    Args:
        registry: the registry.
        subject: the subject that refused it.
        request: the schema.
        error: the refusal, INCOMPATIBLE_SCHEMA.
        normalize: as the schema was registered.

    Returns:
        The witness, or `None` when none was found within the bound of the search: the incompatibility may still
        be real, or it may be none of the data (another format, a reserved field).
    """
    return await _search_bounded(registry, subject, request, version_refused_for(error), normalize)


async def witness_of_verdict(
    registry: Registry, subject: Subject, request: SchemaRequest, verdict: Verdict, *, normalize: bool | None = None
) -> Witness | None:
    """The same for a check: against the version that its verdict names."""
    return await _search_bounded(registry, subject, request, verdict.against_version, normalize)


def version_refused_for(error: RegistryError) -> int | None:
    """The version whose data, or whose readers, a refused schema would break; `None` if it was for another reason."""
    errors = (finding for finding in error.findings if finding.severity is Severity.ERROR)
    return next((finding.against_version for finding in errors if finding.direction is not None), None)


async def _search_bounded(
    registry: Registry, subject: Subject, request: SchemaRequest, against: int | None, normalize: bool | None
) -> Witness | None:
    if against is None or not request.schema:
        return None
    try:
        return await registry.run_within_budget(search, subject, request, against, normalize)
    except RegistryError as error:
        # The refusal stands, whether or not there was room for its illustration.
        if error.code is ErrorCode.BUDGET_EXCEEDED:
            return None
        raise


async def search(
    registry: Registry, subject: Subject, request: SchemaRequest, against: int, normalize: bool | None
) -> Witness | None:
    """The search itself, to be run where it may take its time.

    Raises:
        RegistryError: the schema or the version cannot be read (any more).
        BudgetExceededError: it is too much work for here.
    """
    reads = registry.store
    config = await effective_config(registry, reads, subject)
    version = await reads.version(subject, against)
    content = None if version is None else await registry.schemas.content(reads, subject.context, version.schema_id)
    if content is None:
        return None
    candidate = await prepare(registry, reads, subject, request, config, normalize=normalize, new=True)
    previous = await registry.schemas.parsed(reads, content)
    level = config.compatibility_level or registry.rules.compatibility
    steps = _steps(registry)
    budget = Budget(steps, "The search for a witness")
    witness = find_witness(candidate.parsed, previous, level, budget, inline=steps < WITNESS_STEPS)
    if witness is None and budget.left < 0 and steps < WITNESS_STEPS:
        raise BudgetExceededError("The search for a witness")
    return witness


async def overlooked_by_check(
    registry: Registry,
    subject: Subject,
    request: SchemaRequest,
    *,
    version: int | None = None,
    normalize: bool | None = None,
) -> Finding | None:
    """A warning with a payload that breaks although the check calls the schema compatible.

    Args:
        registry: the registry.
        subject: the subject.
        request: the schema.
        version: as in the check.
        normalize: as in the check.

    Returns:
        The warning, or `None`: no payload that was tried breaks, or the node has no room for the search.
    """
    try:
        return await registry.run_within_budget(search_overlooked, subject, request, version, normalize)
    except RegistryError as error:
        # The verdict stands without the search.
        if error.code in (ErrorCode.BUDGET_EXCEEDED, ErrorCode.OVERLOADED):
            return None
        raise


async def search_overlooked(
    registry: Registry, subject: Subject, request: SchemaRequest, version: int | None, normalize: bool | None
) -> Finding | None:
    """The search itself, to be run where it may take its time.

    Raises:
        RegistryError: as the check does.
        BudgetExceededError: it is too much work for here.
    """
    candidate, versions, config = await check_inputs(registry, subject, request, version, normalize)
    level = config.compatibility_level or registry.rules.compatibility
    reads = registry.store
    counting = await baseline_contents(
        registry, reads, request.metadata, versions, config, exactly_these=version is not None
    )
    history = [
        (number, await registry.schemas.parsed(reads, content)) for number, content in counting[:VERSIONS_SEARCHED]
    ]
    policy = config.compatibility_policy or Policy.STRICT
    return overlooked_break(candidate.parsed, history, level, policy, steps=_steps(registry))


def _steps(registry: Registry) -> int:
    """The steps of one search: all of them, or as many as there is room for here."""
    return min(WITNESS_STEPS, registry.schemas.budget(registry.store, "The search").left // _STEPS_OF_WORK)
