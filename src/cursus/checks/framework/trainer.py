"""Rules of the area *framework*: what transformers' Trainer is told by hyperparameters, whatever the script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cursus.aws import images, instances, library_fields
from cursus.aws.images import Image
from cursus.aws.tables import table
from cursus.checks.framework.images import TOKEN, logs_in
from cursus.checks.framework.models import known_since
from cursus.checks.resources.instances import is_on_cpus
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.texts import CHECKPOINTS
from cursus.checks.type_words import decimal, whole
from cursus.checks.views import TrainingView, mapping
from cursus.model import Severity
from cursus.redact import show
from cursus.suggest import did_you_mean, slip

ARGUMENTS = "transformers.TrainingArguments"
UNMISTAKABLE = frozenset(
    {
        *(
            "per_device_train_batch_size",
            "per_device_eval_batch_size",
            "num_train_epochs",
            "model_name_or_path",
        ),
        *(
            "gradient_accumulation_steps",
            "lr_scheduler_type",
            "warmup_ratio",
            "logging_steps",
            "save_strategy",
        ),
    }
)
"""Arguments of the Trainer's, two of which tell a script that has one."""
FORMATS = {"bf16": "bf16", "bf16_full_eval": "bf16", "tf32": "tf32"}
HALVES = ("fp16", "fp16_full_eval")
MODELS = ("model_name_or_path", "tokenizer_name", "config_name")
OFFLINE = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
CACHES = frozenset({"HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "TRANSFORMERS_CACHE"})
"""Where models of the Hub may lie that a channel brings."""
SAVE_STEPS = 500
"""``TrainingArguments.save_steps`` where nothing is given."""
TRUE, FALSE = frozenset({"true", "1", "yes", "y", "t"}), frozenset({"false", "0", "no", "n", "f"})


def _program(view: TrainingView) -> str:
    program = view.values.get("sagemaker_program")
    return program.rpartition("/")[2] if isinstance(program, str) else ""


def sure_of(view: TrainingView) -> bool | None:
    """True where the program is one of transformers' examples, False where it has the Trainer's arguments; else None.

    Scripts of others have the same names; those of the library want a model and output_dir.
    """
    image, given = view.framework, view.values.keys()
    if image is None or image.engine != "pytorch" or view.builtin is not None:
        return None
    if (
        _program(view) in table("trainer")["programs"]
        and "output_dir" in given
        and not given.isdisjoint((*MODELS, "model_type"))
    ):
        return True
    return False if len(UNMISTAKABLE & given) > 1 else None


def _is_set(value: object) -> bool:
    return str(value).upper() in ("1", "ON", "YES", "TRUE")


def is_on(values: Mapping[str, object], name: str) -> bool:
    return str(values.get(name, "")).lower() in TRUE


@rule("FRM034", reads=hyperparameters("output_dir", *UNMISTAKABLE), when="framework")
def refused_by_the_trainer(view: TrainingView) -> Iterator[Problem]:
    """Transformers' Trainer refuses what the hyperparameters tell it.

    What it does:
        Where the program is one of transformers' examples (run_clm.py with a model and output_dir), holds its arguments against the
        types and values that TrainingArguments has, and against each other: bf16 and tf32 on GPUs that lack them, fp16 without GPUs, both, a
        model in S3, load_best_model_at_end with strategies that differ, FSDP with DeepSpeed, files that the example does not read, and arguments and
        models that the version in the image does not have (warnings). Where the script only has the names of the Trainer's arguments, all are warnings.
    Why:
        "Your setup doesn't support bf16/gpu", "--tf32 requires Ampere or a newer GPU arch", "--load_best_model_at_end requires the save
        and eval strategy to match", "is not a valid IntervalStrategy": the script ends when it starts.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04
          HyperParameters:
            sagemaker_program: run_clm.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            model_name_or_path: gpt2
            output_dir: /opt/ml/model
            bf16: "True"
        - ResourceConfig: {InstanceType: ml.p3.2xlarge}
        + ResourceConfig: {InstanceType: ml.g5.2xlarge, VolumeSizeInGB: null}
    Source:
        https://github.com/huggingface/transformers/blob/v4.36.0/src/transformers/training_args.py,
        https://github.com/tatsu-lab/stanford_alpaca/issues/133
    """
    sure, image = sure_of(view), view.framework
    if sure is None or image is None:
        return
    severity: Severity | None = None if sure else "warning"
    member = view.hyperparameters_member
    yield from _formats(view, view.values, image, severity)
    for name in MODELS:
        if str(view.values.get(name, "")).startswith("s3://"):
            yield Problem(
                f"{name} is a place in S3: from_pretrained knows names on the Hub and folders alone",
                (member, name),
                "bring the model by a channel, and write /opt/ml/input/data/<channel>",
                severity=severity,
            )
    since = known_since(str(view.values.get("model_name_or_path", "")))
    older = image.framework == "huggingface" and image.version is not None
    if since and older and images.order(image.version or "") < images.order(since):
        yield Problem(
            f"transformers {image.version} in the image cannot load this model: {since} is the first that knows its architecture",
            (member, "model_name_or_path"),
            f"take an image with transformers {since} or later",
            severity="warning",  # requirements.txt may bring another one
        )
    offline = next((name for name in OFFLINE if _is_set(view.environment.get(name))), None)
    model = str(view.values.get("model_name_or_path", ""))
    here = (
        model.startswith(("/", ".", "s3:")) or "cache_dir" in view.values or CACHES & view.environment.keys()
    )
    if offline and sure and model and "{" not in model and not here:
        yield Problem(
            f"{offline} keeps the job from the Hub, and {show(model)} is to come from there",
            ("Environment", offline),
            "leave it out, or bring the model by a channel",
            severity="warning",  # a folder of the source directory may have the name, too
        )
    yield from _pairs(view, view.values, severity)
    yield from _words(view, view.values, sure, severity)
    yield from _best(view, view.values, _version(image), sure, severity)
    if sure:
        yield from _of_the_example(view)


def _version(image: Image) -> str:
    return image.version or "" if image.framework == "huggingface" else ""


def _pairs(view: TrainingView, values: Mapping[str, object], severity: Severity | None) -> Iterator[Problem]:
    """Arguments that the Trainer does not take together."""
    member = view.hyperparameters_member
    for one, other in (("fp16", "bf16"), ("fp16_full_eval", "bf16_full_eval")):
        if is_on(values, one) and is_on(values, other):
            yield Problem(
                f"At most one of {one} and {other} can be True, but not both",
                (member, one),
                "keep bf16 on GPUs from Ampere on, fp16 on others",
                severity=severity,
            )
    if values.get("fsdp") and values.get("deepspeed"):
        yield Problem(
            "--fsdp together with --deepspeed is not possible",
            (member, "deepspeed"),
            "keep one of them",
            severity=severity,
        )


def refused_values(
    view: TrainingView, values: Mapping[str, object], image: Image | None, *, version: str, defaults: bool
) -> Iterator[Problem]:
    """What ``TrainingArguments`` refuses of ``values``, by name; a problem's path ends with the name.

    ``version``: of transformers, empty where it is not known. ``defaults``: what is not given is what the library has for it.
    """
    yield from _formats(view, values, image, None)
    yield from _pairs(view, values, None)
    yield from _words(view, values, False, None)
    yield from _best(view, values, version, defaults, None)


def _formats(
    view: TrainingView, values: Mapping[str, object], image: Image | None, severity: Severity | None
) -> Iterator[Problem]:
    """Number formats that the instance's GPUs do not have, or that are for GPUs."""
    member = view.hyperparameters_member
    kinds = [found for _, name, _ in view.instances if (found := instances.find(name)) is not None]
    for name, word in FORMATS.items():
        needed = instances.precisions()[word]
        lacking = next((kind for kind in kinds if kind.gpu and kind.gpu.capability < needed), None)
        if lacking is not None and lacking.gpu is not None and is_on(values, name):
            # From 2.3 on torch counts a format that it emulates.
            torch = image.engine_version if image is not None else None
            emulated = word == "bf16" and images.order(torch or "0") >= (2, 3)
            yield Problem(
                f"{name} needs GPUs of compute capability {needed:g}; those of {lacking.name} "
                f"({lacking.gpu.kind}) have {lacking.gpu.capability:g}",
                (member, name),
                "write fp16, or take an instance type with newer GPUs, such as ml.g5",
                severity="warning" if emulated else severity,
            )
    for name in HALVES:
        if is_on(values, name) and is_on_cpus(view):
            yield Problem(
                f"{name} is for GPUs, and {kinds[0].name} has none",
                (member, name),
                "leave it out",
                severity=severity,
            )


def _words(
    view: TrainingView, values: Mapping[str, object], sure: bool, severity: Severity | None
) -> Iterator[Problem]:
    """Values that an argument of the Trainer's does not have, or that are of another type."""
    member, choices = view.hyperparameters_member, table("trainer")["choices"]
    kinds = kinds_of(view) if sure else {}
    for name, value in values.items():
        if not isinstance(value, str) or not value:
            continue
        known = choices.get(name)
        if known is not None and value not in known:
            yield Problem(
                f"{show(value)} is no {name} of the Trainer's.{did_you_mean(value, known)}",
                (member, name),
                "write one of " + ", ".join(known[:8]) + (" …" if len(known) > 8 else ""),
                severity=severity,
            )
        elif known is None and not _fits(value, kinds.get(name, "")):
            what = {"int": "a whole number", "float": "a number", "bool": "true or false"}[kinds[name]]
            yield Problem(
                f"{name} is {what} to the Trainer, and {show(value)} is none", (member, name), f"write {what}"
            )


def kinds_of(view: TrainingView) -> dict[str, str]:
    """The type of each argument of the Trainer's, in the image's version of the library where that is known."""
    image = view.framework
    version = image.version if image is not None and image.framework == "huggingface" else None
    kinds = {name: kind for name, kind, _ in library_fields.fields(ARGUMENTS, version or "")}
    since = table("libraries")["since"]["warmup_steps as a share"]
    if version and images.order(version) < images.order(since):
        kinds["warmup_steps"] = "int"
    return kinds


def _fits(value: str, kind: str) -> bool:
    """True where a text is of a type that HfArgumentParser converts with."""
    if kind == "bool":
        return value.lower() in TRUE | FALSE
    if kind not in ("int", "float"):
        return True
    try:
        return (int if kind == "int" else float)(value) is not None
    except ValueError:
        return False


def _best(
    view: TrainingView, values: Mapping[str, object], version: str, sure: bool, severity: Severity | None
) -> Iterator[Problem]:
    """``load_best_model_at_end`` wants models saved when they are evaluated, from transformers 4.9 on."""
    since = table("libraries")["since"]["load_best_model_at_end with strategies"]
    older = version and images.order(version) < images.order(since)
    if older or not is_on(values, "load_best_model_at_end"):
        return
    defaults = ("no", "steps") if sure else (None, None)
    evaluates = values.get("eval_strategy", values.get("evaluation_strategy", defaults[0]))
    saves = values.get("save_strategy", defaults[1])
    if isinstance(evaluates, str) and isinstance(saves, str) and evaluates != saves and saves != "best":
        yield Problem(
            f"load_best_model_at_end wants models saved when they are evaluated: save_strategy is {show(saves)}, "
            f"the one for evaluation {show(evaluates)}",
            (view.hyperparameters_member, "load_best_model_at_end"),
            "write the same for both",
            severity=severity,
        )
    steps, every = whole(values.get("save_steps")), whole(values.get("eval_steps"))
    if evaluates == saves == "steps" and steps and every and steps % every:
        yield Problem(
            f"load_best_model_at_end requires save_steps to be a round multiple of eval_steps: {steps} is none of {every}",
            (view.hyperparameters_member, "save_steps"),
            f"write {steps // every * every or every}",
            severity=severity,
        )
    most = whole(values.get("max_steps"))
    if sure and saves == "steps" and most and 0 < most < (steps or SAVE_STEPS):
        yield Problem(
            f"no model is saved within {most} steps, as the first is after {steps or SAVE_STEPS}: there is no best one to load",
            (view.hyperparameters_member, "save_steps" if steps else "max_steps"),
            f"write save_steps and eval_steps below {most}",
            severity="warning",
        )


FOREIGN = {
    "epochs": "num_train_epochs",
    "train_batch_size": "per_device_train_batch_size",
    "eval_batch_size": "per_device_eval_batch_size",
    "batch_size": "per_device_train_batch_size",
    "lr": "learning_rate",
    "model_name": "model_name_or_path",
    "model_id": "model_name_or_path",
}
"""What other scripts call arguments of the examples."""


def _of_the_example(view: TrainingView) -> Iterator[Problem]:
    """What one of transformers' examples says of its own arguments, and the version of the library of the others."""
    yield from _unknown_to_the_example(view)
    yield from _refused_by_the_example(view)
    if _program(view) == "run_glue.py":
        yield from _glue(view)


def _unknown_to_the_example(view: TrainingView) -> Iterator[Problem]:
    """Names of other scripts, and of other versions of the library."""
    image = view.framework
    fields = {name for name, _, _ in library_fields.fields(ARGUMENTS, "")}
    for name in view.values:
        near = FOREIGN.get(name) or next((each for each in fields if slip(each, str(name))), None)
        if near is not None and name not in fields:
            yield Problem(
                f"Some specified arguments are not used by the HfArgumentParser: {show(name)} is no argument of {_program(view)}",
                (view.hyperparameters_member, name),
                f"write {near}",
                severity="warning",  # a script of the same name may have it
            )
    if image is None or image.framework != "huggingface" or not image.version:
        return
    known = {name for name, _, _ in library_fields.fields(ARGUMENTS, image.version)}
    for name in view.values:
        span = library_fields.versions_with(ARGUMENTS, name) if name not in known else ""
        if span:
            yield Problem(
                f"transformers {image.version} has no argument {show(name)}, which versions {span} have",
                (view.hyperparameters_member, name),
                "write it as this version calls it",
                severity="warning",  # requirements.txt may bring another one
            )


def _refused_by_the_example(view: TrainingView) -> Iterator[Problem]:
    """Values that any of the examples refuses, and files in a form that this one does not read."""
    member, values = view.hyperparameters_member, view.values
    ratio = decimal(str(values.get("warmup_ratio", "")))
    if ratio is not None and not 0 <= ratio <= 1:
        yield Problem(
            "warmup_ratio must lie in range [0,1]", (member, "warmup_ratio"), "write a share, such as 0.1"
        )
    evaluates = values.get("eval_strategy", values.get("evaluation_strategy", "no"))
    if values.get("lr_scheduler_type") == "reduce_lr_on_plateau" and evaluates == "no":
        yield Problem(
            "lr_scheduler_type reduce_lr_on_plateau requires an eval strategy",
            (member, "lr_scheduler_type"),
            "add evaluation_strategy: epoch, and do_eval: True",
        )
    endings = table("trainer")["programs"][_program(view)]
    for name in ("train_file", "validation_file", "test_file") if endings else ():
        file = values.get(name)
        ending = file.rpartition(".")[2] if isinstance(file, str) and "." in file[-9:] else ""
        if ending and ending.lower() not in (*endings, "jsonl"):
            yield Problem(
                f"{name} is to be a {' or '.join(endings)} file for {_program(view)}, and this is a .{ending}",
                (member, name),
                "convert the data",
            )


def _glue(view: TrainingView) -> Iterator[Problem]:
    """What run_glue.py is to be trained for."""
    place, tasks = (view.hyperparameters_member, "task_name"), table("trainer")["glue_tasks"]
    task = view.values.get("task_name")
    if isinstance(task, str) and task.lower() not in tasks:
        yield Problem(
            f"there is no GLUE task {show(task)}.{did_you_mean(task, tasks)}",
            place,
            "write one of " + ", ".join(tasks),
        )
    if view.values.keys().isdisjoint(("task_name", "dataset_name", "train_file")):
        yield Problem(
            "Need either a GLUE task, a training/validation file or a dataset name",
            place,
            "add task_name, dataset_name, or train_file and validation_file",
        )


@rule(
    "FRM035",
    severity="warning",
    reads=hyperparameters("output_dir", "report_to", "push_to_hub", "save_strategy"),
    when="framework",
)
def nothing_comes_of_it(view: TrainingView) -> Iterator[Problem]:
    """What transformers' Trainer is to write goes nowhere.

    What it does:
        Where a job runs transformers' Trainer, looks at output_dir (in one of transformers' examples: any folder but those below /opt/ml; a place
        in S3 in all; with CheckpointConfig on spot, any but its own), for report_to with Weights & Biases without WANDB_API_KEY, for push_to_hub without a token, and for a spot job with
        CheckpointConfig whose save_strategy is no.
    Why:
        model.tar.gz holds what is in /opt/ml/model, and checkpoints are kept where CheckpointConfig says: a job that was interrupted, or
        stopped at its time limit, begins anew where none are written. Nobody is logged in in a
        container: "api_key not configured (no-tty)", "403 Client Error" of the Hub.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/huggingface-pytorch-training:2.1.0-transformers4.36.0-gpu-py310-cu121-ubuntu20.04
          ResourceConfig: {InstanceType: ml.g5.2xlarge, VolumeSizeInGB: null}
          HyperParameters:
            sagemaker_program: run_clm.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
            model_name_or_path: gpt2
        -   output_dir: ./results
        +   output_dir: /opt/ml/model
    Source:
        https://huggingface.co/docs/sagemaker/train, https://docs.wandb.ai/guides/track/environment-variables/
    """
    sure = sure_of(view)
    if sure is None:
        return
    member, values = view.hyperparameters_member, view.values
    folder = values.get("output_dir")
    if isinstance(folder, str) and (
        folder.startswith("s3://") or (sure and not folder.startswith(("/opt/ml/", "${", "{", "<")))
    ):
        yield Problem(
            f"output_dir {show(folder)} is "
            + ("a folder of this name to the Trainer" if folder.startswith("s3://") else "lost with the job"),
            (member, "output_dir"),
            "write /opt/ml/model; or /opt/ml/checkpoints, with CheckpointConfig",
        )
    kept = view.request.get("EnableManagedSpotTraining") is True and view.request.get("CheckpointConfig")
    if kept and values.get("save_strategy") == "no":
        yield Problem(
            "save_strategy is no: an interrupted job finds no checkpoint in CheckpointConfig's place, and begins anew",
            (member, "save_strategy"),
            "write steps, with save_steps, or epoch",
        )
    if kept and sure and values.get("save_strategy") != "no" and isinstance(folder, str):
        place = str(mapping(view.request, "CheckpointConfig").get("LocalPath") or CHECKPOINTS).rstrip("/")
        if folder.startswith("/opt/ml/") and not f"{folder}/".startswith(f"{place}/"):
            yield Problem(
                f"the Trainer writes its checkpoints to {show(folder)}, and CheckpointConfig keeps those in {place}: "
                "an interrupted job begins anew",
                (member, "output_dir"),
                f"write {place}, and let the script save the model to /opt/ml/model",
            )
    written = [*view.environment.items(), *values.items()]
    names = [str(name) for name, value in written if value not in ("", '""')]
    reports = str(values.get("report_to", ""))
    off = not {"WANDB_MODE", "WANDB_DISABLED"}.isdisjoint(names)
    if "wandb" in reports and not (off or any(map(TOKEN.search, names)) or logs_in(view, "wandb")):
        yield Problem(
            "report_to names wandb, and the job has no WANDB_API_KEY",
            (member, "report_to"),
            "give the job WANDB_API_KEY, or let the script fetch it from Secrets Manager",
        )
    pushes = is_on(values, "push_to_hub")
    given = any(TOKEN.search(name) for name in names if not name.startswith("push"))
    if pushes and not (given or logs_in(view, "huggingface_hub")):
        yield Problem(
            "push_to_hub is on, and the job has no token to push with",
            (member, "push_to_hub"),
            "give the job HF_TOKEN, or let the script fetch it from Secrets Manager",
            severity="error" if sure and values.get("hub_token") == "" else None,
        )
