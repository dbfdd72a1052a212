"""`lsr` against a registry that runs as a process."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from llm_schema_registry.catalog import Catalog
from llm_schema_registry.cli.demo import RegistryProcess
from llm_schema_registry.cli.registry_session import with_client
from llm_schema_registry.client import RegistryClient
from llm_schema_registry.compatibility import CompatibilityLevel

Lsr = Callable[..., subprocess.CompletedProcess[str]]
CATALOG = Catalog.load()
EVOLUTIONS = {evolution.name: evolution.text for evolution in CATALOG.evolutions}


@pytest.fixture(scope="module")
def registry() -> Iterator[str]:
    with RegistryProcess() as process:
        yield process.url


@pytest.fixture
def lsr(registry: str, tmp_path: Path) -> Lsr:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "llm_schema_registry.cli", *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=os.environ | {"LSR_REGISTRY": registry},
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def installed(lsr: Lsr) -> None:
    assert lsr("catalog", "install").returncode == 0


def test_the_catalogue_is_installed_once(lsr: Lsr) -> None:
    first, again = lsr("catalog", "install", "--json"), lsr("catalog", "install")
    assert (first.returncode, again.returncode) == (0, 0)
    assert {one["subject"] for one in json.loads(first.stdout)} == {one.subject for one in CATALOG.subjects}
    assert again.stdout == "29 subjects: 0 schemas registered, 30 were there already\n"


def test_a_level_that_somebody_chose_stays(lsr: Lsr) -> None:
    with RegistryProcess() as fresh:
        chosen = CompatibilityLevel.FULL

        async def choose(client: RegistryClient) -> None:
            await client.set_compatibility("telemetry.log", chosen)

        with_client(fresh.url, choose)
        done = json.loads(lsr("catalog", "install", "--registry", fresh.url, "--json").stdout)
        levels = {one["subject"]: (one["level"], one["level_set"]) for one in done}
        assert levels["telemetry.log"] == (chosen, False)
        assert levels["telemetry.metric"] == ("BACKWARD_TRANSITIVE", True)


@pytest.mark.usefixtures("installed")
def test_what_was_installed_is_all_there(lsr: Lsr) -> None:
    listed = json.loads(lsr("list", "--json").stdout)
    assert {one["subject"] for one in listed} >= {one.subject for one in CATALOG.subjects}
    usage = next(one for one in listed if one["subject"] == "cost.usage-record")
    assert (usage["type"], usage["version"], usage["owner"]) == ("JSON", 1, "llm-cost-ops")
    schema = json.loads(lsr("get", "telemetry.inference/latest", "--json").stdout)
    assert schema["version"] == 2
    assert schema["metadata"]["properties"] == {
        "owner": "llm-observatory",
        "tags": "telemetry,analytics,otel",
        "criticality": "critical",
    }
    rules = {rule["name"]: rule for rule in schema["ruleSet"]["domainRules"]}
    assert (rules["token-sum"]["onFailure"], rules["token-sum"]["params"]) == ("ERROR", {"level": "STRICT"})
    assert (rules["cost-not-negative"]["onFailure"], rules["cost-not-negative"]["type"]) == ("NONE", "CEL")
    referring = json.loads(lsr("get", "telemetry.inference.refs", "--json").stdout)
    assert {one["subject"] for one in referring["references"]} == {"common.token-usage", "common.cost"}


@pytest.mark.usefixtures("installed")
def test_get_finds_by_id_guid_version_and_subject(lsr: Lsr) -> None:
    known = json.loads(lsr("get", "common.cost", "--json").stdout)
    texts = {lsr("get", which).stdout for which in ("common.cost", "common.cost/1", str(known["id"]), known["guid"])}
    assert len(texts) == 1
    assert json.loads(texts.pop())["name"] == "Cost"
    assert lsr("get", "telemetry.metric").stdout.startswith('syntax = "proto3";')


@pytest.mark.parametrize(
    ("which", "code"),
    [("no.such.subject", 40401), ("common.cost/99", 40402), ("999999", 40403)],
)
@pytest.mark.usefixtures("installed")
def test_what_is_not_there_exits_2(lsr: Lsr, which: str, code: int) -> None:
    done = lsr("get", which)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"registry error {code}" in done.stderr


@pytest.mark.usefixtures("installed")
def test_check_asks_what_the_registry_promises(lsr: Lsr, tmp_path: Path) -> None:
    for name, text in EVOLUTIONS.items():
        (tmp_path / f"{name}.avsc").write_text(text)
    good = lsr("check", "add-optional.avsc", "--subject", "cost.token-usage")
    assert good.returncode == 0, good.stdout + good.stderr
    assert "FULL_TRANSITIVE against version" in good.stdout
    bad = lsr("check", "widen.avsc", "--subject", "cost.token-usage", "--format", "json")
    assert bad.returncode == 1
    (item,) = json.loads(bad.stdout)["items"]
    assert (item["name"], item["file"]) == ("cost.token-usage", "widen.avsc")
    assert item["findings"][0]["direction"] == "FORWARD"
    assert lsr("check", "widen.avsc", "--subject", "cost.token-usage", "--level", "BACKWARD").returncode == 0
    new = lsr("check", "widen.avsc")
    assert (new.returncode, "new, nothing to compare it with" in new.stdout) == (0, True)


@pytest.mark.usefixtures("installed")
def test_check_takes_a_directory_by_file_name(lsr: Lsr, tmp_path: Path) -> None:
    folder = tmp_path / "schemas"
    folder.mkdir()
    (folder / "cost.token-usage.avsc").write_text(EVOLUTIONS["add-required"])
    (folder / "common.cost.avsc").write_text(CATALOG.schema_text("common.cost.v1.avsc"))
    (folder / "telemetry.inference.refs.avsc").write_text(CATALOG.schema_text("telemetry.inference.refs.v1.avsc"))
    done = lsr(
        "check",
        "schemas",
        "--format=json",
        "--reference=llmdevops.common.TokenUsage=common.token-usage@1",
        "--reference=llmdevops.common.Cost=common.cost",
    )
    assert done.returncode == 1, done.stderr
    statuses = {item["name"]: item["status"] for item in json.loads(done.stdout)["items"]}
    assert statuses == {
        "common.cost": "passed",
        "cost.token-usage": "failed",
        "telemetry.inference.refs": "passed",
    }


@pytest.mark.usefixtures("installed")
def test_register(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "fresh.subject.avsc").write_text('{"type": "record", "name": "A", "fields": []}')
    first = json.loads(lsr("register", "fresh.subject.avsc", "--property", "owner=me=us", "--json").stdout)
    assert (first["subject"], first["version"]) == ("fresh.subject", 1)
    again = lsr("register", "fresh.subject.avsc", "--property", "owner=me=us")
    assert again.stdout == f"fresh.subject: version 1, id {first['id']}\n"
    assert json.loads(lsr("get", "fresh.subject", "--json").stdout)["metadata"]["properties"] == {"owner": "me=us"}
    text = CATALOG.schema_text("telemetry.inference.refs.v1.avsc")
    (tmp_path / "referring.avsc").write_text(text)
    assert lsr("register", "referring.avsc").returncode == 2
    references = [
        "--reference=llmdevops.common.TokenUsage=common.token-usage@1",
        "--reference=llmdevops.common.Cost=common.cost@1",
    ]
    assert lsr("register", "referring.avsc", *references).returncode == 0


@pytest.mark.usefixtures("installed")
def test_a_refused_schema_exits_1_with_the_reasons(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "next.avsc").write_text(EVOLUTIONS["add-required"])
    done = lsr("register", "next.avsc", "--subject", "cost.token-usage")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines()[0].startswith("error: registry error 40901: ")
    assert 'for subject "cost.token-usage"' in done.stderr.splitlines()[0]
    assert "READER_FIELD_MISSING_DEFAULT_VALUE at /fields/18" in done.stderr
    assert "fix  Give the field a default" in done.stderr


@pytest.mark.usefixtures("installed")
def test_events_are_validated_by_the_registry(lsr: Lsr, tmp_path: Path) -> None:
    samples = {sample.name: sample.text for sample in CATALOG.samples}
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_text(samples["cost.usage-record.v1.valid"])
    bad.write_text(samples["cost.usage-record.v1.invalid-snake-case"])
    assert lsr("validate", "good.json", "--subject", "cost.usage-record").returncode == 0
    done = lsr("validate", "good.json", "bad.json", "--subject", "cost.usage-record", "--version", "1", "--format=json")
    assert done.returncode == 1, done.stderr
    passed, failed = json.loads(done.stdout)["items"]
    assert (passed["status"], failed["status"]) == ("passed", "failed")
    assert failed["findings"]
    schema_id = json.loads(lsr("get", "cost.usage-record", "--json").stdout)["id"]
    assert lsr("validate", "good.json", "--id", str(schema_id)).returncode == 0
    assert lsr("validate", "good.json", "--subject", "no.such").returncode == 2


@pytest.mark.usefixtures("installed")
def test_many_events_keep_their_order(lsr: Lsr, tmp_path: Path) -> None:
    event = json.dumps(next(s.value for s in CATALOG.samples if s.name == "cost.usage-record.v1.valid"))
    lines = ["{}" if index % 7 == 0 else "{" if index % 11 == 0 else event for index in range(1, 1201)]
    (tmp_path / "events.ndjson").write_text("\n".join(lines))
    done = lsr("validate", "events.ndjson", "--subject", "cost.usage-record", "--format", "json")
    statuses = [item["status"] for item in json.loads(done.stdout)["items"]]
    assert statuses == ["passed" if line == event else "failed" for line in lines]


def test_a_binary_event_is_validated_by_a_registered_schema(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "text.avsc").write_text('"string"')
    assert lsr("register", "text.avsc").returncode == 0
    (tmp_path / "good.avro").write_bytes(b"\x06abc")
    (tmp_path / "bad.avro").write_bytes(b"\x08abc")
    assert lsr("validate", "good.avro", "--subject", "text").returncode == 0
    assert lsr("validate", "bad.avro", "--subject", "text").returncode == 1


def test_the_message_of_events_is_chosen_in_the_registry(lsr: Lsr, tmp_path: Path) -> None:
    (tmp_path / "shop.proto").write_text('syntax = "proto3"; message Order {} message Receipt { int32 total = 1; }')
    assert lsr("register", "shop.proto").returncode == 0
    (tmp_path / "event.json").write_text('{"total": 1}')
    (tmp_path / "event.pb").write_bytes(b"\x08\x01")
    for files in (["event.json"], ["event.json", "event.pb"]):
        done = lsr("validate", *files, "--subject", "shop", "--message", "Receipt", "--format=json")
        assert done.returncode == 0, done.stderr
        assert {item["note"] for item in json.loads(done.stdout)["items"]} == {"as Receipt"}
        done = lsr("validate", *files, "--subject", "shop", "--message", "Recept")
        assert done.returncode == 2
        assert "Did you mean Receipt? It declares Order, Receipt." in done.stderr
    assert lsr("validate", "event.json", "--subject", "shop").returncode == 1


def test_the_doctor_sees_the_registry(lsr: Lsr, registry: str) -> None:
    probes = {probe["name"]: probe for probe in json.loads(lsr("doctor", "--store", "sqlite:///x.db", "--json").stdout)}
    assert probes["registry"]["state"] == "ok"
    assert f"{registry} answers, version " in probes["registry"]["detail"]


def test_duplicate_keys_are_warnings_of_a_registration(lsr: Lsr, registry: str, tmp_path: Path) -> None:
    (tmp_path / "twice.json").write_text('{"type":"object",\n "title":"a",\n "title":"b"}')
    planned = lsr("plan", ".")
    assert (planned.returncode, "json.DUPLICATE_KEY" in planned.stdout) == (0, True)
    registered = lsr("register", "twice.json")
    assert (registered.returncode, registered.stdout[:6]) == (0, "twice:")
    assert "json.DUPLICATE_KEY at #/title (line 3)" in registered.stderr
    assert lsr("check", "twice.json").returncode == 1

    async def allow(client: RegistryClient) -> None:
        await client.put_config("twice", {"duplicateKeys": "warn"})

    with_client(registry, allow)
    assert lsr("check", "twice.json").returncode == 0
    assert lsr("check", "twice.json", "--duplicate-keys", "error").returncode == 1
