"""Make ``src/cursus/aws/data/removals.json``: names of libraries that scripts still use, and since when they are gone.

python scripts/make_removals.py

Each name was looked up in the release notes that are its source. A name that ends with a dot stands for all below it.
``words`` are arguments that a function no longer takes; ``*`` is any class of a module.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

SKLEARN = "https://scikit-learn.org/stable/whats_new/v{}.html"
TENSORFLOW = "https://www.tensorflow.org/guide/migrate"
TARGET = Path(__file__).resolve().parents[1] / "src" / "cursus" / "aws" / "data" / "removals.json"

NAMES = [
    # (library, since, source, what to write instead, names)
    (
        "sklearn",
        "0.23",
        SKLEARN.format("0.23"),
        "import joblib",
        ["sklearn.externals.joblib", "sklearn.externals.six"],
    ),
    (
        "sklearn",
        "0.20",
        SKLEARN.format("0.20"),
        "sklearn.model_selection",
        ["sklearn.cross_validation.", "sklearn.grid_search.", "sklearn.learning_curve."],
    ),
    (
        "sklearn",
        "0.22",
        SKLEARN.format("0.22"),
        "sklearn.impute.SimpleImputer",
        ["sklearn.preprocessing.Imputer"],
    ),
    (
        "sklearn",
        "0.23",
        SKLEARN.format("0.23"),
        "jaccard_score",
        ["sklearn.metrics.jaccard_similarity_score"],
    ),
    (
        "sklearn",
        "1.2",
        SKLEARN.format("1.2"),
        "another data set, brought as a channel",
        ["sklearn.datasets.load_boston"],
    ),
    (
        "sklearn",
        "1.2",
        SKLEARN.format("1.2"),
        "ConfusionMatrixDisplay.from_estimator and the like",
        [
            f"sklearn.metrics.plot_{one}"
            for one in ("confusion_matrix", "roc_curve", "precision_recall_curve")
        ],
    ),
    (
        "tensorflow",
        "2.0",
        TENSORFLOW,
        "tf.compat.v1, or what TensorFlow 2 has in its place",
        [
            "tensorflow.contrib.",
            "tensorflow.Session",
            "tensorflow.InteractiveSession",
            "tensorflow.placeholder",
            "tensorflow.app.",
            "tensorflow.flags.",
            "tensorflow.gfile.",
            "tensorflow.logging.",
            "tensorflow.layers.",
            "tensorflow.ConfigProto",
            "tensorflow.global_variables_initializer",
            "tensorflow.get_variable",
            "tensorflow.variable_scope",
            "tensorflow.set_random_seed",
            "tensorflow.estimator.inputs.",
            "tensorflow.train.AdamOptimizer",
            "tensorflow.train.GradientDescentOptimizer",
            "tensorflow.train.Saver",
            "tensorflow.examples.tutorials.",
        ],
    ),
    (
        "tensorflow",
        "2.16",
        "https://blog.tensorflow.org/2024/03/whats-new-in-tensorflow-216.html",
        "tf.keras",
        ["tensorflow.estimator."],
    ),
    (
        "pytorch",
        "2.0",
        "https://github.com/pytorch/pytorch/pull/94709",
        "collections.abc, or str itself",
        ["torch._six."],
    ),
]
WORDS = [
    # (library, since, source, what to write instead, function, arguments)
    (
        "sklearn",
        "1.4",
        SKLEARN.format("1.4"),
        "sparse_output",
        "sklearn.preprocessing.OneHotEncoder",
        ["sparse"],
    ),
    (
        "sklearn",
        "1.6",
        SKLEARN.format("1.6"),
        "root_mean_squared_error",
        "sklearn.metrics.mean_squared_error",
        ["squared"],
    ),
    (
        "tensorflow",
        "2.16",
        "https://keras.io/api/optimizers/",
        "learning_rate",
        "tensorflow.keras.optimizers.*",
        ["lr"],
    ),
    (
        "xgboost",
        "2.1",
        "https://github.com/dmlc/xgboost/releases/tag/v2.1.0",
        "the argument of the estimator itself: XGBClassifier(early_stopping_rounds=…)",
        "xgboost.*.fit",
        ["early_stopping_rounds", "eval_metric", "callbacks"],
    ),
]


def main() -> None:
    document = {
        "source": "release notes, named at each entry",
        "date": date.today().isoformat(),
        "names": [
            {"library": library, "since": since, "source": source, "instead": instead, "names": names}
            for library, since, source, instead, names in NAMES
        ],
        "words": [
            {
                "library": library,
                "since": since,
                "source": source,
                "instead": instead,
                "function": name,
                "words": words,
            }
            for library, since, source, instead, name, words in WORDS
        ],
    }
    TARGET.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
