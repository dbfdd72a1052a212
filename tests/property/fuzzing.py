"""Looks for changes that are called compatible though a payload shows otherwise: `make fuzz`.

Each case makes a schema and a change of it and asks for the verdict in both directions. The verdict, and the
differences apart from their positions, must be the same for other orders of members and branches. What is called
compatible has to survive payloads that are written under one schema and read under the other; for what is called
incompatible a witness is looked for. A case depends on its seed alone, so the seed that is printed with a finding
replays it.
"""

import argparse
import contextlib
import itertools
import json
import re
import secrets
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from llm_schema_registry.compatibility import CompatibilityLevel, Policy, breaking_differences
from llm_schema_registry.compatibility.witnesses import find_witness
from llm_schema_registry.core.budget import Budget, BudgetExceededError
from llm_schema_registry.formats import InvalidSchemaError, Outcome, ParsedSchema, SchemaType, format_of
from property.exact_schemas import EXACT
from property.laxities import BROKEN, contradicted, is_compatible, laxity
from property.materials import MATERIALS, HasPolicy, Material, Permutable
from property.recursive_schemas import RECURSIVE
from property.shrinking import Models, shrunk

KINDS: dict[str, dict[SchemaType, Material]] = {"random": MATERIALS, "recursive": RECURSIVE, "exact": EXACT}
"""Schemas that are random in every respect, those whose types form cycles, and JSON Schemas for the policy EXACT."""

_RANDOM_PAYLOADS = 4
_SAMPLES = 60
_SHOWN = 20
_UNDETECTED = "an undetected breaking change"
_INVALID_SAMPLE = "a sample that is not valid"
_CRASH = "a crash"
_ORDER = "a verdict that depends on the order of members"
# Segments of paths that change with the order of branches and fields.
_POSITIONS = re.compile(r"(?<=/)\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A payload that contradicts a verdict, or an error that no input may cause."""

    schema_type: SchemaType
    seed: int
    what: str
    writer: str
    reader: str
    payload: Any = None
    problem: str = ""
    laxity: str | None = None

    def __str__(self) -> str:
        parts = [
            f"{self.what}: make fuzz FORMAT={self.schema_type.lower()} SEED={self.seed} CASES=1",
            f"  writer   {self.writer}",
            f"  reader   {self.reader}",
            f"  payload  {json.dumps(self.payload, ensure_ascii=False)}",
            f"  problem  {self.problem}",
        ]
        return "\n".join(parts)


@dataclass(slots=True)
class Witnessed:
    """How often a type of difference was met, how often as the only one of a pair, and then shown by a witness."""

    pairs: int = 0
    alone: int = 0
    shown: int = 0


@dataclass(slots=True)
class Report:
    """What a run counted and found."""

    counts: Counter[str] = field(default_factory=Counter)
    types: dict[str, Witnessed] = field(default_factory=dict)
    found: list[Counterexample] = field(default_factory=list)

    @property
    def unlisted(self) -> list[Counterexample]:
        """The counter-examples that no listed laxity explains."""
        return [each for each in self.found if each.laxity is None]


def run(material: Material, seeds: Iterable[int], seconds: float = float("inf")) -> Report:
    """Runs one case for each seed until the time is over."""
    report = Report()
    end = time.monotonic() + seconds
    for seed in seeds:
        if time.monotonic() > end:
            break
        _Case(material, seed, report).run()
    return report


class _Broken(NamedTuple):
    """A payload that went wrong."""

    what: str
    payload: Any
    problem: str


class _Case:
    def __init__(self, material: Material, seed: int, report: Report) -> None:
        self.material = material
        self.format = format_of(material.schema_type)
        self.policy = material.policy if isinstance(material, HasPolicy) else Policy.STRICT
        self.seed = seed
        self.random = Random(seed)  # noqa: S311
        self.report = report

    def run(self) -> None:
        self.report.counts["cases"] += 1
        old = self.material.schema(self.random)
        new = self.material.changed(old, self.random)
        one, other = self.parsed(old), self.parsed(new)
        if one is None or other is None:
            self.report.counts["invalid"] += 1
            return
        for writer, writer_model, reader, reader_model in ((one, old, other, new), (other, new, one, old)):
            try:
                self.direction(writer, writer_model, reader, reader_model)
                self.permutation(writer, writer_model, reader, reader_model)
            except BudgetExceededError:
                self.report.counts["over budget"] += 1
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
                self.found(_Broken(_CRASH, None, problem), (writer_model, reader_model, None))

    def direction(self, writer: ParsedSchema, writer_model: Any, reader: ParsedSchema, reader_model: Any) -> None:
        if self.policy is Policy.STRICT:
            types = breaking_types(reader, writer)
        else:
            types = set() if is_compatible(reader, writer, self.policy) else {f"not proved under {self.policy}"}
        self.report.counts["incompatible" if types else "compatible"] += 1
        if types:
            self.witness(writer, reader, types)
            return
        broken = self.broken(reader, writer, writer_model)
        if broken is not None:
            self.found(broken, (writer_model, reader_model, broken.payload))

    def permutation(self, writer: ParsedSchema, writer_model: Any, reader: ParsedSchema, reader_model: Any) -> None:
        """Holds the verdict, and the differences apart from their positions, against those of other orders."""
        if not isinstance(self.material, Permutable):
            return
        # A source of its own: payloads are the same with and without it.
        random = Random(self.seed)  # noqa: S311
        models = self.material.permuted(writer_model, random), self.material.permuted(reader_model, random)
        other_writer, other_reader = (self.parsed(model) for model in models)
        if other_writer is None or other_reader is None:
            self.found(_Broken(_ORDER, None, "One of the orders is refused"), (*models, None))
            return
        self.report.counts["permutations"] += 1
        one, other = placed_types(reader, writer), placed_types(other_reader, other_writer)
        if one != other:
            problem = f"{sorted(one ^ other)} for {self.texts((*models, None))}"
            self.found(_Broken(_ORDER, None, problem), (writer_model, reader_model, None))

    def witness(self, writer: ParsedSchema, reader: ParsedSchema, types: set[str]) -> None:
        shown = find_witness(reader, writer, CompatibilityLevel.BACKWARD) is not None
        self.report.counts["witnesses"] += shown
        for name in types:
            row = self.report.types.setdefault(name, Witnessed())
            row.pairs += 1
            if len(types) == 1:
                row.alone += 1
                row.shown += shown

    def broken(self, reader: ParsedSchema, writer: ParsedSchema, writer_model: Any) -> "_Broken | None":
        for made, payload in self.payloads(writer, writer_model):
            reading = self.format.read(reader, writer, payload)
            self.report.counts["payloads"] += 1
            if reading.outcome in BROKEN:
                return _Broken(_UNDETECTED, payload, f"{reading.outcome.value}: {reading.problem}")
            if made and reading.outcome is Outcome.UNWRITABLE:
                return _Broken(_INVALID_SAMPLE, payload, reading.problem)
        if self.policy is not Policy.STRICT:
            witness = find_witness(reader, writer, CompatibilityLevel.BACKWARD)
            if witness is not None:
                return _Broken(_UNDETECTED, witness.payload, witness.reading.problem)
        return None

    def payloads(self, writer: ParsedSchema, writer_model: Any) -> Iterator[tuple[bool, Any]]:
        """Payloads of the writer, and whether they are `samples`, which have to be valid."""
        for _ in range(_RANDOM_PAYLOADS):
            yield False, self.material.payload(writer_model, self.random)
        with contextlib.suppress(BudgetExceededError):
            for payload in itertools.islice(self.format.samples(writer), _SAMPLES):
                yield True, payload

    def found(self, broken: "_Broken", case: Models) -> None:
        known = None
        if broken.what is _UNDETECTED:
            known = self.laxity(case)
            if known is None:
                case = shrunk(self.material, case, self.contradicted)
                known = self.laxity(case)
        self.report.counts[f"counter-examples ({known or 'not listed'})"] += 1
        schema_type = self.material.schema_type
        self.report.found.append(
            Counterexample(schema_type, self.seed, broken.what, *self.texts(case), broken.problem, known)
        )

    def laxity(self, case: Models) -> str | None:
        return laxity(self.material.schema_type, *self.texts(case)) if self.policy is Policy.STRICT else None

    def contradicted(self, case: Models) -> bool:
        try:
            return contradicted(self.material.schema_type, *self.texts(case), self.policy)
        except LookupError:
            return False

    def texts(self, case: Models) -> tuple[str, str, Any]:
        return self.material.text(case[0]), self.material.text(case[1]), case[2]

    def parsed(self, model: Any) -> ParsedSchema | None:
        try:
            return self.format.parse(self.material.text(model))
        except (InvalidSchemaError, LookupError, BudgetExceededError):
            return None


def breaking_types(reader: ParsedSchema, writer: ParsedSchema) -> set[str]:
    """The types of the differences that keep the reader from reading, under the default policy."""
    found = breaking_differences(reader, writer, Policy.STRICT, Budget(what="The compatibility check"))
    return {each.type.name for each in found}


def placed_types(reader: ParsedSchema, writer: ParsedSchema) -> set[tuple[str, str]]:
    """The breaking differences with their paths, as far as these do not depend on the order of branches and fields.

    Avro reports like Apache Avro, whose paths depend on what is met first.
    """
    found = breaking_differences(reader, writer, Policy.STRICT, Budget(what="The compatibility check"))
    if reader.schema_type is SchemaType.AVRO:
        return {("incompatible", "") for _ in found}
    return {(each.type.name, _POSITIONS.sub("*", each.path)) for each in found}


def shown(schema_type: SchemaType, report: Report) -> str:
    """The report as text."""
    counts = ", ".join(f"{count} {what}" for what, count in sorted(report.counts.items()))
    lines = [f"{schema_type}: {counts}"]
    lines += [
        f"  {name:<60} {row.pairs:>7} pairs {row.alone:>7} alone {_share(row):>7} of these shown by a witness"
        for name, row in sorted(report.types.items())
    ]
    unlisted = report.unlisted
    lines += map(str, unlisted[:_SHOWN])
    if len(unlisted) > _SHOWN:
        lines.append(f"and {len(unlisted) - _SHOWN} more counter-examples")
    return "\n".join(lines)


def _share(row: Witnessed) -> str:
    return f"{100 * row.shown / row.alone:.1f} %" if row.alone else "-"


def main(arguments: list[str] | None = None) -> int:
    """Runs the fuzzer; 1 if there is a counter-example that no listed laxity explains."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--format", default="all", choices=["all", *(each.lower() for each in MATERIALS)])
    parser.add_argument("--kind", default="all", choices=["all", *KINDS])
    parser.add_argument("--minutes", type=float, default=1.0, help="for each format and kind")
    parser.add_argument("--seed", type=int, help="of the first case; a random one if not given")
    parser.add_argument("--cases", type=int, help="at most so many cases for each format")
    options = parser.parse_args(arguments)
    first = secrets.randbelow(2**40) if options.seed is None else options.seed
    seeds = itertools.count(first) if options.cases is None else range(first, first + options.cases)
    failed = False
    chosen = [each for each in MATERIALS if options.format in ("all", each.lower())]
    for schema_type in chosen:
        for kind, materials in KINDS.items():
            if options.kind in ("all", kind) and schema_type in materials:
                report = run(materials[schema_type], seeds, 60 * options.minutes)
                sys.stdout.write(f"{kind} {shown(schema_type, report)}\n")
                failed |= bool(report.unlisted)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
