"""Make ``src/cursus/aws/data/removals.json``: names of libraries that scripts still use, and since when they are gone,
or that they use already, and since when they are there.

python scripts/make_removals.py

Each name was looked up in the release notes that are its source. A name that ends with a dot stands for all below it.
``words`` are arguments that a function no longer takes; ``*`` is any class of a module.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

SKLEARN = "https://scikit-learn.org/stable/whats_new/v{}.html"
PYTHON = "https://docs.python.org/3/whatsnew/{}.html"
TENSORFLOW = "https://www.tensorflow.org/guide/migrate"
PYTORCH = "https://github.com/pytorch/pytorch/releases/tag/v{}.0"
NUMPY = "https://numpy.org/doc/stable/release/{}-notes.html"
PANDAS = "https://pandas.pydata.org/docs/whatsnew/v{}.html"
KERAS = "https://keras.io/guides/migrating_to_keras_3/"
MODELS = [f"tensorflow.keras.{one}" for one in ("Sequential", "Model", "models.Sequential", "models.Model")]
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
    (
        "pytorch",
        "2.0",
        "https://github.com/pytorch/pytorch/releases/tag/v2.0.0",
        "torch.linalg",
        [f"torch.{one}" for one in ("eig", "symeig", "lstsq", "solve", "matrix_rank")],
    ),
    (
        "tensorflow",
        "2.13",
        "https://github.com/keras-team/keras/releases/tag/v2.13.1",
        "scikeras, from requirements.txt",
        ["tensorflow.keras.wrappers."],
    ),
    (
        "tensorflow",
        "2.6",
        "https://github.com/tensorflow/tensorflow/releases/tag/v2.6.0",
        "predict(…).argmax(axis=-1)",
        [f"{model}.predict_classes" for model in MODELS],
    ),
    (
        "tensorflow",
        "2.16",
        KERAS,
        "fit, evaluate and predict, which take generators",
        [f"{model}.{one}_generator" for model in MODELS for one in ("fit", "evaluate", "predict")],
    ),
    (
        "tensorflow",
        "2.16",
        KERAS,
        "tf.keras.layers",
        ["tensorflow.keras.layers.experimental.preprocessing."],
    ),
    (
        "numpy",
        "1.24",
        NUMPY.format("1.24.0"),
        "the type of Python itself (float, int, object, str), or numpy.float64 and the like",
        [f"numpy.{one}" for one in ("float", "int", "object", "str", "complex")],
    ),
    (
        "numpy",
        "2.0",
        NUMPY.format("2.0.0"),
        "what NumPy's migration guide names: numpy.float64, numpy.inf, numpy.nan, numpy.bytes_, numpy.str_ …",
        [
            f"numpy.{one}"
            for one in (
                *("float_", "complex_", "string_", "unicode_", "longfloat", "cfloat", "singlecomplex"),
                *("Inf", "Infinity", "NaN", "infty", "NINF", "PINF", "NZERO", "PZERO", "mat", "asfarray"),
                *(
                    "product",
                    "cumproduct",
                    "alltrue",
                    "sometrue",
                    "round_",
                    "msort",
                    "cast",
                    "find_common_type",
                ),
                *("recfromcsv", "recfromtxt", "safe_eval", "set_string_function", "sctypes", "issubclass_"),
                *("obj2sctype", "issubsctype", "nbytes", "disp", "who", "lookfor", "source", "byte_bounds"),
            )
        ],
    ),
    (
        "pandas",
        "2.0",
        PANDAS.format("2.0.0"),
        "pandas.concat",
        ["pandas.DataFrame.append", "pandas.Series.append"],
    ),
    (
        "pandas",
        "2.0",
        PANDAS.format("2.0.0"),
        "items, or what the release notes name",
        [f"pandas.DataFrame.{one}" for one in ("iteritems", "lookup", "mad", "slice_shift", "tshift")]
        + ["pandas.Int64Index", "pandas.Float64Index", "pandas.UInt64Index", "pandas.Series.iteritems"],
    ),
    (
        "pandas",
        "1.0",
        PANDAS.format("1.0.0"),
        "loc, iloc, at or to_numpy",
        [f"pandas.DataFrame.{one}" for one in ("ix", "as_matrix", "get_value", "set_value")],
    ),
    (
        "datasets",
        "3.0",
        "https://github.com/huggingface/datasets/releases/tag/3.0.0",
        "evaluate.load",
        ["datasets.load_metric"],
    ),
    (
        "transformers",
        "5.0",
        "https://github.com/huggingface/transformers/releases/tag/v5.0.0",
        "torch.optim.AdamW, and the models for PyTorch",
        [
            "transformers.AdamW",
            *(f"transformers.TF{one}" for one in ("Trainer", "TrainingArguments", "AutoModel")),
            *(
                f"transformers.TF{one}ForSequenceClassification"
                for one in ("AutoModel", "Bert", "DistilBert")
            ),
        ],
    ),
    ("python", "3.8", PYTHON.format("3.8"), "time.perf_counter or time.process_time", ["time.clock"]),
    (
        "python",
        "3.10",
        PYTHON.format("3.10"),
        "collections.abc",
        [
            f"collections.{one}"
            for one in (
                "Callable",
                "Iterable",
                "Iterator",
                "Mapping",
                "MutableMapping",
                "Sequence",
                "Set",
                "Sized",
            )
        ],
    ),
    ("python", "3.11", PYTHON.format("3.11"), "inspect.getfullargspec", ["inspect.getargspec"]),
    ("python", "3.12", PYTHON.format("3.12"), "importlib", ["imp."]),
    ("python", "3.12", PYTHON.format("3.12"), "asyncio", ["asyncore.", "asynchat."]),
]
NEW = [
    # (since, what to write instead, names): of Python itself, and of PyTorch
    ("2.0", "the model as it is, or an image of PyTorch 2", ["torch.compile"]),
    ("2.0", "torch.nn.MultiheadAttention", ["torch.nn.functional.scaled_dot_product_attention"]),
    ("1.9", "torch.no_grad", ["torch.inference_mode"]),
    ("2.3", "torch.cuda.amp.GradScaler", ["torch.amp.GradScaler"]),
    ("3.8", "typing_extensions", ["typing.Literal", "typing.Protocol", "typing.TypedDict", "typing.Final"]),
    ("3.9", "functools.lru_cache(maxsize=None)", ["functools.cache"]),
    ("3.9", "backports.zoneinfo, from requirements.txt", ["zoneinfo."]),
    ("3.9", "typing_extensions", ["typing.Annotated"]),
    ("3.9", "what it is made of", ["math.lcm", "random.randbytes", "graphlib."]),
    ("3.10", "typing_extensions", ["typing.TypeAlias", "typing.ParamSpec", "typing.TypeGuard"]),
    ("3.10", "zip of the list and its rest", ["itertools.pairwise"]),
    ("3.11", "tomli, from requirements.txt", ["tomllib."]),
    ("3.11", "class …(str, Enum)", ["enum.StrEnum"]),
    ("3.11", "datetime.timezone.utc", ["datetime.UTC"]),
    ("3.11", "typing_extensions", ["typing.Self", "typing.NotRequired", "typing.Required", "typing.Unpack"]),
    ("3.11", "typing_extensions", ["typing.LiteralString", "typing.Never", "typing.assert_never"]),
    ("3.11", "asyncio.gather or asyncio.wait_for", ["asyncio.TaskGroup", "asyncio.timeout"]),
    ("3.12", "a loop over itertools.islice", ["itertools.batched"]),
    ("3.12", "typing_extensions", ["typing.override"]),
]
# PYTHON_VERSION of the containers' Dockerfiles at the tag of each version; the images' own tags say py3.
PYTHONS = {
    "sklearn": {"0.23-1": "3.7", "1.0-1": "3.8", "1.2-1": "3.8", "1.4-2": "3.10"},
    "xgboost": {
        "1.2-1": "3.7",
        "1.2-2": "3.7",
        "1.3-1": "3.7",
        "1.5-1": "3.8",
        "1.7-1": "3.8",
        "3.0-5": "3.10",
    },
}
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
        "pandas",
        "2.0",
        PANDAS.format("2.0.0"),
        "lineterminator",
        "pandas.DataFrame.to_csv",
        ["line_terminator"],
    ),
    ("pandas", "3.0", PANDAS.format("3.0.0"), "ffill() or bfill()", "pandas.DataFrame.fillna", ["method"]),
    (
        "tensorflow",
        "2.16",
        KERAS,
        "a data set that is prefetched",
        "tensorflow.keras.*.fit",
        ["workers", "use_multiprocessing", "max_queue_size"],
    ),
    (
        "tensorflow",
        "2.16",
        KERAS,
        "a data set that is prefetched",
        "tensorflow.keras.models.*.fit",
        ["workers", "use_multiprocessing", "max_queue_size"],
    ),
    ("tensorflow", "2.16", KERAS, "save_freq", "tensorflow.keras.callbacks.ModelCheckpoint", ["period"]),
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
        "source": "release notes, named at each entry; github.com/aws/sagemaker-{scikit-learn,xgboost}-container",
        "date": date.today().isoformat(),
        "names": [
            {"library": library, "since": since, "source": source, "instead": instead, "names": names}
            for library, since, source, instead, names in NAMES
        ]
        + [
            {
                "library": "pytorch" if names[0].startswith("torch.") else "python",
                "since": since,
                "new": True,
                "source": PYTORCH.format(since) if names[0].startswith("torch.") else PYTHON.format(since),
                "instead": instead,
                "names": names,
            }
            for since, instead, names in NEW
        ],
        "pythons": PYTHONS,
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
