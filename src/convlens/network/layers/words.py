"""The words that describe one layer in a line of text."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

from ...errors import UsageError
from .shapes import Window

if TYPE_CHECKING:
    from .layer import Layer


class Words:
    """The words behind a layer's name, taken one by one.

    `name` is the layer's name as written. `read_inside` reads the layers in its brackets, and is
    None where there are none. `times` is how often the layer is wanted.
    """

    def __init__(
        self, words: tuple[str, ...], read_inside: Callable[[], tuple["Layer", ...]] | None
    ) -> None:
        self.name, *self._rest = words
        self.read_inside = read_inside
        self.times = 1
        self._text = " ".join(words)

    def wrong(self, word: str | None, hint: str) -> NoReturn:
        """Say what would be right in place of a word, or of none. Raises `UsageError`."""
        got = f"{word!r}" if word is not None else "nothing"
        raise UsageError(f"network: in '{self._text}', {hint}; got {got}")

    def next(self) -> str | None:
        """The next word, taken out; None behind the last."""
        return self._rest.pop(0) if self._rest else None

    def number(self, what: str) -> int:
        """The next word, as a number of at least 1."""
        return self._whole(self.next(), f"the number of {what} comes first")

    def has(self, word: str) -> bool:
        """Whether a word is there; it is taken out."""
        there = word in self._rest
        if there:
            self._rest.remove(word)
        return there

    def number_after(self, word: str) -> int | None:
        """The number after a word, both taken out from wherever they stand; None without it."""
        if word not in self._rest:
            return None
        index = self._rest.index(word)
        number = self._rest[index + 1] if index + 1 < len(self._rest) else None
        value = self._whole(number, f"a number follows '{word}'")
        del self._rest[index : index + 2]
        return value

    def share(self, hint: str) -> float:
        """The next word, as a number from 0 up to 1; the hint says what it means."""
        word = self.next()
        if word is None or not re.fullmatch(r"0?\.\d+|0", word):
            self.wrong(word, hint)
        return float(word)

    def pair(self) -> tuple[int, int]:
        """The next word, as a size: `3` or `3x5`."""
        word = self.next()
        size = re.fullmatch(r"(\d{1,6})(?:[x×](\d{1,6}))?", word or "")
        if not size or int(size[1]) < 1 or int(size[2] or 1) < 1:
            self.wrong(word, "a size is wanted, such as 3 or 3x3")
        return int(size[1]), int(size[2] or size[1])

    def window(self, *, stride_is_kernel: bool = False) -> Window:
        """All words that are left, as a kernel, its stride and its padding."""
        kernel = self.pair()
        stride = kernel if stride_is_kernel else (1, 1)
        same = False
        while (word := self.next()) is not None:
            if word == "stride":
                stride = self.pair()
            elif word in {"same", "valid"}:
                same = word == "same"
            else:
                self.wrong(word, "after the kernel come 'stride 2', 'same' or 'valid'")
        if same and not all(k % 2 for k in kernel):
            self.wrong("same", "zero padding on both sides needs an odd kernel, such as 3x3")
        return Window(kernel, stride, same)

    def end(self) -> None:
        """Raises `UsageError` where a word is left."""
        if self._rest:
            self.wrong(self._rest[0], "there is a word too many")

    def _whole(self, word: str | None, hint: str) -> int:
        if word is None or not re.fullmatch(r"\d{1,9}", word) or int(word) < 1:
            self.wrong(word, hint)
        return int(word)
