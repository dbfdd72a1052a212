"""The yardstick for reads: nginx, with each answer of the registry in a file."""

import os
import shutil
from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.serving.process import HOST, Pinned, Server, free_port, listening

NGINX = shutil.which("nginx")
"""The program; `None` where there is none."""

# As fast as it gets: files stay open, connections are kept for ever, nothing is logged.
_CONFIG = """\
daemon off;
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    keepalive_timeout 1h;
    keepalive_requests 1000000000;
    sendfile on;
    tcp_nopush on;
    tcp_nodelay on;
    server_tokens off;
    open_file_cache max=100000 inactive=1h;
    open_file_cache_valid 1h;
    default_type application/vnd.schemaregistry.v1+json;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{ listen {host}:{port} backlog=1024; root {directory}/files; }}
}}
"""


def nginx(files: Mapping[str, bytes], cores: Collection[int], directory: Path) -> AbstractContextManager[Server]:
    """nginx with one worker, for as long as the block lasts.

    Args:
        files: bodies by path.
        cores: the cores it may use.
        directory: where files, configuration and log go; made here.

    Raises:
        ServerError: it did not start.
    """
    for path, body in files.items():
        file = directory / "files" / path.strip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    port = free_port()
    config = directory / "nginx.conf"
    # Under root the worker would be somebody who may not read what is in a private directory.
    user = "user root;" if os.getuid() == 0 else ""
    config.write_text(_CONFIG.format(directory=directory, host=HOST, port=port, user=user), encoding="utf-8")
    command = (NGINX or "nginx", "-p", str(directory), "-c", str(config))
    return listening(Pinned(command, cores, directory / "nginx.log"), port, next(iter(files)))
