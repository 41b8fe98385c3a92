"""Manifests, shares of hosts, selections of files, file systems, source archives: what a host sees of them."""

from __future__ import annotations

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest

from cursus.checks.examples import BASES, merge
from cursus.errors import RunError
from cursus.local import channels
from cursus.local.channels import ChannelError
from cursus.local.data import pipes, sharding
from tests.local.conftest import Run, channel
from tests.local.helpers import put

TREE = """
import os
base = "/opt/ml/input/data/"
print(sorted(os.path.relpath(os.path.join(d, n), base) for d, _, names in os.walk(base) for n in names))
"""


def s3(name: str, uri: str, **members: Any) -> dict[str, Any]:
    """A channel whose S3DataSource has more members."""
    found = channel(name, uri)
    found["DataSource"]["S3DataSource"].update(members)
    return found


def manifest(root: Path, *keys: str, prefix: str = "s3://example-bucket/data/") -> None:
    put(root, "example-bucket/list.manifest", json.dumps([{"prefix": prefix}, *keys]))


def test_manifest_names_the_objects(run: Run, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "deep/c.csv"):
        put(tmp_path / "root", f"example-bucket/data/{name}", name)
    manifest(tmp_path / "root", "a.csv", "deep/c.csv")
    patch = {"InputDataConfig": [s3("train", "s3://example-bucket/list.manifest", S3DataType="ManifestFile")]}
    job = run(TREE + "open(base + 'train/data/a.csv', 'a').write('!')", patch, channels={})
    assert job.status == "Completed", job.describe()
    assert job.logs() == "['train-manifest', 'train/data/a.csv', 'train/data/deep/c.csv']\n"
    assert (tmp_path / "root/s3/example-bucket/data/a.csv").read_text() == "a.csv"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "it is no JSON"),
        ("[]", "no JSON array"),
        ('["a"]', "its first member is 'a'"),
        ('[{"prefix": "s3://example-bucket/"}]', "names no object"),
        ('[{"prefix": "s3://example-bucket/"}, 3]', "member 2 is 3"),
        ('[{"prefix": "s3://example-bucket/"}, "none"]', "s3://example-bucket/none matched no files"),
        ('[{"prefix": "s3://example-bucket/"}, "../../../../etc/passwd"]', "matched no files"),
    ],
)
def test_manifest_that_cannot_be_read(tmp_path: Path, text: str, reason: str) -> None:
    put(tmp_path, "example-bucket/m", text)
    with pytest.raises(ChannelError, match="Data download failed") as caught:
        channels.resolve(s3("train", "s3://example-bucket/m", S3DataType="ManifestFile"), {}, str(tmp_path))
    assert reason in str(caught.value)


def request(patch: dict[str, Any]) -> dict[str, Any]:
    found = merge(BASES["CreateTrainingJob"], patch)
    return dict(found)


def shares(tmp_path: Path, patch: dict[str, Any], hosts: tuple[str, ...]) -> list[list[str]]:
    """The names in the first channel, host by host."""
    wanted = request(patch)
    sources = [channels.resolve(member, {}, str(tmp_path)) for member in wanted["InputDataConfig"]]
    found = [channels.for_host(sources, wanted, host)[0] for host in hosts]
    return [
        sorted(source.files)
        if source.folder is None
        else sorted(str(p.relative_to(source.folder)) for p in Path(source.folder).rglob("*") if p.is_file())
        for source in found
    ]


def test_shares_are_disjoint_and_complete(tmp_path: Path) -> None:
    for number in range(7):
        put(tmp_path, f"example-bucket/train/{number}")
    patch: dict[str, Any] = {
        "InputDataConfig": [
            s3("train", "s3://example-bucket/train/", S3DataDistributionType="ShardedByS3Key")
        ],
        "ResourceConfig": {"InstanceCount": 3},
    }
    found = shares(tmp_path, patch, ("algo-1", "algo-2", "algo-3"))
    assert sorted(name for share in found for name in share) == [str(number) for number in range(7)]
    assert sorted(len(share) for share in found) == [2, 2, 3]
    patch["InputDataConfig"][0]["ShuffleConfig"] = {"Seed": 3}
    assert shares(tmp_path, patch, ("algo-1", "algo-2", "algo-3")) != found


def test_shares_of_instance_groups(tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path, f"example-bucket/train/{number}")
    groups = [
        {"InstanceGroupName": "big", "InstanceType": "ml.m5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "small", "InstanceType": "ml.m5.large", "InstanceCount": 2},
    ]
    member = s3("train", "s3://example-bucket/train/", InstanceGroupNames=["small"])
    patch = {"InputDataConfig": [member], "ResourceConfig": {"InstanceGroups": groups, "InstanceCount": None}}
    every = ["0", "1", "2", "3"]
    assert shares(tmp_path, patch, ("algo-1", "algo-2", "algo-3")) == [[], every, every]
    member["DataSource"]["S3DataSource"]["S3DataDistributionType"] = "ShardedByS3Key"
    assert shares(tmp_path, patch, ("algo-1", "algo-2", "algo-3")) == [[], ["0", "2"], ["1", "3"]]


def test_shares_of_pipes_change_with_the_epoch(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path, f"example-bucket/train/{number:02}")
    member = s3("train", "s3://example-bucket/train/", S3DataDistributionType="ShardedByS3Key")
    member |= {"InputMode": "Pipe", "ShuffleConfig": {"Seed": 1}}
    wanted = request({"InputDataConfig": [member], "ResourceConfig": {"InstanceCount": 2}})
    sources = [channels.resolve(member, {}, str(tmp_path), "Pipe")]
    (first,), (second,) = (pipes.feeds(sources, wanted, host, "/none") for host in ("algo-1", "algo-2"))
    for epoch in range(3):
        both = [*pipes.epoch_of(first, epoch), *pipes.epoch_of(second, epoch)]
        assert sorted(map(tuple, both)) == sorted(map(tuple, first.parts))
    assert set(map(tuple, pipes.epoch_of(first, 0))) != set(map(tuple, pipes.epoch_of(first, 1)))


def test_order_of_hosts_is_by_number() -> None:
    wanted = request({"ResourceConfig": {"InstanceCount": 12}})
    assert sharding.takers(wanted, channel("train"))[:3] == ["algo-1", "algo-2", "algo-3"]


def test_two_hosts_get_a_half_each(run: Run, tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path / "root", f"example-bucket/train/{number}")
    patch = {
        "InputDataConfig": [
            s3("train", "s3://example-bucket/train/", S3DataDistributionType="ShardedByS3Key")
        ],
        "ResourceConfig": {"InstanceCount": 2},
    }
    job = run(TREE, patch, channels={})
    if "cannot be carried out here" in str(job.failure_reason):
        pytest.skip(str(job.failure_reason))
    assert [job.logs(host) for host in ("algo-1", "algo-2")] == [
        "['train/0', 'train/2']\n",
        "['train/1', 'train/3']\n",
    ]


def test_selection_can_be_written_to_and_stays(run: Run, tmp_path: Path) -> None:
    for key in ("train-1.csv", "train-2.csv", "trained/deep/x.csv", "other.csv"):
        put(tmp_path / "root", f"example-bucket/{key}", "data")
    script = TREE + (
        "open(base + 'train/train-1.csv', 'w').write('changed')\n"
        "os.truncate(base + 'train/trained/deep/x.csv', 0)\n"
        "os.chmod(base + 'train/train-2.csv', 0)\n"
        "os.remove(base + 'train/train-2.csv')"
    )
    job = run(script, {"InputDataConfig": [channel("train", "s3://example-bucket/train")]}, channels={})
    assert job.status == "Completed", job.describe()
    assert job.logs() == "['train/train-1.csv', 'train/train-2.csv', 'train/trained/deep/x.csv']\n"
    bucket = tmp_path / "root/s3/example-bucket"
    kept = {str(p.relative_to(bucket)): p.read_text() for p in bucket.rglob("*.csv")}
    assert set(kept.values()) == {"data"} and len(kept) == 4
    assert all(path.stat().st_nlink == 1 and path.stat().st_mode & 0o400 for path in bucket.rglob("*.csv"))


def test_links_of_a_bucket(run: Run, tmp_path: Path) -> None:
    root = tmp_path / "root"
    put(root, "example-bucket/train/a.csv", "a")
    put(root, "example-bucket/shared/b.csv", "b")
    put(root, "other-bucket/secret.csv", "secret")
    folder = root / "s3/example-bucket/train"
    (folder / "inside.csv").symlink_to("../shared/b.csv")
    (folder / "folder").symlink_to("../shared")
    (folder / "out.csv").symlink_to("../../other-bucket/secret.csv")
    (folder / "etc").symlink_to("/etc")
    (folder / "nothing").symlink_to("none")
    (folder / "itself").symlink_to(".")
    os.mkfifo(folder / "fifo")
    script = TREE + "print(open(base + 'train/inside.csv').read(), os.path.islink(base + 'train/inside.csv'))"
    job = run(script, {"InputDataConfig": [channel("train", "s3://example-bucket/train/")]}, channels={})
    assert job.logs() == "['train/a.csv', 'train/folder/b.csv', 'train/inside.csv']\nb False\n"
    assert not job.evidence.stray_files
    notes = " ".join(job.evidence.not_reproduced)
    for name in ("out.csv", "etc", "nothing", "itself", "fifo"):
        assert f"{folder}/{name} is " in notes
    assert (folder / "out.csv").is_symlink() and (folder / "fifo").exists()


@pytest.mark.parametrize("level", ["bubblewrap", "process"])
def test_links_of_a_bucket_at_other_levels(
    run: Run, levels: dict[str, str], level: str, tmp_path: Path
) -> None:
    if levels[level]:
        pytest.skip(levels[level])
    root = tmp_path / "root"
    put(root, "example-bucket/train/a.csv", "a")
    put(root, "example-bucket/shared/b.csv", "b")
    folder = root / "s3/example-bucket/train"
    (folder / "folder").symlink_to("../shared")
    (folder / "etc").symlink_to("/etc")
    script = "import os; print(sorted(n for _, _, s in os.walk(os.environ['SM_CHANNEL_TRAIN']) for n in s))"
    patch = {"InputDataConfig": [channel("train", "s3://example-bucket/train/")]}
    assert run(script, patch, channels={}, level=level).logs() == "['a.csv', 'b.csv']\n"


def test_channel_without_an_object_fails(run: Run, tmp_path: Path) -> None:
    (tmp_path / "root/s3/example-bucket/train/empty").mkdir(parents=True)
    job = run("", {"InputDataConfig": [channel("train", "s3://example-bucket/train/")]}, channels={})
    assert (job.status, job.describe()["FailureReason"]) == (
        "Failed",
        "ClientError: Data download failed:S3 key: s3://example-bucket/train/ matched no files on s3",
    )


def test_file_system_on_a_local_path(run: Run, tmp_path: Path) -> None:
    place = {
        "FileSystemId": "fs-0123456789abcdef0",
        "FileSystemType": "EFS",
        "FileSystemAccessMode": "rw",
        "DirectoryPath": "/data",
    }
    member = {"ChannelName": "train", "DataSource": {"FileSystemDataSource": place}}
    job = run(TREE, {"InputDataConfig": [member]}, channels={"train": {"a": "1"}})
    assert job.logs() == "['train/a']\n"
    assert any("fs-0123456789abcdef0" in note for note in job.evidence.not_reproduced)
    with pytest.raises(RunError, match="give it a local path"):
        run("", {"InputDataConfig": [member], "TrainingJobName": "none"}, channels={})


def test_fast_file_is_read_only(run: Run, tmp_path: Path) -> None:
    put(tmp_path / "root", "example-bucket/train/a", "1")
    (tmp_path / "root/s3/example-bucket/train/out").symlink_to("/etc")
    member = {**channel("train", "s3://example-bucket/train/"), "InputMode": "FastFile"}
    script = (
        TREE
        + """
try:
    open(base + "train/a", "w")
except OSError as error:
    print(error.strerror)
"""
    )
    job = run(script, {"InputDataConfig": [member]}, channels={})
    assert job.logs() == "['train/a']\nRead-only file system\n"
    assert not any("FastFile" in note for note in job.evidence.not_reproduced)
    with pytest.raises(RunError, match="SageMaker refuses in FastFile mode"):
        member["DataSource"]["S3DataSource"]["S3DataType"] = "ManifestFile"
        run("", {"InputDataConfig": [member], "TrainingJobName": "refused"}, channels={})


# --- source archives ------------------------------------------------------------------------------


def archive(root: Path, members: dict[str, bytes | tarfile.TarInfo]) -> dict[str, Any]:
    """A source archive in the store; the patch of a request that names it, as the SDK does."""
    path = root / "s3/example-bucket/source/sourcedir.tar.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            info = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if isinstance(content, bytes):
                info.size = len(content)
            file.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return {
        "HyperParameters": {
            "sagemaker_submit_directory": '"s3://example-bucket/source/sourcedir.tar.gz"',
            "sagemaker_program": '"train.py"',
        }
    }


def test_source_archive_is_the_source(run: Run, tmp_path: Path) -> None:
    patch = archive(
        tmp_path / "root", {"train.py": b"import lib.words", "lib/words.py": b"print('from the archive')"}
    )
    job = run(None, patch, channels={"train": {"a": "1"}})
    assert (job.status, job.logs()) == ("Completed", "from the archive\n"), job.describe()


def test_archive_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    patch = archive(tmp_path / "elsewhere", {"train.py": b""})
    with pytest.raises(
        RunError, match=r"source archive s3://example-bucket/source/sourcedir\.tar\.gz is not in"
    ):
        run(None, patch, channels={"train": {"a": "1"}})


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.linkname = kind, target
    return found


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"../out.py": b"x"}, "leads out of the folder"),
        ({"/tmp/absolute.py": b"x"}, "leads out of the folder"),
        ({"l": special("l", tarfile.SYMTYPE, "../.."), "l/out.py": b"x"}, "is a link to '../..', outside"),
        ({"l": special("l", tarfile.SYMTYPE, "/etc")}, "is a link to '/etc', outside"),
        ({"l": special("l", tarfile.LNKTYPE, "../../job.json")}, "outside"),
        ({"d": special("d", tarfile.CHRTYPE)}, "is a device or a FIFO"),
        ({"d": special("d", tarfile.FIFOTYPE)}, "is a device or a FIFO"),
    ],
)
def test_archive_cannot_get_out(run: Run, tmp_path: Path, members: dict[str, Any], reason: str) -> None:
    patch = archive(tmp_path / "root", {"train.py": b"", **members})
    job = run(None, patch, channels={"train": {"a": "1"}})
    assert job.status == "Failed"
    assert reason in job.describe()["FailureReason"]
    assert not list(tmp_path.rglob("out.py"))


def test_links_inside_an_archive_are_kept(run: Run, tmp_path: Path) -> None:
    members: dict[str, Any] = {
        "real.py": b"print('linked')",
        "train.py": special("train.py", tarfile.SYMTYPE, "real.py"),
        "hard.py": special("hard.py", tarfile.LNKTYPE, "real.py"),
    }
    job = run(None, archive(tmp_path / "root", members), channels={"train": {"a": "1"}})
    assert job.logs() == "linked\n"
