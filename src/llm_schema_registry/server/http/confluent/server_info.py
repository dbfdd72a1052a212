"""What the server says about itself."""

import msgspec

from llm_schema_registry import __version__
from llm_schema_registry.server.http.query_params import Query
from llm_schema_registry.server.operations import Call, NoBody, Operations

operations = Operations("Server")
# Clients read the Confluent release they may expect from the front of this text.
_COMPATIBLE_WITH = "8.5.0"


class Empty(msgspec.Struct, frozen=True):
    """An empty object."""


class Scope(msgspec.Struct, frozen=True):
    """Which clusters the registry belongs to."""

    path: list[str]
    clusters: dict[str, str]


class ServerId(msgspec.Struct, frozen=True):
    """Where the registry stands."""

    id: str
    scope: Scope


class ServerVersion(msgspec.Struct, frozen=True, rename="camel"):
    """What runs."""

    version: str
    commit_id: str


class Deployment(msgspec.Struct, frozen=True):
    """How it is deployed."""

    attributes: list[str]


@operations.get("/")
async def root(call: Call[Query, NoBody]) -> Empty:
    """Says that there is a registry."""
    return Empty()


@operations.add("POST", "/")
async def post_root(call: Call[Query, NoBody]) -> Empty:
    """Says that there is a registry."""
    return Empty()


@operations.get("/v1/metadata/id")
async def server_id(call: Call[Query, NoBody]) -> ServerId:
    """The ids of the clusters, as role bindings name them."""
    settings = call.settings
    clusters = {"kafka-cluster": settings.kafka_cluster_id, "schema-registry-cluster": settings.cluster_id}
    return ServerId(id="", scope=Scope(path=[], clusters=clusters))


@operations.get("/v1/metadata/version")
async def server_version(call: Call[Query, NoBody]) -> ServerVersion:
    """The release of the Confluent registry this one is compatible with, and its own."""
    return ServerVersion(version=f"{_COMPATIBLE_WITH}-llm-schema-registry-{__version__}", commit_id="")


@operations.get("/v1/metadata/deployment")
async def server_deployment(call: Call[Query, NoBody]) -> Deployment:
    """Attributes of the deployment; none."""
    return Deployment(attributes=[])
