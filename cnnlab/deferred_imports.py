"""What TensorFlow and Keras import on the side is left out until somebody uses it.

`import tensorflow, keras` imports scikit-learn with scipy.stats, pandas, Matplotlib with pyplot, IPython and
JAX, each where it is installed: some half of the time and a third of the memory, for wrappers, pictures and
converters that hardly any program needs.
"""

from __future__ import annotations

import gc
import importlib
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

from cnnlab import starting

NEVER_NEEDED_AT_ONCE = frozenset({"IPython", "jax", "matplotlib", "pandas"})
"""Packages that frameworks only give a name when they are imported, for functions that may run later."""

SUBCLASSES_OF_SKLEARN = frozenset({"keras.wrappers", "keras._tf_keras.keras.wrappers"})
"""Modules of Keras that make subclasses of scikit-learn's; they run once something of them is looked up."""


@contextmanager
def deferred_imports(*, but: Sequence[str] = ()) -> Iterator[None]:
    """In the block, this thread imports frameworks without what they import on the side.

    What was imported before stays. After the block everybody imports what they like, and frameworks get what
    they have been kept from as soon as they use it.

    Args:
        but: packages that are imported as ever: the framework itself.
    """
    finder = _Finder({*NEVER_NEEDED_AT_ONCE}.difference(but))
    sys.meta_path.insert(0, finder)
    collects = gc.isenabled()
    gc.disable()  # thousands of modules leave hardly any garbage; looking for it takes a tenth of the time
    try:
        yield
    finally:
        if starting.runs_nothing_else():
            # Else Python looks for garbage among all that the frameworks consist of again and again, for a
            # fifth of a short training. Elsewhere, what another program holds now would stay for good.
            gc.freeze()
        if collects:
            gc.enable()
        sys.meta_path.remove(finder)
        _remove_placeholders(finder.packages)


class _Finder(MetaPathFinder):
    def __init__(self, packages: set[str]) -> None:
        self.packages = packages
        self._thread = threading.get_ident()

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        package = name.partition(".")[0]
        if threading.get_ident() != self._thread:
            if name != package and isinstance(placeholder := sys.modules.get(package), _Placeholder):
                return PathFinder.find_spec(name, placeholder._real().__path__)
            return None
        if package in self.packages:
            inside = isinstance(sys.modules.get(package), _Placeholder)
            if not inside and (name != package or PathFinder.find_spec(name) is None):
                return None  # it is used already, or not installed
            return ModuleSpec(name, _PlaceholderLoader(), is_package=True)
        if name in SUBCLASSES_OF_SKLEARN:
            spec = PathFinder.find_spec(name, path)
            if spec is not None and spec.loader is not None:
                spec.loader = _LaterLoader(spec.loader)
            return spec
        return None


class _PlaceholderLoader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Placeholder(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to run."""


class _Placeholder(ModuleType):
    """Stands for a module, or something in one, until it is used: called, derived from, asked for more."""

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return self._real().__version__
        if name.startswith("__"):  # asked of every module
            raise AttributeError(name)
        if isinstance(sys.modules.get(self.__name__.partition(".")[0]), _Placeholder):
            return _Placeholder(f"{self.__name__}.{name}")  # from jax import jit
        return getattr(self._real(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._real()(*args, **kwargs)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self._real(),)

    def __instancecheck__(self, value: object) -> bool:
        return self._is_there and isinstance(value, self._real())

    def __subclasscheck__(self, value: type) -> bool:
        return self._is_there and issubclass(value, self._real())

    @property
    def _is_there(self) -> bool:
        """Nothing is an instance of a class whose package nobody has imported."""
        package = sys.modules.get(self.__name__.partition(".")[0])
        return package is not None and not isinstance(package, _Placeholder)

    def _real(self) -> Any:
        package, *rest = self.__name__.split(".")
        for finder in sys.meta_path:
            if isinstance(finder, _Finder):  # it is used before the block has ended
                finder.packages.discard(package)
        _remove_placeholders({package})
        found: Any = importlib.import_module(package)
        for depth, name in enumerate(rest, 1):
            if not hasattr(found, name):  # a submodule that the package does not import itself
                importlib.import_module(".".join((package, *rest[:depth])))
            found = getattr(found, name)
        return found


def _remove_placeholders(packages: set[str]) -> None:
    for name, module in list(sys.modules.items()):
        if isinstance(module, _Placeholder) and name.partition(".")[0] in packages:
            del sys.modules[name]


class _LaterLoader(Loader):
    """Runs a module when something of it is first looked up."""

    def __init__(self, loader: Loader) -> None:
        self._loader = loader

    def exec_module(self, module: ModuleType) -> None:
        module.__class__ = _Later
        vars(module)["__loader__"] = self._loader


class _Later(ModuleType):
    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked of every module
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]
        self.__loader__.exec_module(self)  # type: ignore[union-attr]
        return getattr(self, name)
