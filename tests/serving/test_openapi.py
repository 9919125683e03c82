"""The server against its own description."""

from pathlib import Path

import schemathesis
from fastapi.testclient import TestClient
from schemathesis.specs.openapi.checks import positive_data_acceptance

from convlens import Detector
from convlens.serving.app import create_app
from convlens.serving.server_settings import ServerSettings

TOKEN = "secret"  # noqa: S105 (of the tests alone)


def test_schemathesis_finds_nothing_against_its_own_description(server: str) -> None:
    schema = schemathesis.openapi.from_url(f"{server}openapi.json")
    cases = 0
    for result in schema.get_all_operations():
        operation = result.ok()  # type: ignore[union-attr]
        assert operation is not None
        strategy = operation.as_strategy()
        for _ in range(10):
            case = strategy.example()
            # that raw pixels need a size, and a size that fits, OpenAPI has no words for
            case.call_and_validate(excluded_checks=[positive_data_acceptance])
            cases += 1
    assert cases >= 40


def test_it_says_where_a_token_is_needed_and_below_which_path(run: Path) -> None:
    settings = ServerSettings(token=TOKEN, root_path="/below")
    headers = {"authorization": "Bearer secret"}
    with TestClient(create_app(Detector(run), settings=settings), "http://localhost") as client:
        schema = client.get("/below/openapi.json", headers=headers).json()
    scheme = schema["components"]["securitySchemes"]["token"]
    assert scheme == {"type": "http", "scheme": "bearer"}
    needed = {path: ops[next(iter(ops))]["security"] for path, ops in schema["paths"].items()}
    assert needed["/predict"] == needed["/find"] == needed["/detector"] == [{"token": []}]
    assert needed["/health"] == needed["/metrics"] == []
    assert schema["servers"] == [{"url": "/below"}]
    with TestClient(create_app(Detector(run)), "http://localhost") as client:
        assert "securitySchemes" not in client.get("/openapi.json").json()["components"]
