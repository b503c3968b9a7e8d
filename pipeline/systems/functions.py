"""What makes the systems' tables: the functions of `services/<system>/batch.py`, found by name and argument.

One system's mistake is its own: a module that cannot be imported, or a function that names a table there is none of,
comes back as `Broken` with its cause beside the functions of all others.
"""

from __future__ import annotations

import importlib
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from pipeline.code_version import ROOT, code_version
from shared.errors import Internal, PlatformError
from shared.systems import SYSTEMS
from shared.tables import CONTRACT, tables_of

SERVICES = ("before", "clock", "engine", "forecast_effort", "registry", "training")
"""Arguments of a batch function that are not tables. `before`: the rows that its own tables hold now, by table, for
what must remember: they are no input, so that they have changed is no reason to run again."""
MAKES = "MAKES"
"""What a batch module calls its mapping of a function to the tables it makes, where they are several."""
STAYS = "its last versions stay, mend it and run again"


class TableFunctionBroken(Internal):
    """A batch function reads or gives what the contract does not say."""

    reason = "TABLE_FUNCTION_BROKEN"


@dataclass(frozen=True, slots=True)
class BatchFunction:
    """A function of services/<system>/batch.py and the tables it makes and reads, by full name."""

    function: Callable[..., Any]
    makes: tuple[str, ...]
    reads: tuple[str, ...]
    code_version: str
    may_lack: frozenset[str] = frozenset()
    """Those of `reads` that it does without where the lake has none."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What of a system cannot even be tried: its last versions stay."""

    names: tuple[str, ...]
    """What the failure is told of: its tables; of a module the system, as nobody knows what it would make."""
    makes: tuple[str, ...]
    """Tables that stay as they are: of a module every one that the contract gives the system and nobody else makes."""
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The functions of every system, each after those whose tables it reads, and what of them is broken."""

    functions: tuple[BatchFunction, ...]
    broken: tuple[Broken, ...]


def find(packages: Sequence[str] = ("services",), only: str = "") -> Found:
    """Return the batch functions of every system that has some.

    Args:
        packages: where `<system>/batch.py` is looked for.
        only: zone of one system; empty: all.
    """
    functions: list[BatchFunction] = []
    broken: list[Broken] = []
    for system in SYSTEMS:
        for package in packages if only in ("", system.zone) else ():
            name = f"{package}.{system.name}"
            try:
                made, unmade = _functions(name, system.zone)
            # A module that ends the interpreter as it is imported must not end the run.
            except (Exception, SystemExit) as error:
                broken.append(Broken((system.zone,), (), _cause(f"{name}.batch", error)))
            else:
                functions += made
                broken += unmade
    order, circle = ordered(functions)
    why = f"the functions that make {_named(circle)} read each other's tables in a circle; {STAYS}"
    broken += (Broken(each.makes, each.makes, why) for each in circle)
    known = {table for makes in (*(f.makes for f in functions), *(b.makes for b in broken)) for table in makes}
    return Found(order, tuple(each if each.makes else _whole(each, known) for each in broken))


def _whole(module: Broken, known: set[str]) -> Broken:
    """Return a broken module with the tables of its system that nothing else is known to make."""
    (zone,) = module.names
    return replace(module, makes=tuple(t.full_name for t in tables_of(zone) if t.full_name not in known))


def batch_functions(packages: Sequence[str] = ("services",), only: str = "") -> tuple[BatchFunction, ...]:
    """Return the functions that can be tried, each after those whose tables it reads."""
    return find(packages, only).functions


def _functions(name: str, zone: str) -> tuple[list[BatchFunction], list[Broken]]:
    """Return what the batch module of a system makes tables with, nothing where it has none. Raises what it raises."""
    package = name.rpartition(".")[0]
    if not (_there(package) and _there(name) and _there(f"{name}.batch")):
        return [], []
    module = importlib.import_module(f"{name}.batch")
    version, made, broken = code_version(module), [], []
    for makes, function in _makers(module, zone).items():
        try:
            made.append(BatchFunction(function, _known(makes), reads(function), version, may_lack(function)))
        except TableFunctionBroken as error:
            broken.append(Broken(makes, makes, f"{function.__name__} of {name}.batch: {error.detail}; {STAYS}"))
    return made, broken


def _there(module: str) -> bool:
    return find_spec(module) is not None


def _makers(module: ModuleType, zone: str) -> dict[tuple[str, ...], Callable[..., Any]]:
    """Return the functions of a module that make tables, by the tables each makes."""
    several: Mapping[str, tuple[str, ...]] = getattr(module, MAKES, {})
    makes: dict[str, tuple[str, ...]] = {table.name: (table.full_name,) for table in tables_of(zone)}
    makes |= {name: tuple(f"{zone}.{table}" for table in tables) for name, tables in several.items()}
    functions = ((name, getattr(module, name, None)) for name in makes)
    return {makes[name]: function for name, function in functions if inspect.isfunction(function)}


def _known(makes: tuple[str, ...]) -> tuple[str, ...]:
    unknown = [table for table in makes if table not in CONTRACT]
    if unknown:
        raise TableFunctionBroken(f"{MAKES} names {', '.join(unknown)}, which the contract does not have")
    return makes


def reads(function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the full names of the lake tables that a function's arguments name. Raises TableFunctionBroken."""
    return tuple(_full_name(name) for name in inspect.signature(function).parameters if name not in SERVICES)


def may_lack(function: Callable[..., Any]) -> frozenset[str]:
    """Return the full names of the tables that a function does without: the arguments that are None by default."""
    parameters = inspect.signature(function).parameters.items()
    return frozenset(_full_name(name) for name, each in parameters if name not in SERVICES and each.default is None)


def _full_name(argument: str) -> str:
    # Zones have underscores themselves, so an argument is not to be cut at its first one.
    for name in CONTRACT:
        if name.replace(".", "_", 1) == argument:
            return name
    raise TableFunctionBroken(
        f"argument {argument} names no table of the contract (<zone>_<table>) and is none of {', '.join(SERVICES)}"
    )


def ordered(
    functions: Sequence[BatchFunction],
) -> tuple[tuple[BatchFunction, ...], tuple[BatchFunction, ...]]:
    """Return the functions each after those that make what it reads, and those that wait for each other in a circle."""
    left, order = list(functions), []
    while left:
        unmade = {table for function in left for table in function.makes}
        ready = [function for function in left if not unmade & set(function.reads)]
        if not ready:
            break
        order += ready
        left = [function for function in left if function not in ready]
    return tuple(order), tuple(left)


def _named(functions: Sequence[BatchFunction]) -> str:
    return ", ".join(sorted(table for function in functions for table in function.makes))


def _cause(module: str, error: BaseException) -> str:
    """Return why a module cannot be imported: of what Python says only that of names and syntax, which has no rows."""
    if isinstance(error, SyntaxError):
        why = f"{type(error).__name__} at {_place(error.filename)}:{error.lineno}: {error.msg}"
    elif isinstance(error, ImportError):
        why = f"{type(error).__name__}: {error.msg}"
    elif isinstance(error, PlatformError):
        why = error.detail
    else:
        last = traceback.extract_tb(error.__traceback__)[-1]
        why = f"{type(error).__name__} at {_place(last.filename)}:{last.lineno}"
    return f"{module} cannot be imported: {why}; {STAYS}"


def _place(file: str | None) -> str:
    return (file or "?").removeprefix(f"{ROOT}/")
