"""Finding shards: files, patterns of them, folders and indexes, at paths and URLs."""

import glob
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ...errors import ConvlensError
from ...files import exists, given_path, is_folder
from ..folder import PassedOver, files_in, folders_in, ignore
from ..source import is_picture_name
from .stream import Stream
from .urls import access, filesystem, is_url

INDEX = "index.json"
"""Names the shards beside it and how many pictures each holds, as WebDataset's `wids` does."""

MEGABYTES = 256
"""Of a shard by default: a stream of it is fast, and many are shared out evenly."""

ShardList = list[tuple[str, int | None]]
"""The path or URL of each shard, and how many pictures it shall hold where that is known."""


def find_shards(url: str | Path) -> ShardList | None:
    """The shards that a path or URL stands for; None where it stands for something else.

    It may be a `.tar`, a pattern of them (`train-{000..127}.tar`, `train-*.tar`), an index, or a
    folder that holds shards and no folders; what else lies in it, `beside_shards` tells. Raises
    `ConvlensError` where no shard is where one should be.
    """
    text = str(url)
    patterns = list(_expand_braces(text))
    if not is_url(text):
        path = given_path(text)
        if is_folder(path):
            tars = [file for file in files_in(path) if file.suffix == ".tar"]
            if not tars or folders_in(path):
                return None
            return _read_index(str(path / INDEX)) or [(str(tar), None) for tar in tars]
        if path.name == INDEX:
            return _read_index(str(path))
        if not text.endswith(".tar"):
            return None
    elif text.endswith(".json"):
        return _read_index(text)
    elif is_picture_name(text):
        raise ConvlensError(f"{text} is the address of one picture: download it and give the file")
    elif not text.endswith(".tar"):
        indexed = _read_index(f"{text.rstrip('/')}/{INDEX}")
        if indexed:
            return indexed
        patterns = [f"{text.rstrip('/')}/*.tar"]
    shards: ShardList = [(match, None) for pattern in patterns for match in _matching(pattern)]
    if not shards:
        raise ConvlensError(f"there are no shards at {text}: name .tar files or their {INDEX}")
    return shards


def beside_shards(url: str | Path, passed_over: PassedOver = ignore) -> list[str]:
    """The other files of a folder of shards: loose pictures, often."""
    if is_url(url) or not is_folder(given_path(url)):
        return []
    files = files_in(given_path(url), passed_over)
    return [str(file) for file in files if file.suffix != ".tar" and file.name != INDEX]


def _is_name(pattern: str) -> bool:
    """Whether something of this very name is there: then it is no pattern."""
    return not is_url(pattern) and os.path.lexists(given_path(pattern))


def _expand_braces(pattern: str) -> Iterator[str]:
    """What braces stand for: `{000..127}` and `{train,val}`."""
    if _is_name(pattern):
        yield pattern
        return
    match = re.search(r"\{(\d+)\.\.(\d+)\}|\{([^{}]*)\}", pattern)
    if match is None:
        yield pattern
        return
    if match[3] is not None:
        words = match[3].split(",")
    else:
        words = [str(n).zfill(len(match[1])) for n in range(int(match[1]), int(match[2]) + 1)]
    for word in words:
        yield from _expand_braces(pattern[: match.start()] + word + pattern[match.end() :])


def _matching(pattern: str) -> list[str]:
    if not glob.has_magic(pattern) or _is_name(pattern):
        return [pattern if is_url(pattern) else str(given_path(pattern))]
    if not is_url(pattern):
        return sorted(glob.glob(str(given_path(pattern))))  # noqa: PTH207
    system, path = filesystem(pattern)
    matches = access(pattern, "list", call=lambda: system.glob(path))
    return sorted(system.unstrip_protocol(match) for match in matches)


def _read_index(url: str) -> ShardList | None:
    """The shards that an index names, all beside it; None where there is no index."""
    if not is_url(url) and not exists(url):
        return None
    if is_url(url):
        system, path = filesystem(url)
        if not access(url, "look for", call=lambda: system.exists(path)):
            return None
    with Stream(url) as stream:
        text = stream.read(1 << 26)
    try:
        entries = [(str(e["url"]), int(e["nsamples"])) for e in json.loads(text)["shardlist"]]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ConvlensError(f"{url} is no index of shards: {error!r}") from error
    folder = url.rsplit("/", 1)[0] if is_url(url) else str(Path(url).parent)
    for name, _ in entries:
        if name != PurePosixPath(name).name or "\\" in name or not name.endswith(".tar"):
            raise ConvlensError(f"{url} names {name!r}: an index may name .tar files beside it")
    return [(f"{folder}/{name}", count) for name, count in entries]
