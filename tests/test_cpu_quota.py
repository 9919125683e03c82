"""A container's share of the processors is seen, in either version of control groups."""

import math
from pathlib import Path

import pytest

from convlens import parallel
from convlens.cpu_quota import cpu_quota


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


GROUPS = "sys/fs/cgroup"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/", {"cpu.max": "50000 100000"}, 0.5),
        ("0::/", {"cpu.max": "max 100000"}, math.inf),
        ("0::/", {}, math.inf),
        ("0::/a/b", {"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 1.5),
        ("0::/../outside", {"cpu.max": "200000 100000"}, 2),
        ("0::/not/mounted", {"cpu.max": "200000 100000"}, 2),
        ("0::/", {"cpu.max": "rubbish"}, math.inf),
        *(
            (
                f"5:{controllers}:{name}\n4:memory:/",
                {
                    f"{folder}/cpu.cfs_quota_us": f"{microseconds}\n",
                    f"{folder}/cpu.cfs_period_us": "100000\n",
                },
                quota,
            )
            for controllers, folder, name, microseconds, quota in (
                ("cpu,cpuacct", "cpu,cpuacct", "/", 250_000, 2.5),
                ("cpu,cpuacct", "cpu", "/docker/1", 50_000, 0.5),
                ("cpu", "cpu/docker/1", "/docker/1", 50_000, 0.5),
                ("cpu", "cpu", "/", -1, math.inf),
            )
        ),
    ],
)
def test_the_quota_of_a_container(
    tmp_path: Path, membership: str, files: dict[str, str], quota: float
) -> None:
    groups = {f"{GROUPS}/{name}": text for name, text in files.items()}
    root = write(tmp_path, {"proc/self/cgroup": f"{membership}\n", **groups})
    assert cpu_quota(root) == quota


def test_no_control_groups_are_no_quota(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) == math.inf


@pytest.mark.parametrize(("quota", "cores"), [(0.5, 1), (1.5, 2), (3, 3), (9, 4), (math.inf, 4)])
def test_cores_are_no_more_than_the_quota(
    monkeypatch: pytest.MonkeyPatch, quota: float, cores: int
) -> None:
    monkeypatch.setattr(parallel, "cpu_quota", lambda: quota)
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(4), raising=False)
    assert parallel.cores() == cores
