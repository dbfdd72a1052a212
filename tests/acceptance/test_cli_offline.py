"""`lsr` as a process, without a registry: exit codes, streams, formats."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from llm_schema_registry import __version__
from llm_schema_registry.catalog import Catalog

Lsr = Callable[..., subprocess.CompletedProcess[str]]
HEAVY = ("rich", "aiohttp", "asyncio", "fastavro", "jsonschema_rs", "grpc_tools", "google.protobuf", "litestar")


@pytest.fixture
def lsr(tmp_path: Path) -> Lsr:
    """Runs `lsr` in a directory of its own, in an environment without settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LSR_")}

    def run(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm_schema_registry.cli", *arguments],
            cwd=tmp_path,
            input=stdin,
            capture_output=True,
            text=True,
            env=environment | variables,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    """The catalogue's schemas, samples and next versions in the directory that `lsr` runs in."""
    content = Catalog.load()
    for folder in ("schemas", "samples", "evolution"):
        (tmp_path / folder).mkdir()
    for subject in content.subjects:
        for version in subject.versions:
            (tmp_path / "schemas" / version.file).write_text(content.schema_text(version.file))
    for sample in content.samples:
        (tmp_path / "samples" / f"{sample.name}.json").write_text(sample.text)
    for evolution in content.evolutions:
        (tmp_path / "evolution" / evolution.file).write_text(evolution.text)
    return tmp_path


OLD = "schemas/cost.token-usage.v1.avsc"


def test_version_and_help(lsr: Lsr) -> None:
    assert lsr("--version").stdout == f"llm-schema-registry {__version__}\n"
    assert "check" in lsr("--help").stdout
    assert lsr("nonsense").returncode == 2


def test_help_needs_no_library_that_a_command_needs() -> None:
    program = "import sys, llm_schema_registry.cli; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert set(HEAVY) & set(loaded) == set()


def test_a_compatible_change_exits_0(lsr: Lsr, catalog: Path) -> None:
    done = lsr("check", OLD, "evolution/cost.token-usage.add-optional.avsc", "--level", "FULL")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == "1 schema: 1 passed"


def test_a_break_that_the_rules_overlook_is_a_warning(lsr: Lsr, tmp_path: Path) -> None:
    for name, types in (("old", ["integer"]), ("new", ["integer", "number"])):
        (tmp_path / f"{name}.json").write_text(json.dumps({"oneOf": [{"type": each} for each in types]}))
    done = lsr("check", "old.json", "new.json")
    assert done.returncode == 0
    assert "schema.OVERLOOKED_BREAK at #/oneOf" in done.stdout
    assert "valid under old.json, is refused by the new schema: 1" in " ".join(done.stdout.split())


def test_a_profile_is_held_to_as_well(lsr: Lsr, tmp_path: Path) -> None:
    for name, field in (("old", "a"), ("new", "b")):
        (tmp_path / f"{name}.proto").write_text(f'syntax = "proto3"; message M {{ string {field} = 1; }}')
    assert lsr("check", "old.proto", "new.proto").returncode == 0
    done = lsr("check", "old.proto", "new.proto", "--profile", "wire_json")
    assert done.returncode == 1
    assert "protobuf.FIELD_SAME_NAME" in done.stdout


def test_an_incompatible_change_exits_1_and_explains(lsr: Lsr, catalog: Path) -> None:
    done = lsr("check", OLD, "evolution/cost.token-usage.add-required.avsc")
    assert done.returncode == 1
    for part in (
        "FAIL",
        "READER_FIELD_MISSING_DEFAULT_VALUE",
        "'region'",
        "at /fields/18 (line 182)",
        "Consumers",
        "fix",
    ):
        assert part in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("evolution", Catalog.load().evolutions, ids=lambda evolution: evolution.name)
def test_every_next_version_of_the_catalogue(lsr: Lsr, catalog: Path, evolution: object) -> None:
    for mode, allowed in evolution.allowed.items():  # type: ignore[attr-defined]
        done = lsr("check", OLD, f"evolution/{evolution.file}", "--level", mode, "--format", "json")  # type: ignore[attr-defined]
        assert done.returncode == (0 if allowed else 1), mode
        assert json.loads(done.stdout)["ok"] is allowed


def test_directories_are_paired_by_name(lsr: Lsr, tmp_path: Path) -> None:
    for side, schemas in {"old": {"a": '"int"', "gone": '"int"'}, "new": {"a": '"string"', "born": '"int"'}}.items():
        (tmp_path / side).mkdir()
        for name, text in schemas.items():
            (tmp_path / side / f"{name}.avsc").write_text(text)
    done = lsr("check", "old", "new", "--format", "json")
    assert done.returncode == 1
    items = {item["name"]: item for item in json.loads(done.stdout)["items"]}
    assert {name: item["status"] for name, item in items.items()} == {
        "a": "failed",
        "born": "passed",
        "gone": "skipped",
    }
    assert items["a"]["file"] == "new/a.avsc"
    assert items["a"]["findings"][0]["code"].startswith("avro.")


def test_references_resolve_to_files(lsr: Lsr, catalog: Path) -> None:
    references = [
        "--reference=llmdevops.common.TokenUsage=schemas/common.token-usage.v1.avsc",
        "--reference=llmdevops.common.Cost=schemas/common.cost.v1.avsc",
    ]
    schema = "schemas/telemetry.inference.refs.v1.avsc"
    assert lsr("check", schema, schema).returncode == 2
    assert lsr("check", schema, schema, *references).returncode == 0
    assert lsr("check", "schemas", "schemas", *references).returncode == 0
    sample = "samples/telemetry.inference.v1.avro-valid.json"
    assert lsr("validate", "--schema", schema, sample, *references).returncode == 0


@pytest.mark.parametrize("output", ["json", "sarif"])
def test_json_formats_are_json(lsr: Lsr, catalog: Path, output: str) -> None:
    done = lsr("check", OLD, "evolution/cost.token-usage.narrow.avsc", "--format", output)
    assert done.returncode == 1
    assert "avro.TYPE_MISMATCH" in json.dumps(json.loads(done.stdout))


def test_the_other_formats(lsr: Lsr, catalog: Path) -> None:
    def in_format(name: str) -> str:
        return lsr("check", OLD, "evolution/cost.token-usage.narrow.avsc", "--format", name).stdout

    assert ElementTree.fromstring(in_format("junit"))[0].get("failures") == "1"  # noqa: S314 (we wrote it ourselves)
    assert in_format("github").startswith("::error file=evolution/cost.token-usage.narrow.avsc,line=92,")
    assert in_format("markdown").startswith("### lsr check: 1 schema: 1 failed\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "none.avsc", "none.avsc"], "none.avsc cannot be read: No such file or directory"),
        (["check", OLD], "alone has nothing to be compared with"),
        (["check", OLD, OLD, OLD], "3 paths are too many"),
        (["check", OLD, OLD, "--subject", "s"], "compared offline"),
        (["check", OLD, "schemas"], "is a directory"),
        (["check", OLD, "samples/broken.avsc"], "is not a valid AVRO schema"),
        (["check", OLD, OLD, "--reference", "x"], "is not NAME=FILE"),
        (["check", OLD, OLD, "--level", "SIDEWAYS"], "SIDEWAYS"),
        (
            ["validate", "samples/cost.record.v1.avro-valid.json"],
            "exactly one of --schema, --id and --subject is required",
        ),
        (["validate", "--schema", OLD, "none.json"], "none.json cannot be read"),
        (["validate", "--schema", OLD, "--id", "1", OLD], "exactly one of --schema, --id and --subject is required"),
        (["serve", "--store", "nowhere"], "its URL names no store"),
        (["serve", "--store", f"sqlite:///{OLD}/registry.db"], "cannot be created"),
        (["serve", "--host", "0.0.0.0"], "reachable from other machines"),  # noqa: S104 (that it is refused is the test)
    ],
)
def test_what_cannot_be_done_exits_2_without_a_stack(
    lsr: Lsr, catalog: Path, arguments: list[str], message: str
) -> None:
    (catalog / "samples" / "broken.avsc").write_text('{"type": "nonsense"}')
    done = lsr(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message.lower() in " ".join(done.stderr.split()).lower()
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["list"],
        ["get", "1"],
        ["register", OLD],
        ["check", OLD, "--subject", "s"],
        ["catalog", "install"],
        ["validate", "--id", "1", "samples/cost.record.v1.avro-valid.json"],
    ],
)
def test_no_registry_exits_3(lsr: Lsr, catalog: Path, arguments: list[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        done = lsr(*arguments, LSR_REGISTRY=f"http://127.0.0.1:{taken.getsockname()[1]}")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no registry answers at http://127.0.0.1" in done.stderr
    assert "lsr serve" in done.stderr
    assert "Traceback" not in done.stderr


def test_protobuf_files_that_the_runtime_takes_only_in_part(lsr: Lsr, catalog: Path) -> None:
    (catalog / "names.proto").write_text(
        'syntax = "proto2"; message M { optional int32 foo_bar = 1; optional int32 fooBar = 2; }'
    )
    (catalog / "event.json").write_text('{"foo_bar": 1, "fooBar": 2}')
    assert lsr("validate", "--schema", "names.proto", "event.json").returncode == 0
    fields = "".join(f"int32 f{number} = {number};" for number in range(1, 18_000))
    (catalog / "large.proto").write_text(f'syntax = "proto3"; message M {{ {fields} }}')
    done = lsr("validate", "--schema", "large.proto", "event.json")
    assert done.returncode == 2
    assert "payloads of this schema cannot be validated: The Protobuf runtime cannot load" in done.stderr
    assert "Traceback" not in done.stderr


def test_events_are_validated_by_a_schema_file(lsr: Lsr, catalog: Path) -> None:
    good = "samples/cost.token-usage.v1.avro-valid.json"
    assert lsr("validate", "--schema", OLD, good).returncode == 0
    event = json.dumps(json.loads((catalog / good).read_text()))
    (catalog / "events.ndjson").write_text(f'{event}\n{event.replace("100", "null")}\n{{"broken\n')
    done = lsr("validate", "--schema", OLD, "events.ndjson", "--format", "json")
    assert done.returncode == 1
    items = json.loads(done.stdout)["items"]
    assert [(item["status"], item["line"]) for item in items] == [("passed", 1), ("failed", 2), ("failed", 3)]
    assert items[1]["findings"][0]["path"] == "/prompt_tokens"
    assert items[2]["findings"][0]["code"] == "payload.SYNTAX"
    piped = lsr("validate", "--schema", OLD, "-", stdin=event)
    assert (piped.returncode, piped.stdout.splitlines()[-1]) == (0, "1 event: 1 passed")


def test_a_binary_event(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "text.avsc").write_text('"string"')
    (tmp_path / "good.avro").write_bytes(b"\x06abc")
    (tmp_path / "bad.avro").write_bytes(b"\x08abc")
    assert lsr("validate", "--schema", "text.avsc", "good.avro").returncode == 0
    assert lsr("validate", "--schema", "text.avsc", "bad.avro").returncode == 1


def test_the_message_of_events_is_chosen_offline(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "shop.proto").write_text('syntax = "proto3"; message Order {} message Receipt { int32 total = 1; }')
    (tmp_path / "event.json").write_text('{"total": 1}')
    (tmp_path / "event.pb").write_bytes(b"\x08\x01")
    done = lsr("validate", "--schema", "shop.proto", "--message", "Receipt", "event.json", "event.pb", "--format=json")
    assert done.returncode == 0, done.stderr
    assert [item["note"] for item in json.loads(done.stdout)["items"]] == ["as Receipt"] * 2
    done = lsr("validate", "--schema", "shop.proto", "event.json")
    assert (done.returncode, "as Order" in done.stdout) == (1, True)
    done = lsr("validate", "--schema", "shop.proto", "--message", "Recept", "event.json")
    assert done.returncode == 2
    assert "Did you mean Receipt? It declares Order, Receipt." in done.stderr
    (tmp_path / "text.avsc").write_text('"string"')
    done = lsr("validate", "--schema", "text.avsc", "--message", "Receipt", "event.json")
    assert (done.returncode, "one type per schema" in done.stderr) == (2, True)


def test_the_catalogue_can_be_listed_and_written_out(lsr: Lsr, tmp_path: Path) -> None:
    assert lsr("catalog", "list").stdout.splitlines()[-1] == "29 subjects"
    assert len(json.loads(lsr("catalog", "list", "--json").stdout)) == 29
    assert lsr("catalog", "export", "out").stdout == "out: 104 files written, 0 were there already\n"
    assert lsr("catalog", "export", "out").stdout == "out: 0 files written, 104 were there already\n"
    assert (tmp_path / "out/schemas/telemetry.inference.v2.avsc").is_file()
    (tmp_path / "taken").write_text("")
    assert lsr("catalog", "export", "taken").returncode == 2


def test_the_doctor_finds_what_is_wrong(lsr: Lsr) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    fine = lsr("doctor", "--store", "sqlite:///new.db", "--json")
    assert fine.returncode == 0, fine.stdout
    assert all(probe["state"] != "BAD" for probe in json.loads(fine.stdout))
    sick = lsr("doctor", "--registry", url, "--store", "mysql://host/db")
    assert sick.returncode == 1
    assert sick.stdout.count("BAD") == 2
    assert sick.stdout.count("fix: ") >= 2


def test_colours_only_where_they_are_wanted(catalog: Path) -> None:
    """On a terminal there are colours, unless NO_COLOR says no."""
    pty = pytest.importorskip("pty")
    command = [sys.executable, "-m", "llm_schema_registry.cli", "check", OLD, OLD]
    for variables, coloured in (({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": "1"}, False)):
        main, terminal = pty.openpty()
        environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"} | variables
        subprocess.run(command, cwd=catalog, stdout=terminal, env=environment, check=True)
        os.close(terminal)
        shown = os.read(main, 100_000)
        os.close(main)
        assert b"1 passed" in shown
        assert (b"\x1b[" in shown) is coloured


def test_duplicate_keys_are_errors_of_a_check(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"type":"object"}')
    (tmp_path / "new.json").write_text('{"type":"object",\n "title":"a",\n "title":"b"}')
    (tmp_path / "event.json").write_text("{}")
    checked = lsr("check", "old.json", "new.json", "--format", "json")
    (finding,) = json.loads(checked.stdout)["items"][0]["findings"]
    assert (checked.returncode, finding["code"], finding["severity"]) == (1, "json.DUPLICATE_KEY", "error")
    assert (finding["path"], finding["line"]) == ("#/title", 3)
    assert lsr("check", "old.json", "new.json", "--mode", "NONE").returncode == 1
    allowed = lsr("check", "old.json", "new.json", "--duplicate-keys", "warn")
    assert allowed.returncode == 0
    assert "json.DUPLICATE_KEY" in allowed.stdout
    assert lsr("check", "new.json", "old.json").returncode == 0
    validated = lsr("validate", "event.json", "--schema", "new.json")
    assert (validated.returncode, "json.DUPLICATE_KEY" in validated.stderr) == (0, True)


def test_the_work_budget_of_a_check_is_an_option(lsr: Lsr, tmp_path: Path) -> None:
    for name, kind in (("old", "int"), ("new", "long")):
        fields = [{"name": f"f{index}", "type": kind} for index in range(1_000)]
        (tmp_path / f"{name}.avsc").write_text(json.dumps({"type": "record", "name": "R", "fields": fields}))
    arguments = ("check", "old.avsc", "new.avsc")
    for exceeded in (lsr(*arguments, "--max-steps", "500"), lsr(*arguments, LSR_MAX_STEPS="500")):
        assert exceeded.returncode == 2
        assert "raise --max-steps (LSR_MAX_STEPS), which is 500." in exceeded.stderr
    assert lsr(*arguments, "--max-steps", "100000", LSR_MAX_STEPS="500").returncode == 0
    for automatic in ("0", ""):
        assert lsr(*arguments, LSR_MAX_STEPS=automatic).returncode == 0


def test_the_policy_exact_compares_by_proof(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"const": "a"}')
    (tmp_path / "new.json").write_text('{"enum": ["a", "b"]}')
    assert lsr("check", "old.json", "new.json").returncode == 1
    proved = lsr("check", "old.json", "new.json", "--policy", "exact")
    assert (proved.returncode, proved.stderr) == (0, "")
    assert "Proved by structural rules" in proved.stdout
    refused = lsr("check", "new.json", "old.json", "--policy", "exact")
    assert refused.returncode == 1
    assert "json.NOT_CONTAINED" in refused.stdout
    assert 'refused by the new schema: "b"' in refused.stdout
