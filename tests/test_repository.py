"""What strangers find beside the code: workflows, forms, the citation, held against the files."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

HOME = Path(__file__).parent.parent
PROJECT = tomllib.loads((HOME / "pyproject.toml").read_text("utf-8"))["project"]
PYTHONS = [
    name.rpartition(" ")[2] for name in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", name)
]


def read(name: str) -> Any:
    return yaml.safe_load((HOME / name).read_text("utf-8"))


@pytest.fixture(scope="module")
def jobs() -> dict[str, Any]:
    workflow = read(".github/workflows/ci.yml")
    assert set(workflow) == {"name", True, "permissions", "concurrency", "jobs"}  # True: "on"
    jobs: dict[str, Any] = workflow["jobs"]
    return jobs


def test_the_workflow_runs_what_there_is(jobs: dict[str, Any]) -> None:
    targets = re.findall(r"^([a-z-]+):", (HOME / "Makefile").read_text("utf-8"), re.MULTILINE)
    extras = set(PROJECT["optional-dependencies"])
    named: set[str] = set()
    for job in jobs.values():
        assert {"runs-on", "steps", "timeout-minutes"} <= set(job)
        assert set(re.findall(r"\w+", str(job.get("needs", "")))) <= set(jobs)
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step)
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))
            command = step.get("run", "")
            assert set(re.findall(r"\bmake ([a-z-]+)", command)) <= set(targets)
            for path in re.findall(r"(?:^|\s)((?:tests|\.ci)/[\w/.]*)", command):
                assert (HOME / path).exists(), path
            for wanted in re.findall(r"\.\[([\w,]+)\]", command):
                assert set(wanted.split(",")) <= extras
            for variable in re.findall(r"matrix\.(\w+)", str(step)):
                assert variable in job["strategy"]["matrix"]
            named |= set(re.findall(r"\.ci/\w+(?:\.py)?", command))
    assert named == {".ci/run", ".ci/small_detector.py", ".ci/predicts.py"}


def test_it_covers_every_python_and_system_that_is_promised(jobs: dict[str, Any]) -> None:
    assert PYTHONS == ["3.11", "3.12", "3.13", "3.14"]
    assert PROJECT["requires-python"] == f">={PYTHONS[0]}"
    assert jobs["pythons"]["strategy"]["matrix"]["python"] == PYTHONS
    matrix = jobs["predicts"]["strategy"]["matrix"]
    assert matrix["python"] == PYTHONS
    assert [system.split("-")[0] for system in matrix["system"]] == ["ubuntu", "macos", "windows"]


def test_the_forms_are_as_github_takes_them() -> None:
    forms = sorted((HOME / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    assert len(forms) == 3
    for path in forms:
        form = read(str(path))
        if path.name == "config.yml":
            assert {"name", "url", "about"} == set(form["contact_links"][0])
            continue
        assert {"name", "description", "labels", "body"} == set(form)
        ids = [field["id"] for field in form["body"]]
        assert len(set(ids)) == len(ids)
        for field in form["body"]:
            assert field["type"] in {"textarea", "input"}
            assert field["attributes"]["label"]


def test_the_citation_says_what_the_project_says() -> None:
    citation = read("CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    assert citation["license"] == PROJECT["license"]
    assert citation["repository-code"] == PROJECT["urls"]["Source"]
    assert citation["keywords"] == PROJECT["keywords"]


def test_the_glossary_is_in_order() -> None:
    text = (HOME / "docs" / "glossary.md").read_text("utf-8")
    words = re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE)[2:]
    assert len(words) >= 40
    assert words == sorted(words, key=str.casefold)
