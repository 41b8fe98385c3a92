"""What a script's PyTorch code trains, saves and waits for otherwise than it says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.aws import distribution, images
from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.script.request import checkpoint_path, habits, script_of
from cursus.checks.views import TrainingView
from cursus.redact import show


@rule("RES059", severity="warning", scope="script")
def graphs_kept(view: TrainingView) -> Iterator[Problem]:
    """Losses are added up or listed with the graphs that they came from.

    What it does:
        Finds a loss of PyTorch whose ``backward()`` a loop calls, and which it adds to a sum, appends to a list or gives to a meter that sums,
        without ``item()``, ``detach()`` or ``float()``.
    Why:
        A tensor that is kept keeps its graph: memory grows with every batch, until the job fails with ``CUDA out of memory`` or exit code 137,
        often hours later.
    Example:
          files:
            train.py: |
              import os
              import torch
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              weight = torch.ones(1, requires_grad=True)
              total = 0
              for epoch in range(3):
                  loss = ((weight * 2 - 1) ** 2).sum()
                  loss.backward()
        -         total += loss
        +         total += loss.item()
              torch.save(weight.detach(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"))
    Source:
        https://pytorch.org/docs/stable/notes/faq.html (my model reports "cuda runtime error(2): out of memory")
    """
    for habit in habits(view, "graph-kept"):
        yield Problem(
            f"{habit.detail} is kept with its graph, batch after batch: memory grows until it runs out",
            remedy=f"keep the number alone: {habit.detail}.item()",
            location=habit.location,
        )


@rule("DST054", severity="warning", scope="script")
def ranks_do_not_meet(view: TrainingView) -> Iterator[Problem]:
    """Some ranks of a process group wait for others that never come.

    What it does:
        Finds a barrier or another collective call that the first rank makes alone (in ``if rank == 0``, behind ``if rank != 0: return``), or all others
        alone; a loop over a wrapped model that each rank leaves by a measure of its own; ``mp.spawn`` without ``nprocs``, which starts one process; a
        MASTER_PORT that each process finds for itself; a strategy of TensorFlow's that is made before TF_CONFIG is set; and a ``num_nodes`` of Lightning's
        Trainer that is not the number of hosts.
    Why:
        A collective call returns when every rank has made it. The job hangs until a library's time limit, often 30 minutes, or until
        MaxRuntimeInSeconds, and every instance is paid for.
    Example:
          files:
            train.py: |
              import os
              import torch.distributed as dist
              def save(rank):
                  if rank == 0:
                      open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
        -             dist.barrier()
        +         dist.barrier()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              dist.init_process_group("gloo", init_method="tcp://localhost:29500", rank=0, world_size=1)
              save(dist.get_rank())
    Source:
        https://pytorch.org/docs/stable/distributed.html (collective functions); https://www.deepspeed.ai/getting-started/#model-checkpointing;
        https://pytorch.org/docs/stable/multiprocessing.html (torch.multiprocessing.spawn)
    """
    for habit in habits(view, "rank-alone", "rank-stops", "world-of-one", "own-port", "strategy-early"):
        if habit.kind == "rank-alone":
            told, remedy = habit.detail, "let every rank make the call, outside of the test of the rank"
        elif habit.kind == "own-port":
            told = (
                f"each process that runs {habit.detail} finds another port for MASTER_PORT: they never meet"
            )
            remedy = "find the port once, before the processes are started, and hand it to all of them"
        elif habit.kind == "strategy-early":
            told = f"{habit.detail}() reads TF_CONFIG, and the script sets it further down: each host trains alone"
            remedy = "set os.environ['TF_CONFIG'] first, then make the strategy"
        elif habit.kind == "rank-stops":
            told = f"each rank leaves the loop by its own {show(habit.detail)}: the others wait for its gradients"
            remedy = (
                "let the ranks agree before: all_reduce the measure, or broadcast the decision of the first"
            )
        else:
            told = f"mp.spawn starts one process without nprocs, and the group has {habit.detail}"
            remedy = f"nprocs={habit.detail}"
        yield Problem(told, remedy=remedy, location=habit.location)
    launched = "ray" not in script_of(view).top_imports
    count = view.host_count or 0
    for habit in habits(view, "nodes") if launched and count else ():
        if habit.detail != str(count):
            waits = habit.sure and int(habit.detail) > count
            yield Problem(
                f"the Trainer is told of {habit.detail} host{'s' * (habit.detail != '1')}, and the job has {count}"
                + (": it waits for the others" if waits else ""),
                remedy='num_nodes=len(json.loads(os.environ["SM_HOSTS"]))',
                severity="error" if waits and not distribution.switched_on(view.hyperparameters) else None,
                location=habit.location,
            )


@rule("DST056", severity="warning", scope="script")
def written_by_all(view: TrainingView) -> Iterator[Problem]:
    """Several processes write the same file.

    What it does:
        Finds, in a function that several processes run and that knows which of them it is (``rank``, ``fold``, ``worker``), a file written under a path that
        is the same in each, or a folder made without ``exist_ok``, or removed; and ``torch.save`` by every rank of a process group.
    Why:
        The last one wins, and the others' work is lost; where they write at the same time, the file is a mixture that nothing can load.
    Example:
          files:
            train.py: |
              import multiprocessing, os
              def work(rank):
                  text = open(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv")).read()
        -         with open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w") as file:
        +         with open(os.path.join(os.environ["SM_MODEL_DIR"], f"model-{rank}.txt"), "w") as file:
                      file.write(f"{rank} {len(text)}")
              with multiprocessing.Pool(2) as pool:
                  pool.map(work, range(2))
    Source:
        https://pytorch.org/tutorials/intermediate/ddp_tutorial.html (save and load checkpoints);
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    for habit in habits(view, "made-by-all"):
        yield Problem(
            f"each process that runs {habit.detail} makes this folder: all but the first fail with FileExistsError",
            remedy="exist_ok=True, or make it before the processes are started",
            severity="error" if habit.sure else None,
            location=habit.location,
        )
    for habit in habits(view, "removed-by-all"):
        if habit.detail != "the script" or _several(view):
            yield Problem(
                "each process removes this folder: all but the first may fail with FileNotFoundError",
                remedy="let one of them remove it (if local_rank == 0), or write ignore_errors=True",
                location=habit.location,
            )
    for habit in habits(view, "written-by-all"):
        if habit.detail == "the script" and not _several(view):
            continue
        who = "each process that runs " + habit.detail if habit.detail.endswith(")") else "each rank"
        yield Problem(
            f"{who} writes this file under the same name: the last one wins, or two of them mix",
            remedy="let one of them write (if rank == 0), or put the number of the process into the name",
            location=habit.location,
        )


@rule("DST055", severity="warning", scope="script")
def order_of_samples(view: TrainingView) -> Iterator[Problem]:
    """A sampler is not used, or gives each epoch the same order, or each rank an order of its own.

    What it does:
        Finds a sampler beside ``shuffle=True``, a ``DistributedSampler`` that no loader is given, a loader beside
        DistributedDataParallel in a source without any, one that shuffles in a source that never calls ``set_epoch``, one whose seed depends on the rank, and a list that is
        shuffled by the rank before each rank takes its part.
    Why:
        The order comes from the seed and the epoch that the sampler was told: without ``set_epoch`` nothing is shuffled anew. With a seed for
        each rank their parts overlap, and some samples are never seen.
    Example:
          ResourceConfig: {InstanceCount: 2}
          files:
            train.py: |
              import os
              from torch.utils.data.distributed import DistributedSampler
              sampler = DistributedSampler(os.listdir(os.environ["SM_CHANNEL_TRAIN"]), num_replicas=1, rank=0)
              for epoch in range(3):
        +         sampler.set_epoch(epoch)
                  print(list(sampler))
              open(os.path.join(os.environ["SM_MODEL_DIR"], "model.txt"), "w").write("1")
    Source:
        https://pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
    """
    told_of: set[str] = set()
    for habit in habits(view, "sampler-and-shuffle"):
        yield Problem(
            f"{habit.detail} is given a sampler and shuffle=True, which exclude each other: ValueError",
            remedy="leave shuffle out: the sampler shuffles",
            severity="error" if habit.sure else None,
            location=habit.location,
        )
    for habit in habits(view, "sampler-idle") if _several(view) else ():
        yield Problem(
            f"no DataLoader is given {habit.detail}: each process goes through all the data",
            remedy=f"DataLoader(…, sampler={habit.detail}) without shuffle",
            location=habit.location,
        )
    for habit in habits(view, "loader-of-all") if _several(view) else ():
        yield Problem(
            f"{show(habit.detail)} shuffles all the rows in each process: nothing gives each a part of its own",
            remedy="DataLoader(…, sampler=DistributedSampler(…)) without shuffle",
            location=habit.location,
        )
    for habit in habits(view, "same-order", "own-order") if _several(view) else ():
        if habit.kind in told_of:
            continue
        told_of.add(habit.kind)
        if habit.kind == "same-order":
            told = "the sampler is never told the epoch: every epoch has the same order"
            remedy = "call sampler.set_epoch(epoch) at the beginning of each epoch"
        else:
            told = f"{show(habit.detail)} makes another order on each rank: their parts overlap, and samples are left out"
            remedy = "give every rank the same seed"
        yield Problem(told, remedy=remedy, location=habit.location)


def _several(view: TrainingView) -> bool:
    """True for a job that trains with several processes: of several hosts, by a launcher, or of the script's own."""
    facts = script_of(view)
    if (view.host_count or 0) > 1 or distribution.switched_on(view.hyperparameters):
        return True
    return "spawn" in facts.attributes or any(
        "torchrun" in text or "nproc_per_node" in text for text in facts.strings
    )


@rule("RES060", severity="warning", scope="script", reads=("CheckpointConfig",))
def checkpoint_not_restored(view: TrainingView) -> Iterator[Problem]:
    """A checkpoint of PyTorch cannot be read back, or lacks the schedule of the learning rate.

    What it does:
        Finds a namespace of parsed arguments among what ``torch.save`` keeps, where ``torch.load`` is called without ``weights_only``; and a schedule
        that is stepped and neither saved nor restored, beside an optimizer that is.
    Why:
        From PyTorch 2.6 on ``torch.load`` reads weights and plain values only: the job that is started again fails with ``Weights only load failed``.
        A schedule that begins anew gives the restored optimizer the learning rate of the first epoch, its warm-up included.
    Example:
          files:
            train.py: |
              import argparse, os
              import torch
              args = argparse.ArgumentParser().parse_args()
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              last, weight = "/opt/ml/checkpoints/last.pt", torch.ones(1)
              if os.path.exists(last):
                  weight = torch.load(last)["weight"]
              for epoch in range(3):
        -         torch.save({"weight": weight, "args": args}, last)
        +         torch.save({"weight": weight, "args": vars(args)}, last)
              torch.save(weight, os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"))
          CheckpointConfig: {S3Uri: s3://example-bucket/checkpoints/}
    Source:
        https://pytorch.org/docs/stable/generated/torch.load.html;
        https://pytorch.org/docs/stable/optim.html#how-to-adjust-learning-rate
    """
    if checkpoint_path(view) is None:
        return
    for habit in habits(view, "schedule-lost"):
        yield Problem(
            f"{show(habit.detail)} is not in the checkpoint that the optimizer is restored from: the learning rate begins anew",
            ("CheckpointConfig",),
            remedy=f"save {habit.detail}.state_dict() with the rest, and load it",
            location=habit.location,
        )
    image = images.amazon_image(view.image)
    version = (
        None
        if image is None or image.framework != "pytorch" or image.version is None
        else image.version.partition("-")[0]
    )
    if version is not None and images.order(version) < images.order(
        table("libraries")["since"]["torch.load of weights"]
    ):
        return
    for habit in habits(view, "namespace-kept"):
        yield Problem(
            f"the checkpoint holds a namespace of arguments ({show(habit.detail)}), which torch.load does not read: it reads weights only",
            ("CheckpointConfig",),
            remedy="save vars(args) instead, or load with weights_only=False",
            location=habit.location,
        )


@rule("ART069", severity="warning", scope="script")
def wrapped_for_devices(view: TrainingView) -> Iterator[Problem]:
    """The weights of a wrapped model are saved, and model_fn loads them into a plain one.

    What it does:
        Finds ``torch.save`` of the ``state_dict()`` of a model in ``DataParallel`` or ``DistributedDataParallel``, where a ``model_fn`` of the source calls
        ``load_state_dict`` and neither wraps its model nor mentions ``module.``.
    Why:
        The wrapper puts ``module.`` before every key. On the endpoint the plain model misses all of its keys, and is not loaded.
    Example:
          files:
            train.py: |
              import os
              import torch
              print(os.listdir(os.environ["SM_CHANNEL_TRAIN"]))
              model = torch.nn.DataParallel(torch.nn.Linear(1, 1))
        -     torch.save(model.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"))
        +     torch.save(model.module.state_dict(), os.path.join(os.environ["SM_MODEL_DIR"], "model.pth"))
            inference.py: |
              import os
              import torch
              def model_fn(model_dir):
                  model = torch.nn.Linear(1, 1)
                  model.load_state_dict(torch.load(os.path.join(model_dir, "model.pth")))
                  return model
    Source:
        https://pytorch.org/tutorials/beginner/saving_loading_models.html (saving torch.nn.DataParallel models)
    """
    found = list(habits(view, "wrapped-state"))
    if not found or view.step.source is None:
        return
    from cursus.script.data.serving import loads_plain_model

    if loads_plain_model(FilePath(view.step.source.directory)):
        yield Problem(
            f"the keys of {show(found[0].detail)}.state_dict() begin with 'module.', and model_fn loads them into a model that is not wrapped",
            remedy=f"save {found[0].detail}.module.state_dict()",
            location=found[0].location,
        )


@rule("ART071", severity="warning", scope="script")
def tokenizer_not_saved(view: TrainingView) -> Iterator[Problem]:
    """A model of transformers is saved without its tokenizer.

    What it does:
        Finds a tokenizer of transformers in a script that saves a model with ``save_pretrained`` or ``save_model``, where the tokenizer is neither saved nor
        given to the Trainer that saves it, and no ``model_fn`` of the source loads it otherwise.
    Why:
        The inference container of Hugging Face makes a pipeline from the model directory: without the tokenizer's files every request fails with
        ``Can't load tokenizer``.
    Example:
          files:
            train.py: |
              import os
              from transformers import AutoModel, AutoTokenizer
              tokenizer = AutoTokenizer.from_pretrained(os.environ["SM_CHANNEL_TRAIN"])
              model = AutoModel.from_pretrained(os.environ["SM_CHANNEL_TRAIN"])
              model.save_pretrained(os.environ["SM_MODEL_DIR"])
        +     tokenizer.save_pretrained(os.environ["SM_MODEL_DIR"])
    Source:
        https://github.com/aws/sagemaker-huggingface-inference-toolkit/issues/31;
        https://huggingface.co/docs/sagemaker/inference
    """
    found = list(habits(view, "tokenizer-left"))
    if not found or view.step.source is None:
        return
    from cursus.script.data.serving import has_model_function

    if not has_model_function(FilePath(view.step.source.directory)):
        name = found[0].detail
        yield Problem(
            f"the model is saved without {name}, which an endpoint needs beside it",
            remedy=f"{name}.save_pretrained(…) into the model directory, or hand it to the Trainer",
            location=found[0].location,
        )
