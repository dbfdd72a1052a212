"""The verdict over a change: may this schema follow those?"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from llm_schema_registry.compatibility.exactness import Decide, decides_containment, decision_finding
from llm_schema_registry.compatibility.exactness import decide as decide_containment
from llm_schema_registry.compatibility.levels import CompatibilityLevel, Direction, LogicalTypes, Policy
from llm_schema_registry.compatibility.limits import limited_findings, limited_messages
from llm_schema_registry.compatibility.profiles import profile_findings, profile_message
from llm_schema_registry.core.budget import Budget
from llm_schema_registry.core.findings import Finding, Severity, shortened
from llm_schema_registry.formats import Certainty, Difference, Impact, ParsedSchema, format_of
from llm_schema_registry.formats.profiles import Profile

DIFFERENT_TYPE = "Incompatible because of different schema type"
_OLD_SCHEMA_LIMIT = 10_240
# The messages at the end of each refusal: the old version and its text.
_TAIL = 2
_SIDES = {Direction.BACKWARD: ("new", "old"), Direction.FORWARD: ("old", "new")}
_PROMISE = {
    Direction.BACKWARD: "Consumers with the new schema could not read data written with the old one",
    Direction.FORWARD: "Consumers that still have the old schema could not read data written with the new one",
}
_DOUBT = {
    Direction.BACKWARD: "Consumers with the new schema may be unable to read data written with the old one",
    Direction.FORWARD: "Consumers that still have the old schema may be unable to read data written with the new one",
}
_MISREADING = {
    Direction.BACKWARD: "Consumers with the new schema may misread data written with the old one",
    Direction.FORWARD: "Consumers that still have the old schema may misread data written with the new one",
}
_Severities = Mapping[Impact, Severity]
_SEVERITIES: dict[Policy, _Severities] = {
    Policy.STRICT: {
        Impact.INCOMPATIBLE: Severity.ERROR,
        Impact.LENIENT: Severity.ERROR,
        Impact.WARNING: Severity.WARNING,
    },
    Policy.LENIENT: {Impact.INCOMPATIBLE: Severity.ERROR, Impact.WARNING: Severity.WARNING},
}
# Where there is no proof, the rules say what changed.
_SEVERITIES[Policy.EXACT] = _SEVERITIES[Policy.STRICT]
_LOGICAL = {LogicalTypes.WARN: Severity.WARNING, LogicalTypes.STRICT: Severity.ERROR}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        findings: one per incompatibility, in the order they were met, then the warnings. A compatible verdict has
            none but warnings, and those only where they were asked for.
        messages: the same as the Confluent registry words it (Confluent's rule), with the version and the text of
            the schema that the candidate is incompatible with, unless that is of another format.
        against_version: the version the candidate is incompatible with, `None` when it is compatible.
    """

    findings: tuple[Finding, ...] = ()
    messages: tuple[str, ...] = ()
    against_version: int | None = None
    compatible: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "compatible", not self.messages)


def check(
    candidate: ParsedSchema,
    history: Sequence[tuple[int, ParsedSchema]],
    level: CompatibilityLevel,
    policy: Policy = Policy.STRICT,
    budget: Budget | None = None,
    *,
    profile: Profile = Profile.CONFLUENT,
    logical_types: LogicalTypes = LogicalTypes.WARN,
    annotate: bool = False,
    decide: Decide = decide_containment,
) -> Verdict:
    """Whether `candidate` may follow the versions of `history` under `level`.

    Args:
        candidate: the new schema.
        history: (version, schema) of every version that counts, newest first. Which ones count (the latest, or
            all for a transitive level) is the caller's choice, since it depends on their states.
        level: what is promised.
        policy: how a format treats differences that are compatible only under LENIENT.
        budget: bounds the whole check.
        profile: what a change must not break besides the promises of the level, if the level makes any.
        logical_types: what a change of a logical type of Avro means.
        annotate: whether to report warnings, too, about the change from the newest version to the candidate: what
            counts as compatible although data may be misunderstood, and what breaks other profiles. A refusal
            reports the former in any case. Under EXACT the proof is reported, too.
        decide: decides under EXACT.

    Returns:
        The verdict on the first version that the candidate is incompatible with, or a compatible verdict.

    Raises:
        BudgetExceededError: too much work.
    """
    budget = budget or Budget(what="The compatibility check")
    for version, previous in history if level.directions else ():
        if previous.schema_type != candidate.schema_type:
            # The reference looks for this first, and names neither the version nor its text.
            return Verdict((_different_type(candidate, version, previous),), (DIFFERENT_TYPE,), version)
    warnings: tuple[Finding, ...] = ()
    is_exact = policy is Policy.EXACT and decides_containment(candidate)
    for version, previous in history:
        if is_exact:
            verdict = _check_exactly(candidate, version, previous, level, budget, decide, annotate=annotate)
        else:
            verdict = _check_one(
                candidate, version, previous, level, policy, budget, logical_types=logical_types, annotate=annotate
            )
        if level.directions and (annotate or profile is not Profile.CONFLUENT):
            found = profile_findings(candidate, previous, version, profile, budget)
            verdict = _with_profiles(verdict, found, version, previous, annotate=annotate)
        if not verdict.compatible:
            return _limited(verdict)
        if annotate:
            warnings, annotate = verdict.findings, False
    return _limited(Verdict(warnings))


def _limited(verdict: Verdict) -> Verdict:
    """The verdict with no more findings and messages than an answer should hold."""
    messages = (*limited_messages(verdict.messages[:-_TAIL]), *verdict.messages[-_TAIL:])
    return Verdict(limited_findings(verdict.findings), messages, verdict.against_version)


def breaking_differences(
    reader: ParsedSchema, writer: ParsedSchema, policy: Policy, budget: Budget
) -> Iterator[Difference]:
    """The differences that keep `reader` from reading what `writer` wrote; both of one format."""
    for difference, severity in _weighed_differences(reader, writer, _SEVERITIES[policy], budget):
        if severity is Severity.ERROR:
            yield difference


def _weighed_differences(
    reader: ParsedSchema, writer: ParsedSchema, severities: _Severities, budget: Budget
) -> Iterator[tuple[Difference, Severity]]:
    """The differences to report: errors decide the verdict, warnings do not."""
    lenient = Impact.LENIENT not in severities
    for difference in format_of(reader.schema_type).compare(reader, writer, lenient=lenient, budget=budget):
        severity = severities.get(difference.type.impact)
        if severity is not None:
            yield difference, severity


def _check_one(
    candidate: ParsedSchema,
    version: int,
    previous: ParsedSchema,
    level: CompatibilityLevel,
    policy: Policy,
    budget: Budget,
    *,
    logical_types: LogicalTypes,
    annotate: bool,
) -> Verdict:
    findings: list[Finding] = []
    warnings: list[Finding] = []
    messages: list[str] = []
    severities = {**_SEVERITIES[policy], Impact.LOGICAL: _LOGICAL[logical_types]}
    for direction in level.directions:
        reader, writer = (candidate, previous) if direction is Direction.BACKWARD else (previous, candidate)
        format_ = format_of(candidate.schema_type)
        for difference, severity in _weighed_differences(reader, writer, severities, budget):
            if severity is Severity.ERROR:
                messages.append(format_.describe(difference, *_SIDES[direction]))
            if difference.places == 0:
                continue
            if severity is Severity.ERROR:
                consequence = _consequence(difference, direction, policy)
                findings.append(_finding(difference, direction, version, candidate, consequence))
            else:
                warnings.append(_warning(difference, direction, version, candidate))
    if messages:
        return _refused([*findings, *warnings], messages, version, previous)
    return Verdict(tuple(warnings)) if annotate else Verdict()


def _check_exactly(
    candidate: ParsedSchema,
    version: int,
    previous: ParsedSchema,
    level: CompatibilityLevel,
    budget: Budget,
    decide: Decide,
    *,
    annotate: bool,
) -> Verdict:
    """The verdict by proofs. What the rules count as incompatible is reported where there is none."""
    findings: list[Finding] = []
    proofs: list[Finding] = []
    messages: list[str] = []
    for direction in level.directions:
        decision = decide(candidate, previous, direction)
        finding = decision_finding(decision, version)
        if decision.is_proved:
            proofs.append(finding)
            continue
        findings.append(finding)
        reader, writer = (candidate, previous) if direction is Direction.BACKWARD else (previous, candidate)
        format_ = format_of(candidate.schema_type)
        for difference in breaking_differences(reader, writer, Policy.EXACT, budget):
            if difference.type.certainty is Certainty.NONE:
                continue
            messages.append(format_.describe(difference, *_SIDES[direction]))
            if difference.places:
                findings.append(_finding(difference, direction, version, candidate, _DOUBT[direction]))
        messages.append(profile_message(finding))
    if messages:
        return _refused(findings, messages, version, previous)
    return Verdict(tuple(proofs)) if annotate else Verdict()


def _with_profiles(
    verdict: Verdict, found: Sequence[Finding], version: int, previous: ParsedSchema, *, annotate: bool
) -> Verdict:
    """The verdict with the errors among the findings of profiles, and with the warnings if they are wanted."""
    refused = {finding.path for finding in verdict.findings}
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    # What is refused anyway needs no warning.
    warnings = [each for each in found if annotate and each.severity is not Severity.ERROR and each.path not in refused]
    findings = (*verdict.findings, *errors, *warnings)
    if not errors:
        return Verdict(findings, verdict.messages, verdict.against_version)
    messages = [*verdict.messages[:-_TAIL], *map(profile_message, errors)]
    return _refused(findings, messages, version, previous)


def _refused(findings: Sequence[Finding], messages: Sequence[str], version: int, previous: ParsedSchema) -> Verdict:
    tail = (f"{{oldSchemaVersion: {version}}}", _old_schema(previous.canonical))
    return Verdict(tuple(findings), (*messages, *tail), version)


def _consequence(difference: Difference, direction: Direction, policy: Policy) -> str:
    """Who breaks, as far as that is certain."""
    if difference.type.impact is Impact.LOGICAL:
        return _MISREADING[direction]
    match difference.type.certainty:
        case Certainty.CERTAIN:
            return _PROMISE[direction]
        case Certainty.POSSIBLE:
            return _DOUBT[direction]
        case Certainty.NONE:
            return f"No payload is known that breaks; the policy {policy} counts the change as incompatible by rule"


def _warning(difference: Difference, direction: Direction, version: int, candidate: ParsedSchema) -> Finding:
    """The finding of a difference that is compatible by the rules, although data may be misunderstood."""
    finding = _finding(difference, direction, version, candidate, _MISREADING[direction])
    return msgspec.structs.replace(finding, severity=Severity.WARNING)


def _finding(
    difference: Difference, direction: Direction, version: int, candidate: ParsedSchema, consequence: str
) -> Finding:
    rule = difference.type
    reader, writer = _SIDES[direction]
    sentence = rule.description.format(reader=reader, writer=writer, path=difference.path, detail=difference.detail)
    why = rule.why.replace("{detail}", difference.detail)
    places = f" {difference.places} places are affected; this is the shortest path." if difference.places > 1 else ""
    area = candidate.schema_type.lower()
    old, new = difference.writer, difference.reader
    if direction is Direction.FORWARD:
        old, new = new, old
    return Finding(
        code=f"{area}.{rule.name}",
        path=difference.path,
        message=f"{sentence}. {why} {consequence} (version {version}).{places}",
        places=difference.places,
        old=None if old is None else shortened(old),
        new=None if new is None else shortened(new),
        direction=direction,
        against_version=version,
        fix=rule.fix or None,
        docs=f"reference/findings/{area}.md#{rule.name.lower()}",
    )


def _different_type(candidate: ParsedSchema, version: int, previous: ParsedSchema) -> Finding:
    return Finding(
        code="schema.DIFFERENT_TYPE",
        message=(
            f"Version {version} is {previous.schema_type}, this schema is {candidate.schema_type}. "
            "Consumers of a subject decode every version in one format."
        ),
        old=previous.schema_type,
        new=candidate.schema_type,
        against_version=version,
        fix="Register the schema under a subject of its own.",
        docs="reference/findings/schema.md#different_type",
    )


def _old_schema(text: str) -> str:
    if len(text) <= _OLD_SCHEMA_LIMIT:
        return f"{{oldSchema: '{text}'}}"
    return f"{{oldSchema: <truncated> '{text[:_OLD_SCHEMA_LIMIT]}...'}}"
