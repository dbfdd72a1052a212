"""What the metrics tell of the caches."""

from llm_schema_registry.server.telemetry.metrics import Metrics


def test_each_cache_is_asked_what_is_new() -> None:
    uses, reads = [{"/a": 2, "/b": 1}, {}, {"/a": 3}], [(5, 1), (0, 0), (2, 2)]
    metrics = Metrics(lambda: uses.pop(0))
    metrics.cache("response", lambda: (0, 1))
    metrics.cache("memory", lambda: reads.pop(0))
    metrics.count_caches()
    metrics.count_caches()
    lines = metrics.exposition().decode().splitlines()
    told = {
        line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines if line.startswith("schema_registry_cache")
    }
    of = 'schema_registry_cache_requests_total{layer="%s",result="%s"}'
    for layer in ("response", "shelf"):
        assert told[of % (layer, "hit")] == "6.0"
        assert told[of % (layer, "miss")] == "3.0"
    assert told[of % ("memory", "hit")] == "7.0"
    assert told[of % ("memory", "miss")] == "3.0"
    for name in ("response_cache", "shelf"):
        assert f'schema_registry_{name}_answers_total{{endpoint="/a"}} 5.0' in lines


def test_the_names_of_the_confluent_registry() -> None:
    metrics = Metrics(lambda: {"/schemas/ids/{id}": 5, "/health/ready": 1})
    metrics.request("GET", "/subjects", 200, 0.1)
    metrics.request("GET", "/subjects", 304, 0.1)
    metrics.request("POST", "/subjects/{subject}", 404, 0.1)
    metrics.request("GET", "unmatched", 404, 0.1)
    metrics.request("GET", "/health/ready", 503, 0.1)
    metrics.request("GET", "/metrics", 200, 0.1)
    lines = metrics.exposition(17).decode().splitlines()
    told = {line.partition(" ")[0]: line.partition(" ")[2] for line in lines if line.startswith("kafka_")}
    assert told == {
        "kafka_schema_registry_registered_count": "17",
        "kafka_schema_registry_api_success_count": "7",
        "kafka_schema_registry_api_failure_count": "2",
        "kafka_schema_registry_master_slave_role": "1",
        "kafka_schema_registry_node_count": "1",
    }
    assert "# TYPE kafka_schema_registry_registered_count gauge" in lines
    assert "# TYPE kafka_schema_registry_api_success_count counter" in lines


def test_what_is_not_known_is_left_out() -> None:
    assert b"kafka_schema_registry_registered_count" not in Metrics().exposition()
    assert b"kafka_schema_registry_node_count 1" in Metrics().exposition()
