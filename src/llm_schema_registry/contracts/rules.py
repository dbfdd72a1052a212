"""Rule sets: what a payload must also satisfy, in the shape the Confluent registry gave them."""

import enum
import re
from collections.abc import Iterable, Iterator

import msgspec


class RuleKind(enum.StrEnum):
    """A condition is true or false of a message; a transformation gives another message."""

    TRANSFORM = "TRANSFORM"
    CONDITION = "CONDITION"


class RuleMode(enum.StrEnum):
    """When a rule runs."""

    UPGRADE = "UPGRADE"
    DOWNGRADE = "DOWNGRADE"
    UPDOWN = "UPDOWN"
    WRITE = "WRITE"
    READ = "READ"
    WRITEREAD = "WRITEREAD"


class EnableAt(enum.StrEnum):
    """Where a rule set runs."""

    ALL = "ALL"
    CLIENT = "CLIENT"
    GATEWAY = "GATEWAY"
    SERVER = "SERVER"
    NONE = "NONE"


MIGRATION_MODES = frozenset({RuleMode.UPGRADE, RuleMode.DOWNGRADE, RuleMode.UPDOWN})
DOMAIN_MODES = frozenset({RuleMode.WRITE, RuleMode.READ, RuleMode.WRITEREAD})
_TWO_WAY_MODES = frozenset({RuleMode.WRITEREAD, RuleMode.UPDOWN})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,255}")


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """One rule.

    Attributes:
        name: unique in the rule set; 1-256 characters, a letter or `_` first, then letters, digits, `_`, `-`.
        doc: what it is for.
        kind: `TRANSFORM` if absent.
        mode: `WRITEREAD` if absent.
        type: which executor runs it (`CEL`, `CEL_FIELD`, `JSONATA`, `ENCRYPT`, …); required.
        tags: the tags of the fields it concerns.
        params: parameters of the executor.
        expr: the expression.
        on_success: the action when it holds; `X,Y` (write, read) only for a two-way mode.
        on_failure: the action when it does not.
        disabled: kept but not run.
    """

    name: str | None = None
    doc: str | None = None
    kind: RuleKind | None = None
    mode: RuleMode | None = None
    type: str | None = None
    tags: list[str] | None = None
    params: dict[str, str] | None = None
    expr: str | None = None
    on_success: str | None = None
    on_failure: str | None = None
    disabled: bool = False

    def materialised(self) -> "Rule":
        """The rule with the defaults of kind and mode written out, as it is stored and hashed."""
        return msgspec.structs.replace(self, kind=self.kind or RuleKind.TRANSFORM, mode=self.mode or RuleMode.WRITEREAD)


class RuleSet(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """The rules of a schema by phase, in the order they run.

    Attributes:
        migration_rules: between versions (modes UPGRADE, DOWNGRADE, UPDOWN).
        domain_rules: on messages (modes WRITE, READ, WRITEREAD).
        encoding_rules: on encoded bytes (the same modes).
        enable_at: where they run; everywhere if absent.
    """

    migration_rules: list[Rule] | None = None
    domain_rules: list[Rule] | None = None
    encoding_rules: list[Rule] | None = None
    enable_at: EnableAt | None = None

    def phases(self) -> Iterator[tuple[str, list[Rule], frozenset[RuleMode]]]:
        """Each phase: its name on the wire, its rules, the modes it allows."""
        yield "migrationRules", self.migration_rules or [], MIGRATION_MODES
        yield "domainRules", self.domain_rules or [], DOMAIN_MODES
        yield "encodingRules", self.encoding_rules or [], DOMAIN_MODES

    def has_type(self, rule_type: str) -> bool:
        """Whether a rule of any phase is of this type."""
        return any(rule.type == rule_type for _, rules, _ in self.phases() for rule in rules)

    def without(self, names: Iterable[str]) -> "RuleSet":
        """The rule set without the rules of these names."""
        gone = set(names)
        return msgspec.structs.replace(
            self,
            migration_rules=_without(self.migration_rules, gone),
            domain_rules=_without(self.domain_rules, gone),
            encoding_rules=_without(self.encoding_rules, gone),
        )

    def materialised(self) -> "RuleSet":
        """The rule set with every rule's defaults written out."""
        return msgspec.structs.replace(
            self,
            migration_rules=_materialised(self.migration_rules),
            domain_rules=_materialised(self.domain_rules),
            encoding_rules=_materialised(self.encoding_rules),
        )


class InvalidRuleSetError(Exception):
    """A rule set breaks the rules for rules; the message names the rule and the reason."""


def check_rule_set(rule_set: RuleSet) -> None:
    """Raises `InvalidRuleSetError` for what Confluent refuses: names, duplicates, types, modes, actions."""
    seen: set[str] = set()
    for phase, rules, modes in rule_set.phases():
        for rule in rules:
            _check_rule(rule, phase, modes)
            name = rule.name or ""
            if name in seen:
                raise InvalidRuleSetError(f"Found rule with duplicate name '{name}'")
            seen.add(name)


def merge_rule_sets(earlier: RuleSet | None, later: RuleSet | None) -> RuleSet | None:
    """`later` laid over `earlier` (Confluent's rule): a later rule of the same name replaces the earlier one and
    moves to the end, others stay in order; the later `enableAt` wins.
    """
    if earlier is None or later is None:
        return later if earlier is None else earlier
    return RuleSet(
        migration_rules=_merged(earlier.migration_rules, later.migration_rules),
        domain_rules=_merged(earlier.domain_rules, later.domain_rules),
        encoding_rules=_merged(earlier.encoding_rules, later.encoding_rules),
        enable_at=later.enable_at or earlier.enable_at,
    )


def _check_rule(rule: Rule, phase: str, modes: frozenset[RuleMode]) -> None:
    if not rule.name:
        raise InvalidRuleSetError(f"Missing rule name in {phase}")
    if not _NAME.fullmatch(rule.name):
        raise InvalidRuleSetError(
            f"Invalid rule name '{rule.name}': 1 to 256 characters, a letter or '_' first, "
            "then letters, digits, '_' or '-'"
        )
    if not rule.type:
        raise InvalidRuleSetError(f"Missing rule type in rule '{rule.name}'")
    mode = rule.materialised().mode
    if mode not in modes:
        allowed = ", ".join(sorted(modes))
        raise InvalidRuleSetError(f"Rule '{rule.name}' in {phase} has mode {mode}; allowed are {allowed}")
    for field, action in (("onSuccess", rule.on_success), ("onFailure", rule.on_failure)):
        if action and "," in action and mode not in _TWO_WAY_MODES:
            raise InvalidRuleSetError(
                f"Rule '{rule.name}' has two actions in {field} ('{action}'), "
                f"which needs mode WRITEREAD or UPDOWN, not {mode}"
            )


def _materialised(rules: list[Rule] | None) -> list[Rule] | None:
    return None if rules is None else [rule.materialised() for rule in rules]


def _without(rules: list[Rule] | None, gone: set[str]) -> list[Rule] | None:
    return None if rules is None else [rule for rule in rules if rule.name not in gone]


def _merged(earlier: list[Rule] | None, later: list[Rule] | None) -> list[Rule] | None:
    if earlier is None or later is None:
        return later if earlier is None else earlier
    replaced = {rule.name for rule in later}
    return [rule for rule in earlier if rule.name not in replaced] + later
