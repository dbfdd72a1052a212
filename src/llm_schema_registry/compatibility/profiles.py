"""What a change breaks besides the reading of data: the findings of the profiles."""

from collections.abc import Iterable
from typing import Final

from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import Finding, Severity, shortened
from llm_schema_registry.formats import ParsedSchema, format_of
from llm_schema_registry.formats.profiles import HasProfiles, NotCompiledError, Profile, ProfileDifference, Side

_FIXES: Final = {
    Side.OLD: "Set compatibilityProfile to CONFLUENT for the registration of a schema that compiles.",
    Side.NEW: "Correct what the compiler names.",
}


def profile_findings(
    candidate: ParsedSchema, previous: ParsedSchema, version: int, profile: Profile, budget: Budget
) -> list[Finding]:
    """A finding for each change from `previous` to `candidate` that breaks a profile.

    Those that break `profile` are errors, all others warnings. The two schemas are of one format; formats without
    profiles have none.

    Raises:
        BudgetExceededError: too much work.
    """
    format_ = format_of(candidate.schema_type)
    if not isinstance(format_, HasProfiles):
        return []
    area = candidate.schema_type.lower()
    try:
        differences = format_.profile_differences(candidate, previous, budget=budget)
    except NotCompiledError as error:
        return [_not_comparable(version, error, profile)]
    return [_finding(each, area, version, profile) for each in differences]


def profile_message(finding: Finding) -> str:
    """A finding in the form of the Confluent registry's messages."""
    return f'{{errorType:"{finding.code.partition(".")[2]}", description:"{finding.message}"}}'


def _finding(difference: ProfileDifference, area: str, version: int, profile: Profile) -> Finding:
    rule = difference.rule
    return Finding(
        code=f"{area}.{rule.name}",
        severity=Severity.ERROR if profile in rule.breaks else Severity.WARNING,
        path=difference.path,
        message=f"{difference.sentence}. {rule.why} This breaks {_listed(rule.breaks)} (version {version}).",
        old=shortened(difference.old) if difference.old else None,
        new=shortened(difference.new) if difference.new else None,
        against_version=version,
        fix=rule.fix,
        docs=f"reference/findings/{area}.md#{rule.name.lower()}",
    )


def _not_comparable(version: int, error: NotCompiledError, profile: Profile) -> Finding:
    text = f"Version {version}" if error.side is Side.OLD else "The new schema"
    return Finding(
        code="schema.PROFILE_NOT_CHECKED",
        severity=Severity.WARNING if profile is Profile.CONFLUENT else Severity.ERROR,
        message=f"{text} cannot be compared by profile, since its compiler refuses it: {error.message}",
        against_version=version,
        fix=_FIXES[error.side],
        docs="reference/findings/schema.md#profile_not_checked",
    )


def _listed(profiles: Iterable[Profile]) -> str:
    names = [profile.value for profile in Profile if profile in profiles]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
