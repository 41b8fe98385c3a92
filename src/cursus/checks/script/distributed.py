"""Distributed training: what the request launches against what the script makes of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.aws import instances
from cursus.aws.tables import entries, table
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import habits, invocation, readable, resolve, script_of
from cursus.checks.views import TrainingView, listing, mapping
from cursus.model import Location, Path
from cursus.redact import show
from cursus.script.evaluation.calls import PROCESS_GROUP
from cursus.script.facts import Const, ScriptFacts, Used
from cursus.script.source.files import shown_below
from cursus.script.source.there import is_dir, is_file


def _enabled(view: TrainingView) -> dict[str, object]:
    from cursus.aws import distribution

    return dict(distribution.switched_on(view.hyperparameters))


def _uses_distribution(facts: ScriptFacts) -> bool:
    if (
        facts.top_imports & entries("libraries", "distributing")
        or facts.attributes & entries("libraries", "distributing_names")
        or facts.outside_effects
    ):
        return True
    words = entries("toolkit", "host_texts")
    return any(word in string for string in facts.strings for word in words)


DATA_PARALLEL = "smdistributed.dataparallel"


def data_parallel_library(view: TrainingView) -> Used | None:
    """Where the script imports SageMaker's data parallelism library, or joins with its backend, on every run.

    Where it has nothing of the library and joins with PyTorch's own backend, that backend and its place. None where
    reading does not tell.
    """
    facts = readable(view)
    if facts is None:
        return None
    for one in facts.imports:
        full = [one.module, *(f"{one.module}.{name}" for name in one.names)]
        if one.sure and any(f"{name}.".startswith(f"{DATA_PARALLEL}.") for name in full):
            return Used(DATA_PARALLEL, True, one.location)
    for used in facts.used:
        if used.name == PROCESS_GROUP and used.sure and used.backend is not None:
            backend = resolve(view, used.backend)
            if backend == "smddp":
                return Used(DATA_PARALLEL, True, used.location)
            if backend in ("nccl", "gloo") and "smdistributed" not in facts.top_imports:
                return Used(backend, True, used.location)
    return None


def _launch_mentioned(view: TrainingView) -> bool:
    return bool(
        listing(view.algorithm, "ContainerEntrypoint") or listing(view.algorithm, "ContainerArguments")
    )


@rule(
    "DST050",
    severity="warning",
    scope="script",
    reads=("ResourceConfig", "HyperParameterTuningResourceConfig"),
)
def hosts_without_work(view: TrainingView) -> Iterator[Problem]:
    """Several hosts run a script that does not know of the others.

    What it does:
        In a job of more than one host: looks for anything in the script that trains together or divides the work: a distributed library,
        ``SM_HOSTS``, ``SM_CURRENT_HOST``, ranks, a sharded channel.
    Why:
        Every host does the same training, and all but one are paid for nothing; their model directories are merged into one archive.
    Example:
          files:
            train.py: |
        -     import os
        -     print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        +     import os, json
        +     names = sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        +     hosts = json.loads(os.environ["SM_HOSTS"])
        +     mine = names[hosts.index(os.environ["SM_CURRENT_HOST"]) :: len(hosts)]
        +     name = os.environ["SM_CURRENT_HOST"] + ".txt"
        +     open(os.path.join(os.environ["SM_MODEL_DIR"], name), "w").write(str(mine))
          ResourceConfig: {InstanceCount: 4}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
    """
    facts = readable(view)
    count = view.host_count
    if facts is None or count is None or count < 2 or _uses_distribution(facts) or _launch_mentioned(view):
        return
    if any(channel.s3.get("S3DataDistributionType") == "ShardedByS3Key" for channel in view.channels):
        return
    path: Path = (view.resources_member, "InstanceCount")
    if "InstanceCount" not in view.resources:
        path = (view.resources_member,)
    yield Problem(
        f"{count} hosts run the same script, and nothing in it divides the work between them",
        path,
        remedy="set InstanceCount to 1, or let the script train distributed",
    )


@rule(
    "DST057",
    severity="warning",
    scope="script",
    reads=("ResourceConfig", "HyperParameterTuningResourceConfig"),
)
def gpus_without_work(view: TrainingView) -> Iterator[Problem]:
    """The script trains on one GPU of several.

    What it does:
        In a job of one host with several GPUs that starts one process: looks in a script for PyTorch, TensorFlow or Keras for anything
        that asks for more than the first of them, or for their number. Other libraries may do so by themselves: a script that
        imports one is left alone.
    Why:
        Both frameworks compute on the first GPU unless told otherwise. The others are paid for and do nothing.
    Example:
          files:
            train.py: |
              import os
              import torch
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              model = torch.nn.Linear(4, 1)
        +     model = torch.nn.DataParallel(model)
              model.to("cuda")
              torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"))
          AlgorithmSpecification: {TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310}
          ResourceConfig: {InstanceType: ml.g5.12xlarge}
    Source:
        https://pytorch.org/tutorials/intermediate/ddp_tutorial.html, https://github.com/huggingface/accelerate/issues/1404,
        https://github.com/aws/sagemaker-pytorch-training-toolkit/issues/222
    """
    found = [(path, instances.find(kind)) for path, kind, _ in view.instances]
    if view.framework is None or view.host_count != 1 or not any(one and one.gpus > 1 for _, one in found):
        return
    facts, source = readable(view), view.step.source
    if facts is None or source is None or _enabled(view) or _launch_mentioned(view):
        return
    if _uses_distribution(facts) or _asks_for_gpus(facts):
        return
    if not facts.top_imports & ON_ONE_GPU or not all(
        name in ON_ONE_GPU or _makes_no_group(name, source.directory) for name in facts.top_imports
    ):
        return
    for path, instance in found:
        if instance is not None and instance.gpus > 1:
            yield Problem(
                f"{instance.name} has {instance.gpus} GPUs, and nothing in the script trains on more than the first",
                path,
                remedy="use an instance type with one GPU, or distribution={'torch_distributed': {'enabled': True}} with "
                "DistributedDataParallel, DataParallel, or MirroredStrategy in the script",
            )


ON_ONE_GPU = frozenset({"torch", "tensorflow", "keras"})


def _asks_for_gpus(facts: ScriptFacts) -> bool:
    """True where a script names several GPUs, or their number."""
    if facts.attributes & entries("libraries", "several_gpus"):
        return True
    return any(re.search(r"NUM_GPUS|CUDA_VISIBLE|(?i:cuda|gpu):(?!0)", text) for text in facts.strings)


@rule("DST051", scope="script")
def process_group_without_launcher(view: TrainingView) -> Iterator[Problem]:
    """The script joins a process group that nothing launches, or uses one that it never joins.

    What it does:
        Finds ``torch.distributed.init_process_group`` without ranks and ``os.environ["RANK"]`` on the way that every run takes, in a
        job whose request starts no launcher (``torch_distributed``, MPI, smdistributed, a command of its own). Finds
        ``DistributedDataParallel``, ``get_rank`` and the like there, where nothing in the source initializes a process group.
    Why:
        ``Default process group has not been initialized, please make sure to call init_process_group``; or
        ``environment variable RANK expected, but not set``: the job fails. The toolkit starts one plain Python process a host unless told
        otherwise.
    Example:
          files:
            train.py: |
              import os
              import torch.distributed as dist
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     dist.init_process_group("gloo")
        +     if "RANK" in os.environ:
        +         dist.init_process_group("gloo")
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://pytorch.org/docs/stable/distributed.html#environment-variable-initialization
    """
    facts = readable(view)
    if facts is None or facts.env_open:
        return
    source = view.step.source
    lone = _without_group(facts, source.directory) if source is not None else None
    if lone is not None:
        yield Problem(
            f"{lone.name} needs a process group, and nothing in the source calls init_process_group",
            (view.hyperparameters_member,),
            remedy='call torch.distributed.init_process_group("nccl") (without GPUs "gloo") before it',
            location=lone.location,
        )
        return
    if invocation(view).kind != "toolkit" or _enabled(view):
        return
    if any(str(name).startswith("sagemaker_") and "enabled" in str(name) for name in view.hyperparameters):
        return
    if facts.env_writes & {"RANK", "WORLD_SIZE", "LOCAL_RANK", "*"} or facts.attributes & {
        "init_method",
        "spawn",
    }:
        return
    if mapping(view.request, "Environment").keys() & {"RANK", "WORLD_SIZE", "LOCAL_RANK"}:
        return
    found = _group(facts)
    if found is not None:
        yield Problem(
            f"{found.name} needs RANK and WORLD_SIZE, which only a launcher sets, and the request starts none",
            (view.hyperparameters_member,),
            remedy="enable one: distribution={'torch_distributed': {'enabled': True}} "
            '(hyperparameter sagemaker_torch_distributed_enabled "true")',
            location=found.location,
        )


LAUNCHES = re.compile(
    r"^[^#\n]*(?:torchrun|torch\.distributed\.(?:run|launch)|accelerate launch)\b.*$", re.MULTILINE
)
AT_HOME = re.compile(
    r"--(?:master[_-]addr|rdzv[_-]endpoint|main_process_ip)[= ][\"']?(?:127\.0\.0\.1|localhost)(?=[\s\"':]|$)"
)
HOSTS = re.compile(r"--(?:nnodes|num_machines)[= ](\d+)\b")


def _makes_no_group(module: str, folder: str) -> bool:
    """True for what joins no process group by itself: Python's own, well-known libraries, and the source's modules."""
    own = FilePath(folder, module)
    return (
        module in sys.stdlib_module_names
        or module in entries("libraries", "without_process_group")
        or is_dir(own)
        or is_file(own.with_suffix(".py"))
    )


def _without_group(facts: ScriptFacts, folder: str) -> Used | None:
    """The first call of every run that needs a process group, where neither the source nor a library makes one."""
    needing = entries("libraries", "needs_process_group")
    found = next((used for used in facts.used if used.sure and used.name in needing), None)
    if found is None or not all(_makes_no_group(name, folder) for name in facts.top_imports):
        return None
    named = {used.name.rpartition(".")[2] for used in facts.used} | facts.attributes
    made = "init_process_group" in named or named & entries("libraries", "makes_process_group")
    return None if made else found


def _group(facts: ScriptFacts) -> Used | None:
    for used in facts.used:
        name = used.name
        if name == PROCESS_GROUP and used.sure and "world_size" not in facts.attributes:
            return used
    for read in facts.env_reads:
        if read.hard and read.sure and read.name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"):
            return Used(f'os.environ["{read.name}"]', True, read.location)
    return None


@rule("DST052", severity="warning", scope="script", reads=("HyperParameters", "StaticHyperParameters"))
def distribution_not_used(view: TrainingView) -> Iterator[Problem]:
    """The request starts a distributed strategy that the script makes no use of.

    What it does:
        Where the request enables a strategy: looks for anything in the script that knows of other processes.
    Why:
        The launcher starts one process for each GPU of every host, and each does the whole training by itself, writing over the others' files.
    Example:
          files:
            train.py: |
              import os
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
        -     open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        +     rank = int(os.environ.get("OMPI_COMM_WORLD_RANK", "0"))
        +     if rank == 0:
        +         open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
          HyperParameters: {sagemaker_mpi_enabled: "true"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/distributed-training.html
    """
    facts = readable(view)
    if facts is None or not view.hyperparameters:
        return
    enabled = _enabled(view)
    if not enabled or _uses_distribution(facts) or "tensorflow" in facts.top_imports:
        return
    names = ", ".join(sorted(enabled))
    yield Problem(
        f"the request switches on {names}, and nothing in the script knows of other processes",
        (view.hyperparameters_member,),
        remedy="leave the strategy out, or join the process group in the script",
    )


@rule("DST053", severity="warning", scope="script")
def host_number_as_rank(view: TrainingView) -> Iterator[Problem]:
    """What the script takes for a rank is none.

    What it does:
        Finds ``int(…)`` of a part of SM_CURRENT_HOST that is compared with 0, begins a slice with a step, or is handed on as a rank; the place
        of SM_CURRENT_HOST among the hosts of a job that MPI launches; and an argument ``--local_rank`` where torchrun starts the script. In a job of
        several hosts also the GPU of a process by its rank among all, and ``localhost`` as MASTER_ADDR, in the script or for torchrun; and programs that
        ``torch.distributed.launch`` gives an argument that their parser refuses.
    Why:
        The hosts are called algo-1, algo-2 and so on: no host has the number 0, so that none saves the model, and the first share of the data
        is nobody's. MPI hands the first host's variables to all others, and torchrun tells the rank by LOCAL_RANK alone: there every process is the first.
    Example:
          files:
            train.py: |
              import json, os
        -     rank = int(os.environ["SM_CURRENT_HOST"].split("-")[1])
              hosts = json.loads(os.environ["SM_HOSTS"])
        +     rank = hosts.index(os.environ["SM_CURRENT_HOST"])
              mine = sorted(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))[rank::len(hosts)]
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write(str(mine))
    Source:
        https://github.com/aws/sagemaker-training-toolkit/blob/master/ENVIRONMENT_VARIABLES.md;
        https://github.com/aws/sagemaker-training-toolkit/issues/158; https://pytorch.org/docs/stable/elastic/run.html
    """
    for habit in habits(view, "host-number"):
        yield Problem(
            f"{habit.detail} is a number from 1 on, as hosts are called algo-1, algo-2 …, and is taken for a rank from 0 on",
            remedy='json.loads(os.environ["SM_HOSTS"]).index(os.environ["SM_CURRENT_HOST"])',
            location=habit.location,
        )
    launched = _enabled(view) if (view.host_count or 0) > 1 else {}
    if any(name.startswith("sagemaker_mpi") for name in launched):
        for habit in habits(view, "own-host"):
            yield Problem(
                f"{show(habit.detail)} is that of the first host on every host: MPI hands the first host's variables to all of them",
                remedy="ask MPI: MPI.COMM_WORLD.Get_rank(), hvd.rank(), OMPI_COMM_WORLD_RANK",
                location=habit.location,
            )
    yield from _always_first(view)
    yield from _of_one_host(view)
    yield from _old_launcher(view)


def _entry(view: TrainingView) -> Location | None:
    source = view.step.source
    return Location(shown_below(source.directory, source.entry_point), None) if source is not None else None


def _meeting_at_home(view: TrainingView) -> Iterator[str]:
    """``torchrun --nnodes=2 --master_addr=127.0.0.1``, where a shell script starts it on as many hosts."""
    for started in LAUNCHES.finditer(script_of(view).shell_text.replace("\\\n", " ")):
        here, hosts = AT_HOME.search(started[0]), HOSTS.search(started[0])
        if here is not None and hosts is not None and hosts[1] == str(view.host_count):
            yield here[0]


def _old_launcher(view: TrainingView) -> Iterator[Problem]:
    """``torch.distributed.launch``, which adds ``--local_rank``, and from 2.0 on ``--local-rank``, to a program that takes none."""
    facts, source = view.script, view.step.source
    if facts is None or source is None:
        return
    from cursus.aws.images import order
    from cursus.script.distributed.processes import old_launches

    started = [(habit.detail, habit.location) for habit in habits(view, "old-launch")]
    shell = Location(shown_below(source.directory, source.entry_point), None)
    started += [(name, shell) for name in old_launches(facts.shell_text.replace("\\\n", " "))]
    image = view.framework
    known = image is not None and image.engine == "pytorch" and image.engine_version
    since = order(table("libraries")["since"]["torch.distributed.launch with hyphens"])
    newer = bool(known) and image is not None and order(image.engine_version or "") >= since
    for name, where in started:
        try:
            text = FilePath(source.directory, name).read_text(encoding="utf-8", errors="replace")
        except (OSError, ValueError):
            continue
        parser = re.search(r"\b(\w+)\s*=\s*(?:argparse\.)?ArgumentParser\(", text)
        if parser is None or "parse_known_args" in text or "parse_args(" not in text:
            continue
        if "parents=" in text or re.search(rf"[(,=]\s*{parser[1]}\s*[,)]", text):
            continue  # others may add to it
        taken = {flag for flag in ("--local_rank", "--local-rank") if re.search(f"['\"]{flag}['\"]", text)}
        given = "--local-rank" if newer else "--local_rank"
        if given not in taken and (known or not taken):
            yield Problem(
                f"torch.distributed.launch of this PyTorch gives {show(name)} the argument {given}, which its parser does not know",
                remedy='start it with torchrun, and read int(os.environ["LOCAL_RANK"])',
                severity="error",
                location=where,
            )


def _of_one_host(view: TrainingView) -> Iterator[Problem]:
    """Devices and addresses that are right on the first of several hosts alone."""
    count = view.host_count or 0
    for habit in list(habits(view, "device-of-rank"))[:1] if count > 1 else ():
        yield Problem(
            f"{habit.detail} gets the rank among the processes of all {count} hosts: beyond the first host no GPU has that number",
            remedy='the rank on the own host: int(os.environ["LOCAL_RANK"])',
            severity="error" if habit.sure else None,
            location=habit.location,
        )
    for told in _meeting_at_home(view) if count > 1 else ():
        yield Problem(
            f"{told} is given on each of the {count} hosts, so that every host waits for the others by itself",
            remedy='the first host: "algo-1", or the first of SM_HOSTS',
            severity="error",
            location=_entry(view),
        )
    for habit in habits(view, "own-master") if count > 1 else ():
        yield Problem(
            f"MASTER_ADDR is {habit.detail} on each of the {count} hosts, so that every host waits for the others by itself",
            remedy='the first host: json.loads(os.environ["SM_HOSTS"])[0]',
            severity="error" if habit.sure and "SM_HOSTS" in script_of(view).strings else None,
            location=habit.location,
        )


def _always_first(view: TrainingView) -> Iterator[Problem]:
    """``--local_rank`` with a default, which torchrun does not give."""
    facts = readable(view)
    if facts is None or not any("torch_distributed" in name for name in _enabled(view)):
        return
    if any("LOCAL_RANK" in text for text in facts.strings) or facts.opaque_arguments:
        return
    for argument in facts.arguments:
        default = argument.default.value if isinstance(argument.default, Const) else None
        used = argument.dest in facts.attributes and argument.dest not in facts.unread
        if argument.dest == "local_rank" and isinstance(default, int) and used:
            yield Problem(
                f"torchrun gives no {argument.flags[0]}: the argument is {default} in every process",
                remedy='int(os.environ["LOCAL_RANK"])',
                location=argument.location,
            )
