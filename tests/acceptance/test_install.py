"""What an installation brings, and what each part of it imports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SERVER_LIBRARIES = ("litestar", "uvicorn", "uvloop", "httptools", "prometheus_client", "structlog")
HEAVY_LIBRARIES = ("grpc", "grpc_tools", "aiohttp", "fastavro", "jsonschema_rs", "google.protobuf")
BASE_PACKAGES = (
    "llm_schema_registry",
    "llm_schema_registry.core.findings",
    "llm_schema_registry.formats",
    "llm_schema_registry.formats.avro",
    "llm_schema_registry.formats.json_schema",
    "llm_schema_registry.formats.protobuf",
    "llm_schema_registry.compatibility",
    "llm_schema_registry.contracts",
    "llm_schema_registry.catalog",
    "llm_schema_registry.client",
    "llm_schema_registry.registry",
    "llm_schema_registry.store",
    "llm_schema_registry.cli",
)
OLD = {"type": "record", "name": "Event", "fields": [{"name": "id", "type": "string"}]}
NEW = {**OLD, "fields": [*OLD["fields"], {"name": "cost", "type": "double"}]}

# A base installation lacks these libraries: importing one fails as it would there.
WITHOUT = """
import sys

class Missing:
    names = frozenset({names!r})

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return None

sys.meta_path.insert(0, Missing())
"""
MAIN = """
sys.argv = ["lsr", *{arguments!r}]
from llm_schema_registry.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
else:
    code = 0
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def run_without_server(code: str) -> subprocess.CompletedProcess[str]:
    return run(WITHOUT.format(names=SERVER_LIBRARIES) + code)


def test_missing_libraries_really_are_missing() -> None:
    assert "No module named 'uvicorn'" in run_without_server("import uvicorn").stderr


@pytest.mark.parametrize("package", BASE_PACKAGES)
def test_base_package_imports_without_server_libraries(package: str) -> None:
    done = run_without_server(f"import {package}")
    assert done.returncode == 0, done.stderr


def test_offline_check_works_without_server_libraries(tmp_path: Path) -> None:
    for name, schema in (("old", OLD), ("new", NEW)):
        (tmp_path / f"{name}.avsc").write_text(json.dumps(schema))
    arguments = ["check", str(tmp_path / "old.avsc"), str(tmp_path / "new.avsc"), "--level", "BACKWARD"]
    done = run_without_server(MAIN.format(arguments=arguments) + "sys.exit(code)")
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in done.stdout, done.stderr
    assert done.returncode == 1


def test_help_imports_no_heavy_library() -> None:
    report = f"print('imported', *[name for name in {(*HEAVY_LIBRARIES, *SERVER_LIBRARIES)!r} if name in sys.modules])"
    done = run("import sys" + MAIN.format(arguments=["--help"]) + report)
    assert done.returncode == 0, done.stderr
    assert "Usage" in done.stdout
    assert done.stdout.splitlines()[-1] == "imported"
