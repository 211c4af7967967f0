"""What the server says of itself is true of all its paths, and its answers have the same keys for each sample."""

from __future__ import annotations

from typing import Any

from tests.serve.in_process import talk
from veritune.serve.fronts import FRONTS, PLAIN

ONE: dict[str, Any] = {"samples": [{"completion": r"\boxed{4}", "columns": {"gold": "4"}}, {"completion": "no"}]}


def test_every_front_is_in_the_description() -> None:
    paths = talk(lambda http: http.get("/openapi.json")).json()["paths"]
    assert {"/score", *(front.path for front in FRONTS), *PLAIN} <= set(paths)


def test_components_have_the_same_names_in_every_result() -> None:
    source: Any = {"rewards": {"accuracy": {}, "format": {}}, "combine": "first_decided"}
    results = talk(lambda http: http.post("/score", json=ONE), source).json()["results"]
    assert [list(result["components"]) for result in results] == [["accuracy", "format"]] * 2
    asked = talk(lambda http: http.post("/score", json={**ONE, "rewards": ["format"]}), source).json()["results"]
    assert [list(result["components"]) for result in asked] == [["format"]] * 2


def test_a_body_must_say_that_it_is_json_and_openrlhf_must_have_queries() -> None:
    assert talk(lambda http: http.post("/score", content=b"{}")).status_code == 415
    assert talk(lambda http: http.post("/openrlhf", json={})).status_code == 422
    assert talk(lambda http: http.post("/openrlhf", json={"query": [], "prompts": []})).status_code == 200
