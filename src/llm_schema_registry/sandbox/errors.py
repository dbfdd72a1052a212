"""Errors of a sandbox: the outcome of a job that has no answer."""


class SandboxError(Exception):
    """A job has no answer. The text is a clause that completes "The work was given up: …"."""


class DeadlineExceededError(SandboxError):
    """The job was still running at its deadline; its process was killed."""


class ProcessDiedError(SandboxError):
    """The process ended during the job: out of memory, or crashed."""


class QueueFullError(SandboxError):
    """Too many jobs are waiting; this one was not started."""


class SandboxUnavailableError(SandboxError):
    """No process can be started: no descriptors or memory are left, or the program failed to start."""
