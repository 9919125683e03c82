"""Where a network's first parameters come from: read, told, and recorded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..engine.checkpoint import read_parameters
from ..errors import UsageError
from ..files import exists, read_json, sha256_of, sound_record
from ..network.backbone import published_config
from ..network.joined import Joined
from ..network.pretrained import WEIGHTS_PACKAGES, WeightsPackage, imagenet_parameters
from ..network.spec import PREFIX, parts_of

PICKLED = {".pth", ".pt", ".bin", ".ckpt", ".tar", ".pkl", ".pickle"}
CONVERT = (
    "from safetensors.torch import save_file; import torch; "
    "save_file(torch.load({!r}, weights_only=True), {!r})"
)


@dataclass(frozen=True)
class Origin:
    """Where first parameters come from: words, and the file with its SHA-256 if there is one.

    Those of joined backbones have + between them.
    """

    words: str
    file: str | None = None
    sha256: str | None = None

    def __str__(self) -> str:
        return self.words if self.sha256 is None else f"{self.words}, SHA-256 {self.sha256}"


def origin_of(line: str, weights: str, *, classes: int) -> Origin:
    """Of a network's line, and `--weights`. Raises `ConvlensError` where a file is not there."""
    if weights == "none":
        published = line.startswith(PREFIX)
        learnt = published and all(published_config(part).hf_hub_id for part in parts_of(line))
        also = "; '--weights hub' fetches parameters that were learnt" if learnt else ""
        return Origin(f"random, from the seed{also}")
    if weights in {"package", "hub"}:
        origins = [_origin_of_part(part, weights) for part in parts_of(line)]
        return Origin(*(" + ".join(told) for told in zip(*origins, strict=True)))
    path = Path(weights)
    if line.startswith(PREFIX):
        words = f"{path}, as features under a new head"
    elif outputs_of(read_parameters(path)) == classes:
        words = f"{path}, every layer's"
    else:
        words = f"{path}, but for the last layer, which begins anew"
    return Origin(words, str(path), sha256_of(path))


def _origin_of_part(line: str, weights: str) -> tuple[str, str, str]:
    """Words, file and SHA-256 of what a package or the hub has for one backbone."""
    if weights == "package":
        known = package_of(line)
        words = f"ImageNet, from the package {known.package} (Apache-2.0)"
        return words, known.file, known.sha256
    from ..network.hub import hub_file  # brings an HTTP client

    path, config = hub_file(line), published_config(line)
    words = f"{config.hf_hub_id} at {path.parent.name[:12]} (licence: {config.license})"
    return words, str(path), sha256_of(path)


def first_parameters(line: str, weights: str) -> tuple[dict[str, Tensor], str]:
    """What a package, the hub or a file has for a published network, and what to call it.

    Those of joined backbones get `Joined`'s names; in a file they have them. Raises `ConvlensError`
    where they are not there.
    """
    if weights not in {"package", "hub"}:
        return read_parameters(Path(weights)), weights
    own = [_parameters_of_part(part, weights) for part in parts_of(line)]
    what = " + ".join(told for _, told in own)
    if len(own) == 1:
        return own[0][0], what
    return Joined.together([parameters for parameters, _ in own]), what


def _parameters_of_part(line: str, weights: str) -> tuple[dict[str, Tensor], str]:
    if weights == "package":
        known = package_of(line)
        return imagenet_parameters(known), f"the package {known.package}"
    from ..network.hub import hub_file

    path = hub_file(line)
    return read_parameters(path), str(path)


def package_of(line: str) -> WeightsPackage:
    """The package with parameters for a network that has one."""
    return next(known for known in WEIGHTS_PACKAGES if known.line == line)


def outputs_of(parameters: Mapping[str, Tensor]) -> int | None:
    """Outputs of the last layer that a run of a network as text has left; None without any."""
    numbers = [(int(found[1]), name) for name in parameters if (found := _LAYER.match(name))]
    return len(parameters[max(numbers)[1]]) if numbers else None


_LAYER = re.compile(r"layers\.(\d+)\.")


def learnt_by_a_run(weights: str) -> bool:
    """Whether parameters are a file that a run left, which learnt from pictures of somebody's."""
    path = Path(weights)
    if path.suffix != ".safetensors" or not exists(path):
        return False
    try:
        with safe_open(path, "pt") as file:
            return "temperature" in file.keys()  # noqa: SIM118  (every `Classifier` has one)
    except (OSError, SafetensorError):
        return False  # what is damaged is told where it is read


def network_beside(weights: str) -> str:
    """What a run's record, or timm's `config.json`, names beside parameters; `auto` if none does.

    Raises `ConvlensError` where such a file is damaged.
    """
    import timm

    run, config = (Path(weights).with_name(name) for name in ("run.json", "config.json"))
    if exists(run):
        with sound_record(run):
            return str(read_json(run)["network"]["network"])
    architecture, tag = None, None
    if exists(config):
        record = read_json(config)
        architecture = record.get("architecture")
        tag = (record.get("pretrained_cfg") or record).get("tag")
    for name in (f"{architecture}.{tag}", str(architecture)):
        if name in timm.list_pretrained() or (timm.is_model(name) and "." not in name):
            return PREFIX + name
    return "auto"


def check_weights_name(weights: str) -> None:
    """Raise a `UsageError` for what is neither a word for weights nor a safetensors file."""
    path = Path(weights)
    if path.suffix in PICKLED:
        converted = CONVERT.format(weights, str(path.with_suffix(".safetensors")))
        raise UsageError(
            f"--weights {weights}: to read a pickle is to run what it says; convert it where you "
            f'trust it: python -c "{converted}"'
        )
    if path.suffix != ".safetensors":
        raise UsageError(
            f"--weights {weights}: it can be auto, none, package, hub or a .safetensors file"
        )


def first_difference(error: Exception) -> str:
    """Of what torch says where parameters do not fit: a name that is missing, and one too many."""
    said = str(error)
    lacks = re.search(r'Missing key\(s\) in state_dict: "([^"]+)"', said)
    has = re.search(r'Unexpected key\(s\) in state_dict: "([^"]+)"', said)
    differs = re.search(r"size mismatch for [^\n]+", said)
    found = [
        lacks and f"it lacks {lacks[1]}",
        has and f"it has {has[1]}, which the network has not",
        differs and differs[0].rstrip("."),
    ]
    if isinstance(error, KeyError):
        found.append(f"it has {error.args[0]}, which the network has not")
    return ", ".join(filter(None, found)) or " ".join(said.split())[:200] or type(error).__name__
