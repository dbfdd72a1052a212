"""The servers of a run: the registry, the yardsticks beside it, other registries, and the store behind."""

from benchmarks.serving.nginx import NGINX, nginx
from benchmarks.serving.postgres import Stores, stores
from benchmarks.serving.process import HOST, Pinned, Running, Server, ServerError, Usage
from benchmarks.serving.servers import baseline, peer, registry

__all__ = [
    "HOST",
    "NGINX",
    "Pinned",
    "Running",
    "Server",
    "ServerError",
    "Stores",
    "Usage",
    "baseline",
    "nginx",
    "peer",
    "registry",
    "stores",
]
