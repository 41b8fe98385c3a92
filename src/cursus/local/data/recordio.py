"""RecordIO as SageMaker wraps objects with it in Pipe mode: a magic number, a length, the bytes, up to 4 bytes' bound.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Channel.html (RecordWrapperType),
https://mxnet.apache.org/api/architecture/note_data_loading
"""

from __future__ import annotations

import struct

MAGIC = 0xCED7230A
LARGEST = (1 << 29) - 1
"""Bytes of one record: the upper three bits of its length are flags."""


class RecordTooLargeError(ValueError):
    """An object that no record can hold."""


def header(length: int) -> bytes:
    """What stands before a record of ``length`` bytes. Raises RecordTooLargeError."""
    if length > LARGEST:
        raise RecordTooLargeError(
            f"{length} bytes do not fit into one RecordIO record, which holds {LARGEST}"
        )
    return struct.pack("<II", MAGIC, length)


def padding(length: int) -> bytes:
    """What stands after it."""
    return b"\0" * (-length % 4)


def wrap(data: bytes) -> bytes:
    """One record."""
    return header(len(data)) + data + padding(len(data))
