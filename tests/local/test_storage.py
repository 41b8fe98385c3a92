"""The local store: keys are text, a prefix is the beginning of one, and nothing leads out of a bucket."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cursus.local import storage
from cursus.local.data.files import KeyConflictError, lay_out, survey
from tests.local.helpers import put


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("s3://bucket/a/b", ("bucket", "a/b")),
        ("s3://bucket", ("bucket", "")),
        ("s3://bucket/", ("bucket", "")),
        ("s3://bucket/a#b?c", ("bucket", "a#b?c")),
        ("s3://bucket//a", ("bucket", "/a")),
        ("s3://../a", None),
        ("s3:///a", None),
        ("https://bucket/a", None),
        ("s3://bucket/a\0b", None),
    ],
)
def test_parts_of_a_uri(uri: str, expected: tuple[str, str] | None) -> None:
    assert storage.split(uri) == expected


def names(root: Path, uri: str) -> list[str]:
    found = storage.matching(str(root), uri)
    if found is None:
        return []
    return (
        sorted(found.files)
        if found.folder is None
        else [name for name, _ in storage.files_below(found.folder)]
    )


@pytest.mark.parametrize(
    "uri", ["s3://bucket/a//x", "s3://bucket//a/x", "s3://bucket/./a/x", "s3://bucket/a/../a/x"]
)
def test_prefix_that_is_no_path_matches_nothing(tmp_path: Path, uri: str) -> None:
    put(tmp_path, "bucket/a/x.csv")
    assert names(tmp_path, "s3://bucket/a/x") == ["x.csv"]
    assert names(tmp_path, uri) == []
    assert storage.find(str(tmp_path), uri + ".csv") is None


def test_names_with_signs_of_urls(tmp_path: Path) -> None:
    for name in ("a#1.csv", "a?b=c.csv", "a%2Fb.csv", "a b+c.csv", "é.csv"):
        put(tmp_path, f"bucket/data/{name}")
        assert names(tmp_path, f"s3://bucket/data/{name}") == [name]
        assert storage.find(str(tmp_path), f"s3://bucket/data/{name}") is not None


def test_two_keys_of_one_name_are_both_there(tmp_path: Path) -> None:
    put(tmp_path, "bucket/train/train.csv", "inner")
    put(tmp_path, "bucket/train.csv", "outer")
    found = storage.matching(str(tmp_path), "s3://bucket/train")
    assert found is not None
    assert {name: Path(path).read_text() for name, path in found.files.items()} == {
        "train.csv": "outer",
        "train/train.csv": "inner",
    }


def test_bucket_may_be_a_link(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "data/x.csv")
    (tmp_path / "s3").mkdir()
    (tmp_path / "s3/bucket").symlink_to(tmp_path / "elsewhere/s3")
    assert names(tmp_path, "s3://bucket/data/") == ["x.csv"]
    target = storage.store_path(str(tmp_path), "s3://bucket/out/model.tar.gz")
    assert target is not None and os.path.realpath(target) == str(tmp_path / "elsewhere/s3/out/model.tar.gz")


def test_nothing_is_written_through_a_link_out_of_a_bucket(tmp_path: Path) -> None:
    (tmp_path / "s3/bucket").mkdir(parents=True)
    (tmp_path / "s3/bucket/out").symlink_to(tmp_path)
    assert storage.store_path(str(tmp_path), "s3://bucket/out/model.tar.gz") is None
    assert storage.store_path(str(tmp_path), "s3://bucket/other/model.tar.gz") is not None


def test_survey_reads_names_alone(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/b/file").touch()
    (tmp_path / "a/link").symlink_to("b")
    os.mkfifo(tmp_path / "fifo")
    found = survey(str(tmp_path))
    assert (found.directories, found.links, found.special, found.any_file) == (
        ["", "a", "a/b"],
        ["a/link"],
        ["fifo"],
        True,
    )


@pytest.mark.parametrize("linked", [True, False])
def test_names_that_no_file_system_holds(tmp_path: Path, linked: bool) -> None:
    (tmp_path / "file").write_text("x")
    source = str(tmp_path / "file")
    with pytest.raises(KeyConflictError, match="name and a folder's at once"):
        lay_out({"a": source, "a/b": source}, str(tmp_path / "one"), linked=linked)
    with pytest.raises(KeyConflictError, match="longer than a file's name"):
        lay_out({"a" * 300: source}, str(tmp_path / "two"), linked=linked)


def test_put_is_whole_and_leaves_other_names_alone(tmp_path: Path) -> None:
    (tmp_path / "source").write_text("new")
    os.link(tmp_path / "source", tmp_path / "target.part")
    storage.put(str(tmp_path / "source"), str(tmp_path / "target"))
    assert ((tmp_path / "source").read_text(), (tmp_path / "target").read_text()) == ("new", "new")
    assert not (tmp_path / "target.part").exists()
