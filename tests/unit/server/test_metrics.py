"""What the metrics tell of the caches."""

from llm_schema_registry.server.metrics import Metrics


def test_each_cache_is_asked_what_is_new() -> None:
    uses, reads = [{"/a": 2, "/b": 1}, {}, {"/a": 3}], [(5, 1), (0, 0), (2, 2)]
    metrics = Metrics(lambda: uses.pop(0))
    metrics.cache("shelf", lambda: (0, 1))
    metrics.cache("memory", lambda: reads.pop(0))
    metrics.count_caches()
    metrics.count_caches()
    lines = metrics.exposition().decode().splitlines()
    told = {
        line.rpartition(" ")[0]: line.rpartition(" ")[2] for line in lines if line.startswith("schema_registry_cache")
    }
    of = 'schema_registry_cache_requests_total{layer="%s",result="%s"}'
    assert told[of % ("shelf", "hit")] == "6.0"
    assert told[of % ("shelf", "miss")] == "3.0"
    assert told[of % ("memory", "hit")] == "7.0"
    assert told[of % ("memory", "miss")] == "3.0"
    assert 'schema_registry_shelf_answers_total{endpoint="/a"} 5.0' in lines
