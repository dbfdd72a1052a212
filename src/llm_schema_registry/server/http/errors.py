"""Errors as one value, and their two representations on the wire."""

from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
from litestar.exceptions import HTTPException

from llm_schema_registry.core.budget import BudgetExceededError
from llm_schema_registry.core.findings import Finding
from llm_schema_registry.registry import ErrorCode, RegistryError
from llm_schema_registry.sandbox import SandboxUnavailableError
from llm_schema_registry.server.process.offload import ClientGoneError
from llm_schema_registry.server.settings import ErrorCodes
from llm_schema_registry.store import OutcomeUnknownError, StoreUnavailableError, ValueRefusedError
from llm_schema_registry.store.blobs import BlobsUnavailableError, DefinitionLostError

_INTERNAL = "Internal Server Error"
_OUTCOME_UNKNOWN = "The store broke off. Whether the change was stored is not known: read before you try again."
_LASTING = "The store is not available: {reason}. Nothing was changed. Retries fail until the cause is removed."
_PASSING = "The store is not available at the moment: {reason}. Nothing was changed; try again."
_CONSTRAINTS = ("23", "SQLITE_CONSTRAINT")
_MALFORMED = 400
_TOO_LARGE = 413
RETRY = (("retry-after", "2"),)
"""Headers of an answer to a request that may succeed in a moment: a store out of reach is tried at least this often."""

# Errors that carry no code of a use case, by status: a stable name, and what they mean.
STATUS_ERRORS = {
    400: ("BAD_REQUEST", "The request is malformed: no JSON, another shape, or a path that is no text."),
    403: ("FORBIDDEN", "The request comes from a web page, or for a host, that this server does not allow."),
    404: ("NOT_FOUND", "HTTP 404 Not Found"),
    405: ("METHOD_NOT_ALLOWED", "HTTP 405 Method Not Allowed"),
    406: ("NOT_ACCEPTABLE", "HTTP 406 Not Acceptable"),
    408: ("REQUEST_TIMEOUT", "The request did not arrive in time."),
    413: ("BODY_TOO_LARGE", "The request body is larger than this server accepts."),
    414: ("URL_TOO_LONG", "The URL is longer than this server accepts."),
    415: ("UNSUPPORTED_MEDIA_TYPE", "HTTP 415 Unsupported Media Type"),
    417: ("EXPECTATION_FAILED", "The request expects something that this server does not support."),
    422: ("INCOMPLETE_REQUEST", "The request lacks its body, or something else that it needs."),
    431: ("HEAD_TOO_LARGE", "The header fields of the request are larger than this server accepts."),
    499: ("CLIENT_CLOSED_REQUEST", "The client closed the connection before the answer."),
    500: ("INTERNAL_SERVER_ERROR", _INTERNAL),
    501: ("NOT_IMPLEMENTED", "The request uses a part of HTTP that this server does not support."),
    503: ("SERVER_BUSY", "The server has too many connections, or no memory for another request of this size."),
    505: ("HTTP_VERSION_NOT_SUPPORTED", "The HTTP version is not supported."),
}


class HttpError(Exception):
    """The request is wrong before any use case is asked; `error_code` is the status itself."""

    def __init__(self, status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers

    @classmethod
    def not_found(cls) -> "HttpError":
        """The path leads nowhere."""
        return cls(404, STATUS_ERRORS[404][1])


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error, ready to be written in either shape.

    Attributes:
        status: the HTTP status.
        code: the `error_code`.
        name: stable and readable; the anchor of its documentation.
        message: one sentence for people.
        findings: details.
        headers: what goes along.
        unexpected: whether it is a fault of the server, to be logged.
    """

    status: int
    code: int
    name: str
    message: str
    findings: tuple[Finding, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    unexpected: bool = False


def problem_of(error: Exception) -> Problem:
    """What an exception means to a client; anything unforeseen is a 500 that tells nothing about the inside."""
    if isinstance(error, RegistryError):
        passes = error.code in (ErrorCode.REVISION_NOT_REACHED, ErrorCode.OVERLOADED)
        return _of_code(error.code, error.message, error.findings, RETRY if passes else ())
    if isinstance(error, HttpError):
        return _of_status(error.status, error.message, error.headers)
    if isinstance(error, HTTPException):
        return _of_framework(error)
    if isinstance(error, ClientGoneError):
        return _of_status(499, STATUS_ERRORS[499][1])
    if isinstance(error, BudgetExceededError):
        return _of_code(ErrorCode.BUDGET_EXCEEDED, str(error))
    if isinstance(error, SandboxUnavailableError):
        return _of_code(
            ErrorCode.OVERLOADED, RegistryError(ErrorCode.OVERLOADED, message=str(error)).message, headers=RETRY
        )
    if isinstance(error, OutcomeUnknownError):
        return _of_code(ErrorCode.STORE_UNAVAILABLE, _OUTCOME_UNKNOWN, headers=RETRY)
    if isinstance(error, BlobsUnavailableError):
        code = ErrorCode.DEFINITIONS_UNAVAILABLE
        return _of_code(code, code.value[1], headers=RETRY)
    if isinstance(error, DefinitionLostError):
        return msgspec.structs.replace(_of_code(ErrorCode.DEFINITION_LOST, str(error)), unexpected=True)
    if isinstance(error, StoreUnavailableError):
        message = ErrorCode.STORE_UNAVAILABLE.value[1]
        if error.reason:
            message = (_LASTING if error.cause.lasts else _PASSING).format(reason=error.reason)
        return _of_code(ErrorCode.STORE_UNAVAILABLE, message, headers=RETRY)
    if isinstance(error, ValueRefusedError):
        refused = _of_code(ErrorCode.VALUE_REFUSED, ErrorCode.VALUE_REFUSED.value[1])
        # No request may lead to a broken constraint.
        return msgspec.structs.replace(refused, unexpected=error.code.startswith(_CONSTRAINTS))
    return Problem(status=500, code=500, name="INTERNAL_SERVER_ERROR", message=_INTERNAL, unexpected=True)


def confluent_body(problem: Problem, codes: ErrorCodes = ErrorCodes.CURRENT) -> bytes:
    """`{"error_code", "message"}`, with findings beside them where there are any."""
    code = problem.code
    if codes is ErrorCodes.LEGACY and problem.name == ErrorCode.INCOMPATIBLE_SCHEMA.name:
        code = problem.status
    body: dict[str, Any] = {"error_code": code, "message": problem.message}
    if problem.findings:
        body["details"] = problem.findings
    return msgspec.json.encode(body)


def native_body(problem: Problem) -> bytes:
    """Problem details (RFC 9457)."""
    return msgspec.json.encode(
        {
            "type": f"/docs#{problem.name.lower()}",
            "title": problem.name.replace("_", " ").capitalize(),
            "status": problem.status,
            "detail": problem.message,
            "code": problem.name,
            "error_code": problem.code,
            "findings": problem.findings,
        }
    )


def decoded_segment(segment: str) -> str:
    """A percent-encoded path segment as text, decoded once.

    Raises:
        HttpError: 400, the bytes are not UTF-8.
        RegistryError: INVALID_SUBJECT, they are lone surrogates, which no name can hold.
    """
    if "%" not in segment:
        return segment
    data = unquote_to_bytes(segment)
    try:
        return data.decode()
    except UnicodeDecodeError:
        try:
            data.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            raise HttpError(400, "The path is not UTF-8 once it is percent-decoded.") from None
        raise RegistryError(ErrorCode.INVALID_SUBJECT, subject=data.decode(errors="replace")) from None


def _of_code(
    code: ErrorCode, message: str, findings: tuple[Finding, ...] = (), headers: tuple[tuple[str, str], ...] = ()
) -> Problem:
    return Problem(
        status=code.status, code=code.number, name=code.name, message=message, findings=findings, headers=headers
    )


def _of_status(status: int, message: str, headers: tuple[tuple[str, str], ...] = ()) -> Problem:
    return Problem(status=status, code=status, name=STATUS_ERRORS[status][0], message=message, headers=headers)


def _of_framework(error: HTTPException) -> Problem:
    status = error.status_code
    if status not in STATUS_ERRORS or status >= 500:
        return Problem(status=500, code=500, name="INTERNAL_SERVER_ERROR", message=_INTERNAL, unexpected=True)
    headers = tuple((error.headers or {}).items())
    if status == _TOO_LARGE:
        # The rest of the body stays unread, so the connection cannot carry another request.
        headers = (("connection", "close"),)
    return _of_status(status, str(error.detail) if status == _MALFORMED else STATUS_ERRORS[status][1], headers)
