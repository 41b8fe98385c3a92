"""The library's DistributedDataParallel: PyTorch's own."""

from torch.nn.parallel import DistributedDataParallel

__all__ = ["DistributedDataParallel"]
