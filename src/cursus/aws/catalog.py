"""What AWS publishes about training, as an index.

The facts and the functions that read them live in one module for each kind, all backed by files in ``data/``:

- ``cursus.aws.instances``: instance types, their processors, accelerators and storage.
- ``cursus.aws.images``: registries, frameworks, versions; reading an image URI and finding one.
- ``cursus.aws.algorithms``: the built-in algorithms.
- ``cursus.aws.distribution``: the ways to train on several processors, and what supports each.
"""

from __future__ import annotations

from cursus.aws import algorithms, distribution, images, instances

algorithm = algorithms.of_request
image = images.parse_image
instance = instances.find

__all__ = ["algorithm", "algorithms", "distribution", "image", "images", "instance", "instances"]
