"""Requests made from the served OpenAPI document: the server answers each one soon, and as the document says.

Half of the requests name what is there, or nothing but refusals would be seen. The same ones are made every time.
"""

import time
from typing import Any

import hypothesis
import pytest
import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from llm_schema_registry.server.http.confluent import CONFLUENT_OPERATIONS
from llm_schema_registry.server.http.openapi import DOCUMENTATION_OPERATIONS
from llm_schema_registry.server.http.openapi.document import openapi_document
from llm_schema_registry.server.http.revision_headers import MIN_REVISION_HEADER
from llm_schema_registry.server.http.routing import surface_of
from llm_schema_registry.server.http.v1 import NATIVE_OPERATIONS
from llm_schema_registry.server.operations import Surface

S1 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"}]}'
S2 = '{"type":"record","name":"R","fields":[{"name":"f1","type":"string"},{"name":"f2","type":"string","default":"x"}]}'
REQUESTS_PER_OPERATION = 8
LONGEST_SECONDS = 2.0
CONFLUENT = "application/vnd.schemaregistry.v1+json"
NATIVE = "application/problem+json"
# What exists when the requests are made.
KNOWN = {
    "subject": ("s", ":.c:s", ":.c:"),
    "version": ("1", "latest", "-1"),
    "id": ("1",),
    "context": (".", ".c", "c"),
    "guid": ("acb9a771-413f-2f1c-6a25-9db09a05dd82",),
    "resource": ("id1",),
    "namespace": ("-", "n"),
    "name": ("-", "t"),
}


KNOWN_IN_BODIES = {
    "schema": (S1, S2, '{"type":"string"}'),
    "schemaType": ("AVRO", "JSON", None),
    "references": ([], None, [{"name": "R", "subject": "s", "version": 1}]),
    "entityPath": ("R.f1", "R", "object"),
    "subject": ("s", ":.n:t-value", None),
    "resourceId": ("id1", "id2"),
    "resourceName": ("t",),
    "resourceNamespace": ("n",),
    "resourceType": ("topic", None),
    "associationType": ("value", "key", None),
    "compatibility": ("BACKWARD", "full", None),
    "newVersion": (None, 0, -1),
    "ruleSet": (None,),
    "mode": ("READWRITE", "IMPORT"),
}
_CHOICES_IN_BODIES = {name: st.sampled_from(values) for name, values in KNOWN_IN_BODIES.items()}
_CHOICES = {name: st.sampled_from(values) for name, values in KNOWN.items()}
OPERATIONS = {
    operation.label: operation
    for result in schemathesis.openapi.from_dict(
        openapi_document([*CONFLUENT_OPERATIONS, *NATIVE_OPERATIONS, *DOCUMENTATION_OPERATIONS])
    ).get_all_operations()
    for operation in [result.ok()]
}


@pytest.fixture(scope="module")
def url(fuzzed_url: str) -> str:
    for subject in ("s", ":.c:s"):
        requests.post(f"{fuzzed_url}/subjects/{subject}/versions", json={"schema": S1}, timeout=5).raise_for_status()
    association = {"associationType": "value", "subject": "s"}
    resource = {"resourceName": "t", "resourceNamespace": "n", "resourceId": "id1", "associations": [association]}
    requests.post(f"{fuzzed_url}/associations", json=resource, timeout=5).raise_for_status()
    return fuzzed_url


@pytest.mark.parametrize("label", OPERATIONS)
def test_answers_are_as_documented(label: str, url: str) -> None:
    operation = OPERATIONS[label]

    @hypothesis.seed(1)
    @hypothesis.settings(
        max_examples=REQUESTS_PER_OPERATION,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(
        case=operation.as_strategy(),
        known=st.fixed_dictionaries({}, optional=_CHOICES),
        in_body=st.fixed_dictionaries({}, optional=_CHOICES_IN_BODIES),
    )
    def check(case: Any, known: dict[str, str], in_body: dict[str, Any]) -> None:
        # A revision that does not exist yet is waited for, and then refused with 503.
        case.headers.pop(MIN_REVISION_HEADER, None)
        case.body = _with_known(case.body, in_body)
        for name in known.keys() & case.path_parameters.keys():
            case.path_parameters[name] = known[name]
        began = time.perf_counter()
        response = case.call(base_url=url, timeout=LONGEST_SECONDS)
        asked = response.request
        said = f"{asked.method} {asked.url} {str(asked.body)[:2000]} {response.status_code} {response.text[:500]}"
        assert time.perf_counter() - began < LONGEST_SECONDS, said
        assert response.status_code < 500, said
        if response.status_code >= 400:
            _check_refusal(operation.path, response, said)
        else:
            case.validate_response(response, checks=[response_schema_conformance, status_code_conformance])

    check()


def _with_known(value: Any, known: dict[str, Any]) -> Any:
    """A body with members of known names replaced, except where they hold objects."""
    if isinstance(value, list):
        return [_with_known(each, known) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _with_known(each, known) if isinstance(each, dict) else known.get(name, _with_known(each, known))
        for name, each in value.items()
    }


def _check_refusal(path: str, response: Any, said: str) -> None:
    body = response.json()
    media_type = response.headers["content-type"][0].partition(";")[0]
    if surface_of(path) is Surface.NATIVE:
        assert media_type == NATIVE, said
        assert body["status"] == response.status_code, said
        assert body.keys() == {"type", "title", "status", "detail", "code", "error_code", "findings"}, said
    else:
        assert media_type == CONFLUENT or media_type.endswith("json"), said
        witness = {"witness", "witness_searched"}
        assert {"error_code", "message"} <= body.keys() <= {"error_code", "message", "details"} | witness, said
        assert not body.keys() & witness or witness <= body.keys(), said
        assert body["message"], said
    code = body["error_code"]
    assert response.status_code == (code if code < 1000 else code // 100), said
