"""Exit codes, and the error that a user can fix."""

import enum
from collections.abc import Sequence

from llm_schema_registry.core.findings import Finding


class ExitCode(enum.IntEnum):
    """What the exit code of a command means; part of the interface that scripts rely on."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNREACHABLE = 3
    FORBIDDEN = 4
    INTERNAL = 5


EXIT_CODES = {
    ExitCode.OK: "done, and nothing to object to",
    ExitCode.FINDINGS: "done, and there are findings: an incompatible or invalid schema or event, a failed probe",
    ExitCode.USAGE: "not done: a wrong option, an unreadable file, a text that is no schema, nothing of that name",
    ExitCode.UNREACHABLE: "not done: no registry answers, or it failed",
    ExitCode.FORBIDDEN: "not done: the registry wants other credentials",
    ExitCode.INTERNAL: "not done: a defect of this program, with its stack; please report it",
}


class CliError(Exception):
    """An expected end of a command: shown on stderr without a stack.

    Attributes:
        message: one sentence that names the thing.
        fix: the way out, one sentence; may be empty.
        findings: the details, where there are some.
        exit_code: what the process ends with.
    """

    def __init__(
        self,
        message: str,
        fix: str = "",
        *,
        findings: Sequence[Finding] = (),
        exit_code: ExitCode = ExitCode.USAGE,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.findings = tuple(findings)
        self.exit_code = exit_code
