"""What a file is that is no picture which can be read: known by its first bytes, and named."""

from collections.abc import Callable
from typing import Any

ARCHIVE = "unpack it"
PAGE = "perhaps a download that failed"
SAVE = "save it as PNG or JPEG"
SAVE_SAMPLES = "save it as PNG, grey or RGB with 8 or 16 bits"
_UNUSUAL = "that is damaged, or stored in an unusual way"
TEXT = "perhaps notes, or a download that failed"
TAR = "unpack it, or give it by itself to train or predict"
VIDEO = "predict and find take it with --fps; else save single frames of it as JPEG"

_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs", "a pointer of Git LFS", "fetch the pictures: git lfs pull"),
    (b"/annex/objects/", "a pointer of git-annex", "fetch the pictures: git annex get"),
    (b"8BPS", "a Photoshop document (PSD)", SAVE),
    (b"gimp xcf", "a GIMP document (XCF)", SAVE),
    (b"%PDF", "a PDF document", SAVE),
    (b"%!PS", "a PostScript drawing (EPS)", SAVE),
    (b"\xff\x0a", "a picture in JPEG XL", SAVE),
    (b"\0\0\0\x0cJXL ", "a picture in JPEG XL", SAVE),
    (b"v/1\x01", "a picture in OpenEXR", SAVE),
    (b"#?RADIANCE", "a picture in Radiance HDR", SAVE),
    (b"SIMPLE  =", "a picture in FITS", SAVE),
    (b"IIRO", "a camera's raw file (ORF)", SAVE),
    (b"IIRS", "a camera's raw file (ORF)", SAVE),
    (b"MMOR", "a camera's raw file (ORF)", SAVE),
    (b"IIU\0", "a camera's raw file (RW2)", SAVE),
    (b"FUJIFILMCCD-RAW", "a camera's raw file (RAF)", SAVE),
    (b"FOVb", "a camera's raw file (X3F)", SAVE),
    (b"\0MRM", "a camera's raw file (MRW)", SAVE),
    (b"PK\x03\x04", "a ZIP archive or an office document", ARCHIVE),
    (b"\x1f\x8b", "compressed with gzip", ARCHIVE),
    (b"7z\xbc\xaf", "a 7z archive", ARCHIVE),
    (b"Rar!", "a RAR archive", ARCHIVE),
    (b"\x1aE\xdf\xa3", "a video", VIDEO),
    (b"\0\x05\x16\x07", "what macOS keeps beside a file", "leave it out"),
    (b"\xd0\xcf\x11\xe0", "a Thumbs.db or an office document", "leave it out"),
    (b"\x93NUMPY", "a NumPy array", SAVE),
    (b"\0\0\1\0", "an icon (ICO)", SAVE),
    (b"qoif", "a picture in QOI", SAVE),
    (b"DDS ", "a texture (DDS)", SAVE),
    (b"II\xbc", "a picture in JPEG XR", SAVE),
    (b"P7\n", "a picture in PAM", SAVE),
    (b"\x01\xda", "a picture in SGI's form", SAVE),
    (b"\x89HDF", "an HDF5 file", SAVE),
    (b"BZh", "compressed with bzip2", ARCHIVE),
    (b"\xfd7zXZ", "compressed with xz", ARCHIVE),
    (b"(\xb5/\xfd", "compressed with zstd", ARCHIVE),
    *(
        (start, f"a TIFF {_UNUSUAL}", SAVE_SAMPLES)
        for start in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
    ),
    (b"\xff\xd8\xff", f"a JPEG {_UNUSUAL}", SAVE),
    (b"\x89PNG", f"a PNG {_UNUSUAL}", SAVE),
    (b"GIF8", f"a GIF {_UNUSUAL}", SAVE),
)
_VIDEOS = (b"isom", b"iso2", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  ", b"3gp")
_SUBFILE, _SUBFILES, _DNG = 254, 330, 50706
"""Tags of a TIFF: a thumbnail's flag, where its other pictures are, and the version of DNG."""


_CONTROL = {*range(32)} - {*b"\t\n\f\r"}
"""Bytes that no text has."""


def name_of(data: bytes) -> str | None:
    """What a file is and what to do with it, in words; None where that is not known."""
    for start, what, remedy in _STARTS:
        if data.startswith(start):
            return f"{what}: {remedy}"
    for applies, what, remedy in _TESTS:
        if applies(data):
            return f"{what}: {remedy}"
    return None


def raw_file(data: bytes, tags: Any) -> str | None:
    """The same of a camera's raw file that is a TIFF too, whose first picture is a thumbnail."""
    thumbnail = tags.get(_SUBFILE) == 1 and _SUBFILES in tags
    if data[8:10] == b"CR" or _DNG in tags or thumbnail:
        return f"a camera's raw file: {SAVE}"
    return None


def is_text(data: bytes) -> bool:
    """Whether a file begins with ASCII and nothing else."""
    return data[:2000].isascii() and not _CONTROL & {*data[:2000]}


def _text(data: bytes) -> bytes:
    return data[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()


_TESTS: tuple[tuple[Callable[[bytes], bool], str, str], ...] = (
    (lambda data: data[128:132] == b"DICM", "a DICOM file", SAVE),
    (lambda data: data[4:12] == b"ftypcrx ", "a camera's raw file (CR3)", SAVE),
    (lambda data: data[4:8] == b"ftyp" and data[8:12].startswith(_VIDEOS), "a video", VIDEO),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"AVI ", "a video", VIDEO),
    (lambda data: data[257:262] == b"ustar", "a .tar archive", TAR),
    (lambda data: b"<svg" in _text(data), "an SVG drawing", SAVE),
    (lambda data: _text(data).startswith((b"<!doctype html", b"<html")), "a web page", PAGE),
    (lambda data: not data.strip(b"\0"), "nothing but zeros", "copy it anew"),
    (is_text, "text", TEXT),
)
