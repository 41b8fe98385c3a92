"""Train a random forest on the tumours, as SageMaker's scikit-learn container runs it."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score, f1_score


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-estimators", type=int, default=100)
    parser.add_argument("--max-depth", type=int, default=None)
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN", "data/train"))
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION", "data/validation"))
    return parser.parse_args()


def load(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Features and target of every file in a channel; the target is the first column."""
    files = sorted(Path(folder).glob("*.csv.gz"))
    table = np.concatenate([np.loadtxt(file, delimiter=",") for file in files])
    return table[:, 1:], table[:, 0].astype(int)


def main() -> None:
    args = arguments()
    features, target = load(args.train)
    print(f"training on {len(target)} tumours with {features.shape[1]} measurements each")
    model = RandomForestClassifier(args.n_estimators, max_depth=args.max_depth, random_state=0)
    model.fit(features, target)
    print(f"train accuracy: {accuracy_score(target, model.predict(features)):.4f}")

    features, target = load(args.validation)
    predicted = model.predict(features)
    accuracy = accuracy_score(target, predicted)
    print(f"validation accuracy: {accuracy:.4f}")
    print(f"validation f1: {f1_score(target, predicted):.4f}")

    folder = Path(args.model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "model.joblib")
    (folder / "metrics.json").write_text(json.dumps({"validation:accuracy": accuracy}))


if __name__ == "__main__":
    main()
