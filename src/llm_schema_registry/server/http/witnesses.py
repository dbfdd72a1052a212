"""How witnesses are asked for, and how they are shown."""

from base64 import b64encode
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from llm_schema_registry.compatibility.witnesses import Witness
from llm_schema_registry.registry import RegistryError
from llm_schema_registry.server.http.errors import confluent_body, problem_of
from llm_schema_registry.server.operations import Reply
from llm_schema_registry.server.settings import ErrorCodes

WithWitness = Annotated[
    bool, Meta(description="For an incompatible schema look for a payload that breaks, and show it.")
]


class WitnessResponse(msgspec.Struct, frozen=True, kw_only=True):
    """A payload that one schema allows and the other refuses or misreads.

    Attributes:
        direction: `BACKWARD`: valid under the old schema, read with the new one; `FORWARD`: the other way round.
        outcome: `refused` or `misread`.
        payload: the payload as JSON.
        encoded: the payload in the encoding of its format, in base64, without a prefix.
        problem: what the reader said.
    """

    direction: str
    outcome: str
    payload: Any
    encoded: str
    problem: str


def witness_answer(witness: Witness | None) -> WitnessResponse | None:
    """A witness as answers show it; `null` says that none was found."""
    if witness is None:
        return None
    return WitnessResponse(
        direction=witness.direction,
        outcome=witness.reading.outcome.value,
        payload=witness.payload,
        encoded=b64encode(witness.reading.encoded).decode(),
        problem=witness.reading.problem,
    )


def refusal_with_witness(error: RegistryError, witness: Witness | None, codes: ErrorCodes) -> Reply:
    """The body of the refusal as it is without a witness, and the outcome of the search beside it."""
    problem = problem_of(error)
    body = msgspec.json.decode(confluent_body(problem, codes))
    return Reply(problem.status, {**body, "witness": witness_answer(witness), "witness_searched": True})
