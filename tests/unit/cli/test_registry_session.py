"""How answers of a registry become exits."""

import asyncio

import pytest

from llm_schema_registry.cli.exit_codes import CliError, ExitCode
from llm_schema_registry.cli.registry_session import exit_of, history_of, with_client
from llm_schema_registry.client import RegisteredSchema, RegistryClient, RegistryError, RegistryUnreachableError
from llm_schema_registry.compatibility import CompatibilityLevel
from llm_schema_registry.core.findings import Finding

URL = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ExitCode.USAGE),
        (401, ExitCode.FORBIDDEN),
        (403, ExitCode.FORBIDDEN),
        (404, ExitCode.USAGE),
        (409, ExitCode.FINDINGS),
        (422, ExitCode.USAGE),
        (500, ExitCode.UNREACHABLE),
        (503, ExitCode.UNREACHABLE),
    ],
)
def test_a_status_has_an_exit_code(status: int, code: ExitCode) -> None:
    assert exit_of(status) is code


def ended(error: Exception) -> CliError:
    async def conversation(client: RegistryClient) -> None:
        raise error

    with pytest.raises(CliError) as caught:
        with_client(URL, conversation)
    return caught.value


def test_details_are_said_once() -> None:
    finding = Finding(code="avro.X", message="m")
    with_findings = ended(RegistryError(409, 40901, "Refused, details: [a long text]", [finding]))
    assert with_findings.message == "registry error 40901: Refused"
    assert with_findings.findings == (finding,)
    without = ended(RegistryError(409, 40901, "Refused, details: [a long text]"))
    assert without.message == "registry error 40901: Refused, details: [a long text]"


def test_no_registry_comes_with_the_way_out() -> None:
    error = ended(RegistryUnreachableError(URL, "refused"))
    assert (error.exit_code, "lsr serve" in error.fix) == (ExitCode.UNREACHABLE, True)


def test_a_conversation_has_a_result() -> None:
    async def conversation(client: RegistryClient) -> str:
        return client.url

    assert with_client(URL, conversation) == URL


class OneSubject(RegistryClient):
    """A registry with three versions of `known`, which counts what it is asked."""

    def __init__(self) -> None:
        super().__init__(URL)
        self.asked: list[int | str] = []

    async def versions(self, subject: str) -> list[int]:
        if subject != "known":
            raise RegistryError(404, 40401, "Subject not found")
        return [1, 2, 4]

    async def version(self, subject: str, version: int | str = "latest", *, deleted: bool = False) -> RegisteredSchema:
        if subject != "known":
            raise RegistryError(404, 40401, "Subject not found")
        self.asked.append(version)
        number = 4 if version == "latest" else int(version)
        return RegisteredSchema('"int"', subject=subject, version=number)


@pytest.mark.parametrize(
    ("level", "asked"),
    [
        (CompatibilityLevel.NONE, []),
        (CompatibilityLevel.FULL, ["latest"]),
        (CompatibilityLevel.BACKWARD_TRANSITIVE, [4, 2, 1]),
    ],
)
def test_a_level_says_which_versions_count(level: CompatibilityLevel, asked: list[int | str]) -> None:
    registry = OneSubject()
    history = asyncio.run(history_of(registry, "known", level))
    assert registry.asked == asked
    assert [version for version, _ in history] == [4 if one == "latest" else one for one in asked]


@pytest.mark.parametrize("level", [CompatibilityLevel.FULL, CompatibilityLevel.FULL_TRANSITIVE])
def test_a_new_subject_has_no_history(level: CompatibilityLevel) -> None:
    assert asyncio.run(history_of(OneSubject(), "new", level)) == []
