"""What the endpoints of one process share."""

from llm_schema_registry.registry import Registry
from llm_schema_registry.server.metrics import Metrics
from llm_schema_registry.server.settings import Settings


class Service:
    """The settings, the metrics, and between start-up and shutdown the registry.

    Args:
        settings: of this process.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._registry: Registry | None = None

    @property
    def registry(self) -> Registry:
        """The registry; there is none before start-up and after shutdown."""
        if self._registry is None:
            raise RuntimeError("The application has not been started")
        return self._registry

    @registry.setter
    def registry(self, registry: Registry) -> None:
        self._registry = registry
