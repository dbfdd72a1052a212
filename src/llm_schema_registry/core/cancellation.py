"""Shields work from cancellation until it finishes."""

import asyncio
from typing import TypeVar

_T = TypeVar("_T")


async def run_to_completion(work: "asyncio.Future[_T]") -> _T:
    """The result of work in a thread or a task; a cancellation takes effect only when the work is done.

    Nothing else may use a connection before whoever uses it is done with it.
    """
    cancelled: asyncio.CancelledError | None = None
    while not work.done():
        try:
            await asyncio.wait((work,))
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is None:
        return work.result()
    raise cancelled from work.exception()
