"""Where a channel's data is found, how it gets into a host, and that the user's files never change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from cursus.local import channels
from cursus.local.channels import ChannelError
from cursus.local.data.files import clone
from tests.local.conftest import Run, channel
from tests.local.helpers import put


def files(root: Path, uri: str) -> list[str]:
    """Paths inside the channel, whichever way the source has them."""
    source = channels.resolve(channel("train", uri), {}, str(root))
    if source.folder is None:
        return sorted(source.files)
    return sorted(
        str(path.relative_to(source.folder)) for path in Path(source.folder).rglob("*") if path.is_file()
    )


def test_s3_prefix_is_a_string_prefix(tmp_path: Path) -> None:
    for key in (
        "bucket/a/train/x.csv",
        "bucket/a/train/deep/y.csv",
        "bucket/a/train2/z.csv",
        "bucket/a/train.csv",
        "bucket/b",
    ):
        put(tmp_path, key)
    assert files(tmp_path, "s3://bucket/a/train/") == ["deep/y.csv", "x.csv"]
    assert files(tmp_path, "s3://bucket/a/train/x") == ["x.csv"]
    assert files(tmp_path, "s3://bucket/a/train.csv") == ["train.csv"]
    assert files(tmp_path, "s3://bucket/a/train2") == ["z.csv"]
    assert files(tmp_path, "s3://bucket/a/train") == ["deep/y.csv", "train.csv", "train2/z.csv", "x.csv"]
    assert len(files(tmp_path, "s3://bucket")) == 5


@pytest.mark.parametrize("uri", ["s3://bucket/none/", "s3://none/a", "s3://bucket/tr/../../../etc/"])
def test_what_matches_nothing_fails(tmp_path: Path, uri: str) -> None:
    put(tmp_path, "bucket/train/x.csv")
    with pytest.raises(ChannelError, match="matched no files on s3"):
        channels.resolve(channel("train", uri), {}, str(tmp_path))


def test_links_out_of_a_bucket_are_not_followed(tmp_path: Path) -> None:
    put(tmp_path, "bucket/train/x.csv")
    put(tmp_path, "bucket/train2/x.csv")
    (tmp_path / "s3/bucket/train3").symlink_to("/etc")
    assert files(tmp_path, "s3://bucket/train") == ["train2/x.csv", "x.csv"]


def test_local_path_comes_first(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/one.csv").write_text("1")
    found = channels.resolve(channel("train"), {"train": str(tmp_path / "mine")}, str(tmp_path))
    assert found.folder == str(tmp_path / "mine")
    one = channels.resolve(channel("train"), {"train": str(tmp_path / "mine/one.csv")}, str(tmp_path))
    assert one.files == {"one.csv": str(tmp_path / "mine/one.csv")}


@pytest.mark.parametrize("path", ["absent", "empty"])
def test_local_path_without_data_fails(tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ChannelError, match="channel train"):
        channels.resolve(channel("train"), {"train": str(tmp_path / path)}, str(tmp_path))


def test_copy_can_be_written_to(tmp_path: Path) -> None:
    source = tmp_path / "read-only"
    source.write_text("1")
    source.chmod(0o444)
    clone(str(source), str(tmp_path / "copy"))
    (tmp_path / "copy").write_text("2")
    assert source.read_text() == "1"


def test_script_may_do_anything_to_its_input(run: Run, tmp_path: Path) -> None:
    script = """
import os, shutil
base = "/opt/ml/input/data/train"
open(base + "/data.csv", "w").write("changed")
os.remove(base + "/other.csv")
shutil.move(base + "/sub", base + "/moved")
os.chmod(base + "/moved/deep.csv", 0)
shutil.copy(base + "/data.csv", base + "/copy.csv")
print(sorted(os.listdir(base)))
"""
    data = {"data.csv": "1", "other.csv": "2", "sub/deep.csv": "3"}
    job = run(script, channels={"train": data})
    assert job.logs() == "['copy.csv', 'data.csv', 'moved']\n"
    folder = tmp_path / "data/train"
    assert {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*") if p.is_file()} == data
    assert all(p.stat().st_mode & 0o400 for p in folder.rglob("*"))


def test_data_from_the_local_store(run: Run, tmp_path: Path) -> None:
    put(tmp_path / "root", "example-bucket/churn/train/part-1.csv", "1")
    put(tmp_path / "root", "example-bucket/lists/words.txt", "2")
    patch = {
        "InputDataConfig": [
            channel("train", "s3://example-bucket/churn/train"),
            channel("words", "s3://example-bucket/lists/w"),
        ]
    }
    script = "import os; print([os.listdir(os.environ['SM_CHANNEL_' + n]) for n in ('TRAIN', 'WORDS')])"
    job = run(script, patch, channels={})
    assert job.logs() == "[['part-1.csv'], ['words.txt']]\n"


def test_file_as_a_channel_and_odd_names(run: Run, tmp_path: Path) -> None:
    name = "a,b:c\\d é.csv"
    folder = tmp_path / "o,d:d"
    folder.mkdir()
    (folder / name).write_text("1")
    patch = {"InputDataConfig": [channel("one"), channel("all")]}
    script = "import os; print([os.listdir('/opt/ml/input/data/' + n) for n in ('one', 'all')])"
    from cursus.local.runner import run_step

    step = run(script, patch, channels={"one": {"x": "1"}, "all": {"x": "1"}}).step
    assert step is not None
    import dataclasses

    again = dataclasses.replace(step, request={**step.request, "TrainingJobName": "again"})
    job = run_step(again, root=tmp_path / "root", channels={"one": folder / name, "all": folder})
    assert job.logs() == f"{[[name], [name]]}\n"


@pytest.mark.parametrize("level", ["unshare", "bubblewrap", "process"])
def test_opened_files_are_counted(run: Run, levels: dict[str, str], level: str) -> None:
    if levels[level]:
        pytest.skip(levels[level])
    patch = {"InputDataConfig": [channel("train"), channel("spare")]}
    script = """
import os
base = os.path.dirname(os.environ["SM_CHANNEL_TRAIN"]) + "/"
open(base + "train/sub/b").read()
open(base + "train/a").read()
os.listdir(base + "spare")
"""
    job = run(
        script,
        patch,
        channels={"train": {"a": "1", "sub/b": "2", "c": "3"}, "spare": {"d": "4"}},
        level=level,
    )
    assert job.evidence.opened == {"train": 2, "spare": 0}
    assert [f.path for f in job.findings if f.rule == "CHN090"] == ["InputDataConfig[1].ChannelName"]


def test_unreadable_data_fails_clearly(run: Run, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    put(tmp_path / "root", "example-bucket/train/data.csv")
    (tmp_path / "root/s3/example-bucket/train/data.csv").chmod(0)
    patch = {"InputDataConfig": [channel("train", "s3://example-bucket/train/")]}
    job = run("", patch, channels={}, level="process")
    assert "Permission denied" in job.describe()["FailureReason"]
