"""Runs a Pulumi program in this process, and tells the user what went wrong in it without what is not theirs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import runpy
import sys
import traceback
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import grpc
import pulumi
from pulumi.runtime import reset_options, run_in_stack, set_all_config
from pulumi.runtime.proto import language_pb2

_T = TypeVar("_T")


def run(request: language_pb2.RunRequest) -> bool:
    """Run the program of a `RunRequest`; whether it went well. Otherwise the engine has been told why."""
    reset_options(
        project=request.project,
        stack=request.stack,
        organization=request.organization or "organization",
        parallel=request.parallel,
        preview=request.dryRun,
        monitor_address=request.monitor_address,
        engine_address=request.args[0] if request.args else "",
    )
    set_all_config(dict(request.config), list(request.configSecretKeys))
    folder = Path(request.info.program_directory or request.pwd).resolve()
    main = (folder / request.info.entry_point).resolve()
    _enter(folder, Path(request.pwd))
    try:
        _run_in_loop(main, workers=max(request.parallel, 1) * 4)
    except pulumi.RunError as error:
        pulumi.log.error(str(error))
    except grpc.RpcError as error:
        if error.code() == grpc.StatusCode.UNAVAILABLE:  # the engine is going away
            return True
        pulumi.log.error(f"the engine refused a request: {error.details()}")
    except SystemExit as error:
        if not error.code:
            return True
        pulumi.log.error(f"the program ended itself with exit status {error.code}")
    except BaseException as error:  # whatever the program raises is for its author to see
        pulumi.log.error(f"the program failed:\n{describe(error, folder)}")
    else:
        return True
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return False


def describe(error: BaseException, folder: Path) -> str:
    """The traceback of `error`, as far as it goes through the program in `folder`."""
    description = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = description
    while part is not None:
        own = [frame for frame in part.stack if _is_of_program(Path(frame.filename), folder)]
        if own:
            part.stack = traceback.StackSummary.from_list(own)
        part = part.__cause__ or part.__context__
    return "".join(description.format()).rstrip()


def _is_of_program(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder) and not file.is_relative_to(sys.prefix) and not file.samefile(__file__)


def _enter(folder: Path, working_directory: Path) -> None:
    """Make the program's folder the first to import from, with nothing left of a program that ran here before."""
    for name, module in list(sys.modules.items()):
        if name != "__main__" and _is_of_program(Path(getattr(module, "__file__", None) or sys.prefix), folder):
            del sys.modules[name]
    if str(folder) in sys.path:
        sys.path.remove(str(folder))
    sys.path.insert(0, str(folder))
    os.chdir(working_directory)


def _run_in_loop(main: Path, workers: int) -> None:
    origins: list[tuple[BaseException, TracebackType | None]] = []

    def note_origin(task: asyncio.Task[Any]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            origins.append((error, error.__traceback__))

    def new_task(
        loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, _T], context: Context | None = None
    ) -> asyncio.Task[_T]:
        task = asyncio.Task(coroutine, loop=loop, context=context)
        task.add_done_callback(note_origin)
        return task

    def execute() -> None:
        runpy.run_path(str(main), run_name="__main__")

    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(max_workers=workers))
    loop.set_task_factory(new_task)  # type: ignore[arg-type]
    # What fails in the background fails the resource that waits for it as well, and is told there.
    loop.set_exception_handler(lambda *_: None)
    try:
        loop.run_until_complete(run_in_stack(execute))
    except BaseException as error:
        # An error that more than one task waits for has lost on the way where it was raised.
        origin = next((origin for first, origin in origins if first is error), error.__traceback__)
        raise error.with_traceback(origin)  # noqa: B904
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
            with contextlib.suppress(BaseException):  # why it was left pending is known already
                loop.run_until_complete(task)
        loop.close()
