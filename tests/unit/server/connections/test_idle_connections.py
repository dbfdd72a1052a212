"""Which connection makes room for a new one: the one that has been idle longest, and none in use."""

from dataclasses import dataclass

from llm_schema_registry.server.connections.idle_connections import IdleConnections


@dataclass(eq=False)
class Connection:
    idle_seconds: int


def test_the_one_that_is_idle_longest_is_taken() -> None:
    connections = {Connection(seconds) for seconds in (0, 3, 7, 1, 0)}
    idle: IdleConnections[Connection] = IdleConnections()
    taken = []
    while (connection := idle.take(connections)) is not None:
        taken.append(connection.idle_seconds)
        connections.discard(connection)
    assert taken == [7, 3, 1]
    assert [connection.idle_seconds for connection in connections] == [0, 0]


def test_what_is_in_use_again_or_gone_is_passed_over() -> None:
    in_use, gone, other = Connection(9), Connection(8), Connection(1)
    connections = {in_use, gone, other, Connection(20)}
    idle: IdleConnections[Connection] = IdleConnections()
    assert idle.take(connections) is not None
    in_use.idle_seconds = 0
    connections.discard(gone)
    assert idle.take(connections) is other


def test_connections_are_listed_once_until_the_next_tick() -> None:
    idle: IdleConnections[Connection] = IdleConnections()
    assert idle.take(set()) is None
    later = {Connection(1)}
    assert idle.take(later) is None
    idle.tick()
    assert idle.take(later) is not None
