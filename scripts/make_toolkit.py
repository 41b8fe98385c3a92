"""Make ``src/cursus/aws/data/toolkit.json``: the variables and files that a script finds in its container.

    pip download --no-deps --no-binary :all: sagemaker-training==5.1.4
    pip download --no-deps sagemaker==2.257.7
    python scripts/make_toolkit.py FOLDER_OF_UNPACKED_TOOLKIT FOLDER_OF_UNPACKED_SDK_WHEEL

The variables that begin with ``SM_`` are read from the source of the two that set them. The others are tabled below.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import tables

TOOLKIT = "sagemaker-training 5.1.4 (PyPI), sagemaker_training/environment.py"
DRIVERS = "sagemaker 2.257.7 (PyPI), sagemaker/modules/train/container_drivers/scripts/environment.py"
PAGES = (
    "https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html",
    "https://pytorch.org/docs/stable/elastic/run.html#environment-variables",
    "https://www.tensorflow.org/guide/distributed_training#setting_up_the_tf_config_environment_variable",
)
# SM_DLC_TORCH_VERSION is of the images (the toolkit's mpi.py reads it). No source at hand sets the others: they are no
# slips of a name either, as scripts set them for themselves or had them of older drivers.
OTHERS = ["SM_DLC_TORCH_VERSION", "SM_JOB_NAME"]
OTHER_DRIVERS = ["SM_LOCAL_CONTAINER_DIR", "SM_MASTER"]
# What the system, SageMaker, the images and the launchers set beside them.
STANDARD = [
    *("HOME", "PATH", "PWD", "USER", "LANG", "HOSTNAME", "PYTHONPATH", "LD_LIBRARY_PATH", "TMPDIR", "SHELL"),
    *("TERM", "AWS_REGION", "AWS_DEFAULT_REGION", "TRAINING_JOB_NAME", "TRAINING_JOB_ARN", "CURRENT_HOST"),
    *("SAGEMAKER_JOB_NAME", "SAGEMAKER_REGION", "DMLC_INTERFACE", "RANK", "WORLD_SIZE", "LOCAL_RANK"),
    *("MASTER_ADDR", "MASTER_PORT", "LOCAL_WORLD_SIZE", "TF_CONFIG", "NCCL_SOCKET_IFNAME", "NCCL_DEBUG"),
    *("KMP_AFFINITY", "OMP_NUM_THREADS", "SHLVL", "OLDPWD"),
    *("GROUP_RANK", "ROLE_RANK", "ROLE_NAME", "GROUP_WORLD_SIZE", "ROLE_WORLD_SIZE"),
]
# How the variables begin that images, accelerators and launchers have of their own.
PREFIXES = [
    *("AWS_", "SM_", "SAGEMAKER", "NVIDIA_", "CUDA", "NCCL_", "OMPI_", "TF_", "PYTHON", "CONDA", "MASTER_"),
    *("SMDATA", "HF_", "TORCHELASTIC_", "PMIX_", "ECS_", "NV_"),
]
# Where the toolkit's folders are; those that the drivers have too are compared with theirs.
PLACES = {
    "SM_MODEL_DIR": "/opt/ml/model",
    "SM_OUTPUT_DATA_DIR": "/opt/ml/output/data",
    "SM_OUTPUT_DIR": "/opt/ml/output",
    "SM_OUTPUT_INTERMEDIATE_DIR": "/opt/ml/output/intermediate",
    "SM_INPUT_DIR": "/opt/ml/input",
    "SM_INPUT_CONFIG_DIR": "/opt/ml/input/config",
}
# Variables whose values are numbers: the toolkit's, and the launchers'.
NUMBERS = ["SM_NUM_GPUS", "SM_NUM_CPUS", "SM_NUM_NEURONS"]
RANKS = ["RANK", "LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"]
# Parts of texts by which a script asks who the other hosts are: variables, the file of CONFIG that lists them, a name.
HOSTS = [
    *("SM_HOSTS", "SM_CURRENT_HOST", "RESOURCE_CONFIG", "resourceconfig", "WORLD_SIZE", "RANK", "TF_CONFIG"),
    "algo-1",
]
# Those by which programs that one launcher starts on each host find the first one.
FIRST_HOST = [
    *("SM_HOSTS", "SM_CURRENT_HOST", "SM_MASTER", "MASTER_ADDR", "TF_CONFIG", "WORLD_SIZE"),
    "resourceconfig.json",
]
# What a container has below /opt/ml.
TREE = ["input", "model", "output", "checkpoints", "code", "errors", "failure", "processing"]
# What stands in /opt/ml/input/config of a job, as public logs of jobs list it.
CONFIG = [
    "hyperparameters.json",
    "inputdataconfig.json",
    "resourceconfig.json",
    "checkpointconfig.json",
    "upstreamoutputdataconfig.json",
    "trainingjobconfig.json",
    "metric-definition-regex.json",
    "debughookconfig.json",
    "debugruleconfig.json",
    "profilerconfig.json",
    "profilerruleconfig.json",
    "tensorboardoutputconfig.json",
    "init-config.json",
]


def assigned(path: Path, function: str, table: str) -> Iterator[str]:
    """The keys that a function puts into its dictionary ``table``, those that are no formatted text."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    body = next(
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function
    )
    for node in ast.walk(body):
        if not isinstance(node, ast.Assign):
            continue
        target = node.targets[0]
        keys: list[ast.expr | None] = []
        if isinstance(target, ast.Name) and target.id == table and isinstance(node.value, ast.Dict):
            keys = list(node.value.keys)
        elif isinstance(target, ast.Subscript) and ast.unparse(target.value) == table:
            keys = [target.slice]
        yield from (key.value for key in keys if isinstance(key, ast.Constant) and isinstance(key.value, str))


def main(toolkit: str, sdk: str) -> None:
    """Write the table."""
    source = Path(toolkit) / "src/sagemaker_training/environment.py"
    own = {*(f"SM_{name.upper()}" for name in assigned(source, "to_env_vars", "env")), *OTHERS}
    source = Path(sdk) / "sagemaker/modules/train/container_drivers/scripts/environment.py"
    drivers = {*assigned(source, "set_env", "env_vars"), *OTHER_DRIVERS}
    constants = {
        ast.unparse(node.targets[0]): node.value.value
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
    }
    moved = [name for name, place in PLACES.items() if constants.get(name, place) != place]
    if moved:
        raise SystemExit(f"the drivers have another place for {', '.join(moved)}")
    document = {
        "source": "; ".join((TOOLKIT, DRIVERS, *PAGES)),
        "date": tables.today(),
        "variables": sorted(own),
        "driver_variables": sorted(drivers - own),
        "standard_variables": STANDARD,
        "prefixes": PREFIXES,
        "config_files": CONFIG,
        "places": PLACES,
        "number_variables": NUMBERS,
        "rank_variables": RANKS,
        "host_texts": HOSTS,
        "first_host_texts": FIRST_HOST,
        "tree": TREE,
    }
    tables.write("toolkit", document)


if __name__ == "__main__":
    main(*sys.argv[1:])
