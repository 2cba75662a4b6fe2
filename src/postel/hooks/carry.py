"""Read content on the loop that has it, for a reader on the loop of another thread.

Gives       carried.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def carried(
    read: Callable[[], AsyncIterator[bytes]], answer: asyncio.Future[Any]
) -> AsyncIterator[bytes]:
    """What `read` gives on the loop of `answer`, piece by piece, for as long as that answer is waited for.

    Whoever reads later is cancelled: the content belongs to others by then.
    """
    home = answer.get_loop()
    pieces = read()
    try:
        while (piece := await _at(home, _next(pieces, answer))) is not None:
            yield piece
    finally:
        await _at(home, _close(pieces))


async def _next(pieces: AsyncIterator[bytes], answer: asyncio.Future[Any]) -> bytes | None:
    if answer.done():
        raise asyncio.CancelledError
    return await anext(pieces, None)


async def _close(pieces: AsyncIterator[bytes]) -> None:
    close = getattr(pieces, "aclose", None)
    if close is not None:
        await close()


async def _at(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work` on another loop. Cancelled when that loop is closed."""
    try:
        future = asyncio.run_coroutine_threadsafe(work, loop)
    except RuntimeError:
        work.close()
        raise asyncio.CancelledError from None
    return await asyncio.wrap_future(future)
