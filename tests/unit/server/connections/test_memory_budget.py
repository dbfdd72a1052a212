"""The memory of a worker: large shares are refused first, small ones find room, and what is released is there again."""

from llm_schema_registry.server.connections.memory_budget import MemoryBudget, Share


def test_a_share_takes_as_much_as_it_leaves() -> None:
    room = MemoryBudget(100)
    share = Share(room)
    assert share.hold(50)
    assert not share.hold(51)
    assert room.used == 50
    share.release()
    share.release()
    assert room.used == 0


def test_many_large_shares_leave_room_for_small_ones() -> None:
    room = MemoryBudget(1000)
    shares = [Share(room) for _ in range(100)]
    for size in range(1, 101):
        for share in shares:
            share.hold(size)
    assert room.capacity - room.used > 0
    assert room.used <= room.capacity
    assert Share(room).hold(room.capacity - room.used >> 1)
    for share in shares:
        share.release()


def test_a_share_may_shrink_whatever_is_left() -> None:
    room = MemoryBudget(100)
    first, second = Share(room), Share(room)
    assert first.hold(50)
    assert second.hold(25)
    assert not first.hold_more(1)
    assert first.hold(40)
    assert room.used == 65
    assert not Share(room).hold(18)
    assert Share(room).hold(17)


def test_answers_that_wait_longest_make_room_for_others() -> None:
    room = MemoryBudget(100)
    ended: list[int] = []
    shares = [Share(room) for _ in range(6)]
    for number, share in enumerate(shares):
        assert share.hold_unread(30, lambda number=number: ended.append(number))  # type: ignore[misc]
    assert ended == [0, 1, 2, 3]
    assert room.used == 60
    assert list(room.unread) == shares[4:]


def test_an_answer_larger_than_what_can_be_had_ends_its_own_connection() -> None:
    room = MemoryBudget(100)
    requests = Share(room)
    assert requests.hold(50)
    assert not Share(room).hold_unread(30, lambda: None)
    assert (room.used, room.unread) == (50, {})
