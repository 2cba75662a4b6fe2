"""The maildrop lock, between sessions and between processes."""

import asyncio
import os
import subprocess

import pytest
from store_room import Room, open_room

from postel.database import DatabaseTrouble
from postel.store import LockLost, MaildropLock, MaildropLocks
from postel.store.process import is_dead, process_name


def locks_of(room: Room) -> MaildropLocks:
    """Those of one server; another call stands for another server on the same database."""
    return MaildropLocks(room.database, room.clock)


async def test_a_maildrop_is_locked_by_one_session_at_a_time() -> None:
    locks = locks_of(await open_room())
    lock = await locks.acquire(7)
    assert lock is not None
    assert await locks.acquire(7) is None
    assert await locks.acquire(8) is not None
    await locks.release(lock)
    assert await locks.acquire(7) is not None


async def test_another_server_is_kept_out_as_well() -> None:
    room = await open_room()
    one, other = locks_of(room), locks_of(room)
    lock = await one.acquire(7)
    assert lock is not None
    assert await other.acquire(7) is None
    await one.release(lock)
    assert await other.acquire(7) is not None


async def test_of_many_who_ask_at_once_one_gets_the_lock() -> None:
    room = await open_room()
    servers = [locks_of(room) for _ in range(5)]
    found = await asyncio.gather(*(server.acquire(7) for server in servers * 3))
    assert sum(lock is not None for lock in found) == 1


async def test_a_lease_is_renewed_as_long_as_a_lock_is_held() -> None:
    room = await open_room()
    one, other = locks_of(room), locks_of(room)
    lock = await one.acquire(7)
    assert lock is not None
    await asyncio.sleep(3600)
    assert await other.acquire(7) is None
    await room.database.write(lambda tx: one.check(tx, lock))


async def test_a_lock_is_free_when_the_lease_of_its_holder_has_run_out() -> None:
    room = await open_room()
    one, other = locks_of(room), locks_of(room)
    lock = await one.acquire(7)
    assert lock is not None
    room.clock.advance(61)  # it could not renew: stopped by a debugger, say
    assert await other.acquire(7) is not None
    with pytest.raises(LockLost):
        await room.database.write(lambda tx: one.check(tx, lock))
    await one.release(lock)
    assert await locks_of(room).acquire(7) is None


async def test_a_server_that_closes_frees_its_locks() -> None:
    room = await open_room()
    one, other = locks_of(room), locks_of(room)
    assert await one.acquire(7) is not None
    await one.close()
    assert await other.acquire(7) is not None
    assert await room.count("maildrop_holder") == 1


async def test_a_lock_may_be_left_in_the_transaction_that_removes_messages() -> None:
    room = await open_room()
    locks = locks_of(room)
    lock = await locks.acquire(7)
    assert lock is not None
    await room.database.write(lambda tx: locks.leave(tx, lock))
    assert await room.count("maildrop_lock") == 0
    assert await locks.acquire(7) is not None


async def test_a_lock_whose_release_failed_can_be_taken_again_here() -> None:
    room = await open_room()
    locks = locks_of(room)
    lock = await locks.acquire(7)
    assert lock is not None
    locks._forget_lock(7)  # as if the database had been full
    assert await locks.acquire(7) is not None


async def test_trouble_with_the_database_is_told_and_locks_nothing() -> None:
    room = await open_room()
    locks = locks_of(room)
    lock = await locks.acquire(7)
    assert lock is not None
    await room.database.close()
    with pytest.raises(DatabaseTrouble):
        await locks.acquire(8)
    with pytest.raises(DatabaseTrouble):
        await locks.acquire(8)
    await asyncio.sleep(100)  # the renewal fails, and is tried again
    await locks.release(lock)
    await locks.release(MaildropLock(8))
    await locks.close()


async def test_holders_of_long_ago_are_forgotten() -> None:
    room = await open_room()
    for _ in range(3):
        await locks_of(room).acquire(7)
        room.clock.advance(200)
    one = locks_of(room)
    assert await one.acquire(7) is not None
    await asyncio.sleep(30)
    assert await room.count("maildrop_holder") <= 4


# --- processes ---------------------------------------------------------------------------------------------


def test_this_process_is_alive() -> None:
    assert not is_dead(process_name())


needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs /proc")


def name_of_a_dead_process() -> str:
    process = subprocess.Popen(["sleep", "60"])
    name = process_name(process.pid)
    process.kill()
    process.wait()
    return name


@needs_proc
def test_a_process_that_ended_is_dead() -> None:
    assert is_dead(name_of_a_dead_process())


@needs_proc
def test_a_process_of_the_same_number_that_started_at_another_time_is_another() -> None:
    host_and_pid = process_name().rpartition("/")[0]
    assert is_dead(f"{host_and_pid}/1")


@pytest.mark.parametrize("name", ["", "//12/", "elsewhere/1/12/34", "///", "a/b/c/d"])
def test_of_other_hosts_and_nonsense_nothing_is_known(name: str) -> None:
    assert not is_dead(name)


@needs_proc
async def test_the_lock_of_a_killed_process_is_free_at_once() -> None:
    room = await open_room()
    dead = locks_of(room)
    dead._name = f"beef:{name_of_a_dead_process()}"
    assert await dead.acquire(7) is not None
    assert await locks_of(room).acquire(7) is not None
