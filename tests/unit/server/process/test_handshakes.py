"""The end of handshakes on a listening socket."""

import errno
import socket
import sys

import pytest

from llm_schema_registry.server.process.handshakes import end_handshakes


@pytest.mark.skipif(sys.platform != "linux", reason="the filter needs Linux")
@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_no_handshake_begins_and_connections_live_on(family: socket.AddressFamily, address: str) -> None:
    with socket.socket(family) as listening, socket.socket(family) as early, socket.socket(family) as late:
        try:
            listening.bind((address, 0))
        except OSError:
            pytest.skip(f"no {address} on this machine")
        listening.listen()
        early.connect(listening.getsockname())
        with listening.dup() as shared:
            end_handshakes(shared)
        late.setblocking(False)
        # On loopback a handshake is complete when the call returns.
        assert late.connect_ex(listening.getsockname()) == errno.EINPROGRESS
        served, peer = listening.accept()
        with served:
            assert peer == early.getsockname()
            early.sendall(b"request")
            assert served.recv(7) == b"request"
            served.sendall(b"answer")
            assert early.recv(6) == b"answer"
        listening.setblocking(False)
        with pytest.raises(BlockingIOError):
            listening.accept()


class Unfiltered(socket.socket):
    def setsockopt(self, *_: object) -> None:
        raise OSError(errno.ENOPROTOOPT, "Protocol not available")


def test_a_kernel_that_refuses_the_filter_stops_no_stop() -> None:
    with Unfiltered() as listening:
        end_handshakes(listening)
