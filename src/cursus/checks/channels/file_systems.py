"""Rules of the area *channels* for file systems: EFS and FSx for Lustre, mounted instead of downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView, text
from cursus.redact import show

# The FSx API's pattern of MountName; what it gives is "fsx", or eight characters that no one chose.
_MOUNT_NAME = re.compile(r"[A-Za-z0-9_-]{1,8}")
_GIVEN = re.compile(r"fsx|(?!datasets|training)[a-z0-9]{8}")


@rule("CHN009", reads=("*.FileSystemDataSource",), shared=True)
def file_system_mode(view: TrainingView) -> Iterator[Problem]:
    """A file system is mounted in File mode only.

    What it does:
        Holds FileSystemDataSource against Pipe and FastFile mode, and against members that only streaming has. Looks for one
        FileSystemId with two kinds of FileSystemType.
    Why:
        EFS and FSx for Lustre are mounted, not streamed or downloaded: the other modes are for S3 only. A file system is one
        or the other, and is not found as what it is not.
    Example:
          InputDataConfig:
            - ChannelName: train
        -     InputMode: FastFile
              DataSource:
                FileSystemDataSource:
                  {FileSystemId: fs-0a1b2c3d, FileSystemAccessMode: ro, FileSystemType: EFS, DirectoryPath: /data}
          VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f60718], Subnets: [subnet-0a1b2c3d4e5f60718]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
    """
    kinds: dict[object, object] = {}
    for channel in view.channels:
        if not channel.file_system:
            continue
        name, kind = channel.file_system.get("FileSystemId"), channel.file_system.get("FileSystemType")
        if isinstance(name, str) and isinstance(kind, str) and kinds.setdefault(name, kind) != kind:
            yield Problem(
                f"{channel.label} mounts {show(name)} as {kind}, another channel as {kinds[name]}",
                (*channel.path, "DataSource", "FileSystemDataSource", "FileSystemType"),
                "write what it is: EFS or FSxLustre, the same in all channels",
            )
        mode = view.input_mode(channel)
        if mode in ("Pipe", "FastFile"):
            yield Problem(
                f"{channel.label} is a file system in {mode} mode; file systems are mounted in File mode only",
                channel.mode_path,
                "set InputMode of this channel to File",
            )
        if "ShuffleConfig" in channel.request:
            yield Problem(
                f"{channel.label} is a file system, of which nothing is shuffled",
                (*channel.path, "ShuffleConfig"),
                "leave ShuffleConfig out",
                severity="warning",
            )


@rule("CHN010", reads=("*.FileSystemDataSource",), shared=True)
def file_system_needs_vpc(view: TrainingView) -> Iterator[Problem]:
    """A file system is reached through a VPC.

    What it does:
        Wants VpcConfig where a channel is a FileSystemDataSource.
    Why:
        EFS and FSx live in a VPC. Without VpcConfig SageMaker refuses the request:
        "To use file systems, you must specify a VPC configuration".
    Example:
          InputDataConfig:
            - ChannelName: train
              DataSource:
                FileSystemDataSource:
                  {FileSystemId: fs-0a1b2c3d, FileSystemAccessMode: ro, FileSystemType: EFS, DirectoryPath: /data}
        + VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f60718], Subnets: [subnet-0a1b2c3d4e5f60718]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-access-training-data.html
    """
    if view.request.get("VpcConfig"):
        return
    for channel in view.channels:
        if channel.file_system:
            yield Problem(
                f"To use file systems, you must specify a VPC configuration: {channel.label} reads one, and the job has no VpcConfig",
                ("VpcConfig",),
                "add VpcConfig with the file system's subnets and a security group that may mount it",
            )
            return


@rule("CHN011", reads=("*.FileSystemDataSource",), shared=True)
def directory_path(view: TrainingView) -> Iterator[Problem]:
    """DirectoryPath is a full path on the file system.

    What it does:
        Wants DirectoryPath to begin with a slash and to be no URI; for FSx for Lustre, to begin with what can
        be a mount name.
    Why:
        SageMaker mounts this very path. A relative one, or an FSx path without the file system's mount name (`/fsx`,
        or what DescribeFileSystems gives), does not exist there, and the job fails when it mounts.
    Example:
          InputDataConfig:
            - ChannelName: train
              DataSource:
                FileSystemDataSource:
        -         {FileSystemId: fs-0a1b2c3d, FileSystemAccessMode: ro, FileSystemType: EFS, DirectoryPath: data/train}
        +         {FileSystemId: fs-0a1b2c3d, FileSystemAccessMode: ro, FileSystemType: EFS, DirectoryPath: /data/train}
          VpcConfig: {SecurityGroupIds: [sg-0a1b2c3d4e5f60718], Subnets: [subnet-0a1b2c3d4e5f60718]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_FileSystemDataSource.html
    """
    for channel in view.channels:
        if not channel.file_system:
            continue
        directory = text(channel.file_system, "DirectoryPath")
        if directory is None:
            continue
        path = (*channel.path, "DataSource", "FileSystemDataSource", "DirectoryPath")
        if not directory.startswith("/"):
            yield Problem(
                f"the directory path {show(directory)} of {channel.label} does not begin with '/'",
                path,
                "write the full path on the file system, such as /data/train",
            )
        elif channel.file_system.get("FileSystemType") == "FSxLustre":
            first = directory[1:].split("/")[0]
            if _GIVEN.fullmatch(first) is None:
                yield Problem(
                    f"the directory path {show(directory)} of {channel.label} does not begin with the mount name of"
                    " an FSx file system, which is fsx, or eight characters that FSx chose",
                    path,
                    "begin the path with the mount name that DescribeFileSystems gives, such as /fsx or /fbtjzbmv",
                    severity="warning" if _MOUNT_NAME.fullmatch(first) else None,
                )
