"""How much of the processors a container may use (Linux control groups, versions 2 and 1)."""

import math
from pathlib import Path


def cpu_quota(root: Path = Path("/")) -> float:
    """The processors that this process may use on average, such as 0.5; infinite without a quota.

    The quota of a group holds for those below it: the least of them counts.
    """
    try:
        memberships = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:  # not Linux
        return math.inf
    quotas = [math.inf]
    mounted = root / "sys/fs/cgroup"
    for membership in memberships:
        _, controllers, name = membership.split(":", 2)
        if not controllers:
            quotas += [_version_2(group) for group in _with_parents(mounted, name)]
        elif "cpu" in controllers.split(","):
            for folder in ("cpu", controllers):
                quotas += [_version_1(group) for group in _with_parents(mounted / folder, name)]
    return min(quotas)


def _with_parents(mounted: Path, name: str) -> list[Path]:
    """A group's folder and those above it, as far as they can be there at all."""
    group = Path(name.lstrip("/"))
    return [mounted / part for part in (group, *group.parents) if ".." not in part.parts]


def _version_2(group: Path) -> float:
    return _ratio(_read(group / "cpu.max").split())


def _version_1(group: Path) -> float:
    return _ratio([_read(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")])


def _ratio(words: list[str]) -> float:
    """Of microseconds and their period; infinite where there is no quota: `max`, or below 0."""
    if len(words) != 2 or not all(word.isdecimal() for word in words) or int(words[1]) == 0:
        return math.inf
    return int(words[0]) / int(words[1])


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
