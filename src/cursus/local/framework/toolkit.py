"""What the public training toolkit (sagemaker-training) makes of a request in script mode.

Its variables, arguments, command and failure message are rebuilt here value by value, known traps
included; a test compares them with the toolkit itself. https://github.com/aws/sagemaker-training-toolkit
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cursus.aws import command_line

PREFIX = "sagemaker_"
PROGRAM = "sagemaker_program"
SUBMIT_DIRECTORY = "sagemaker_submit_directory"
LOG_LEVEL = "sagemaker_container_log_level"
OWN = frozenset(
    {
        PROGRAM,
        SUBMIT_DIRECTORY,
        LOG_LEVEL,
        "sagemaker_enable_cloudwatch_metrics",
        "sagemaker_region",
        "sagemaker_job_name",
        "default_user_module_name",
        "_tuning_objective_metric",
        "sagemaker_s3_output",
    }
)
"""Hyperparameters that are settings of the toolkit itself. Others with the prefix are framework settings."""

LAUNCHERS = (
    "sagemaker_mpi_enabled",
    "sagemaker_parameter_server_enabled",
    "sagemaker_distributed_dataparallel_enabled",
    "sagemaker_pytorch_ddp_enabled",
    "sagemaker_pytorch_xla_multi_worker_enabled",
    "sagemaker_multi_worker_mirrored_strategy_enabled",
    "sagemaker_torch_distributed_enabled",
)
SAFE_ENTRY_POINT = re.compile(r"^[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*$")


def decode(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Each value read as JSON; one that is no JSON stays the text that it is."""
    found: dict[str, Any] = {}
    for name, value in hyperparameters.items():
        try:
            found[name] = json.loads(value)
        except (ValueError, TypeError):
            found[name] = value
    return found


def split(hyperparameters: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(the script's hyperparameters, the toolkit's and the frameworks' settings)."""
    script: dict[str, Any] = {}
    settings: dict[str, Any] = {}
    for name, value in hyperparameters.items():
        (settings if name in OWN or name.startswith(PREFIX) else script)[name] = value
    return script, settings


def as_variable(value: Any) -> str:
    """A value as the toolkit writes it into a variable."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def arguments(hyperparameters: Mapping[str, Any]) -> list[str]:
    """The command line of a script: ``--name value`` sorted by name, ``-n value`` for one-letter names."""
    found: list[str] = []
    for name in sorted(hyperparameters):
        found += command_line.flag(name), command_line.word(hyperparameters[name])
    return found


class Machine(NamedTuple):
    """What the toolkit asks of the machine: processors and accelerators."""

    cpus: int = 1
    gpus: int = 0
    neurons: int = 0


def variables(
    hyperparameters: Mapping[str, str],
    resources: Mapping[str, Any],
    channels: Mapping[str, Any],
    environment: Mapping[str, str],
    machine: Machine,
    base: str = "/opt/ml",
) -> dict[str, str]:
    """Every ``SM_…`` variable of a script.

    Args:
        hyperparameters: ``hyperparameters.json``.
        resources: ``resourceconfig.json``.
        channels: ``inputdataconfig.json``.
        environment: the container's own variables, which the toolkit reads too.
        machine: what the machine has.
        base: where ``/opt/ml`` is; another path only where namespaces cannot be had.
    """
    facts = _facts(hyperparameters, resources, channels, environment, machine, base)
    script = facts["hyperparameters"]
    folders = facts["channel_input_dirs"]
    named: dict[str, Any] = {
        "hosts": facts["hosts"],
        "network_interface_name": facts["network_interface_name"],
        "hps": script,
        "user_entry_point": facts.pop("user_entry_point"),
        "framework_params": facts["additional_framework_parameters"],
        "resource_config": resources,
        "input_data_config": channels,
        "channels": sorted(folders),
        "user_args": arguments(script),
        "training_env": facts,
    }
    facts["user_entry_point"] = named["user_entry_point"]
    for name in _PLAIN:
        named[name] = facts[name]
    if facts["topology"]:
        named["topology"] = facts["topology"]
    for channel, folder in folders.items():
        named["channel_" + channel] = folder
    for name, value in script.items():
        named["hp_" + name] = value
    return {"SM_" + name.upper(): as_variable(value) for name, value in named.items()}


def overwritten(hyperparameters: Mapping[str, str], host: str) -> dict[str, str]:
    """The variables of SageMaker's that the toolkit writes anew, from its settings or with nothing.

    The region is empty without a setting: boto3 takes it from AWS_DEFAULT_REGION, which SageMaker does not set.
    """
    settings = decode(hyperparameters)
    return {
        "SAGEMAKER_JOB_NAME": str(settings.get("sagemaker_job_name", "")),
        "SAGEMAKER_REGION": str(settings.get("sagemaker_region") or ""),
        "CURRENT_HOST": host,
    }


_PLAIN = (
    "output_data_dir",
    "current_host",
    "current_instance_type",
    "current_instance_group",
    "current_instance_group_hosts",
    "instance_groups",
    "instance_groups_dict",
    "distribution_instance_groups",
    "is_hetero",
    "module_name",
    "log_level",
    "framework_module",
    "input_dir",
    "input_config_dir",
    "output_dir",
    "num_cpus",
    "num_gpus",
    "num_neurons",
    "model_dir",
    "module_dir",
    "output_intermediate_dir",
)


def _facts(
    hyperparameters: Mapping[str, str],
    resources: Mapping[str, Any],
    channels: Mapping[str, Any],
    environment: Mapping[str, str],
    machine: Machine,
    base: str,
) -> dict[str, Any]:
    script, settings = split(decode(hyperparameters))
    framework = {name: value for name, value in settings.items() if name not in OWN}
    program = environment.get("SAGEMAKER_PROGRAM")
    module = program if program is not None else str(settings.get(PROGRAM))
    parallel: Any = environment.get("SM_HP_MP_PARAMETERS")
    return {
        **_hosts(resources, framework),
        "additional_framework_parameters": framework,
        "channel_input_dirs": {name: f"{base}/input/data/{name}" for name in channels},
        "framework_module": environment.get("SAGEMAKER_TRAINING_MODULE"),
        "hyperparameters": script,
        "input_config_dir": f"{base}/input/config",
        "input_data_config": channels,
        "input_dir": f"{base}/input",
        "is_modelparallel_enabled": parallel and parallel != "{}",
        "is_smddpmprun_installed": False,
        "is_smddprun_installed": False,
        "job_name": environment.get("TRAINING_JOB_NAME"),
        "log_level": settings.get(LOG_LEVEL, 20),
        "model_dir": f"{base}/model",
        "module_dir": str(settings.get(SUBMIT_DIRECTORY, f"{base}/code")),
        "module_name": module[:-3] if module and module.endswith(".py") else module,
        "network_interface_name": resources.get("network_interface_name", "eth0"),
        "num_cpus": machine.cpus,
        "num_gpus": machine.gpus,
        "num_neurons": machine.neurons,
        "output_data_dir": f"{base}/output/data",
        "output_dir": f"{base}/output",
        "output_intermediate_dir": f"{base}/output/intermediate",
        "resource_config": resources,
        "topology": resources.get("topology", []),
        "user_entry_point": program or settings.get(PROGRAM),
    }


def _hosts(resources: Mapping[str, Any], framework: Mapping[str, Any]) -> dict[str, Any]:
    """Which host this is, of which group, and which of them start the script together."""
    groups = resources.get("instance_groups", [])
    group = resources.get("current_group_name", "homogeneousCluster")
    host = resources["current_host"]
    distribution = framework.get(
        "sagemaker_distribution_instance_groups",
        [group] if any(framework.get(name, False) for name in LAUNCHERS) else [],
    )
    taking_part = [
        name for entry in groups if entry["instance_group_name"] in distribution for name in entry["hosts"]
    ]
    if not groups:
        taking_part = list(resources["hosts"])
    master = (taking_part or resources["hosts"])[0]
    return {
        "current_host": host,
        "current_instance_group": group,
        "current_instance_group_hosts": next(
            (entry["hosts"] for entry in groups if entry["instance_group_name"] == group), []
        ),
        "current_instance_type": resources.get("current_instance_type", "local"),
        "distribution_hosts": taking_part,
        "distribution_instance_groups": distribution,
        "hosts": resources["hosts"],
        "instance_groups": [entry["instance_group_name"] for entry in groups],
        "instance_groups_dict": {entry["instance_group_name"]: entry for entry in groups},
        "is_hetero": len(groups) > 1,
        "is_master": host == master,
        "master_hostname": master,
    }


def command(entry_point: str, source_files: Sequence[str], python: str, args: list[str]) -> list[str]:
    """What the toolkit executes for an entry point, in the source directory.

    Raises:
        ValueError: the name is none that the toolkit takes; the text is its own.
    """
    problem = refuse(entry_point)
    if problem:
        raise ValueError(problem)
    if not entry_point.endswith(".sh"):
        if "setup.py" in source_files:
            return [python, "-m", re.sub(r"\.py$", "", entry_point), *args]
        if entry_point.endswith(".py"):
            return [python, "--", entry_point, *args]
    import shlex

    return ["/bin/sh", "-c", f"./{shlex.quote(entry_point)} {' '.join(shlex.quote(arg) for arg in args)}"]


def refuse(entry_point: str) -> str | None:
    """Why the toolkit refuses an entry point's name, or None where it does not."""
    if not entry_point:
        return "The training entry point name is empty."
    if not SAFE_ENTRY_POINT.match(entry_point):
        return (
            f"The training entry point {entry_point!r} cannot be used: a name may hold only letters, digits, "
            "'.', '_', '+', '-' and '/', and may not start with '-' or '/'."
        )
    if any(part in (".", "..") for part in entry_point.split("/")):
        return f"The training entry point {entry_point!r} cannot be used because it contains '.' or '..' path segments."
    return None


def failure(code: int, message: str, command: Sequence[str]) -> str:
    """The text that the toolkit leaves in ``/opt/ml/output/failure`` when the script ends with ``code``.

    The framework containers capture the script's error output; ``message`` is what they would have kept.
    ``code`` is negative where a signal ended the script, as Python reports it.
    """
    lines = [f"ExecuteUserScriptError:\nExitCode {code}", f'ErrorMessage "{message}"']
    if code == 137:
        lines.append('ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"')
    lines.append(f'Command "{" ".join(command)}"')
    return "\n".join(lines).strip()


def older_failure(command: Sequence[str]) -> str:
    """The same text by sagemaker-containers, the toolkit's forerunner: the command alone."""
    return f'ExecuteUserScriptError:\nCommand "{" ".join(command)}"'


ERRORS = re.compile(
    r"BaseException|Exception|[A-Za-z]*Error|Invalid requirement|KeyboardInterrupt|SystemExit|StopIteration"
    r"|StopAsyncIteration|GeneratorExit|mpirun\.real|ORTE"
)


TAG = re.compile(r"\[\d,mpirank:\d,algo-\d+\]<std(?:err|out)>")
"""What mpirun and the toolkit put before a process's line; of ranks above 9 it stays, as in the toolkit."""


def error_message(lines: Sequence[str]) -> str:
    """What a framework container keeps of a script's output: all from the first line that names an error."""
    kept: list[str] = []
    for tagged in lines:
        line = TAG.sub("", tagged)
        if kept or ERRORS.search(line):
            kept.append(line.strip(" :\n"))
    return "\n ".join(kept).strip()
