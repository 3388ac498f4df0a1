"""Making exchangeable parts - learning functions, gates, stabilisers - by the names in the file."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Generic, TypeVar, cast

from drai_hw.errors import SpecError
from drai_hw.spec import parts

P = TypeVar("P")


class Kind(Generic[P]):
    """One kind of part: the folder of its classes, their base, and what the network file calls it.

    Parameters
    ----------
    folder : str
        Folder in `drai_hw.model`; each of its files holds the class whose ``name`` it bears.
    base : type
        What every class of this kind is a subclass of: a dataclass whose fields are the
        parameters, all of them numbers with defaults.
    key : str
        What it is called in messages, e.g. ``g``.
    parameters_key : str
        Where the network file has its parameters, e.g. ``g_parameters``.
    plural : str
        Plural for messages, e.g. ``learning functions``.
    """

    def __init__(self, folder: str, base: Any, key: str, parameters_key: str, plural: str) -> None:
        self.folder, self.key = folder, key
        self.base = cast(type[P], base)  # abstract: mypy takes only classes that can be made
        self.parameters_key, self.plural = parameters_key, plural

    def classes(self) -> dict[str, type[P]]:
        """Return every class of the folder by its name."""
        return {name: self.find(name) for name in parts.names(self.folder)}

    def find(self, name: str) -> type[P]:
        """Return the class of a name, or of ``module:Class``.

        Raises
        ------
        SpecError
            Unknown name; a module that cannot be imported; something that is no such part.
        """
        known = parts.names(self.folder)
        if name in known:
            module = importlib.import_module(
                f"drai_hw.model.{self.folder}.{name.replace('-', '_')}"
            )
            found = [
                value for value in vars(module).values() if getattr(value, "name", None) == name
            ]
            return found[0]
        if ":" not in name:
            raise SpecError(f"{self.key} = {name!r}: known {self.plural} are {', '.join(known)}")
        where, _, what = name.partition(":")
        try:
            chosen: Any = getattr(importlib.import_module(where), what)
        except (ImportError, AttributeError) as error:
            raise SpecError(
                f"{self.key} = {name!r}: {error}; needs module:Class of a module on the import "
                "path (PYTHONPATH, or the folder of `python -m`)"
            ) from None
        if not (isinstance(chosen, type) and issubclass(chosen, self.base)):
            raise SpecError(
                f"{self.key} = {name!r}: needs a subclass of "
                f"{self.base.__module__}.{self.base.__name__}"
            )
        return chosen

    def make(self, name: str, parameters: Mapping[str, float] | None = None) -> P:
        """Return a part by name, with its default parameters where none are given.

        Raises
        ------
        SpecError
            Unknown name or parameter, a parameter that is no finite number, or one outside its
            range.
        """
        chosen = self.find(name)
        known = [each.name for each in fields(chosen) if each.init]  # type: ignore[arg-type]
        for key, value in (parameters or {}).items():
            if key not in known:
                takes = ", ".join(known) or "none at all"
                raise SpecError(
                    f"{self.parameters_key}.{key}: unknown; {self.key} = {name!r} takes {takes}"
                )
            if not math.isfinite(value):
                raise SpecError(f"{self.parameters_key}.{key} = {value!r}: needs a finite number")
        return chosen(**(parameters or {}))
