"""Where schedules are tried: in this process, in several of this machine, or on a cluster that runs already."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from ttgen.errors import ToolchainError, UserError
from ttgen.version import __version__

_CONNECT: Final = 10
"""Seconds that a scheduler has to answer."""


class SchedulerError(UserError):
    """A cluster that can't be reached, or can't do the work."""


@contextmanager
def workers(jobs: int, scheduler: str | None) -> Iterator[Executor | None]:
    """What tries schedules; None for this process.

    Args:
        jobs: processes of this machine.
        scheduler: address of a Dask scheduler instead.

    Raises:
        ToolchainError: the package that talks to schedulers isn't there.
        SchedulerError: the scheduler can't be reached, has no workers, or loses them.
    """
    if scheduler is not None:
        with _cluster(scheduler) as executor:
            yield executor
        return
    if jobs < 2:
        yield None
        return
    # Ctrl-C is for this process, which then ends the others.
    with ProcessPoolExecutor(jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_IGN)) as pool:
        try:
            yield pool
        except BrokenExecutor:
            raise UserError(
                "a process that tried schedules was killed; use fewer --jobs, or a smaller --limit"
            ) from None


@contextmanager
def _cluster(address: str) -> Iterator[Executor]:
    if find_spec("distributed") is None:
        raise ToolchainError("--scheduler needs the Python package distributed: pip install 'ttgen[dask]'")
    import asyncio

    distributed: Any = import_module("distributed")
    # What goes wrong is said once, below.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    try:
        client = distributed.Client(address, timeout=_CONNECT, set_as_default=False)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        # What isn't an address is a ValueError, whose text says why; nobody there is a timeout.
        reason = f" ({error})" if isinstance(error, ValueError) else ""
        text = f"no Dask scheduler answers at {address}{reason}: start one (`dask scheduler`, `dask worker ADDRESS`)"
        raise SchedulerError(f"{text}, or leave --scheduler out") from None

    def version() -> str:
        # Goes to a worker as it stands, so that one without ttgen can say so.
        try:
            from ttgen import version as its
        except ImportError:
            return "none"
        return f"ttgen {its.__version__}"

    try:
        found = client.run(version)
        if not found:
            raise SchedulerError(f"the scheduler at {address} has no workers: start some (`dask worker {address}`)")
        if others := set(found.values()) - {f"ttgen {__version__}"}:
            text = f"workers of {address} have {' and '.join(sorted(others))}, and this is ttgen {__version__}"
            raise SchedulerError(f"{text}: install the same on all")
        yield client.get_executor()
    except (CancelledError, BrokenExecutor, OSError, distributed.KilledWorker) as error:
        text = f"the scheduler at {address} or its workers went away ({type(error).__name__})"
        raise SchedulerError(f"{text}; nothing was written: start them again, or leave --scheduler out") from None
    finally:
        client.close(timeout=1)
