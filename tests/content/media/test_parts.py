"""Who sends slowly, and who else wants to."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from chassis.errors import Problem
from chassis.ids import new_id
from content.media import commands


async def test_slow_parts_of_one_account_leave_room_for_others() -> None:
    account, other, go_on = new_id(), new_id(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"some"
        await go_on.wait()
        yield b" more"

    async def at_once() -> AsyncIterator[bytes]:
        yield b"all"

    arriving = [asyncio.create_task(commands.read_part(account, slowly(), 100)) for _ in range(commands.MOST_OF_ONE)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as refused:
        await commands.read_part(account, at_once(), 100)
    assert (refused.value.status_code, refused.value.code) == (503, "uploads-busy")
    assert await commands.read_part(other, at_once(), 100) == b"all"
    go_on.set()
    assert await asyncio.gather(*arriving) == [b"some more"] * commands.MOST_OF_ONE
    assert await commands.read_part(account, at_once(), 100) == b"all"
