"""Rules of the area *artifacts*: where the model goes, how it is encrypted, what is promised to be in it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from cursus.checks.locations import below, looks_like_one_object, s3_path, same_place
from cursus.checks.rules import Problem, rule
from cursus.checks.step.image_names import stands_for_another
from cursus.checks.text_faults import placeholder
from cursus.checks.texts import NOTHING
from cursus.checks.views import TrainingView, mapping, text
from cursus.model import Location, Severity
from cursus.redact import show

_KEY_ID = re.compile(
    r"(mrk-[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})", re.IGNORECASE
)
_KMS_ARN = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(?P<resource>.+)")


@lru_cache(maxsize=1024)
def key_problem(key: str) -> str | None:
    """What is wrong with the form of a KMS key, or None."""
    if not key or _KEY_ID.fullmatch(key):
        return None
    if key.startswith("alias/"):
        return "is an alias without a name" if key == "alias/" else None
    if key.startswith("arn:"):
        match = _KMS_ARN.fullmatch(key)
        if match is None:
            return "is an ARN, and not that of a KMS key (arn:aws:kms:REGION:ACCOUNT:key/ID)"
        kind, _, rest = match["resource"].partition("/")
        if kind not in ("key", "alias") or not rest:
            return "is a KMS ARN that names neither key/ID nor alias/NAME"
        if kind == "key" and not _KEY_ID.fullmatch(rest) and re.fullmatch(r"[0-9a-f-]{20,}", rest):
            return "has a key id of the wrong length (8-4-4-4-12 hexadecimal digits)"
        return None
    if re.fullmatch(r"[0-9a-f-]{20,}", key, re.IGNORECASE):
        return "is almost a key id, which has 8-4-4-4-12 hexadecimal digits"
    return "is no key id, key ARN, alias/NAME or alias ARN"


def no_key(key: str) -> bool:
    """True for a word that a template has where no key is chosen."""
    return re.fullmatch(r"empty|default|n/?a|no|no-?key|false|-+", key, re.IGNORECASE) is not None


def key_severity(key: str) -> Severity | None:
    """A warning for a wrong key that stands for one to be filled in, such as my-key or 1234abcd-12ab; else the rule's own."""
    word = not key.startswith(("arn:", "alias/")) and stands_for_another(key.removesuffix("-arn"))
    return "warning" if word or key.startswith("1234") or placeholder(key) is not None else None


@rule("ART001", reads=("OutputDataConfig.KmsKeyId",))
def kms_key_form(view: TrainingView) -> Iterator[Problem]:
    """A KMS key has one of four forms.

    What it does:
        Holds OutputDataConfig.KmsKeyId against key id, key ARN, alias name and alias ARN. A name that only stands for
        another, such as my-key, is a warning. A directory bucket (S3 Express One Zone) takes no key.
    Why:
        The service's pattern lets nearly everything pass; with a key that does not exist the job trains to its end and
        fails when it uploads the model. A name alone wants `alias/` before it.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/", KmsKeyId: churn-models}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/", KmsKeyId: alias/churn-models}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    key = text(view.output, "KmsKeyId")
    if key is None or key in NOTHING:  # the text of a missing value, as another rule says
        return
    wrong = key_problem(key)
    place = ("OutputDataConfig", "KmsKeyId")
    if key and "--x-s3/" in f"{text(view.output, 'S3OutputPath')}/":
        yield Problem(
            "a KMS key is not supported for S3 Express One Zone", place, "leave it out, or use another bucket"
        )
    elif wrong is not None:
        yield Problem(
            f"the KMS key {show(key)} {wrong}",
            place,
            "use 1234abcd-12ab-34cd-56ef-1234567890ab, alias/NAME, or the ARN of either",
            severity=key_severity(key),
        )


@rule("ART002", severity="warning", reads=("?file",))
def output_path(view: TrainingView) -> Iterator[Problem]:
    """S3OutputPath is a prefix that the job may fill.

    What it does:
        A warning for a path that looks like a file, and for one with the job's own suffix on it
        (`…/output/model.tar.gz`).
    Why:
        SageMaker appends `/<TrainingJobName>/output/model.tar.gz` itself: a path that names a file becomes a folder of
        that name.
    Example:
        - OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/model.tar.gz"}
        + OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    uri = text(view.output, "S3OutputPath")
    path = s3_path(uri) if uri is not None else None
    if path is not None and (looks_like_one_object(path) or path.endswith(".tar.gz")):
        yield Problem(
            f"the output path {show(uri)} looks like a file; SageMaker writes "
            f"{show(posixpath.join(str(uri), '<TrainingJobName>', 'output', 'model.tar.gz'))}",
            ("OutputDataConfig", "S3OutputPath"),
            "name the folder above it",
        )


@rule("ART003", severity="warning", reads=("?nested",))
def checkpoints_and_output(view: TrainingView) -> Iterator[Problem]:
    """Checkpoints have a place of their own.

    What it does:
        Compares CheckpointConfig.S3Uri with S3OutputPath and with the channels.
    Why:
        SageMaker copies everything below the checkpoint path into the container when a job starts: in a path shared with
        models, or with training data, it downloads all of them, every time.
    Example:
        - CheckpointConfig: {S3Uri: "s3://example-bucket/models/"}
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/churn/"}
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/model-checkpoints.html
    """
    uri = text(mapping(view.request, "CheckpointConfig"), "S3Uri")
    path = s3_path(uri) if uri is not None else None
    if path is None:
        return
    output = text(view.output, "S3OutputPath")
    output_place = s3_path(output) if output is not None else None
    if output_place is not None and below(output_place, path):
        same = same_place(output_place, path)
        yield Problem(
            f"the checkpoint path {show(uri)} {'is' if same else 'holds'} the output path: each start downloads all "
            "models below it",
            ("CheckpointConfig", "S3Uri"),
            "give checkpoints a prefix of their own",
        )
    for channel in view.channels:
        data = text(channel.s3, "S3Uri")
        place = s3_path(data) if data is not None else None
        if place is not None and below(place, path) and channel.name not in ("checkpoint", "checkpoints"):
            yield Problem(
                f"the checkpoint path {show(uri)} holds the data of channel {show(channel.name)}: each start downloads it "
                "again",
                ("CheckpointConfig", "S3Uri"),
                "give checkpoints a prefix of their own",
            )


@rule("ART005", when="promises")
def promised_artifacts(view: TrainingView) -> Iterator[Problem]:
    """A promised artifact is a path inside the model directory.

    What it does:
        Reads the artifacts that the builder promises: no absolute path, no way out with `..`, no empty name, no URI.
    Why:
        Only what lies below /opt/ml/model (and output/data, and the checkpoint directory) leaves the job. A path
        elsewhere can never be there.
    Example:
        - expected_artifacts: ["../weights.bin"]
        + expected_artifacts: [model.tar.gz, weights.bin, output/data/metrics.json]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    expected = view.step.promises.expected_artifacts
    if not expected:
        return
    seen: set[str] = set()
    for index, artifact in enumerate(expected):
        if not isinstance(artifact, str):
            continue
        wrong = artifact_problem(named_where_kept(artifact, view))
        where = None if wrong is None and artifact not in seen else _promised(view, index)
        if wrong is not None:
            yield Problem(
                f"the promised artifact {show(artifact)} {wrong}",
                (),
                "name it relative to the model directory, such as model.pkl",
                location=where,
            )
        elif artifact in seen:
            yield Problem(
                f"the artifact {show(artifact)} is promised twice",
                (),
                "name it once",
                severity="info",
                location=where,
            )
        seen.add(artifact)


def _promised(view: TrainingView, index: int) -> Location | None:
    return view.step.promises.place("get_expected_artifacts", index)


def named_where_kept(artifact: str, view: TrainingView) -> str:
    """A promised artifact; one below CheckpointConfig.LocalPath is called ``checkpoints/…``, wherever that is."""
    path = artifact.strip().removeprefix("./")
    folder = text(mapping(view.request, "CheckpointConfig"), "LocalPath")
    if folder is not None and below(whole := posixpath.join("/opt/ml", path), folder):
        return "checkpoints" + whole[len(folder.rstrip("/")) :]
    return path


def artifact_problem(artifact: str) -> str | None:
    """Why a promised artifact cannot exist, or None."""
    if not artifact.strip():
        return "has no name"
    if "://" in artifact:
        return "is a URI"
    if "\x00" in artifact:
        return "has a zero byte in its name"
    if artifact.startswith("/"):
        if artifact.startswith(("/opt/ml/model/", "/opt/ml/output/data/", "/opt/ml/checkpoints/")):
            return None
        return "is an absolute path outside the directories that SageMaker keeps"
    parts = posixpath.normpath(artifact).split("/")
    if parts[0] == "..":
        return "leads out of the model directory"
    return None


@rule("ART006", severity="warning", reads=("*.CompressionType=NONE",))
def uncompressed_output(view: TrainingView) -> Iterator[Problem]:
    """Without compression there is no model.tar.gz.

    What it does:
        Looks for a promised `model.tar.gz` or `output.tar.gz` beside OutputDataConfig.CompressionType NONE.
    Why:
        With NONE SageMaker uploads the files of the model directory one by one: nobody finds an archive afterwards.
    Example:
          OutputDataConfig: {S3OutputPath: "s3://example-bucket/models/", CompressionType: NONE}
        - expected_artifacts: [model.tar.gz]
        + expected_artifacts: [weights.bin]
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_OutputDataConfig.html
    """
    if view.output.get("CompressionType") != "NONE":
        return
    for artifact in view.step.promises.expected_artifacts:
        if artifact in ("model.tar.gz", "output.tar.gz"):
            yield Problem(
                f"{show(artifact)} is promised, and CompressionType NONE makes no archive",
                ("OutputDataConfig", "CompressionType"),
                "leave CompressionType out, or promise the files themselves",
            )
