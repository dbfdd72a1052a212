"""Entry point of the server: its address, and its supervisor."""

import socket

from llm_schema_registry.server.process.supervisor import supervise
from llm_schema_registry.server.process.worker import BACKLOG
from llm_schema_registry.server.response_cache import bound_send_buffers
from llm_schema_registry.server.settings import Settings, SettingsError
from llm_schema_registry.server.telemetry.logs import configure_logs


def run(settings: Settings) -> None:
    """Serves until SIGTERM or SIGINT, then ends requests in progress and returns.

    Raises:
        SettingsError: the settings do not go together, or the address cannot be listened on.
        SystemExit: the application did not start; the log says why.
    """
    settings.check()
    configure_logs(settings.log_level)
    with _listen(settings) as listening:
        host, port = listening.getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        supervise(settings, listening, url)


def _listen(settings: Settings) -> socket.socket:
    """A socket that accepts connections from now on; they wait until the application answers."""
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            "Stop what listens there, or choose another address with LSR_HOST and LSR_PORT."
        ) from None
    bound_send_buffers(listening)
    return listening
