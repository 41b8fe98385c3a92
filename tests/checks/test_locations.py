"""One spelling for the same S3 location."""

from __future__ import annotations

import pytest

from cursus.checks.locations import below, looks_like_one_object, s3_path, same_place


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("s3://b-1/a/b", "b-1/a/b"),
        ("s3://b-1", "b-1/"),
        ("https://s3.eu-west-1.amazonaws.com/b-1/a", "b-1/a"),
        ("https://s3-us-west-2.amazonaws.com/b-1/a/", "b-1/a/"),
        ("https://b-1.s3.eu-west-1.amazonaws.com/a/b", "b-1/a/b"),
        ("https://b.1.s3.cn-north-1.amazonaws.com.cn/a", "b.1/a"),
        ("https://example.com/a", None),
        ("s3://", None),
        ("data/train", None),
    ],
)
def test_paths(uri: str, path: str | None) -> None:
    assert s3_path(uri) == path


def test_folders_are_not_string_prefixes() -> None:
    assert below("b-1/a/b", "b-1/a")
    assert below("b-1/a", "b-1/a/")
    assert not below("b-1/ab", "b-1/a")
    assert same_place("b-1/a", "b-1/a/")


@pytest.mark.parametrize(
    ("path", "one"), [("b/a.csv", True), ("b/a/", False), ("b/v1.2", False), ("b/.x", False)]
)
def test_objects(path: str, one: bool) -> None:
    assert looks_like_one_object(path) is one
