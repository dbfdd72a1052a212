"""The JSON mapping of Protocol Buffers (ProtoJSON)."""
