"""Rules of the area *framework*: environment variables that libraries read, in any image, and where a script is to write."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import instances
from cursus.aws.tables import table
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.type_words import whole
from cursus.checks.views import TrainingView, mapping, text
from cursus.redact import show
from cursus.suggest import did_you_mean

ALLOCATOR = ("PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF")
INTERFACES = ("NCCL_SOCKET_IFNAME", "GLOO_SOCKET_IFNAME")
CORES, DEVICES, DETAIL = "NEURON_RT_NUM_CORES", "CUDA_VISIBLE_DEVICES", "TORCH_DISTRIBUTED_DEBUG"
THREADS, INDEX = ("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "CA_REPOSITORY_ARN"
READ = (*ALLOCATOR, *INTERFACES, CORES, DEVICES, DETAIL, *THREADS, INDEX)
REPOSITORY = re.compile(r"arn:[^:]+:codeartifact:[^:]+:[^:]+:repository/[^/]+/.+")
"""What the training toolkit finds the domain and the repository in."""


@rule("FRM036", reads=tuple(f"Environment.{name}" for name in READ))
def variables_of_libraries(view: TrainingView) -> Iterator[Problem]:
    """An environment variable that PyTorch, NCCL, Neuron or the training toolkit reads has a value that it does not take.

    What it does:
        Looks at how PYTORCH_CUDA_ALLOC_CONF and TORCH_DISTRIBUTED_DEBUG are written, at NEURON_RT_NUM_CORES and CUDA_VISIBLE_DEVICES beside
        what the instances have, and at the network interfaces that NCCL and Gloo are to use, where there are several hosts; at the
        numbers of threads of OpenMP, and at the repository of CA_REPOSITORY_ARN, which requirements.txt is to be installed from.
    Why:
        "Unrecognized CachingAllocator option", "The TORCH_DISTRIBUTED_DEBUG level must be one of", "Bootstrap : no socket interface found":
        the script ends when it first uses the library. The hosts of a job see each other by eth0.
    Example:
        - Environment: {PYTORCH_CUDA_ALLOC_CONF: "max_split_size_mb=512"}
        + Environment: {PYTORCH_CUDA_ALLOC_CONF: "max_split_size_mb:512"}
    Source:
        https://pytorch.org/docs/stable/notes/cuda.html#optimizing-memory-usage-with-pytorch-cuda-alloc-conf,
        https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/env.html,
        https://awsdocs-neuron.readthedocs-hosted.com/en/latest/neuron-runtime/nrt-configurable-parameters.html
    """
    given = {name: value for name in READ if (value := text(view.environment, name))}
    kinds = [found for _, name, _ in view.instances if (found := instances.find(name)) is not None]
    for name in ALLOCATOR:
        option = next((each for each in given.get(name, "").split(",") if each and ":" not in each), "")
        if "=" in option or (option and re.fullmatch(r"\w+", option) and "[" not in given[name]):
            yield Problem(
                f"{name} has the option {show(option)}, which has no colon before its value",
                ("Environment", name),
                f"write {option.replace('=', ':') if '=' in option else option + ':<value>'}",
            )
    level = given.get(DETAIL, "OFF")
    if level.upper() not in ("OFF", "INFO", "DETAIL"):
        yield Problem(
            f"{DETAIL} is {show(level)}, and the levels are OFF, INFO and DETAIL",
            ("Environment", DETAIL),
            "write one of them",
        )
    cores, has = whole(given.get(CORES)), max((kind.neuron_cores for kind in kinds), default=0)
    if cores is not None and 0 < has < cores:
        yield Problem(
            f"{CORES} is {cores}, and {kinds[0].name} has {has} cores", ("Environment", CORES), f"write {has}"
        )
    devices = [at for each in given.get(DEVICES, "").split(",") if (at := whole(each)) is not None]
    gpus = max((kind.gpus for kind in kinds), default=0)
    if devices and kinds and 0 < gpus <= max(devices):
        yield Problem(
            f"{DEVICES} names device {max(devices)}, and the {gpus} of {kinds[0].name} begin with 0",
            ("Environment", DEVICES),
            "leave it out, or name those that there are",
            severity="warning",
        )
    for name in THREADS:
        value = given.get(name, "1")
        if not all(whole(part) for part in value.split(",")):
            yield Problem(
                f"{name} is {show(value)}, which is no number of threads: the library takes as many as there are vCPUs",
                ("Environment", name),
                "write a number, or leave it out",
                severity="warning",
            )
    if INDEX in given and "{" not in given[INDEX] and REPOSITORY.match(given[INDEX]) is None:
        yield Problem(
            f"invalid CodeArtifact repository arn {show(given[INDEX])}",
            ("Environment", INDEX),
            "write arn:aws:codeartifact:<region>:<account>:repository/<domain>/<repository>",
            severity="warning",  # it is read where there are requirements
        )
    for name in INTERFACES:
        value = given.get(name, "")
        alone = re.fullmatch(r"=?(lo|docker\d*|ens\d+|enp\w+|wlan\d+|eth[1-9])", value)
        if alone is not None and (view.host_count or 1) > 1:
            yield Problem(
                f"{name} is {show(value)}, and the hosts of a job see each other by eth0",
                ("Environment", name),
                "write eth0, or leave it out",
                severity="warning" if value.startswith("eth") else None,
            )


@rule("FRM037", reads=hyperparameters("report_to"))
def reports_from_isolation(view: TrainingView) -> Iterator[Problem]:
    """A job without a network is to report to Weights & Biases.

    What it does:
        Looks for wandb in report_to beside EnableNetworkIsolation, where neither WANDB_MODE nor the script keeps it offline: a warning in an
        image of your own.
    Why:
        "wandb.errors.CommError: Run initialization has timed out": the container reaches nothing.
    Example:
        - EnableNetworkIsolation: true
          HyperParameters: {report_to: wandb}
          Environment: {WANDB_API_KEY_SECRET: "arn:aws:secretsmanager:us-east-1:123456789012:secret:wandb-AbCdEf"}
    Source:
        https://docs.wandb.ai/guides/track/environment-variables/
    """
    reports = re.split(r"[^a-z]+", str(view.values.get("report_to", "")).lower())
    if "wandb" in reports and view.request.get("EnableNetworkIsolation") is True:
        if str(view.environment.get("WANDB_MODE")) in ("offline", "disabled", "dryrun"):
            return
        switched = {"WANDB_MODE", "WANDB_DISABLED", "*"} & (view.script.env_writes if view.script else set())
        if switched or "WANDB_DISABLED" in view.environment:
            return
        yield Problem(
            "report_to names wandb, and the job has network isolation",
            (view.hyperparameters_member, "report_to"),
            "set WANDB_MODE: offline in Environment, or leave the isolation out",
            severity="warning" if view.framework is None else None,  # an image of one's own may set it
        )


WRITTEN, LOCAL = ("model_dir", "output_dir", "output_data_dir"), ("pytorch", "sklearn", "xgboost", "mxnet")
OUTPUTS = re.compile(
    r"(?i)(?:.*[_-])?(?:model|output|output_data|checkpoints?|ckpts?|save|logs?|logging|tensorboard|results?)"
    r"[_-]?(?:dir|path|folder)"
)
"""How hyperparameters are called that say where a script is to write."""


@rule("ART007", severity="warning", reads=hyperparameters("*dir", "*path", "*folder"))
def folder_that_is_not_kept(view: TrainingView) -> Iterator[Problem]:
    """A script is told to write to a folder that is not kept.

    What it does:
        Where nothing is known of the script, looks at hyperparameters such as model_dir and logging_dir for folders below /opt/ml
        of which nothing is uploaded: not /opt/ml/model, /opt/ml/output/data, nor the LocalPath of CheckpointConfig, TensorBoardOutputConfig and
        DebugHookConfig. Places in S3 count in images that are not TensorFlow's, whose scripts may write there.
    Why:
        All else is lost with the job: it completes, and model.tar.gz is empty.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        -   model_dir: /opt/ml/models
        +   model_dir: /opt/ml/model
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-train-storage.html,
        https://github.com/aws/sagemaker-python-sdk/issues/1355
    """
    if view.builtin is not None or view.script is not None:
        return
    usual = table("limits")["directories"]
    kept = {"/opt/ml/model", "/opt/ml/output/data", "/opt/ml/output/tensors", "/opt/ml/input", "/opt/ml/code"}
    for member in usual:
        given = mapping(view.request, member)
        kept.add(text(given, "LocalPath") or usual[member]["default"])
    kept.add(text(mapping(view.request, "DebugHookConfig"), "LocalPath") or "/opt/ml/output/tensors")
    image = view.framework
    for name, value in view.values.items():
        if not isinstance(value, str) or not isinstance(name, str) or not OUTPUTS.fullmatch(name):
            continue
        folder = value.rstrip("/")
        if folder.startswith("/opt/ml/") and not any(
            f"{folder}/".startswith(f"{each.rstrip('/')}/") for each in kept
        ):
            yield Problem(
                f"nothing of {show(value)} is kept when the job ends.{did_you_mean(folder, kept)}",
                (view.hyperparameters_member, name),
                "write a folder below /opt/ml/model, or /opt/ml/output/data",
            )
        elif value.startswith("s3://") and name in WRITTEN and image is not None and image.engine in LOCAL:
            yield Problem(
                f"{name} is a place in S3, and a script writes to folders: what it writes to one of this name is lost",
                (view.hyperparameters_member, name),
                "write /opt/ml/model, and let S3OutputPath say where the archive goes",
            )
