"""Make ``src/cursus/aws/data/tuning.json`` from the service model that botocore ships.

    pip install botocore==1.44.5
    python scripts/make_tuning.py

Limits are the model's own; names that stand only in its documentation are read from there.
"""

from __future__ import annotations

import re

from model_docs import Model, write

# fmt: off
# Words in the name of a metric that say which way is better; whole words only.
LOWER = [
    "loss", "losses", "error", "err", "rmse", "mse", "mae", "mape", "smape", "rmsle", "logloss",
    "mlogloss", "merror", "perplexity", "ppl", "wer", "cer", "nll", "deviance", "wql", "mase", "wape",
    "regret", "divergence", "hinge", "kld", "nloglik",
]
HIGHER = [
    "accuracy", "acc", "auc", "f1", "precision", "recall", "map", "ndcg", "bleu", "rouge", "r2", "iou",
    "miou", "dice", "rouge1", "rouge2", "rougel", "mcc", "kappa", "mrr", "sensitivity", "specificity",
    "fscore", "aucpr", "top1", "top5",
]
# Metrics that are a share, or never below 0.
SHARES = [
    "accuracy", "acc", "auc", "f1", "precision", "recall", "ndcg", "iou", "miou", "dice", "map", "ap",
    "beta",
]
NOT_NEGATIVE = [
    "error", "rmse", "mse", "mae", "mape", "rmsle", "logloss", "mlogloss", "merror", "perplexity",
    "wer", "cer",
]
# fmt: on


def main() -> None:
    """Write the table."""
    model = Model.load()
    epochs = re.findall(
        r"<code>([a-z_-]*epochs)</code>", model.html("HyperbandStrategyConfig", "MaxResource")
    )
    if not epochs:
        raise SystemExit("the model's documentation no longer lists the names MaxResource is inferred from")
    most = model.stated(r"maximum value is ([0-9,]+)", "HyperbandStrategyConfig", "MaxResource")
    write(
        "tuning",
        model,
        "https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html",
        {
            "max_hyperparameters": model.shape("IntegerParameterRanges")["max"],
            "max_environment": model.shape("HyperParameterTrainingJobEnvironmentMap")["max"],
            # automatic-model-tuning-define-ranges.html: "up to 100 hyperparameters in total (static + tunable)"
            "max_with_static": model.shape("HyperParameters")["max"],
            # Resource limits from the page above: what no quota increase goes beyond.
            "max_parallel_jobs": 100,
            "max_jobs": {"Random": 10000, "Bayesian": 750, "Hyperband": 750, "Grid": 750},
            "max_seconds": 30 * 24 * 3600,
            "default_jobs": 750,  # the account's quota unless it was raised, which the page allows for strategy Random
            "epoch_names": epochs,
            "max_resource": int(most.replace(",", "")),
            "better_when_lower": LOWER,
            "better_when_higher": HIGHER,
            "between_0_and_1": SHARES,
            "not_negative": NOT_NEGATIVE,
        },
    )


if __name__ == "__main__":
    main()
