"""`Property` and `QmlUncreatable` with the types that PySide6's stubs lack; at run time PySide6's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    T = TypeVar("T")
    C = TypeVar("C", bound=type)

    class _Value(Generic[T]):
        def __get__(self, instance: object, owner: type | None = None) -> T: ...

    def Property(
        kind: type | str, *, notify: object = None, constant: bool = False
    ) -> Callable[[Callable[..., T]], _Value[T]]: ...
    def QmlUncreatable(reason: str) -> Callable[[C], C]: ...

else:
    from PySide6.QtCore import Property
    from PySide6.QtQml import QmlUncreatable

__all__ = ["Property", "QmlUncreatable"]
