"""Make ``src/cursus/aws/data/trainer.json``: what transformers' Trainer and the library's example scripts take.

    for version in 4.6.1 4.26.0 … 5.23.0; do pip download --no-deps -d WHEELS transformers==$version; done
    python scripts/make_trainer.py WHEELS

The values of an argument are those of any of the versions, as a job may install another one than its image has.
"""

from __future__ import annotations

import ast
import sys
import zipfile
from pathlib import Path

import tables

FILES = ("transformers/trainer_utils.py", "transformers/training_args.py")
ENUMERATIONS = {
    "evaluation_strategy": "IntervalStrategy",
    "eval_strategy": "IntervalStrategy",
    "logging_strategy": "IntervalStrategy",
    "save_strategy": "SaveStrategy",
    "hub_strategy": "HubStrategy",
    "lr_scheduler_type": "SchedulerType",
    "optim": "OptimizerNames",
}
# Scripts of https://github.com/huggingface/transformers/tree/v4.36.0/examples/pytorch that run the Trainer, with the
# endings of the files that train_file and validation_file may name ("should be a csv or a json file").
TABLES, TEXTS = ["csv", "json"], ["csv", "json", "txt"]
PROGRAMS: dict[str, list[str]] = {
    **{f"run_{task}.py": TEXTS for task in ("clm", "fim", "mlm", "plm")},
    **{f"run_{task}.py": TABLES for task in ("glue", "ner", "qa", "qa_beam_search", "seq2seq_qa", "swag")},
    **{f"run_{task}.py": [] for task in ("classification", "summarization", "translation", "xnli")},
    **{f"run_{task}.py": [] for task in ("clip", "mae", "mim")},
    **{
        f"run_{task}.py": []
        for task in ("audio_classification", "image_classification", "semantic_segmentation")
    },
    **{f"run_speech_recognition_{kind}.py": [] for kind in ("ctc", "ctc_adapter", "seq2seq")},
}
# Those that sagemaker-huggingface-inference-toolkit has besides (transformers_utils.py, diffusers and
# sentence-transformers).
TOOLKIT_TASKS = [
    "conversational",
    "sentence-embeddings",
    "sentence-ranking",
    "sentence-similarity",
    "text-to-image",
]
# task_to_keys of run_glue.py.
TASKS = ["cola", "mnli", "mrpc", "qnli", "qqp", "rte", "sst2", "stsb", "wnli"]


def main(folder: str) -> None:
    """Write the table from the wheels in ``folder``."""
    found: dict[str, set[str]] = {}
    versions, tasks = [], set()
    for path in Path(folder).glob("transformers-*.whl"):
        versions.append(path.name.split("-")[1])
        with zipfile.ZipFile(path) as wheel:
            tasks |= _keys(wheel.read("transformers/pipelines/__init__.py").decode())
            for file in FILES:
                for name, values in _enumerations(wheel.read(file).decode()):
                    found.setdefault(name, set()).update(values)
    if not versions:
        raise SystemExit(f"no wheel of transformers in {folder}")
    found["SaveStrategy"] = found.get("SaveStrategy", set()) | found["IntervalStrategy"]
    versions.sort(key=lambda version: [int(part) for part in version.split(".")])
    document = {
        "source": f"transformers {', '.join(versions)} (PyPI); examples/pytorch of huggingface/transformers v4.36.0",
        "date": tables.today(),
        "choices": {name: sorted(found[kind]) for name, kind in ENUMERATIONS.items()},
        "programs": PROGRAMS,
        "tasks": sorted(tasks | {*TOOLKIT_TASKS}),
        "glue_tasks": TASKS,
    }
    tables.write("trainer", document)


def _keys(source: str) -> set[str]:
    """The tasks that ``pipeline`` takes: the keys of two mappings of its module."""
    found: set[str] = set()
    for node in ast.parse(source).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        value = getattr(node, "value", None)
        named = isinstance(target, ast.Name) and target.id in ("SUPPORTED_TASKS", "TASK_ALIASES")
        if named and isinstance(value, ast.Dict):
            found |= {
                key.value
                for key in value.keys
                if isinstance(key, ast.Constant) and isinstance(key.value, str)
            }
    return found


def _enumerations(source: str) -> list[tuple[str, set[str]]]:
    """The classes of a module, each with the texts that stand in it."""
    return [
        (
            node.name,
            {
                each.value.value
                for each in node.body
                if isinstance(each, ast.Assign)
                and isinstance(each.value, ast.Constant)
                and isinstance(each.value.value, str)
            },
        )
        for node in ast.parse(source).body
        if isinstance(node, ast.ClassDef)
    ]


if __name__ == "__main__":
    main(sys.argv[1])
