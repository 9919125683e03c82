"""Good and bad requests as they go over the wire, each with the answer that it has to get."""

import json
from dataclasses import dataclass

from convlens import Detector
from convlens.pictures.decode import decode
from convlens.serving.limits.request_limits import RequestLimits

PROBLEM = "application/problem+json"
EDGE = "----load"
"""Between the parts of a form."""


@dataclass(frozen=True)
class Request:
    """Bytes to send; the status, kind of content and a piece of the text wanted, a line each."""

    text: bytes
    wanted: str


@dataclass(frozen=True)
class Kind:
    """Requests alike, which have so large a share of all."""

    name: str
    share: int
    requests: list[Request]


def http(head: str, body: bytes = b"", **headers: str) -> bytes:
    """A request of HTTP/1.1; a header without a value is left out."""
    headers = {"host": "localhost", "content_length": str(len(body)), **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    return "\r\n".join([f"{head} HTTP/1.1", *lines, "", ""]).encode() + body


def form(*pictures: bytes) -> bytes:
    """These pictures in a form."""
    head = 'content-disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n'
    parts = b"".join(f"--{EDGE}\r\n{head}".encode() + data + b"\r\n" for data in pictures)
    return parts + f"--{EDGE}--\r\n".encode()


def post(body: bytes, kind: str = f"multipart/form-data; boundary={EDGE}", **more: str) -> bytes:
    """A request for an answer."""
    return http("POST /predict", body, content_type=kind, **more)


def raw(data: bytes) -> bytes:
    """A request with a picture's pixels."""
    pixels = decode(data)
    where = f"POST /predict?height={pixels.shape[0]}&width={pixels.shape[1]}"
    return http(where, pixels.tobytes(), content_type="application/octet-stream")


def answered(detector: Detector, data: bytes) -> str:
    """What is wanted for a picture: the very probabilities that the detector gives it here."""
    numbers = dict(detector.predict(data).top(len(detector.labels)))
    text = json.dumps({"probabilities": numbers}, separators=(",", ":"), ensure_ascii=False)
    return f"200\napplication/json\n{text[1:-1]}"


def kinds_of(detector: Detector, sent: list[bytes]) -> list[Kind]:
    """All kinds, good and bad, from these pictures; the first is a picture in a form."""
    wanted = [answered(detector, data) for data in sent]
    most, files = RequestLimits().upload, RequestLimits().files
    endless = b"%x\r\n%b\r\n0\r\n\r\n" % (most + 1, bytes(most + 1))
    chunked = {"content_length": "", "transfer_encoding": "chunked"}
    cut = sent[0][: len(sent[0]) // 2]

    def each(name: str, share: int, texts: list[bytes]) -> Kind:
        return Kind(name, share, [Request(*both) for both in zip(texts, wanted, strict=True)])

    def one(name: str, status: int, text: bytes, says: str = "", share: int = 2) -> Kind:
        kind = "application/json" if status == 200 else PROBLEM
        return Kind(name, share, [Request(text, f"{status}\n{kind}\n{says}")])

    return [
        each("a picture in a form", 10, [post(form(data)) for data in sent]),
        each("four pictures in a form", 2, [post(form(data, *sent[:3])) for data in sent]),
        each("a picture as it is", 4, [post(data, "image/jpeg") for data in sent]),
        each("raw pixels", 2, [raw(data) for data in sent]),
        one("health", 200, http("GET /health"), '"ok"'),
        one("truncated picture", 200, post(form(cut)), "truncated"),
        one("no picture", 200, post(form(b"no picture")), "not a picture"),
        one("too large, and says so", 413, post(b"", "image/png", content_length=str(most + 1))),
        one("too large, unannounced", 413, post(endless, "image/png", **chunked), share=1),
        one("too many pictures", 413, post(form(*[b"x"] * (files + 1)))),
        one("another kind of content", 415, post(b"{}", "application/json")),
        one("no size for pixels", 422, post(bytes(48), "application/octet-stream")),
        one("no pictures", 422, post(form())),
        one("a form without its end", 400, post(form(*sent[:2])[: -len(EDGE)]), "breaks off"),
        one("a form that is none", 400, post(b"--rubbish\r\n" + cut)),
        one("unknown path", 404, http("GET /nothing")),
        one("wrong method", 405, http("GET /predict")),
        one("a page of another site", 403, post(cut, "image/png", origin="http://evil.example")),
    ]
