"""The page of errors."""

from generating.markdown import code, table, texts
from llm_schema_registry.registry import ErrorCode


def page() -> str:
    """Every error that a use case can answer, by code."""
    meanings = texts("errors")
    missing = {error.name for error in ErrorCode} ^ meanings.keys()
    if missing:
        raise ValueError(f"docs/texts/errors.toml and ErrorCode differ in {', '.join(sorted(missing))}")
    errors = sorted(ErrorCode, key=lambda error: error.number)
    rows = [(str(error.number), str(error.status), f"[{error.name}](#{error.name.lower()})") for error in errors]
    sections = "\n".join(_section(error, meanings[error.name]) for error in errors)
    return f"""# Errors

Every refusal has a code. On the Confluent-compatible surface the body is `{{"error_code", "message"}}`, with `details`
(a list of findings) beside them where there is something to explain; under `/api/v1` it is a problem document
(RFC 9457) with the same code and the findings. The first three digits of a code are the HTTP status. Codes whose last
two digits are 90 or more are ours; the others mean what they mean to clients of the Confluent registry.

Requests that are wrong before any of this is asked (an unknown path, a method that is not allowed, a body that is not
JSON or too large, a parameter of the wrong type) answer their HTTP status as `error_code`.

{table(("error_code", "HTTP", "name"), rows)}
{sections}"""


def _section(error: ErrorCode, text: dict[str, str]) -> str:
    message = error.value[1].replace("{{", "{").replace("}}", "}")
    shown = "" if message == "{message}" else f"\n{code(message)}\n"
    return f"""### {error.name}

{error.number}, HTTP {error.status}
{shown}
{text["meaning"]}

What to do: {text["fix"]}
"""
