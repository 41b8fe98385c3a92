"""``sagemaker_submit_directory``: the source as a tar.gz, unpacked so that nothing gets outside its folder.

https://github.com/aws/sagemaker-training-toolkit
"""

from __future__ import annotations

import os
import tarfile
from collections.abc import Mapping
from typing import Any

from cursus.local.framework import toolkit
from cursus.local.linux.disk import reason


class ArchiveError(Exception):
    """An archive that cannot be unpacked safely, or at all; the text names the member."""


def named(hyperparameters: Mapping[str, Any]) -> tuple[str, str] | None:
    """(URI of the archive, entry point) where the hyperparameters name both, as the SDKs write them."""
    settings = toolkit.decode({k: v for k, v in hyperparameters.items() if isinstance(v, str)})
    uri, program = settings.get(toolkit.SUBMIT_DIRECTORY), settings.get(toolkit.PROGRAM)
    if isinstance(uri, str) and uri.startswith("s3://") and isinstance(program, str) and program:
        return uri, program
    return None


def unpack(path: str, target: str) -> None:
    """Unpack a tar archive, compressed or not, into ``target``.

    Raises:
        ArchiveError: it is none; a member climbs out, is a device, or links to somewhere outside.
    """
    os.makedirs(target, exist_ok=True)
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                _member(archive, member, os.path.realpath(target))
    except (tarfile.TarError, EOFError) as error:
        raise ArchiveError(f"it is no tar archive: {error}") from error
    except OSError as error:
        raise ArchiveError(reason(error)) from error


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, target: str) -> None:
    name = member.name
    place = os.path.normpath(os.path.join(target, name))
    parent = os.path.realpath(os.path.dirname(place))
    if name.startswith("/") or not _inside(place, target) or not _inside(parent, target):
        raise ArchiveError(f"its member {name!r} leads out of the folder that it is unpacked to")
    if member.isdir():
        os.makedirs(place, exist_ok=True)
        return
    os.makedirs(os.path.dirname(place), exist_ok=True)
    if os.path.islink(place) or os.path.isfile(place):
        os.unlink(place)
    if member.issym():
        linked = os.path.normpath(os.path.join(os.path.dirname(place), member.linkname))
        if member.linkname.startswith("/") or not _inside(linked, target):
            raise ArchiveError(f"its member {name!r} is a link to {member.linkname!r}, outside")
        os.symlink(member.linkname, place)
    elif member.islnk():
        linked = os.path.normpath(os.path.join(target, member.linkname))
        if not _inside(os.path.realpath(linked), target):
            raise ArchiveError(f"its member {name!r} is a link to {member.linkname!r}, outside")
        os.link(linked, place, follow_symlinks=False)
    elif member.isfile():
        source = archive.extractfile(member)
        assert source is not None
        import shutil

        with source, open(place, "wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        os.chmod(place, (member.mode & 0o777) | 0o600)
        os.utime(place, (member.mtime, member.mtime))
    else:
        raise ArchiveError(f"its member {name!r} is a device or a FIFO")


def _inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")
