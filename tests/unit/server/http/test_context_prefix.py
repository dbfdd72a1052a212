import pytest

from llm_schema_registry.server.http.context_prefix import context_name, without_context
from llm_schema_registry.server.http.errors import HttpError


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/subjects/s/versions", "", ("/subjects/s/versions", "")),
        ("/contexts", "", ("/contexts", "")),
        ("/contexts/.c", "", ("/contexts/.c", "")),
        ("/contexts/.c/subjects/s/versions", "", ("/subjects/%3A.c%3As/versions", "")),
        ("/contexts/c/subjects/s", "a=b", ("/subjects/%3A.c%3As", "a=b")),
        ("/contexts/%3A.c%3A/subjects/a%2Fb/versions/1", "", ("/subjects/%3A.c%3Aa%2Fb/versions/1", "")),
        ("/contexts/c/subjects/:.d:s", "", ("/subjects/:.d:s", "")),
        ("/contexts/c/subjects/%3A.d%3As", "", ("/subjects/%3A.d%3As", "")),
        ("/contexts/c/compatibility/subjects/s/versions", "", ("/compatibility/subjects/%3A.c%3As/versions", "")),
        ("/contexts/c/config", "", ("/config/%3A.c%3A", "")),
        ("/contexts/c/mode", "force=true", ("/mode/%3A.c%3A", "force=true")),
        ("/contexts/c/config/s", "", ("/config/%3A.c%3As", "")),
        ("/contexts/c/config/subjects", "", ("/config/%3A.c%3Asubjects", "")),
        ("/contexts/c/subjects/subjects/versions", "", ("/subjects/%3A.c%3Asubjects/versions", "")),
        ("/contexts/c/schemas/ids/1", "", ("/schemas/ids/1", "subject=%3A.c%3A")),
        ("/contexts/c/schemas/ids/1", "subject=s&x=y", ("/schemas/ids/1", "x=y&subject=%3A.c%3As")),
        ("/contexts/c/schemas/ids/1/versions", "subject=%3A.d%3A", ("/schemas/ids/1/versions", "subject=%3A.d%3A")),
        ("/contexts/c/subjects", "", ("/subjects", "subjectPrefix=%3A.c%3A")),
        ("/contexts/c/schemas", "subjectPrefix=p", ("/schemas", "subjectPrefix=%3A.c%3Ap")),
        ("/contexts/c/schemas", "subjectPrefix=%3A*%3A", ("/schemas", "subjectPrefix=%3A%2A%3A")),
        ("/contexts/c/associations", "dryRun=true", ("/associations", "dryRun=true&context=%3A.c%3A")),
        ("/contexts/c/associations", "context=d", ("/associations", "context=d")),
        ("/contexts/c/associations:batchMutate", "", ("/associations:batchMutate", "context=%3A.c%3A")),
        ("/contexts/c/associations/resources/id", "", ("/associations/resources/id", "context=%3A.c%3A")),
        (
            "/contexts/c/associations/resources/subjects/s",
            "",
            ("/associations/resources/subjects/s", "context=%3A.c%3A"),
        ),
        ("/contexts/c/associations/subjects/s", "", ("/associations/subjects/%3A.c%3As", "context=%3A.c%3A")),
        ("/contexts/c/schemas/types", "", ("/schemas/types", "")),
    ],
)
def test_rewriting(path: str, query: str, expected: tuple[str, str]) -> None:
    assert without_context(path, query) == expected


@pytest.mark.parametrize(("text", "expected"), [("c", ".c"), (".c", ".c"), (":.c:", ".c"), (".", "."), (":.:", ".")])
def test_names(text: str, expected: str) -> None:
    assert context_name(text) == expected


def test_a_colon_inside() -> None:
    with pytest.raises(HttpError) as refused:
        context_name("a:b")
    assert refused.value.status == 400
