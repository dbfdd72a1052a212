"""The page of metrics."""

from generating.markdown import code, table
from llm_schema_registry.server.telemetry.metrics import Metrics


def page() -> str:
    """Every metric of a server process."""
    rows = [(code(name), kind, description) for name, kind, description in Metrics().names()]
    return f"""# Metrics

`GET /metrics` answers in Prometheus' text format. Labels are bounded: route templates, methods, statuses and outcomes,
never subjects or ids. Counters carry the suffix `_total` there, histograms `_bucket`, `_count` and `_sum`; the names of
the Confluent registry (`kafka_schema_registry_…`) are as they stand here.

{table(("metric", "kind", "what it says"), rows)}"""
