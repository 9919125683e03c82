"""How boxes are to be read where the data does not say: words that settle it, and the question."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from ...errors import ConvlensError, UsageError

WORDS: dict[str, dict[str, str]] = {
    "form": {
        "coco": "COCO's JSON",
        "yolo": "YOLO's text files",
        "voc": "Pascal VOC's XML",
        "table": "a table with columns for boxes",
        "shards": "shards that convlens wrote",
    },
    "units": {"relative": "shares of width and height, 0 to 1", "pixels": "pixels"},
    "corners": {
        "xyxy": "left, top, right, bottom",
        "xywh": "left, top, width, height",
        "cxcywh": "middle, width, height",
    },
    "origin": {"from0": "the first pixel is 0", "from1": "the first pixel is 1"},
    "turned": {
        "stored": "drawn on the picture as it is stored",
        "seen": "drawn on the picture as EXIF turns it",
    },
}
"""What can be asked back, the words that answer, and what each means."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What was said of how boxes are written; None for what the data is to tell."""

    form: str | None = None
    units: str | None = None
    corners: str | None = None
    origin: str | None = None
    turned: str | None = None


def reading_of(words: str | None) -> Reading:
    """The reading that words such as `table,xywh,pixels` ask for. Raises `UsageError`."""
    chosen: dict[str, str] = {}
    for word in filter(None, (word.strip().lower() for word in (words or "").split(","))):
        asked = next((name for name, choices in WORDS.items() if word in choices), None)
        if asked is None or chosen.get(asked, word) != word:
            known = "; ".join(" or ".join(choices) for choices in WORDS.values())
            raise UsageError(f"--boxes {words}: it can be words of {known}, one of each at most")
        chosen[asked] = word
    return Reading(**chosen)


def ask(what: str, *words: str, choices: Mapping[str, str] | None = None) -> ConvlensError:
    """The error that asks back what cannot be told, with the words that settle it."""
    meanings = choices or {word: text for group in WORDS.values() for word, text in group.items()}
    said = "".join(f"\n  --boxes {word}: {meanings[word]}" for word in words)
    return ConvlensError(f"{what}; say which:{said}")


assert [field.name for field in fields(Reading)] == list(WORDS)  # noqa: S101
