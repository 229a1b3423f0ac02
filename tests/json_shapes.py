"""Exact shapes of JSON: every member named, absent is null, lists are never null, times are UTC."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

TIME_FORM = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DATE_FORM = re.compile(r"\d{4}-\d\d-\d\d")
ID_FORM = re.compile(r"[A-Za-z0-9]{18}")


@dataclass(frozen=True)
class Leaf:
    """A value that a test of its own checks."""

    name: str
    fits: Callable[[Any], bool]


@dataclass(frozen=True)
class Maybe:
    """The shape, or null."""

    shape: Any


TEXT = Leaf("a text", lambda value: isinstance(value, str))
NUMBER = Leaf("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool))
FLAG = Leaf("true or false", lambda value: isinstance(value, bool))
TIME = Leaf("a time in UTC with Z", lambda value: isinstance(value, str) and bool(TIME_FORM.fullmatch(value)))
DATE = Leaf("a date", lambda value: isinstance(value, str) and bool(DATE_FORM.fullmatch(value)))
ID = Leaf("an id of 18 characters", lambda value: isinstance(value, str) and bool(ID_FORM.fullmatch(value)))
ANYTHING = Leaf("anything", lambda value: True)
OBJECT = Leaf("an object", lambda value: isinstance(value, dict))


def misfits(shape: Any, value: Any, path: str = "") -> list[str]:
    """Where the value is not of the shape: a dict has exactly these members, a list items of one shape."""
    if isinstance(shape, Maybe):
        return [] if value is None else misfits(shape.shape, value, path)
    if isinstance(shape, Leaf):
        return [] if shape.fits(value) else [f"{path} is not {shape.name}"]
    if isinstance(shape, list):
        return _of_list(shape[0], value, path)
    return _of_object(shape, value, path)


def _of_list(shape: Any, value: Any, path: str) -> list[str]:
    if not isinstance(value, list):
        return [f"{path} is not a list"]
    return [wrong for index, each in enumerate(value) for wrong in misfits(shape, each, f"{path}[{index}]")]


def _of_object(shape: dict[str, Any], value: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path} is not an object"]
    wrong = [f"{path}.{name} is missing" for name in shape.keys() - value.keys()]
    wrong += [f"{path}.{name} is not known" for name in value.keys() - shape.keys()]
    for name in shape.keys() & value.keys():
        wrong += misfits(shape[name], value[name], f"{path}.{name}")
    return sorted(wrong)
