"""Parameters fetched from a hub, once, by the hub's own client and into its cache."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import (
    constants,
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    try_to_load_from_cache,
)
from huggingface_hub import logging as hub_logging
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from ..errors import ConvlensError, UsageError
from ..files import sha256_of
from .backbone import published_config

ELSEWHERE = "or fetch it elsewhere and give --weights FILE.safetensors"


def nothing(text: str) -> None:
    """Tell nobody."""


def hub_file(line: str, say: Callable[[str], None] = nothing) -> Path:
    """The safetensors file of the parameters that timm names for `timm:NAME` or `timm:NAME.TAG`.

    It is fetched once, and from then on taken from the client's cache without asking the hub. The
    client writes it whole or not at all. `HF_ENDPOINT`, `HF_HOME`, `HF_TOKEN` and `HF_HUB_OFFLINE`
    are the client's own.

    Args:
        line: `timm:NAME`, with timm's first tag, or `timm:NAME.TAG`.
        say: Is told before it is fetched.

    Raises:
        UsageError: timm has no such architecture, or knows no hub that has parameters for it.
        ConvlensError: It cannot be fetched, or the cached copy is damaged.

    Examples:
        >>> hub_file("timm:resnet18").name  # doctest: +SKIP
        'model.safetensors'
    """
    config = published_config(line)
    repository = config.hf_hub_id
    if not repository:
        raise UsageError(f"--weights hub: timm knows of none for {line}; name another architecture")
    usual = config.hf_hub_filename or "pytorch_model.bin"
    file = usual.replace("pytorch_model.bin", "model.safetensors")  # never the pickle beside it
    cached = try_to_load_from_cache(repository, file)
    if not isinstance(cached, str):
        if not constants.is_offline_mode():
            say(f"weights: fetching {repository} from {constants.ENDPOINT} …")
        cached = _fetch(repository, file)
    path = Path(cached)
    _check_whole(path)
    return path


def _fetch(repository: str, file: str) -> str:
    with _quiet():
        try:
            # asked for here once: where nobody answers, the client itself tries for minutes
            get_hf_file_metadata(hf_hub_url(repository, file))
            return hf_hub_download(repository, file)
        except Exception as error:  # of the client and of the HTTP library under it
            why = _what_to_do(error, repository, file=file)
            raise ConvlensError(f"--weights hub: {why}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """The client's own warnings would say in many lines what one error says."""
    level = hub_logging.get_verbosity()
    hub_logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        hub_logging.set_verbosity(level)


def _what_to_do(error: Exception, repository: str, *, file: str) -> str:
    """One line: what was found, and what helps."""
    page = f"{constants.ENDPOINT}/{repository}"
    said = next(iter(str(error).splitlines()), "") or type(error).__name__
    status: int | None = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, OfflineModeIsEnabled):
        return (
            f"{repository} is not in the cache {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE "
            f"forbids to fetch it: train once without that, {ELSEWHERE}"
        )
    if isinstance(error, GatedRepoError) or status == 403:
        return f"{page} asks for leave: accept its terms there, then 'hf auth login'"
    if isinstance(error, EntryNotFoundError) and not isinstance(error, LocalEntryNotFoundError):
        return f"{page} has no {file}: convert what it has (docs/networks.md), {ELSEWHERE}"
    if status in {401, 404}:
        return (
            f"{page} is not there, or only for those that are logged in ({status}): name another "
            f"of timm's, or 'hf auth login', {ELSEWHERE}"
        )
    if status is not None:
        return f"{constants.ENDPOINT} answers {status}: try again later, {ELSEWHERE}"
    if isinstance(error, OSError) and error.errno:  # of the disk
        return f"the cache {constants.HF_HUB_CACHE} cannot be written to ({said}): set HF_HOME"
    return (
        f"{page} cannot be reached, or broke off ({said}): check the network, HTTPS_PROXY and "
        f"HF_ENDPOINT, {ELSEWHERE}"
    )


def _check_whole(path: Path) -> None:
    """The client names large files by their SHA-256: raise a `ConvlensError` where it differs."""
    named = path.resolve().name
    if re.fullmatch("[0-9a-f]{64}", named) and sha256_of(path) != named:
        raise ConvlensError(f"{path} is damaged: delete {path.resolve()}, and it is fetched anew")
