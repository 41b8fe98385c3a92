"""Train gradient boosted trees on the patients, as SageMaker's XGBoost container runs a script of your own.

After a spot interruption SageMaker restores /opt/ml/checkpoints, and training goes on where it was.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import xgboost as xgb

CHECKPOINTS = Path("/opt/ml/checkpoints")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--num_round", type=int, default=50)
    parser.add_argument("--max_depth", type=int, default=4)
    parser.add_argument("--eta", type=float, default=0.2)
    parser.add_argument("--subsample", type=float, default=1.0)
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN", "data/train"))
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION", "data/validation"))
    return parser.parse_args()


def load(folder: str) -> xgb.DMatrix:
    """Every file in a channel; the target is the first column."""
    files = sorted(Path(folder).glob("*.csv.gz"))
    table = np.concatenate([np.loadtxt(file, delimiter=",") for file in files])
    return xgb.DMatrix(table[:, 1:], label=table[:, 0])


def last_checkpoint() -> tuple[str | None, int]:
    """The newest checkpoint, and how many rounds it holds."""
    found = sorted(CHECKPOINTS.glob("rounds_*.ubj"), key=lambda path: int(path.stem.split("_")[1]))
    if not found:
        return None, 0
    return str(found[-1]), int(found[-1].stem.split("_")[1])


class Checkpoint(xgb.callback.TrainingCallback):
    """Saves the model every ten rounds, under the number of rounds that it holds in all."""

    def __init__(self, done: int) -> None:
        super().__init__()
        self.done = done

    def after_iteration(self, model: xgb.Booster, epoch: int, evals_log: object) -> bool:
        rounds = self.done + epoch + 1
        if rounds % 10 == 0:
            CHECKPOINTS.mkdir(parents=True, exist_ok=True)
            model.save_model(CHECKPOINTS / f"rounds_{rounds}.ubj")
        return False


def main() -> None:
    args = arguments()
    train, validation = load(args.train), load(args.validation)
    print(f"training on {train.num_row()} patients, validating on {validation.num_row()}")
    before, done = last_checkpoint()
    if before is not None:
        print(f"going on after round {done}")
    model = xgb.train(
        {
            "objective": "reg:squarederror",
            "eval_metric": "rmse",
            "max_depth": args.max_depth,
            "eta": args.eta,
            "subsample": args.subsample,
        },
        train,
        num_boost_round=max(args.num_round - done, 0),
        evals=[(train, "train"), (validation, "validation")],
        xgb_model=before,
        callbacks=[Checkpoint(done)],
    )
    folder = Path(args.model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_model(folder / "xgboost-model.ubj")


if __name__ == "__main__":
    main()
