"""Reading one schema's bytes through another schema, as a consumer with its own schema does.

Messages are found by their name below the package, as comparisons match them.
"""

from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import DecodeError

from llm_schema_registry.core.findings import shortened
from llm_schema_registry.formats.format import Outcome, Reading
from llm_schema_registry.formats.protobuf.payload import ProtobufValidator
from llm_schema_registry.formats.protobuf.round_trip import misread
from llm_schema_registry.formats.protobuf.wire import first_problem


def read(reader: ProtobufValidator, writer: ProtobufValidator, value: Any) -> Reading:
    """Writes a JSON value under `writer` and reads it under `reader`; the contract is `Format.read`."""
    refused = writer.check_value(value)
    if refused:
        return Reading(Outcome.UNWRITABLE, problem=refused[0].message)
    descriptor, payload = writer.message_of(value)
    if descriptor is None:
        return Reading(Outcome.UNWRITABLE, problem="The schema has no message.")
    message_class = writer.message_class(descriptor)
    if writer.hidden_methods:
        names = ", ".join(sorted(writer.hidden_methods))
        return Reading(Outcome.UNWRITABLE, problem=f"The runtime cannot write fields named like its methods: {names}.")
    written = message_class()
    try:
        json_format.ParseDict(payload, written, descriptor_pool=descriptor.file.pool)
    except json_format.ParseError as error:
        return Reading(Outcome.UNWRITABLE, problem=shortened(str(error)))
    data = written.SerializeToString(deterministic=True)
    name = _local_name(descriptor)
    expected = reader.message_named(name)
    if expected is None:
        return Reading(Outcome.REFUSED, data, f"the reader's schema has no message {name}")
    try:
        reader_class = reader.message_class(expected)
        found = reader_class.FromString(data)
    except DecodeError:
        return Reading(Outcome.REFUSED, data, first_problem(expected, data).message)
    missing = reader_class.FindInitializationErrors(found)
    if missing:
        return Reading(Outcome.REFUSED, data, f"the required field {missing[0]} is missing")
    problem = misread(written, found)
    return Reading(Outcome.READ, data) if problem is None else Reading(Outcome.MISREAD, data, problem)


def _local_name(descriptor: Descriptor) -> str:
    package: str = descriptor.file.package
    full_name: str = descriptor.full_name
    return full_name.removeprefix(f"{package}.") if package else full_name
