"""One option: a field of a dataclass, with what its help says."""

from dataclasses import field
from typing import Any


def option(
    default: Any,
    help: str,  # noqa: A002
    *,
    auto: str = "",
    metavar: str = "",
    basic: bool = False,
    choices: tuple[str, ...] = (),
    least: float | None = None,
    most: float | None = None,
) -> Any:
    """A field with what its help says and what it may be.

    Args:
        default: The value where none is given; `None` or `"auto"` where it depends on the pictures.
        help: What it is, in a line; the default is added to it.
        auto: What the default comes to, where it depends on the pictures.
        metavar: What stands for the value in help: its unit or form. `NAME` lists the choices.
        basic: Whether most people need it: then `--help` shows it, else only `--help-all`.
        choices: The values that there are; none: any of the field's type.
        least: The smallest number allowed.
        most: The largest number allowed.
    """
    metadata = {"help": help, "auto": auto, "metavar": metavar, "basic": basic}
    return field(
        default=default, metadata=metadata | {"choices": choices, "least": least, "most": most}
    )
