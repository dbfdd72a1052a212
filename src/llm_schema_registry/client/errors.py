"""What can go wrong between a client and a registry."""

from collections.abc import Sequence

from llm_schema_registry.core.findings import Finding


class ClientError(Exception):
    """A call to a registry did not give the answer that was asked for."""


class RegistryUnreachableError(ClientError):
    """No registry answered at the URL: connection refused, unknown host, time-out, or no registry there.

    Attributes:
        url: the registry's URL, without credentials.
    """

    def __init__(self, url: str, cause: str) -> None:
        super().__init__(f"no registry answers at {url}: {cause}")
        self.url = url


class RegistryError(ClientError):
    """The registry answered with an error.

    Attributes:
        status: the HTTP status.
        error_code: the registry's code (`40401`, `40901`, …); the status where it gave none.
        message: its sentence.
        findings: what it has to say in detail; empty for a registry that gives no details.
    """

    def __init__(self, status: int, error_code: int, message: str, findings: Sequence[Finding] = ()) -> None:
        super().__init__(f"{message} (error {error_code})")
        self.status = status
        self.error_code = error_code
        self.message = message
        self.findings = tuple(findings)


class ImportMismatchError(ClientError):
    """The registry took a schema and made another version of it than the one that was brought."""


class ModeNotRestoredError(ClientError):
    """An import is over, and a scope could not be taken out of IMPORT mode.

    Attributes:
        scope: the scope; empty for the default context.
        mode: what it should be put back to; `None`: no mode of its own.
    """

    def __init__(self, scope: str, mode: str | None, cause: Exception) -> None:
        place = f"/mode/{scope}" if scope else "/mode"
        way_out = f"DELETE {place}" if mode is None else f'PUT {place} {{"mode": "{mode}"}}'
        super().__init__(
            f"{scope or 'the default context'} is still in IMPORT mode ({cause}); do it yourself: {way_out}"
        )
        self.scope = scope
        self.mode = mode
