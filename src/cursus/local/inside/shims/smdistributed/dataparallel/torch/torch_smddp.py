"""Importing this registers the backend ``smddp``: NCCL where there is a GPU, else Gloo.

https://docs.aws.amazon.com/sagemaker/latest/dg/data-parallel-modify-sdp-pt.html
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist


def _create(store: Any, rank: int, size: int, timeout: Any) -> Any:
    if torch.cuda.is_available():
        return dist.ProcessGroupNCCL(store, rank, size)
    return dist.ProcessGroupGloo(store, rank, size, timeout)


dist.Backend.register_backend("smddp", _create, devices=["cpu", "cuda"])
