"""What a local run left, held against what the source loads on an endpoint."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path as FilePath

from cursus.checks.evidence import of_run
from cursus.checks.evidence.numbers import LARGEST, content
from cursus.checks.locations import below
from cursus.checks.rules import Problem, rule
from cursus.checks.views import TrainingView
from cursus.redact import show
from cursus.suggest import did_you_mean


@rule("ART062", severity="warning", scope="run")
def model_function_finds_nothing(view: TrainingView) -> Iterator[Problem]:
    """The source's model_fn opens a file that the job did not leave in the model directory.

    What it does:
        Reads the function ``model_fn`` of the source, wherever it is, and looks for the files that it opens below its model directory among
        those that the run left.
    Why:
        The endpoint unpacks model.tar.gz and calls ``model_fn`` with that folder: it fails to load the model, and its health checks fail.
    Example:
          files:
            train.py: |
        -     import os
        -     os.makedirs("/opt/ml/model/1")
        -     open("/opt/ml/model/1/model.txt", "w").write(open("/opt/ml/input/data/train/data.csv").read())
        +     open("/opt/ml/model/model.txt", "w").write(open("/opt/ml/input/data/train/data.csv").read())
            inference.py: |
              import os
              def model_fn(model_dir):
                  return open(os.path.join(model_dir, "model.txt")).read()
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html (load a model)
    """
    evidence = of_run(view)
    if evidence.status != "Completed" or view.step.source is None:
        return
    left = [file.path for file in evidence.model_files if not file.path.startswith("code/")]
    if not left:
        return
    from cursus.script.data.serving import loaded_names

    directory = view.step.source.directory
    for name, where in dict.fromkeys(loaded_names(FilePath(directory), directory)):
        if name.startswith("code/") or any(below(path, name) for path in left):
            continue
        last = name.rpartition("/")[2]
        deeper = next((path for path in left if path.rpartition("/")[2] == last), "")
        hint = f"; it left {show(deeper)}" if deeper else "." + did_you_mean(name, left)
        yield Problem(
            f"model_fn opens {show(name)} in the model directory, and the job left no such file{hint}",
            remedy="save the model under the name that model_fn opens",
            location=where,
        )


ARCHIVES = (".tar.gz", ".tgz", ".tar", ".zip")


@rule("ART066", severity="warning", scope="run")
def archive_in_archive(view: TrainingView) -> Iterator[Problem]:
    """The model directory holds an archive and nothing else.

    What it does:
        Looks whether every file of the model directory is a ``tar`` or ``zip``, ``code/`` left out.
    Why:
        SageMaker packs the directory into model.tar.gz itself. An endpoint unpacks that once, and finds an archive where its model should be.
    Example:
          files:
            train.py: |
        -     import tarfile
        -     with tarfile.open("/opt/ml/model/model.tar.gz", "w:gz") as tar:
        -         tar.add("/opt/ml/input/data/train/data.csv", "data.csv")
        +     open("/opt/ml/model/model.txt", "w").write(open("/opt/ml/input/data/train/data.csv").read())
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-output.html
    """
    evidence = of_run(view)
    left = [file.path for file in evidence.model_files if not file.path.startswith("code/")]
    if evidence.status == "Completed" and left and all(path.endswith(ARCHIVES) for path in left):
        yield Problem(
            f"the model directory holds {show(left[0])} alone, which SageMaker packs into model.tar.gz once more",
            ("OutputDataConfig", "S3OutputPath"),
            remedy="save the files themselves below SM_MODEL_DIR",
        )


@rule("ART070", severity="warning", scope="run")
def model_among_code(view: TrainingView) -> Iterator[Problem]:
    """The model lies in the folder of the serving code.

    What it does:
        Looks whether everything that the run left in the model directory is below ``code/``, and not all of it is source code.
    Why:
        ``code/`` is for the inference script and its requirements. When a model is made with an entry point, the SDK packs the archive anew and
        puts its own ``code/`` there: the weights are gone.
    Example:
          files:
            train.py: |
        -     import os
        -     os.makedirs("/opt/ml/model/code")
        -     open("/opt/ml/model/code/model.bin", "w").write(open("/opt/ml/input/data/train/data.csv").read())
        +     open("/opt/ml/model/model.bin", "w").write(open("/opt/ml/input/data/train/data.csv").read())
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://sagemaker.readthedocs.io/en/stable/frameworks/pytorch/using_pytorch.html (model directory structure);
        https://github.com/aws/sagemaker-python-sdk/blob/master/src/sagemaker/utils.py (repack_model)
    """
    evidence = of_run(view)
    left = [file.path for file in evidence.model_files]
    data = [path for path in left if not path.endswith(SOURCES)]
    if evidence.status == "Completed" and data and all(path.startswith("code/") for path in left):
        yield Problem(
            f"the model, {show(data[0])}, is in the folder of the serving code, which is replaced when the model is packed with an entry point",
            ("OutputDataConfig", "S3OutputPath"),
            remedy="save it directly below SM_MODEL_DIR, and the inference script alone in code/",
        )


@rule("ART072", severity="warning", scope="run")
def checkpoints_in_model(view: TrainingView) -> Iterator[Problem]:
    """The model directory holds checkpoints of the training beside the model.

    What it does:
        Looks in what the run left there for states of an optimizer, a schedule or a trainer (``checkpoint-500/optimizer.pt``).
    Why:
        All of it is packed into model.tar.gz, which grows with every epoch: an optimizer's state is twice the size of the model. The upload
        takes long or fails for want of space, and every endpoint downloads and unpacks it.
    Example:
        + CheckpointConfig: {S3Uri: "s3://example-bucket/checkpoints/"}
          files:
            train.py: |
              import os
        -     os.makedirs("/opt/ml/model/checkpoint-3")
        -     open("/opt/ml/model/checkpoint-3/optimizer.pt", "w").write(open("/opt/ml/input/data/train/data.csv").read())
        +     os.makedirs("/opt/ml/checkpoints/checkpoint-3", exist_ok=True)
        +     open("/opt/ml/checkpoints/checkpoint-3/optimizer.pt", "w").write(open("/opt/ml/input/data/train/data.csv").read())
              open("/opt/ml/model/model.bin", "w").write("weights")
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://huggingface.co/docs/sagemaker/train (training output management);
        https://github.com/huggingface/notebooks/pull/138
    """
    evidence = of_run(view)
    states = [file for file in evidence.model_files if STATES.search(file.path)]
    if evidence.status != "Completed" or not states:
        return
    folders = {file.path.rpartition("/")[0] for file in states}
    inside = sum(file.size for file in evidence.model_files if file.path.rpartition("/")[0] in folders)
    whole = sum(file.size for file in evidence.model_files)
    yield Problem(
        f"the model directory holds {len(folders)} checkpoint{'s' if len(folders) > 1 else ''} of the training, {show(states[0].path)} for one: "
        f"{inside} of its {whole} bytes, packed into model.tar.gz",
        ("OutputDataConfig", "S3OutputPath"),
        remedy="let checkpoints go to /opt/ml/checkpoints (output_dir of a Trainer), and save the model alone below SM_MODEL_DIR",
    )


STATES = re.compile(
    r"(?:^|/)(?:checkpoint|ckpt|epoch|step)[^/]*/(?:optimizer|scheduler|rng_state|trainer_state|training_state)[^/]*$"
)
SOURCES = (".py", ".txt", ".sh", ".md", ".yaml", ".yml", ".toml", ".cfg", ".pyc")
PICKLES = (".pkl", ".pickle", ".joblib", ".pt", ".pth", ".bin", ".dill")


@rule("ART068", severity="warning", scope="run")
def pickled_from_main(view: TrainingView) -> Iterator[Problem]:
    """A pickled model names a class of the training script.

    What it does:
        Looks into the pickles of the model directory for the module ``__main__``.
    Why:
        A pickle holds the names of its classes. On the endpoint another program is ``__main__``: ``Can't get attribute 'Model' on <module
        '__main__'>``, and the model is not loaded.
    Example:
          files:
            train.py: |
              import pickle
        -     class Model:
        -         def __init__(self, text):
        -             self.text = text
        -     model = Model(open("/opt/ml/input/data/train/data.csv").read())
        +     model = {"text": open("/opt/ml/input/data/train/data.csv").read()}
              pickle.dump(model, open("/opt/ml/model/model.pkl", "wb"))
          channels:
            train:
              data.csv: "1,2"
    Source:
        https://docs.python.org/3/library/pickle.html#what-can-be-pickled-and-unpickled
    """
    evidence = of_run(view)
    for file in evidence.model_files if evidence.status == "Completed" else ():
        if not file.path.endswith(PICKLES) or not 0 < file.size <= LARGEST:
            continue
        if re.search(rb"(?:c|\x8c\x08)__main__", content(evidence, f"model/{file.path}")):
            yield Problem(
                f"{show(file.path)} names a class of the script as one of __main__, which is another program on an endpoint",
                remedy="put the class into a module of its own, and import it from there in both places",
            )
            return
