"""Rules of the area *framework*: whether image, instance, script mode and the builder's word fit together."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cursus.aws import distribution, images, instances
from cursus.checks.framework.images import IMAGE, READS
from cursus.checks.rules import PROGRAM as GIVEN
from cursus.checks.rules import Problem, hyperparameters, rule
from cursus.checks.text_faults import CURLY
from cursus.checks.texts import PROGRAM
from cursus.checks.texts import SUBMIT as DIRECTORY
from cursus.checks.views import TrainingView, is_reference
from cursus.model import Path
from cursus.redact import show

NO_VALUE = frozenset({"", "none", "null"})
FIT = ("AlgorithmSpecification", "ResourceConfig")
SET = (*FIT, "HyperParameters")
ARCHIVES_NOT = (".zip", ".py", ".ipynb", "/")


@rule(
    "FRM010",
    severity="warning",
    reads=READS,
    shared=True,
    of=SET,
    when="framework",
)
def processor(view: TrainingView) -> Iterator[Problem]:
    """The image is for another kind of processor than the instance has.

    What it does:
        Compares the processor in the tag of one of Amazon's framework images with the instance types.
    Why:
        A CPU image leaves the GPUs, or the Neuron devices, idle while they are billed. A GPU image on a CPU instance
        runs without them, or fails where the script asks for CUDA. MXNet, and TensorFlow below 1.14, are not even
        imported there ("libcuda.so.1: cannot open shared object file"): that is an error.
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
          ResourceConfig: {InstanceType: ml.p3.2xlarge}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/pre-built-containers-frameworks-deep-learning.html,
        https://github.com/aws/sagemaker-mxnet-inference-toolkit/issues/112,
        https://github.com/aws/sagemaker-python-sdk/issues/440
    """
    image = view.framework
    if image is None or image.processor not in ("cpu", "gpu"):
        return
    found = [(path, instances.find(kind)) for path, kind, _ in view.instances]
    if any(each is None or each.processor == image.processor for _, each in found):
        return  # in a heterogeneous cluster it is enough that one group fits
    for path, instance in found:
        if instance is None:
            continue
        if not distribution.switches_not_for(instance.processor).isdisjoint(view.hyperparameters):
            continue  # DST002 and DST013 hold the instance against what is switched on
        if image.processor == "gpu":
            fails = images.needs_driver(image)
            yield Problem(
                f"{instance.name} has no GPU, and the image is for GPUs (tag {image.tag!r})"
                + (": its framework does not start without one." if fails else "."),
                path,
                "Use an instance type with GPUs, or "
                + ("a neuronx image." if instance.neuron_devices else "the image's cpu tag."),
                severity="error" if fails else None,
            )
        else:
            idle = f"{instance.gpus} GPU" if instance.gpus else f"{instance.neuron_devices} Neuron device"
            stay = "s stay" if max(instance.gpus, instance.neuron_devices) > 1 else " stays"
            yield Problem(
                f"The image is for CPUs (tag {image.tag!r}): the {idle}{stay} idle on {instance.name}.",
                path,
                f"Use the image's tag for {instance.processor}, or an instance type without accelerators.",
            )


@rule("FRM011", reads=READS, shared=True, of=FIT, when="framework")
def neuron(view: TrainingView) -> Iterator[Problem]:
    """An image for AWS Trainium runs on another instance.

    What it does:
        Says where one of Amazon's Neuron images is asked for on an instance type without Neuron devices, or on several
        without EFA, and where an image for another processor architecture is.
    Why:
        The Neuron runtime finds no device and the job fails, or the hosts do not meet; a program of another architecture does not start.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training-neuronx:2.1.2-neuronx-py310-sdk2.20.0-ubuntu20.04
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
        + ResourceConfig: {InstanceType: ml.trn1.2xlarge, VolumeSizeInGB: null}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/train-trainium.html
    """
    image = view.framework
    if image is None or not image.trains:
        return
    found = [(path, instances.find(kind)) for path, kind, _ in view.instances]
    for path, instance in found if view.host_count != 1 else ():
        if instance is not None and instance.neuron_devices and not instance.efa:
            yield Problem(
                f"{instance.name} has no Elastic Fabric Adapter, which Neuron needs to train on several hosts together.",
                path,
                "Use one instance, or a size with the adapter, such as ml.trn1.32xlarge.",
                severity="warning",  # each of them may do work of its own
            )
    if image.processor == "neuron" and not any(each is None or each.neuron_devices for _, each in found):
        for path, instance in found:
            if instance is not None:
                yield Problem(
                    f"{instance.name} has no Neuron device, and the image {image.repository!r} is for AWS Trainium.",
                    path,
                    "Use an ml.trn1 or ml.trn2 instance type, or an image for this one.",
                )
    for path, instance in found:
        if instance is not None and instance.architecture != image.architecture:
            yield Problem(
                f"{instance.name} has {instance.architecture} processors, and the image is for {image.architecture}.",
                path,
                f"Use an instance type with {image.architecture} processors, or an image for {instance.architecture}.",
            )


def _written(view: TrainingView, hyperparameter: str, variable: str) -> tuple[Path, object] | None:
    """(place, value) of a script mode setting in the hyperparameters or the environment."""
    if hyperparameter in view.hyperparameters:
        return (view.hyperparameters_member, hyperparameter), view.hyperparameters[hyperparameter]
    if variable in view.environment:
        return ("Environment", variable), view.environment[variable]
    return None


@rule(
    "FRM012",
    reads=READS,
    when="framework",
    shared=True,
    unless=("script", "step"),
    of=(*GIVEN, "Environment"),
)
def script_mode(view: TrainingView) -> Iterator[Problem]:
    """A framework image is not told which script to run, or where it is.

    What it does:
        Looks for `sagemaker_program` and `sagemaker_submit_directory` where the image is one of Amazon's framework
        images and the request has no ContainerEntrypoint. XGBoost's image may go without both. The script is neither a
        notebook, nor an address, nor a path of another machine or in the archive, nor a command with options. The archive is a file, and no folder.
    Why:
        The image holds the framework and no training program. Its toolkit ends with a framework error, such as an
        AttributeError on an entry point that is None.
    Example:
          AlgorithmSpecification:
            TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-cpu-py310
          HyperParameters:
        +   sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
    Source:
        https://github.com/aws/sagemaker-training-toolkit#how-a-script-is-executed-inside-the-container
    """
    image = view.framework
    if image is None or not image.trains or view.algorithm.get("ContainerEntrypoint"):
        return
    member: Path = (view.hyperparameters_member,)
    if is_reference(view.request.get(view.hyperparameters_member)):
        return
    program = _written(view, PROGRAM, "SAGEMAKER_PROGRAM")
    directory = _written(view, DIRECTORY, "SAGEMAKER_SUBMIT_DIRECTORY")
    if program is None and directory is None:
        if image.framework != "xgboost" and view.step.source is None:
            # Where the builder's configuration chose the image, an SDK that makes the job adds the script too.
            chosen = view.step.origin((*view.path, *IMAGE))
            bare = not any(
                view.request.get(name)
                for name in (view.hyperparameters_member, "InputDataConfig", "Environment")
            )
            by_config = chosen is not None and chosen.source == "config"
            yield Problem(
                f"The image {image.repository!r} runs a script, and the request names none: there is neither "
                f"{PROGRAM} nor {DIRECTORY}.",
                member,
                f"Set {PROGRAM} to the entry point, and {DIRECTORY} to the archive with it on S3.",
                severity="warning" if by_config or bare else None,
            )
    elif program is None and PROGRAM not in view.tuned:
        yield Problem(
            f"The request gives a source archive ({DIRECTORY}) and no {PROGRAM}: the toolkit's entry point is None.",
            *_misspelt(view, PROGRAM, f"Set {PROGRAM} to the script's file name, such as 'train.py'."),
        )
    elif directory is None and (view.step.source is None or view.step.promises.hooks) and not _code(view):
        yield Problem(  # given with a request, a source directory stands in; a builder's is sent as it is
            f"The request names a script ({PROGRAM}) and no {DIRECTORY}: there is no code in the container.",
            *_misspelt(
                view, DIRECTORY, f"Set {DIRECTORY} to the S3 URI of the source archive (sourcedir.tar.gz)."
            ),
            severity=None if view.step.source is None else "warning",
        )
    for found in (program, directory):
        if found is not None and isinstance(found[1], str) and found[1].strip('"').lower() in NO_VALUE:
            yield Problem(
                f"{found[0][-1]} is {show(found[1])}, which names nothing.", found[0], "Give it a value."
            )
    if program is not None and isinstance(program[1], str):
        yield from _program(view, program[0], program[1])
    if directory is not None and isinstance(directory[1], str):
        if _half_quoted(directory[1]):
            yield _unclosed(directory[0], directory[1])
        else:
            yield from _archive(directory[0], _bare(directory[1]))


def _half_quoted(value: str) -> bool:
    """True for a text that begins or ends with a quotation mark and is no JSON."""
    text = value.strip()
    return len(text) > 1 and (text[0] == '"') != (text[-1] == '"')


def _bare(value: str) -> str:
    """What the toolkit makes of a text that may be JSON, around which white space does not count."""
    text = value.strip()
    return text.strip('"') if len(text) > 1 and text[0] == text[-1] == '"' else value


def _unclosed(path: Path, value: str) -> Problem:
    return Problem(
        f"{path[-1]} is {show(value)}, with one quotation mark: this is no JSON, so the toolkit takes the mark for "
        "a part of the name.",
        path,
        f"Write {show(value.strip(chr(34)))}, or close the quotation.",
    )


def _misspelt(view: TrainingView, setting: str, remedy: str) -> tuple[Path, str]:
    """(place, remedy) for a setting that is missing: at the one that is almost called so, where there is one."""
    for name in view.hyperparameters:
        if (
            isinstance(name, str)
            and name.startswith("sagemaker_")
            and distribution.setting_meant(name) == setting
        ):
            return (view.hyperparameters_member, name), f"Write {setting} in place of {name}."
    return (view.hyperparameters_member,), remedy


def _program(view: TrainingView, path: Path, value: str) -> Iterator[Problem]:
    """What is wrong with the name of the script."""
    name, told = _bare(value), f"{path[-1]} is {show(value)}"
    seen = view.step.source is not None and view.step.source.entry_point.endswith(".ipynb")  # by FRM050
    if not seen and name.endswith(".ipynb"):
        yield Problem(
            f"{told}: the toolkit runs Python and shell scripts, and no notebooks.",
            path,
            "Export the notebook to a script, and name that.",
        )
    if name.startswith(("s3://", "https://", "http://")):
        yield Problem(
            f"{told}: it names a file in the source archive, not an object on S3 or a web address.",
            path,
            f"Put the script into the archive that {DIRECTORY} names, and give its name in there.",
        )
    if _half_quoted(value):
        yield _unclosed(path, value)
    elif re.fullmatch(rf"(?:{CURLY})|<[^<>]+>|[(\[]['\"].*[)\]]|'.*'", name):
        yield Problem(
            f"{told}: the toolkit fills nothing in, and looks for a file of this very name.",
            path,
            "Write the script's file name, such as train.py.",
        )
    elif name != name.strip():
        yield Problem(
            f"{told}: the white space counts, and there is no file of this name.",
            path,
            f"Write {show(name.strip())}.",
        )
    elif _elsewhere(name):
        yield Problem(
            f"{told}, a path of another machine; the container has no such file.",
            path,
            f"Name the script as it lies in the archive that {DIRECTORY} names.",
        )
    elif name.endswith("/"):
        yield Problem(
            f"{told}, which is a folder, and no script.",
            path,
            f"Name the script as it lies in the archive that {DIRECTORY} names.",
        )
    elif ".tar.gz/" in name:
        yield Problem(
            f"{told}: the archive is unpacked, and its own name is no folder in it.",
            path,
            f"Write {name.rpartition('.tar.gz/')[2]}.",
        )
    elif value.startswith('"\\"'):
        yield Problem(
            f"{told}: the toolkit takes one pair of quotes away, and looks for a file with the other in its name.",
            path,
            "Write the name in one pair of quotes, or in none.",
        )
    elif "\\" in name:
        tidy = re.sub(r"\\+", "/", name)
        yield Problem(
            f"{told}: Linux takes a backslash for a part of the file's name, and there is no such file.",
            path,
            f"Write {tidy}.",
        )
    elif ".py -" in name or ".sh -" in name or name.startswith("-"):
        yield Problem(
            f"{told}: the toolkit looks for a file of this name, options and all.",
            path,
            "Name the script alone; hyperparameters are its options.",
        )


def _code(view: TrainingView) -> bool:
    return any(channel.name == "code" for channel in view.channels)


def _elsewhere(program: str) -> bool:
    """True for a path in somebody's home folder, or on a drive: one that no container has."""
    drive = program[1:2] == ":" and program[:1].isalpha()
    return drive or program.startswith(("/home/", "/Users/", "/root/", "~"))


def _archive(path: Path, value: str) -> Iterator[Problem]:
    """What is wrong with the place of the source archive."""
    if value.lower() in NO_VALUE or (value.startswith("/") and not _elsewhere(value)):
        return
    remedy = "Give the S3 URI of a gzipped tar archive, s3://bucket/prefix/sourcedir.tar.gz."
    if not value.startswith("s3://"):
        yield Problem(
            f"The source archive {show(value)} is not on S3: the container cannot reach it.", path, remedy
        )
    elif not value[5:].partition("/")[2]:
        yield Problem(
            f"The source archive {show(value)} is a bucket without a key: the toolkit downloads one object.",
            path,
            remedy,
        )
    elif value.lower().endswith(ARCHIVES_NOT):
        yield Problem(f"The source archive {show(value)} is no gzipped tar archive.", path, remedy)
    elif "." not in value.rpartition("/")[2] and not any(mark in value for mark in "<{$"):
        yield Problem(
            f"The source archive {show(value)} has no ending: the toolkit downloads one object, and no folder.",
            path,
            remedy,
            severity="warning",
        )


@rule("FRM013", reads=hyperparameters(PROGRAM, DIRECTORY), shared=True, of=SET)
def script_for_an_algorithm(view: TrainingView) -> Iterator[Problem]:
    """A built-in algorithm is given a script.

    What it does:
        Says where script mode's hyperparameters go to the image of a built-in algorithm.
    Why:
        These images run their own program. They take `sagemaker_program` for a hyperparameter that they do not
        know, and the job fails: "Additional hyperparameters are not allowed".
    Example:
          AlgorithmSpecification:
            TrainingImage: 382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1
          HyperParameters:
            predictor_type: regressor
        -   sagemaker_program: train.py
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/algos.html
    """
    image = images.amazon_image(view.image)
    if image is None or image.kind != "algorithm" or not image.trains:
        return
    if image.framework == "xgboost":
        return
    for name in (PROGRAM, DIRECTORY):
        if name in view.hyperparameters:
            yield Problem(
                f"{image.repository!r} is a built-in algorithm with a program of its own; it takes no {name}.",
                (view.hyperparameters_member, name),
                "Take it out, or use a framework image.",
            )


@rule("FRM016", reads=READS, shared=True, of=FIT, when="framework")
def cuda(view: TrainingView) -> Iterator[Problem]:
    """The image's framework or CUDA does not know the instance's GPU.

    What it does:
        Compares the CUDA version of one of Amazon's GPU images with the architecture of the GPUs, and its framework's with
        the families that it has given up.
    Why:
        A GPU newer than the image's CUDA has no kernels in it, and the newest CUDA versions have dropped the oldest
        GPUs: "no kernel image is available for execution on the device". "P2 instances have been deprecated for sagemaker
        jobs starting PyTorch 1.13 and TensorFlow 2.12".
    Example:
          AlgorithmSpecification:
        -   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:1.9.1-gpu-py38-cu111-ubuntu20.04
        +   TrainingImage: 763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.1.0-gpu-py310-cu121-ubuntu20.04-sagemaker
          HyperParameters:
            sagemaker_program: train.py
            sagemaker_submit_directory: s3://example-bucket/code/sourcedir.tar.gz
          ResourceConfig: {InstanceType: ml.p5.48xlarge, VolumeSizeInGB: null}
    Source:
        https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/
    """
    image = view.framework
    if image is None or image.processor != "gpu" or image.version is None:
        return
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        until = instances.retired(instance.family, image.engine) if instance else None
        if until and image.engine_version and images.order(image.engine_version) >= images.order(until):
            yield Problem(
                f"{images.title(str(image.engine))} {image.engine_version} does not run on {kind}: its images gave up the family "
                f"with {until}.",
                path,
                "Use an instance type with newer GPUs, or an older version of the framework.",
            )
            return
    known = image.cuda or _only_cuda(image.repository, image.version)
    if known is None:
        return
    digits = known.removeprefix("cu")
    number = float(f"{digits[:-1]}.{digits[-1]}")
    for path, kind, _ in view.instances:
        instance = instances.find(kind)
        if instance is None or instance.gpu is None:
            continue
        first, last = instances.cuda_range(instance.gpu.capability)
        if first is not None and number < first:
            yield Problem(
                f"The image has CUDA {number:g}, and the {instance.gpu.kind} of {kind} needs {first:g} or later.",
                path,
                "Use a newer version of the framework, or an instance type with older GPUs.",
            )
        elif last is not None and number > last:
            yield Problem(
                f"The image has CUDA {number:g}, which no longer knows the {instance.gpu.kind} of {kind}.",
                path,
                "Use an instance type with newer GPUs, or an older version of the framework.",
            )


def _only_cuda(repository: str, version: str) -> str | None:
    """The CUDA of a version's images, where they all have the same."""
    found = images.facts(repository, version).get("cuda", ())
    return str(found[0]) if len(found) == 1 else None
