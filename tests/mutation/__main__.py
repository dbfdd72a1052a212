"""Changes the code that decides about compatibility and asks whether a test notices: `make mutate`.

Each mutant runs the fast tests of its target in a forked process. A mutant that no test notices is a survivor: either a
test is missing, or the change has no effect that counts, which `survivors.toml` then says with the reason. Survivors
that are not listed there make the run fail, and so do listed ones that a test notices.
"""

import argparse
import importlib
import os
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mutation.mutants import mutants
from mutation.running import SOURCE, Job, survivors

ROOT = Path(__file__).parents[2]
LISTED = Path(__file__).with_name("survivors.toml")
# Imported once and shared by all mutants, since they take longer to import than the tests to run.
_HEAVY = ("fastavro", "jsonschema_rs", "google.protobuf.json_format", "grpc_tools.protoc", "msgspec")
_Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """Modules, as patterns below the package, and the tests that hold them."""

    modules: tuple[str, ...]
    tests: tuple[str, ...]


TARGETS = {
    "avro": Target(
        ("formats/avro/compatibility.py", "formats/avro/differences.py"),
        ("tests/unit/formats/avro/test_compatibility.py", "tests/unit/formats/test_examples.py"),
    ),
    "compatibility": Target(("compatibility/[a-z]*.py",), ("tests/unit/compatibility",)),
    "json": Target(
        ("formats/json_schema/compatibility/*.py", "formats/json_schema/differences.py"),
        (
            "tests/unit/formats/json_schema/test_compatibility.py",
            "tests/unit/formats/json_schema/test_walk.py",
            "tests/unit/formats/test_examples.py",
        ),
    ),
    "protobuf": Target(
        ("formats/protobuf/compatibility.py", "formats/protobuf/differences.py"),
        ("tests/unit/formats/protobuf/test_compatibility.py", "tests/unit/formats/test_examples.py"),
    ),
    "profiles": Target(
        ("formats/profiles.py", "formats/protobuf/breaking/*.py"),
        ("tests/unit/formats/protobuf/test_profiles.py", "tests/unit/compatibility/test_profiles.py"),
    ),
}


def jobs(target: Target) -> Iterator[Job]:
    """Every mutant of a target."""
    for pattern in target.modules:
        for path in sorted(SOURCE.glob(pattern)):
            for mutant in mutants(path.read_text(encoding="utf-8")):
                yield path, mutant


def key(job: Job) -> _Key:
    """What names a mutant, however many lines stand before it."""
    path, mutant = job
    return path.relative_to(SOURCE).as_posix(), mutant.scope, mutant.text, mutant.change


def listed() -> dict[_Key, str]:
    """The survivors that change nothing that counts, with the reason."""
    rows = tomllib.loads(LISTED.read_text(encoding="utf-8")).get("survivor", [])
    return {
        (row["module"], row["scope"], row["line"], change): row["reason"] for row in rows for change in row["changes"]
    }


def run(name: str, module: str, processes: int) -> bool:
    """Runs a target and says what it found; whether all survivors, and only survivors, are listed."""
    target = TARGETS[name]
    chosen = [job for job in jobs(target) if module in key(job)[0]]
    start = time.monotonic()
    survived = survivors(chosen, target.tests, processes)
    if survived is None:
        sys.stdout.write(f"{name}: the tests fail without a change, so nothing can be told\n")
        return False
    found = {key(job): job[1].line for job in survived}
    known = listed()
    stale = {key(job) for job in chosen} & known.keys() - found.keys()
    minutes = (time.monotonic() - start) / 60
    sys.stdout.write(f"{name}: {len(chosen)} mutants, {len(found)} survived, {minutes:.1f} minutes\n")
    unlisted = [(names, line) for names, line in found.items() if names not in known]
    for (module, scope, text, change), number in unlisted:
        sys.stdout.write(f"{module}:{number} {scope}: {change}\n    {text}\n")
    for module, scope, text, change in sorted(stale):
        sys.stdout.write(f"{module} {scope}: listed as a survivor, but noticed: {change}\n    {text}\n")
    return not unlisted and not stale


def main() -> int:
    """Runs the targets; 1 if a survivor is not listed, or a listed one does not survive."""
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(TARGETS)}; all if none is given")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--module", default="", help="only the mutants of modules with this in their path")
    options = parser.parse_args()
    for module in _HEAVY:
        importlib.import_module(module)
    os.chdir(ROOT)
    verdicts = [run(name, options.module, options.jobs) for name in options.targets or TARGETS]
    return 0 if all(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
