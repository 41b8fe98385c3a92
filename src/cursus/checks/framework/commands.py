"""Rules on what starts the containers of jobs: the program of ContainerEntrypoint, and what it is given to run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from cursus.aws.tables import table
from cursus.checks.rules import Problem, rule
from cursus.checks.views import RequestView, listing, mapping, mappings, text
from cursus.model import Path, Severity
from cursus.redact import show

if TYPE_CHECKING:
    from cursus.aws.images import Image

SPECIFICATIONS = ("AppSpecification", "AlgorithmSpecification")
SHELLS = frozenset({"sh", "bash", "dash", "zsh"})
LAUNCHERS = frozenset(
    {"torchrun", "accelerate", "deepspeed", "mpirun", "spark-submit", "smspark-submit", "conda", "uv"}
)
_PYTHON = re.compile(r"python(\d(\.\d+)?)?")
_SWITCH = re.compile(r"-[A-Za-z]+")
_WITH_WORD = {"python": "WX", "shell": "oO"}
"""Switches that take the next word."""
_NO_SCRIPT = {"python": "cmhV", "shell": "cs"}
"""Switches after which there is no script."""

ARCHIVE = "sourcedir.tar.gz"
LAUNCHER = "runproc.sh"
CODE = "/opt/ml/processing/input/code"
ENTRY = "/opt/ml/processing/input/entrypoint/"
"""Where the SDK's framework processors put their launcher; the script itself, where they are given as a step's processor."""
_FILLED = ("/opt/ml/processing/", "/opt/ml/input/")
"""Where SageMaker puts what a job gets."""
PACKED = (".tar.gz", ".tgz", ".tar", ".zip")


@rule("FRM026", scope="request", reads=("ContainerEntrypoint",))
def program_and_script(view: RequestView) -> Iterator[Problem]:
    """A container's command starts a script with the wrong program, a program without a script, or a whole line as one.

    What it does:
        Where ContainerEntrypoint begins with a shell or Python, looks for the script that it is given there or in
        ContainerArguments: a shell runs no .py, Python no .sh. Python without a script is a warning; arguments, or a
        location in S3, in the script's place are an error, and so are a program that is written in one item with what it is given,
        an option with a long dash (a warning), a notebook that Python is to run, and, in one of Amazon's images for frameworks, -m with a module of your own
        (a warning where not all of the image's packages are known) and a script without a path, or in a folder of
        /opt/ml that nothing fills.
    Why:
        "evaluate.py: line 1: import: command not found" fails the job once its instance is up, as does "runproc.sh", line 3,
        "SyntaxError: invalid syntax". There is no program of the name "python3 /opt/program/evaluate.py". Python that is given nothing reads an empty input: the job succeeds, and has done nothing.
    Example:
          operation: CreateProcessingJob
        - AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/evaluate:1", ContainerEntrypoint: [/bin/bash, /opt/program/evaluate.py]}
        + AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/evaluate:1", ContainerEntrypoint: [python3, /opt/program/evaluate.py]}
    Source:
        https://github.com/aws/sagemaker-python-sdk/issues/4802, https://github.com/aws/sagemaker-python-sdk/issues/4272,
        https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-run-image.html
    """
    for member in SPECIFICATIONS:
        specification = mapping(view.request, member)
        entry = listing(specification, "ContainerEntrypoint")
        words = [*entry, *listing(specification, "ContainerArguments")]
        if (
            not entry
            or not isinstance(entry[0], str)
            or not isinstance(specification.get("ContainerArguments"), (list, type(None)))
        ):
            continue
        if _is_line(entry[0]):
            yield Problem(
                f"{show(entry[0])} is looked for as one program, spaces and all: no shell takes the line apart",
                (member, "ContainerEntrypoint", 0),
                "write each word as an item of its own",
            )
            continue
        program = entry[0].rpartition("/")[2]
        kind = "shell" if program in SHELLS else "python" if _PYTHON.fullmatch(program) else None
        at = _script(words, kind) if kind is not None else None
        place: Path = (member, "ContainerEntrypoint")
        yield from _long_dashes(words, len(entry), member)
        if at is not None and at < len(words):
            where: Path = (*place, at) if at < len(entry) else (member, "ContainerArguments", at - len(entry))
            yield from _given(program, kind, words[at], (*place, 0), where, specification)
        elif kind == "python" and at is not None:
            yield Problem(
                f"{program} is given no script: it reads an empty input, and the job ends with success",
                place,
                "write the script's path in the container behind it",
                severity="warning",
            )
        elif (
            kind == "python" and words[1:2] == ["-m"] and (sure := _nowhere(view, specification, words[2:3]))
        ):
            yield Problem(
                f"{program} looks for the module {show(words[2])} in its own folders and the current one: "
                "Amazon's image has it in none of them",
                place,
                "bring the code by an input or channel, and start the script by its path there",
                severity=sure,
            )


def _long_dashes(words: list[object], of_entry: int, member: str) -> Iterator[Problem]:
    """Options as word processors write them, with one long dash in the place of two hyphens."""
    for i, word in enumerate(words):
        if isinstance(word, str) and re.match(r"[\u2012-\u2015\u2212]+[A-Za-z]", word):
            where: Path = (
                (member, "ContainerEntrypoint", i)
                if i < of_entry
                else (member, "ContainerArguments", i - of_entry)
            )
            yield Problem(
                f"{show(word)} begins with a long dash, as a document has it: no parser takes it for an option",
                where,
                "write two hyphens",
                severity="warning",
            )


def _given(
    program: str, kind: str | None, word: str, place: Path, where: Path, specification: Mapping[str, object]
) -> Iterator[Problem]:
    """What is wrong with the script that a program at ``place`` is given: a word at ``where``."""
    if kind == "python" and word.startswith("--"):
        yield Problem(
            f"{program} is given {show(word)} where the script stands",
            where,
            "write the script's path in the container before its arguments",
        )
    elif word.startswith("s3://"):
        yield Problem(
            f"{program} is given {show(word)}: it knows the container's files alone, and nothing in S3",
            where,
            "bring the script by an input or channel, and write its path in the container",
        )
    elif kind == "shell" and word.endswith(".py"):
        yield Problem(
            f"{show(word)} is Python, and {program} runs it as a shell script",
            place,
            "give the step step_args=processor.run(…), made with a PipelineSession, in place of processor="
            if word.startswith(ENTRY)
            else "write python3, or start a shell script that calls it",
        )
    elif kind == "python" and word.endswith((".sh", ".bash")):
        yield Problem(
            f"{show(word)} is a shell script, and {program} reads it as Python", place, "write /bin/bash"
        )
    elif kind == "python" and word.endswith(".ipynb"):
        yield Problem(
            f"{show(word)} is a notebook, and {program} reads it as a script: NameError: name 'null' is not defined",
            where,
            "convert it (jupyter nbconvert --to script), and name the .py file",
        )
    elif (
        word.startswith("/opt/ml/") and not word.startswith(_FILLED) and _framework(specification) is not None
    ):
        yield Problem(
            f"{program} looks for {show(word)}, where neither SageMaker nor Amazon's image puts a file",
            where,
            "write its whole path: /opt/ml/processing/input/… or /opt/ml/input/data/<channel>/…",
        )
    elif (
        word.endswith((".py", ".sh"))
        and not word.startswith(("/", "opt/ml/", "$", "{"))
        and _framework(specification) is not None
    ):
        yield Problem(
            f"{program} looks for {show(word)} in the folder that Amazon's image starts in, which has none of your files",
            where,
            "write its whole path: /opt/ml/processing/input/… or /opt/ml/input/data/<channel>/…; or leave "
            "ContainerEntrypoint out, and let the toolkit start it",
        )


def _framework(specification: Mapping[str, object]) -> Image | None:
    """The image, where it is one of Amazon's for a framework."""
    from cursus.aws.images import amazon_image

    image = amazon_image(text(specification, "ImageUri") or text(specification, "TrainingImage"))
    return image if image is not None and image.kind == "framework" else None


def _nowhere(view: RequestView, specification: Mapping[str, object], words: list[object]) -> Severity | None:
    """How sure it is that an image of Amazon's with its own path has no such module; None where it may have it."""
    from cursus.checks.script.published import published

    image = _framework(specification) if words else None
    if image is None:
        return None
    top, packages = str(words[0]).partition(".")[0], table("packages")["images"].get(image.engine, ())
    if (
        "PYTHONPATH" in mapping(view.request, "Environment")
        or not top.isidentifier()
        or top.startswith("sagemaker")
        or top in ("pip", *packages)
        or published(top)
    ):
        return None
    return "error" if packages else "warning"  # all the packages of one image are known


def _is_line(word: str) -> bool:
    """True for a known program with its arguments behind it in one text."""
    first, *others = word.split() or [""]
    name = first.rpartition("/")[2]
    known = name in SHELLS or name in LAUNCHERS or _PYTHON.fullmatch(name) or name.endswith((".py", ".sh"))
    return bool(others and known)


def _script(words: list[object], kind: str) -> int | None:
    """The place of what a shell or Python runs, the number of words where there is none; None where it cannot be told."""
    at = 1
    while at < len(words):
        word = words[at]
        if not isinstance(word, str) or word in ("", "-", "--"):
            return None
        if not _SWITCH.fullmatch(word):
            return None if kind == "shell" and word.startswith(("-", "+")) else at
        if any(letter in _NO_SCRIPT[kind] for letter in word[1:]):
            return None
        at += 2 if word[-1] in _WITH_WORD[kind] else 1
    return at


@rule("FRM027", scope="request", reads=("ContainerEntrypoint",))
def packed_code(view: RequestView) -> Iterator[Problem]:
    """The launcher of a framework processor does not find the source archive.

    What it does:
        Where a processing job starts the SDK's runproc.sh, looks for the input that puts sourcedir.tar.gz into
        /opt/ml/processing/input/code.
    Why:
        The launcher goes to that folder and unpacks an archive of that name: "cd: /opt/ml/processing/input/code/: No such file
        or directory", "tar (child): sourcedir.tar.gz: Cannot open". Then it does not find the script.
    Example:
          operation: CreateProcessingJob
          AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/evaluate:1", ContainerEntrypoint: [/bin/bash, /opt/ml/processing/input/entrypoint/runproc.sh]}
          ProcessingInputs:
        -   - {InputName: code, S3Input: {S3Uri: "s3://example-bucket/code/evaluate.tar.gz", LocalPath: /opt/ml/processing/input/code, S3DataType: S3Prefix, S3InputMode: File}}
        +   - {InputName: code, S3Input: {S3Uri: "s3://example-bucket/code/sourcedir.tar.gz", LocalPath: /opt/ml/processing/input/code, S3DataType: S3Prefix, S3InputMode: File}}
            - {InputName: entrypoint, S3Input: {S3Uri: "s3://example-bucket/code/runproc.sh", LocalPath: /opt/ml/processing/input/entrypoint, S3DataType: S3Prefix, S3InputMode: File}}
    Source:
        sagemaker 2.257.7 and 3.27.0, FrameworkProcessor._generate_framework_script,
        https://github.com/aws/sagemaker-python-sdk/issues/3269, https://github.com/aws/sagemaker-python-sdk/issues/2909
    """
    entry = listing(mapping(view.request, "AppSpecification"), "ContainerEntrypoint")
    started = next((w for w in entry if isinstance(w, str) and w.endswith(f"/{LAUNCHER}")), None)
    inputs = [(i, mapping(entry, "S3Input")) for i, entry in mappings(view.request, "ProcessingInputs")]
    downloaded = any((text(source, "S3Uri") or "").endswith(f"/{LAUNCHER}") for _, source in inputs)
    folders = [text(source, "LocalPath") for _, source in inputs]
    if started is None or not downloaded or None in folders:
        return  # a launcher of the user's own, or folders that are not known
    found = [
        (i, text(source, "S3Uri"))
        for (i, source), folder in zip(inputs, folders, strict=True)
        if _inside(folder)
    ]
    if not found:
        yield Problem(
            f"{LAUNCHER} unpacks {CODE}/{ARCHIVE}, and no input is put there",
            ("ProcessingInputs",),
            f"add an input with the S3Uri of {ARCHIVE} and the LocalPath {CODE}, or start the script itself",
        )
    elif all(
        uri is not None and uri.endswith(PACKED) and not uri.endswith(f"/{ARCHIVE}") for _, uri in found
    ):
        i, uri = found[0]
        yield Problem(
            f"{LAUNCHER} unpacks {ARCHIVE}, and the archive that it gets is {show((uri or '').rpartition('/')[2])}",
            ("ProcessingInputs", i, "S3Input", "S3Uri"),
            f"name the archive {ARCHIVE}",
        )


def _inside(folder: str | None) -> bool:
    return folder is None or f"{CODE}/".startswith(f"{folder.rstrip('/')}/") or folder.startswith(f"{CODE}/")


_WRANGLER = re.compile(r"--\S+ '\{.*\}'", re.DOTALL)
"""How Data Wrangler's own container takes its options: in one item, with quotation marks around JSON."""


@rule("FRM033", severity="warning", scope="request", reads=("AppSpecification", "ContainerArguments"))
def arguments(view: RequestView) -> Iterator[Problem]:
    """A job's program is given words that it does not take for what they are meant, or there is no program.

    What it does:
        Looks in ContainerArguments for an option and its value (an error where Python runs a script), or two options, in one item, and, in those of a processing job, for paths where
        training jobs have their channels; and for a processing job that runs one of Amazon's images for frameworks without a command.
    Why:
        No shell takes the words apart: "unrecognized arguments: --ratio 0.2". A processing job has its data below
        /opt/ml/processing. Images for frameworks start training and servers by a command alone; without one nothing is run, and
        the job ends.
    Example:
          operation: CreateProcessingJob
        - AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1", ContainerArguments: [--ratio 0.2]}
        + AppSpecification: {ImageUri: "123456789012.dkr.ecr.us-east-1.amazonaws.com/prepare:1", ContainerArguments: [--ratio, "0.2"]}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-run-image.html,
        https://docs.aws.amazon.com/sagemaker/latest/dg/byoc-input-and-output.html
    """
    for member in SPECIFICATIONS:
        specification = mapping(view.request, member)
        entry = listing(specification, "ContainerEntrypoint")
        words = listing(specification, "ContainerArguments")
        if any(str(word).rpartition("/")[2] in SHELLS for word in entry):
            continue  # which takes a line apart
        for i, word in enumerate(words):
            before = words[i - 1] if i else ""
            if not isinstance(word, str) or not isinstance(before, str):
                continue
            if not entry and _WRANGLER.fullmatch(word):
                continue
            together = _OPTION.fullmatch(word) and (
                not before.startswith("-") or "=" in before or " " in before
            )
            if together or _OPTIONS.fullmatch(word):
                yield Problem(
                    f"{show(word)} is one word for the program, which knows no "
                    + ("option of this name" if together else "second option in it"),
                    (member, "ContainerArguments", i),
                    "write the option and its value as two items"
                    if together
                    else "divide them by a comma: each is an item of its own",
                    severity="error" if together and _is_python(entry) else None,
                )
            elif member == "AppSpecification" and word.startswith(_CHANNELS):
                yield Problem(
                    f"{show(word)} is where training jobs have their data; a processing job has none there",
                    (member, "ContainerArguments", i),
                    "write the LocalPath of the input, below /opt/ml/processing",
                )
    specification = mapping(view.request, "AppSpecification")
    if not ("ContainerEntrypoint" in specification or "ContainerArguments" in specification):
        image = _framework(specification)
        if image is not None and image.engine in COMMANDED:
            yield Problem(
                f"the job gives Amazon's image {show(image.repository)} no command: nothing is run in it",
                ("AppSpecification", "ContainerEntrypoint"),
                "write ContainerEntrypoint, such as [python3, /opt/ml/processing/input/code/prepare.py]",
            )


def _is_python(entry: list[object]) -> bool:
    """True where a command starts a script of Python's, whose parsers of arguments refuse what they do not know."""
    words = [word for word in entry if isinstance(word, str)]
    return bool(words and _PYTHON.fullmatch(words[0].rpartition("/")[2]) and words[-1].endswith(".py"))


_OPTION = re.compile(r"--[A-Za-z][\w-]* +[^ ].*")
_OPTIONS = re.compile(r"--[A-Za-z][\w-]*=[^ ]*[^-= ]--[A-Za-z][\w-]*=.*")
_CHANNELS = ("/opt/ml/input/data/", "/opt/ml/input/config/")
COMMANDED = ("sklearn", "pytorch", "tensorflow", "mxnet", "xgboost")
"""Frameworks whose images run what they are told alone."""
