"""A run's detector and model card, published on the Hugging Face Hub by the hub's own client."""

import re
from pathlib import Path

from ..detector.detector import Detector
from ..errors import ConvlensError, UsageError, require
from ..files import exists, given_path, saying_where


def push(run: str | Path, repository: str, *, public: bool = False) -> str:
    """Publish `detector.onnx` and `card.md`, as `README.md`; nothing else leaves this machine.

    `HF_TOKEN`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` are the client's own.

    Args:
        run: The folder of a run.
        repository: `OWNER/NAME`. One that is not there is made.
        public: Whether everybody may see a repository that is made; one that is there stays as it
            is.

    Returns:
        The address of the repository.

    Raises:
        UsageError: `repository` is no `OWNER/NAME`.
        ConvlensError: The run has no detector or no card, there is no token, or the hub is out of
            reach or refuses.

    Examples:
        >>> convlens.push("runs/pictures", "me/pictures")  # doctest: +SKIP
        'https://huggingface.co/me/pictures'
    """
    require("huggingface_hub", "train", what="publishing")
    from huggingface_hub import CommitOperationAdd, HfApi, get_token

    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]{,95}", repository, re.ASCII):
        raise UsageError(f"{repository!r} is no OWNER/NAME, of letters, digits, '-', '_' and '.'")
    folder = given_path(run)
    detector, card = folder / "detector.onnx", folder / "card.md"
    if not exists(card):
        raise ConvlensError(f"{folder} has no card.md: give the folder of a run")
    Detector(detector)  # that it is whole
    with saying_where(folder, "read"):
        files = {"detector.onnx": detector.read_bytes(), "README.md": card.read_bytes()}
    if get_token() is None:
        raise ConvlensError("there is no token for the hub: 'hf auth login', or set HF_TOKEN")
    api = HfApi()
    try:
        address = api.create_repo(repository, private=not public, exist_ok=True)
        api.create_commit(
            repository,
            [CommitOperationAdd(name, content) for name, content in files.items()],
            commit_message="A detector, by convlens",
        )
    except Exception as error:  # of the client and of the HTTP library under it
        raise ConvlensError(_why(error, f"{api.endpoint}/{repository}")) from error
    return str(address)


def _why(error: Exception, page: str) -> str:
    """One line: what was found, and what helps."""
    from huggingface_hub.errors import OfflineModeIsEnabled

    status: int | None = getattr(getattr(error, "response", None), "status_code", None)
    said = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, OfflineModeIsEnabled):
        return f"{page}: HF_HUB_OFFLINE forbids to publish"
    if status == 401:
        return f"{page}: the token is not known there (401): 'hf auth login', or set HF_TOKEN"
    if status in {403, 404}:
        return (
            f"{page} is not there, or the token may not write to it ({status}): look at the "
            "owner's name, and give the token that right"
        )
    if status is not None:
        return f"{page} answers {status}: {said[:300]}"
    if isinstance(error, ValueError):  # of a card that was edited
        return f"{page}: {said[:300]}"
    return (
        f"{page} cannot be reached, or broke off ({said[:200]}): check the network, HTTPS_PROXY "
        "and HF_ENDPOINT"
    )
