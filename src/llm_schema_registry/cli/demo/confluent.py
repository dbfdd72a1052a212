"""Events through the unmodified Confluent client, in the three formats."""

import importlib
import importlib.metadata
import importlib.util
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llm_schema_registry.catalog import Catalog
from llm_schema_registry.cli.exit_codes import CliError
from llm_schema_registry.formats import SchemaType

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import SchemaRegistryClient

_INSTALL = "pip install 'confluent-kafka[schemaregistry,avro,json,protobuf]'"
_MODULES = ("avro", "json_schema", "protobuf")
_PREFIX = 5
_SUBJECTS = {
    SchemaType.AVRO: "telemetry.inference.refs",
    SchemaType.JSON: "telemetry.inference.wire",
    SchemaType.PROTOBUF: "telemetry.metric",
}


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """An event that was serialised and read back.

    Attributes:
        schema_type: the format.
        subject: whose latest version it was written with.
        schema_id: the id in the prefix of the bytes.
        size: of the bytes, prefix included.
        same: whether what was read back is what was written.
    """

    schema_type: SchemaType
    subject: str
    schema_id: int
    size: int
    same: bool


def require_client() -> str:
    """The version of the Confluent client; `CliError` says how to install it if it is missing."""
    try:
        for module in _MODULES:
            importlib.import_module(f"confluent_kafka.schema_registry.{module}")
    except ImportError as error:
        raise CliError(f"the demonstration uses the Confluent client: {error}", _INSTALL) from None
    return importlib.metadata.version("confluent-kafka")


def round_trips(url: str, catalog: Catalog) -> Iterator[RoundTrip]:
    """Serialises and reads back one event in each format, as a producer and a consumer of Kafka do."""
    from confluent_kafka.schema_registry import SchemaRegistryClient

    with SchemaRegistryClient({"url": url}) as client:
        for schema_type, trip in ((SchemaType.AVRO, _avro), (SchemaType.JSON, _json), (SchemaType.PROTOBUF, _protobuf)):
            subject = _SUBJECTS[schema_type]
            data, same = trip(client, catalog, subject)
            yield RoundTrip(schema_type, subject, int.from_bytes(data[1:_PREFIX]), len(data), same)


def _avro(client: "SchemaRegistryClient", catalog: Catalog, subject: str) -> tuple[bytes, bool]:
    from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer

    event = _sample(catalog, "telemetry.inference.v1.avro-valid")
    serialise = AvroSerializer(client, conf=_conf(subject))
    data = serialise(event, _context(subject))
    # Times come back as datetime: what was read is the same if it is written as the same bytes.
    back = AvroDeserializer(client)(data, _context(subject))
    return data, back["span_id"] == event["span_id"] and serialise(back, _context(subject)) == data


def _json(client: "SchemaRegistryClient", catalog: Catalog, subject: str) -> tuple[bytes, bool]:
    from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer

    event = _sample(catalog, "telemetry.inference.wire.v1.valid")
    schema = client.get_latest_version(subject).schema
    data = JSONSerializer(schema, client, conf=_conf(subject))(event, _context(subject))
    back = JSONDeserializer(None, schema_registry_client=client)(data, _context(subject))
    return data, back == event


def _protobuf(client: "SchemaRegistryClient", catalog: Catalog, subject: str) -> tuple[bytes, bool]:
    from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer

    message_class = _message_class(catalog.schema_text("telemetry.metric.v1.proto"), "llmdevops.telemetry.v1.Metric")
    event = message_class(id="m-1", name="llm.tokens", unit="token", metric_type=1, service_name="gateway")
    event.attributes["model"] = "gpt-4"
    data = ProtobufSerializer(message_class, client, _conf(subject))(event, _context(subject))
    back = ProtobufDeserializer(message_class, {"use.deprecated.format": False})(data, _context(subject))
    return data, back == event


def _message_class(proto: str, name: str) -> Any:
    """Compiles a `.proto` with protoc, as a build does, and gives the class of one message."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2, timestamp_pb2

    well_known = Path(_origin("grpc_tools")).parent / "_proto"
    with tempfile.TemporaryDirectory(prefix="lsr-demo-") as folder:
        source, output = Path(folder, "metric.proto"), Path(folder, "metric.binpb")
        source.write_text(proto, encoding="utf-8")
        subprocess.run(  # noqa: S603 (our own interpreter on our own text)
            [sys.executable, "-m", "grpc_tools.protoc", f"-I{folder}", f"-I{well_known}", f"-o{output}", source.name],
            check=True,
        )
        files = descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for known in (struct_pb2, timestamp_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    for file in files.file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _origin(module: str) -> str:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise CliError(f"package not installed: {module}", "pip install llm-schema-registry")
    return found.origin


def _sample(catalog: Catalog, name: str) -> Any:
    return next(sample.value for sample in catalog.samples if sample.name == name)


def _conf(subject: str) -> dict[str, Any]:
    """A producer that registers nothing itself and writes with the latest version of `subject`."""
    return {
        "auto.register.schemas": False,
        "use.latest.version": True,
        "subject.name.strategy": lambda context, record: subject,
    }


def _context(subject: str) -> Any:
    from confluent_kafka.serialization import MessageField, SerializationContext

    return SerializationContext(subject, MessageField.VALUE)
