"""Rules on functions that the SageMaker SDK sends to a training job: ``@remote``, and ``@step`` of a pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws.images import parse_image
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView, listing, text
from cursus.redact import show

OPTION = "--client_python_version"
_PYTHON = re.compile(r"py(\d)(\d+)")


@rule("FRM018", area="framework", reads=("AlgorithmSpecification.ContainerArguments",))
def python_of_a_remote_function(view: TrainingView) -> Iterator[Problem]:
    """A function that was packed with one version of Python is to be run with another.

    What it does:
        Compares the Python that the SDK packed the function with (--client_python_version of ContainerArguments) with the one in
        the image's tag. A job that makes a conda environment of its own, or is given the name of one, is left alone.
    Why:
        A packed function is bytecode, which only the same version of Python reads: "Python version found in the container is
        '3.10' which does not match python version '3.11' on the local client" fails the job, once its instance is up.
    Breaks:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.2.0-cpu-py310
          ContainerEntrypoint: [/bin/bash, /opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh]
          ContainerArguments: [--s3_base_uri, "s3://example-bucket/functions", --client_python_version, "3.11"]
    Right:
        AlgorithmSpecification:
          TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.2.0-cpu-py310
          ContainerEntrypoint: [/bin/bash, /opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh]
          ContainerArguments: [--s3_base_uri, "s3://example-bucket/functions", --client_python_version, "3.10"]
    Source:
        sagemaker 2.257.7, sagemaker.remote_function.runtime_environment,
        https://github.com/aws-samples/amazon-sagemaker-build-train-deploy/issues/38
    Since:
        0.1
    """
    words = listing(view.algorithm, "ContainerArguments")
    if OPTION not in words[:-1] or "--job_conda_env" in words:
        return
    at = words.index(OPTION) + 1
    image = parse_image(text(view.algorithm, "TrainingImage") or "")
    tag = _PYTHON.fullmatch(image.python_version or "") if image is not None and image.amazon else None
    packed = words[at]
    if tag is None or not isinstance(packed, str) or not re.fullmatch(r"\d+\.\d+", packed):
        return
    settings = words[words.index("--dependency_settings") + 1 :] if "--dependency_settings" in words else []
    if settings and isinstance(settings[0], str) and re.search(r"\.ya?ml\b", settings[0]):
        return  # a conda environment, with a Python of its own
    inside = f"{tag[1]}.{tag[2]}"
    if inside != packed:
        yield Problem(
            f"the function was packed with Python {show(packed)}, and the image has {inside}",
            ("AlgorithmSpecification", "ContainerArguments", at),
            f"give the decorator an image with Python {packed}, or build the pipeline with Python {inside}",
        )
