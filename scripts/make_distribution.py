"""Make src/cursus/aws/data/distribution.json: what supports which way of distributed training.

Sources: the constants of the SageMaker Python SDK's own checks (PyPI, pinned), and the developer guide's
pages on the data parallelism and model parallelism libraries, tabled below.

    python scripts/make_distribution.py FOLDER_OF_UNPACKED_SDK_WHEEL
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import Any

import tables

SDK = "sagemaker 2.257.7"
DATE = "2026-11-23"
GUIDE = "https://docs.aws.amazon.com/sagemaker/latest/dg/"
DATA_PARALLEL = GUIDE + "distributed-data-parallel-support.html"
MODEL_PARALLEL = GUIDE + "distributed-model-parallel-support.html"
COMPILER = GUIDE + "training-compiler-support.html"
MODEL_PARALLEL_2 = GUIDE + "distributed-model-parallel-support-v2.html"
TORCH = "https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html#distributed-pytorch-training"
TENSORFLOW = (
    "https://sagemaker.readthedocs.io/en/stable/frameworks/tensorflow/using_tf.html#distributed-training"
)
# Version 1 of the library to PyTorch 2.0.1, version 2 from there on.
MODEL_PARALLEL_TORCH = [
    *("1.6.0", "1.7.1", "1.8.0", "1.8.1", "1.9.0", "1.9.1", "1.10.0", "1.10.2", "1.11.0", "1.12.0", "1.12.1"),
    *("1.13.1", "2.0.0", "2.0.1", "2.1.0", "2.1.2", "2.2.0", "2.3.0", "2.3.1", "2.4.0", "2.4.1"),
]
# Amazon's libraries are in the other image of this version, 1.6.0-gpu-py36-cu110-ubuntu18.04 (the SDK's image_uris).
WITH_CUDA_10 = ["1.6.0-gpu-py3 ", "1.6.0-gpu-py36 ", "1.6.0-gpu-py36-cu101"]
# Of these versions the library is in images of its own: https://github.com/aws/sagemaker-python-sdk/pull/4356
APART = ["2.0.1-gpu-py310-cu121", "2.1", "2.2", "2.3", "2.4"]
MODEL_PARALLEL_TENSORFLOW = ["2.3.1", "2.3.2", "2.4.1", "2.4.3", "2.5.0", "2.5.1", "2.6.0", "2.6.2", "2.6.3"]

MODEL_PARALLEL_PARAMETERS = (
    "https://sagemaker.readthedocs.io/en/stable/api/training/smd_model_parallel_general.html"
)
MODEL_PARALLEL_PARAMETERS_2 = GUIDE + "distributed-model-parallel-v2-reference.html"
# What these two pages say of the parameters beside the SDK's own check of them.
POSITIVE = [
    *("pipeline_parallel_degree", "tensor_parallel_degree", "sharded_data_parallel_degree"),
    "activation_loading_horizon",
]
PLACEMENTS = ["DPT", "DTP", "PDT", "PTD", "TDP", "TPD"]
SWITCHED = [
    *("offload_activations", "fp16", "bf16", "fp16_params", "shard_optimizer_state", "prescaled_batch"),
    *("skip_tracing", "sdp_hierarchical_allgather", "delayed_parameter_initialization"),
    *("sm_activation_offloading", "allow_empty_shards"),
]
OTHER_PARAMETERS = [
    *("default_partition", "memory_weight", "ddp_port", "ddp_dist_backend", "partition_file"),
    *("overlapping_allreduce", "sdp_reduce_bucket_size", "sdp_param_persistence_threshold"),
    *("sdp_max_live_parameters", "sdp_gradient_clipping"),
]
# Only version 1 has the first, only version 2, which torchrun starts and which has no ddp, the others.
OF_VERSION_1 = ["partitions", "pipeline_parallel_degree", "microbatches", "ddp"]
OF_VERSION_2 = [
    *("hybrid_shard_degree", "sm_activation_offloading", "expert_parallel_degree", "context_parallel_degree"),
    "allow_empty_shards",
]
# Pairs that the SDK lets one switch on together; of any other pair the training toolkit launches one.
TOGETHER = [
    ["smdistributed.dataparallel", "torch_distributed"],
    ["smdistributed.dataparallel", "smdistributed.modelparallel"],
    ["smdistributed.modelparallel", "torch_distributed"],
    ["smdistributed.modelparallel", "mpi"],
]

# A container that does not know one of these switches trains on, each host alone.
UNHEARD = ["mpi", "parameter_server", "multi_worker_mirrored_strategy"]
# Families that came after the libraries' version 1; from version 2 on torchrun starts them, which knows these types.
NEWEST = ["p5", "p6"]


SWITCHES = {
    "sagemaker_distributed_dataparallel_enabled": "smdistributed.dataparallel",
    "sagemaker_torch_distributed_enabled": "torch_distributed",
    "sagemaker_pytorch_ddp_enabled": "pytorchddp",
    "sagemaker_mpi_enabled": "mpi",
    "sagemaker_parameter_server_enabled": "parameter_server",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "multi_worker_mirrored_strategy",
    "sagemaker_pytorch_xla_multi_worker_enabled": "pytorchxla",
}
# What else the SDK writes, and aws/sagemaker-training-toolkit and the containers read.
SETTINGS = [
    *(
        "sagemaker_additional_mpi_options",
        "sagemaker_container_log_level",
        "sagemaker_distribution_instance_groups",
    ),
    *("sagemaker_distributed_dataparallel_custom_mpi_options", "sagemaker_enable_cloudwatch_metrics"),
    *(
        "sagemaker_estimator",  # of the SDK's RLEstimator
        "sagemaker_estimator_class_name",
        "sagemaker_estimator_module",
        "sagemaker_instance_type",
        "sagemaker_job_name",
    ),
    *("sagemaker_local", "sagemaker_model_server_workers", "sagemaker_mpi_custom_mpi_options"),
    *(
        "sagemaker_mpi_num_of_processes_per_host",
        "sagemaker_mpi_num_processes",
        "sagemaker_network_interface_name",
    ),
    *("sagemaker_num_processes", "sagemaker_process_slots_per_host", "sagemaker_program", "sagemaker_region"),
    *("sagemaker_requirements", "sagemaker_s3_output", "sagemaker_submit_directory"),
    *("sagemaker_toolkit_native_launcher_enabled", "sagemaker_training_compiler_debug_mode"),
    *("sagemaker_training_compiler_enabled", "sagemaker_use_mpi"),
]
OTHERS = {
    "pytorchddp": {
        "title": "PyTorch DDP through MPI (pytorchddp)",
        "page": TORCH,
        "versions": {
            "pytorch": ["1.10.0"]
        },  # fw_utils.PYTORCHDDP_SUPPORTED_FRAMEWORK_VERSIONS of sagemaker 2.221
        "open_ended": True,
        "processors": ["gpu"],
    },
    "mpi": {
        "title": "MPI",
        "page": TENSORFLOW,
        "versions": {"tensorflow": ["1.12.0"], "pytorch": ["1.6.0"], "mxnet": ["1.6.0"]},
        "open_ended": True,
        "processors": ["gpu", "cpu"],
    },
    "parameter_server": {
        "title": "The parameter server",
        "page": TENSORFLOW,
        "versions": {"tensorflow": ["1.11.0"], "mxnet": ["1.3.0"]},
        "open_ended": True,
        "processors": ["cpu", "gpu"],
        "single_gpu": True,
        "several_hosts": True,
    },
    "multi_worker_mirrored_strategy": {
        "title": "TensorFlow's multi-worker mirrored strategy",
        "page": TENSORFLOW,
        "versions": {"tensorflow": ["2.9.0"]},
        "open_ended": True,
        "processors": ["gpu", "cpu"],
        "several_hosts": True,
    },
    "pytorchxla": {
        "title": "PyTorch/XLA of the training compiler",
        "page": COMPILER,
        "versions": {"pytorch": ["1.11.0", "1.12.0", "1.13.1"]},
        "processors": ["gpu"],
    },
}
"""Strategies of which neither the SDK nor a page has a table."""

# SM_EFA_NCCL_INSTANCES of the training toolkit (aws/sagemaker-training-toolkit@3383937, __init__.py; ml.p5e.48xlarge
# came with pull request 241): for these it sets FI_PROVIDER, for others nobody does.
EFA = [
    *("ml.g4dn.8xlarge", "ml.g4dn.12xlarge", "ml.g5.48xlarge", "ml.p3dn.24xlarge", "ml.p4d.24xlarge"),
    *("ml.p4de.24xlarge", "ml.p5.48xlarge", "ml.trn1.32xlarge", "ml.p6e-gb200.36xlarge"),
]


def constants(folder: Path, *names: str) -> dict[str, Any]:
    """Literal constants of the SDK's module of framework checks."""
    tree = ast.parse((folder / "sagemaker" / "fw_utils.py").read_text())
    found: dict[str, Any] = {}
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id in names
        ):
            found[node.targets[0].id] = ast.literal_eval(node.value)
    assert set(found) == set(names), set(names) - set(found)
    return found


def compiled_families(folder: Path) -> list[str]:
    """The instance families that the SDK lets SageMaker Training Compiler run on."""
    tree = ast.parse((folder / "sagemaker" / "training_compiler" / "config.py").read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Assign)
            and ast.unparse(node.targets[0]) == "SUPPORTED_INSTANCE_CLASS_PREFIXES"
        ):
            return list(ast.literal_eval(node.value))
    raise LookupError("SUPPORTED_INSTANCE_CLASS_PREFIXES")


def model_parallel_parameters(folder: Path) -> dict[str, Any]:
    """The library's parameters, of the check that the SDK makes of them and of the library's pages."""
    tree = ast.parse((folder / "sagemaker" / "fw_utils.py").read_text())
    check = next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and node.name == "validate_mp_config"
    )
    choices: dict[str, list[str]] = {}
    loops: dict[str, list[str]] = {}
    for node in check.body:
        if isinstance(node, ast.For):  # for key in […]: validate_positive(key)
            loops[ast.unparse(node.body[0])] = ast.literal_eval(node.iter)
        elif isinstance(node, ast.Expr) and ast.unparse(node).startswith("validate_in("):
            assert isinstance(node.value, ast.Call)
            name, allowed = (ast.literal_eval(one) for one in node.value.args)
            choices[name] = allowed
    choices["placement_strategy"] += PLACEMENTS
    return {
        "positive": loops["validate_positive(key)"] + POSITIVE,
        "choices": choices,
        "switched": loops["validate_bool(key)"],
        "switched_too": SWITCHED,
        "others": OTHER_PARAMETERS,
        "of_version_1": OF_VERSION_1,
        "of_version_2": OF_VERSION_2,
    }


def data_parallel(read: dict[str, Any]) -> dict[str, Any]:
    """The data parallelism library, of the SDK's constants and the guide's page."""
    types = instance_types(read)
    versions = read["SM_DATAPARALLEL_SUPPORTED_FRAMEWORK_VERSIONS"]
    versions["pytorch"] += ["2.3.0", "2.3.1", "2.4.1"]  # the guide's page names these beside the SDK's
    return {
        "title": "The SageMaker data parallelism library",
        "page": DATA_PARALLEL,
        "versions": versions,
        # The library that came with PyTorch 2.1 has nothing for p3.16xlarge any more; the containers' own
        # tests ran there until then (aws/deep-learning-containers, pull request 3645).
        "instance_types": [
            {"from": "0", "types": types},
            {
                "from": "2.1",
                "framework": "pytorch",
                "types": [name for name in types if not name.startswith("ml.p3.")],
            },
        ],
        "declining": ["ml.p3dn.24xlarge"],
        "excluded_tags": [*WITH_CUDA_10, "2.0.1-gpu-py310-cu121"],
        "processors": ["gpu"],
    }


def model_parallel(read: dict[str, Any]) -> dict[str, Any]:
    """The model parallelism library."""
    types = ["ml.g4dn.12xlarge", *instance_types(read)]
    newer = ["ml.p5.48xlarge", "ml.p5e.48xlarge", "ml.p5en.48xlarge"]
    return {
        "title": "The SageMaker model parallelism library",
        "page": MODEL_PARALLEL,
        "versions": {"pytorch": MODEL_PARALLEL_TORCH, "tensorflow": MODEL_PARALLEL_TENSORFLOW},
        "instance_types": [
            {"from": "0", "types": types},
            {"from": "2.0.1", "framework": "pytorch", "types": [*types, *newer]},
        ],
        "excluded_tags": [*WITH_CUDA_10, *APART],
        "processors": ["gpu"],
    }


def torch_distributed(read: dict[str, Any]) -> dict[str, Any]:
    """Torchrun."""
    return {
        "title": "torch_distributed (torchrun)",
        "page": TORCH,
        "versions": {"pytorch": read["TORCH_DISTRIBUTED_GPU_SUPPORTED_FRAMEWORK_VERSIONS"]},
        "neuron_versions": read["TRAINIUM_SUPPORTED_TORCH_DISTRIBUTED_FRAMEWORK_VERSIONS"],
        "open_ended": True,
        "processors": ["gpu", "neuron"],
        # The SDK refuses it; the training toolkit starts torchrun there all the same, and gloo works.
        "unsupported_processors": ["cpu"],
    }


def instance_types(read: dict[str, Any]) -> list[str]:
    return [name for name in read["SM_DATAPARALLEL_SUPPORTED_INSTANCE_TYPES"] if name.startswith("ml.")]


def main() -> None:
    folder = Path(sys.argv[1])
    read = constants(
        folder,
        "SM_DATAPARALLEL_SUPPORTED_INSTANCE_TYPES",
        "SM_DATAPARALLEL_SUPPORTED_FRAMEWORK_VERSIONS",
        "TORCH_DISTRIBUTED_GPU_SUPPORTED_FRAMEWORK_VERSIONS",
        "TRAINIUM_SUPPORTED_TORCH_DISTRIBUTED_FRAMEWORK_VERSIONS",
    )
    document = {
        "source": f"{SDK} (PyPI) fw_utils; {DATA_PARALLEL}; {MODEL_PARALLEL}; {MODEL_PARALLEL_2}; "
        f"{MODEL_PARALLEL_PARAMETERS}; {MODEL_PARALLEL_PARAMETERS_2}",
        "date": DATE,
        "switches": SWITCHES,
        "settings": SETTINGS,
        "together": TOGETHER,
        "unheard": UNHEARD,
        "newest_families": NEWEST,
        "efa_by_toolkit": EFA,
        "model_parallel_parameters": model_parallel_parameters(folder),
        # What the SDK's TrainingCompilerConfig.validate refuses.
        "training_compiler": {
            "switch": "sagemaker_training_compiler_enabled",
            "page": COMPILER,
            "families": compiled_families(folder),
            "excludes": [
                "smdistributed.dataparallel",
                "smdistributed.modelparallel",
                "multi_worker_mirrored_strategy",
            ],
        },
        "strategies": {
            "smdistributed.dataparallel": data_parallel(read),
            "smdistributed.modelparallel": model_parallel(read),
            "torch_distributed": torch_distributed(read),
            **OTHERS,
        },
    }
    tables.write("distribution", document, compact=True)


if __name__ == "__main__":
    main()
