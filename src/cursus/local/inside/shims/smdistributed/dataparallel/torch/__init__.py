"""``torch.distributed`` under the names of the library; collectives are plain ones (NCCL or Gloo)."""
