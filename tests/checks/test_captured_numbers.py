"""Numbers that a metric's expression took from the lines of a run: whose they are, and whether they are whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from cursus.evidence import Evidence, MetricScan
from tests.checks.made import findings_of, rules_of

NUMBER = "([0-9.]+)"
WRONG = {
    "leading digits eaten": ("accuracy", r"accuracy.*([0-9]+\.[0-9]+)", "accuracy of all: 87.5"),
    "an epoch": ("val_acc", rf"val_acc.*?{NUMBER}", "val_acc epoch 1 = 0.70"),
    "a date": ("rmse", rf"{NUMBER}.*rmse", "2026-11-22 12:00:01,120 rmse 1.25"),
    "a time": ("rmse", rf"at.{NUMBER}", "rmse at 12:00:01"),
    "a progress bar": ("loss", rf"epoch.*: {NUMBER}", "epoch 1/2: 50%|####| loss=0.25"),
    "a count": ("accuracy", rf"correct {NUMBER}", "correct 45/50 (90.0%)"),
    "overwritten in a line": ("loss", rf"loss={NUMBER}", "\rloss=0.9\rloss=0.5\rloss=0.2"),
    "several in a line": ("loss", rf"loss={NUMBER}", "loss=0.9 loss=0.5"),
    "more of the word": ("loss", rf"loss.*?{NUMBER}", "loss 0.25\nloss_scale 1024"),
    "a class": ("accuracy", rf"accuracy[^:]*: {NUMBER}", "accuracy: 0.9\naccuracy cat: 0.95"),
    "a fold": ("accuracy", rf"accuracy: {NUMBER}", "mean accuracy: 0.8\nfold 1 accuracy: 0.7"),
    "train and test": ("m", rf"loss: {NUMBER}", "train_loss: 0.4\ntest_loss: 0.5"),
    "a list": ("m", rf"losses: {NUMBER}", "losses: 0.5, 0.25, 0.125"),
    "a whole number of a fraction": ("accuracy", rf"accuracy: {NUMBER}", "accuracy: 0"),
    "the best": ("acc", rf"acc={NUMBER}", "acc=0.9\nacc=0.7\nbest acc=0.9"),
    "rounded away": ("m", rf"loss {NUMBER}", "loss 0.00\nloss 0.00"),
    "thousands": ("rate", rf"rate: {NUMBER}", "rate: 12.5k samples/s"),
    "a percentage and a share": ("acc", rf"acc {NUMBER}", "acc 0.91\nfinal acc 91.5 %"),
    "milliseconds and seconds": ("time", rf"time {NUMBER}", "time 12.5ms\ntime 1.25s"),
    "a part of the loss": ("loss", rf"loss: {NUMBER}", "penalty loss: 0.1\nloss: 0.5"),
    "another metric's lines": ("accuracy", rf"loss={NUMBER}", "loss=0.25\naccuracy=0.5"),
    "another column": ("accuracy", rf"^[0-9]+ +{NUMBER}", "epoch  loss  accuracy\n1  0.25  0.875"),
    "a value by any name": (
        "loss",
        rf'"value": {NUMBER}',
        '{"metric": "loss", "value": 0.5}\n{"metric": "lr", "value": 0.1}',
    ),
    "a test beside the validation": (
        "validation:acc",
        rf"test acc: {NUMBER}",
        "val acc: 0.8 test acc: 0.9",
    ),
    "validation by its short name": ("validation:loss", rf"loss={NUMBER}", "loss=0.25 val_loss=0.5"),
}
RIGHT = {
    "a whole number": ("accuracy", rf"accuracy.*: {NUMBER}", "accuracy of all: 87.5"),
    "an epoch that is asked for": ("epoch", rf"epoch {NUMBER}", "val_acc epoch 1 = 0.70"),
    "after a date": ("rmse", rf"rmse {NUMBER}", "2026-11-22 12:00:01,120 rmse 1.25"),
    "after a progress bar": ("loss", rf"loss={NUMBER}", "epoch 1/2: 50%|####| loss=0.25"),
    "a count that is asked for": ("correct", rf"correct {NUMBER}", "correct 45/50 (90.0%)"),
    "one value again and again": ("loss", rf"loss={NUMBER}", "\rloss=0.9\rloss=0.9"),
    "lines of their own": ("loss", rf"loss={NUMBER}", "loss=0.9\nloss=0.5"),
    "other words in the line": ("loss", rf"\bloss={NUMBER}", "loss=0.9 val_loss=0.5"),
    "the mean alone": ("accuracy", rf"mean accuracy: {NUMBER}", "mean accuracy: 0.8\nfold 1 accuracy: 0.7"),
    "a validation that the script calls test": (
        "validation:acc",
        rf"Test accuracy: {NUMBER}",
        "Test accuracy: 0.9",
    ),
    "train alone": ("m", rf"train_loss: {NUMBER}", "train_loss: 0.4\ntest_loss: 0.5"),
    "one before others": ("m", rf"loss: {NUMBER}", "loss: 0.5, 3 batches"),
    "the best alone": ("acc", rf"^acc={NUMBER}", "acc=0.9\nacc=0.7\nbest acc=0.9"),
    "the best by name": ("best_acc", rf"best acc={NUMBER}", "acc=0.9\nacc=0.7\nbest acc=0.9"),
    "small and whole": ("m", rf"loss {NUMBER}", "loss 0.00\nloss 0.01"),
    "a percentage each time": ("acc", rf"acc {NUMBER}", "acc 90.5 %\nfinal acc 91.5 %"),
    "seconds each time": ("time", rf"time {NUMBER}", "time 12.5s\ntime 1.25s"),
    "the final loss": ("loss", rf"loss: {NUMBER}", "loss: 0.5\nfinal loss: 0.5"),
    "by another word": ("objective", rf"loss={NUMBER}", "loss=0.25\naccuracy=0.5"),
    "its own column": ("loss", rf"^[0-9]+ +{NUMBER}", "epoch  loss  accuracy\n1  0.25  0.875"),
    "kilometers": ("distance", rf"distance: {NUMBER}", "distance: 12.5km"),
    "a value by its name": (
        "loss",
        rf'"loss", "value": {NUMBER}',
        '{"metric": "loss", "value": 0.5}\n{"metric": "lr", "value": 0.1}',
    ),
    "out of a tensor": (
        "train:loss",
        r"loss: tensor\(([0-9.]+)",
        "loss: tensor(0.8765, grad_fn=<MeanBackward0>)",
    ),
    "zero of a score": ("accuracy", rf"accuracy {NUMBER}", "accuracy 0.00"),
}


def rules(folder: Path, name: str, regex: str, log: str) -> list[str]:
    path = folder / "algo-1.log"
    path.write_bytes(log.encode() + b"\n")
    evidence = Evidence(
        "Completed",
        str(folder),
        logs={"algo-1": str(path)},
        log_lines=2,
        metric_scans=(MetricScan(name, regex, 1),),
    )
    patch = {"AlgorithmSpecification": {"MetricDefinitions": [{"Name": name, "Regex": regex}]}}
    return rules_of(findings_of(patch, "MON092", evidence=evidence))


@pytest.mark.parametrize(("name", "regex", "log"), WRONG.values(), ids=WRONG.keys())
def test_a_number_of_something_else(name: str, regex: str, log: str, tmp_path: Path) -> None:
    assert rules(tmp_path, name, regex, log) == ["MON092"]


@pytest.mark.parametrize(("name", "regex", "log"), RIGHT.values(), ids=RIGHT.keys())
def test_the_number_that_is_meant(name: str, regex: str, log: str, tmp_path: Path) -> None:
    assert rules(tmp_path, name, regex, log) == []
