"""Good files of every kind that convlens reads, for `fuzz.py` to change."""

import io
import json
import sys
import tarfile
from pathlib import Path

import numpy as np


def good_pictures() -> list[bytes]:
    """A picture in every format, mode and size that matters."""
    import pillow_heif
    from PIL import Image, ImageCms

    pillow_heif.register_heif_opener()
    noise = np.random.default_rng(0).integers(0, 256, (48, 40, 4)).astype(np.uint8)
    base = Image.fromarray(noise, "RGBA")
    pictures = []
    for kind, modes in {
        "JPEG": ("RGB", "L", "CMYK"),
        "PNG": ("RGB", "RGBA", "L", "P", "1", "I;16"),
        "WEBP": ("RGB", "RGBA"),
        "GIF": ("P", "L"),
        "BMP": ("RGB", "1"),
        "TIFF": ("RGB", "RGBA", "CMYK", "F", "I;16"),
        "AVIF": ("RGB", "RGBA"),
        "HEIF": ("RGB",),
        "MPO": ("RGB",),
        "JPEG2000": ("RGB", "L"),
        "PPM": ("RGB", "L"),
    }.items():
        for mode in modes:
            image = base.convert("L").convert(mode) if mode == "F" else None
            if mode == "I;16":
                image = Image.fromarray(noise[..., 0].astype(np.uint16) * 257)
            buffer = io.BytesIO()
            extra = {"save_all": True, "append_images": [base.convert("RGB")]}
            many = extra if kind in {"MPO", "GIF"} and mode != "L" else {}
            (image or base.convert("RGB").convert(mode) if mode != "RGBA" else base).save(
                buffer, kind, **many
            )
            pictures.append(buffer.getvalue())
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "TIFF"):
        base.convert("RGB").save(buffer := io.BytesIO(), kind, icc_profile=profile)
        pictures.append(buffer.getvalue())
    return pictures


def good_tables(home: Path) -> list[bytes]:
    """Tables as CSV, JSON Lines and Parquet, of paths and of bytes."""
    import pyarrow as pa
    from pyarrow import parquet

    pictures = good_pictures()[:4]
    for number, data in enumerate(pictures):
        (home / f"{number}.png").write_bytes(data)
    rows = [(f"{n}.png", "cat" if n % 2 else "dog", "train", f"g{n}") for n in range(4)]
    lines = ["path,label,split,group", *(",".join(row) for row in rows)]
    tables = ["\n".join(lines).encode(), "\n".join(lines).replace(",", ";").encode("utf-8-sig")]
    records = (dict(zip(("path", "label", "split", "group"), row, strict=True)) for row in rows)
    tables.append("".join(f"{json.dumps(record)}\n" for record in records).encode())
    columns = {"image": pictures, "label": [row[1] for row in rows]}
    for table in (pa.table(columns), pa.table({"path": [row[0] for row in rows], **columns})):
        buffer = io.BytesIO()
        parquet.write_table(table, buffer)
        tables.append(buffer.getvalue())
    return tables


def good_shards() -> list[bytes]:
    """Tar files whose pictures have records, classes, or folders beside them."""
    picture, record = good_pictures()[0], json.dumps({"label": "cat", "split": "val", "group": "g"})
    shards = []
    for label in (".json", ".cls", ""):
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for number in range(3):
                beside = record.encode() if label == ".json" else b"dog"
                files = [(".jpg", picture), *([(label, beside)] if label else [])]
                for ending, data in files:
                    info = tarfile.TarInfo(f"cat/{number}{ending}")
                    info.size = len(data)
                    tar.addfile(info, io.BytesIO(data))
        shards.append(buffer.getvalue())
    return shards


def prepare_run(home: Path) -> None:
    """A short run to take good files from."""
    sys.path.insert(0, str(Path(__file__).parent))
    from kills import draw

    from convlens import train

    line = "conv 4 3x3, norm, pool 2, dense 6"
    data = draw(home / "pictures", 12)
    train(data, home / "run", network=line, weights="none", size=16, steps=2, compute="float32")


def good_files(kind: str, home: Path) -> list[bytes]:
    """Whole files of a kind."""
    match kind:
        case "pictures":
            return good_pictures()
        case "tables":
            return good_tables(home)
        case "shards":
            return good_shards()
        case "detectors":
            return [(home / "run" / "detector.onnx").read_bytes()]
        case "checkpoints":
            return [p.read_bytes() for p in sorted((home / "run" / "checkpoint").glob("*.saf*"))]
        case _:
            return [(home / "run" / "run.json").read_bytes()]
