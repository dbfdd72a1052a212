"""TCP handshakes at the end of a node: no new ones begin, and those under way complete.

The kernel resets every connection that completes its handshake between the last `accept` and the close of the listening
socket. So a node that stops first drops the SYN segments of new connections with a packet filter, serves the
connections whose handshake is under way, and closes the socket when none can follow. A client whose SYN was dropped
sends it again (after 1 second by RFC 6298) and is then refused, or reaches the process that has taken the port.
"""

import ctypes
import socket
import struct
import sys

import structlog

HANDSHAKE_SECONDS = 0.05
"""How long handshakes under way have to complete: more than a round trip to a client in the same region."""

# From <asm-generic/socket.h>; the socket module does not define it.
_SO_ATTACH_FILTER = 26
# Classic BPF: opcode, jump if true, jump if false, operand. The packet begins with the TCP header (RFC 9293, 3.1).
_DROP_SYN = (
    (0x30, 0, 0, 13),  # ldb [13], the flags
    (0x54, 0, 0, 0x12),  # and #SYN|ACK
    (0x15, 0, 1, 0x02),  # jeq #SYN
    (0x06, 0, 0, 0),  # ret #0: drop
    (0x06, 0, 0, 0xFFFFFFFF),  # ret #-1: pass
)
_log = structlog.get_logger()


def end_handshakes(listening: socket.socket) -> None:
    """Lets no new handshake begin on a listening socket, in any process that shares it. This cannot be undone.

    It needs Linux. Elsewhere, or if the kernel refuses the filter, a stop may reset connections that are made within
    its last moment.
    """
    if sys.platform != "linux":
        return
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *instruction) for instruction in _DROP_SYN))
    try:
        listening.setsockopt(
            socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", len(_DROP_SYN), ctypes.addressof(program))
        )
    except OSError as error:
        _log.warning("cannot filter new connections: the last ones may be reset", reason=error.strerror)
