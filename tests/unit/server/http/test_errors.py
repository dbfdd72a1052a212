import copy
import json

import pytest
from litestar.exceptions import HTTPException, NotFoundException

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.registry import ErrorCode, RegistryError
from llm_schema_registry.server.http.errors import HttpError, confluent_body, decoded_segment, native_body, problem_of
from llm_schema_registry.server.settings import ErrorCodes
from llm_schema_registry.store import Cause, StoredSchema, StoreUnavailableError
from llm_schema_registry.store.blobs import BlobsUnavailableError, DefinitionLostError

LOST = StoredSchema(context=".", schema_id=7, guid="g", schema_type="AVRO", text="", blob="d1:600")


@pytest.mark.parametrize(
    ("error", "status", "code", "name"),
    [
        (RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject="s"), 404, 40401, "SUBJECT_NOT_FOUND"),
        (BudgetExceededError("The work"), 422, 42290, "BUDGET_EXCEEDED"),
        (StoreUnavailableError("/secret/path"), 503, 50301, "STORE_UNAVAILABLE"),
        (BlobsUnavailableError("/secret/path"), 503, 50390, "DEFINITIONS_UNAVAILABLE"),
        (DefinitionLostError(LOST, "is missing"), 500, 50090, "DEFINITION_LOST"),
        (HttpError(415, "no"), 415, 415, "UNSUPPORTED_MEDIA_TYPE"),
        (NotFoundException(), 404, 404, "NOT_FOUND"),
        (HTTPException(status_code=502, detail="inside"), 500, 500, "INTERNAL_SERVER_ERROR"),
        (ValueError("/secret/path"), 500, 500, "INTERNAL_SERVER_ERROR"),
    ],
)
def test_exceptions(error: Exception, status: int, code: int, name: str) -> None:
    problem = problem_of(error)
    assert (problem.status, problem.code, problem.name) == (status, code, name)
    assert "secret" not in problem.message
    assert problem.unexpected == (status == 500)


def test_a_lost_definition_is_named() -> None:
    message = "The definition of the schema with id 7 in context '.' (object d1) is missing."
    assert problem_of(DefinitionLostError(LOST, "is missing")).message == message
    assert str(copy.copy(DefinitionLostError(LOST, "is missing"))) == message


def test_retries_are_asked_for_while_something_is_out_of_reach() -> None:
    for error in (StoreUnavailableError(""), BlobsUnavailableError("")):
        assert dict(problem_of(error).headers) == {"retry-after": "2"}


def test_the_reason_of_a_failure_of_the_store_is_given() -> None:
    error = StoreUnavailableError(cause=Cause.NO_CONNECTION, reason="the database has no connection left")
    assert problem_of(error).message == (
        "The store is not available at the moment: the database has no connection left. Nothing was changed; try again."
    )


def test_the_two_shapes() -> None:
    finding = Finding(code="avro.X", message="m")
    problem = problem_of(RegistryError(ErrorCode.INCOMPATIBLE_SCHEMA, [finding], subject="s", details="d"))
    body = json.loads(confluent_body(problem))
    assert body["error_code"] == 40901
    assert body["details"] == [{"code": "avro.X", "message": "m"}]
    assert json.loads(confluent_body(problem, ErrorCodes.LEGACY))["error_code"] == 409
    problem = problem_of(RegistryError(ErrorCode.SUBJECT_NOT_FOUND, subject="s"))
    assert json.loads(confluent_body(problem)) == {"error_code": 40401, "message": "Subject 's' not found."}
    assert json.loads(native_body(problem)) == {
        "type": "/docs#subject_not_found",
        "title": "Subject not found",
        "status": 404,
        "detail": "Subject 's' not found.",
        "code": "SUBJECT_NOT_FOUND",
        "error_code": 40401,
        "findings": [],
    }


@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_a_status_of_http(code: ErrorCode) -> None:
    assert code.status in (404, 409, 422, 500, 503)


def test_segments() -> None:
    assert decoded_segment("a%2Fb%253A") == "a/b%3A"
    assert decoded_segment("a+b") == "a+b"
    with pytest.raises(HttpError):
        decoded_segment("%ff")
    with pytest.raises(RegistryError):
        decoded_segment("%ED%A0%80")
