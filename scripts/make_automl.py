"""Make ``src/cursus/aws/data/automl.json`` from the service model that botocore ships.

    pip install botocore==1.44.5
    python scripts/make_automl.py

Which metric, algorithm and content type goes with which problem type stands only in the model's
documentation. The lists below say it in data; each word is held against that documentation, so that a
change there stops this script.
"""

from __future__ import annotations

import re

from model_docs import Model, write

CSV = "text/csv;header=present"
PARQUET = "x-application/vnd.amazon+parquet"


def main() -> None:
    """Write the table."""
    model = Model.load()
    metric = ("AutoMLJobObjective", "MetricName")
    content = ("AutoMLJobChannel", "ContentType")
    algorithm = ("AutoMLAlgorithmConfig", "AutoMLAlgorithms")
    candidates = re.search(
        r"maximum value is (\d+)", model.text("AutoMLJobCompletionCriteria", "MaxCandidates")
    )
    if candidates is None:
        raise SystemExit("the greatest MaxCandidates is no longer stated")
    horizon = re.search(r"lesser of (\d+)", model.text("TimeSeriesForecastingJobConfig", "ForecastHorizon"))
    if horizon is None:
        raise SystemExit("the greatest ForecastHorizon is no longer stated")
    output = re.search(r"Must be (\d+) characters", model.text("AutoMLOutputDataConfig", "S3OutputPath"))
    if output is None:
        raise SystemExit("the greatest length of S3OutputPath is no longer stated")
    model.expect(["wQL", "Average wQL"], *metric)
    write(
        "automl.json",
        model,
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobObjective.html",
        {
            "metrics": {
                "Regression": model.expect(["MAE", "MSE", "R2", "RMSE"], *metric),
                "BinaryClassification": model.expect(
                    ["Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"], *metric
                ),
                "MulticlassClassification": model.expect(
                    ["Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"], *metric
                ),
                "ImageClassificationJobConfig": ["Accuracy"],
                "TextClassificationJobConfig": ["Accuracy"],
                # The enum spells "Average wQL" AverageWeightedQuantileLoss.
                "TimeSeriesForecastingJobConfig": [
                    *model.expect(["RMSE", "MASE", "MAPE", "WAPE"], *metric),
                    "AverageWeightedQuantileLoss",
                ],
                "TextGenerationJobConfig": [],
            },
            "algorithms": {
                "ENSEMBLING": model.expect(
                    [
                        "catboost",
                        "extra-trees",
                        "fastai",
                        "lightgbm",
                        "linear-learner",
                        "nn-torch",
                        "randomforest",
                        "xgboost",
                    ],
                    *algorithm,
                ),
                "HYPERPARAMETER_TUNING": model.expect(["linear-learner", "mlp", "xgboost"], *algorithm),
                "TimeSeriesForecastingJobConfig": model.expect(
                    ["cnn-qr", "deepar", "prophet", "arima", "npts", "ets"], *algorithm
                ),
            },
            "content_types": {
                "TabularJobConfig": model.expect([CSV, PARQUET], *content),
                "TextClassificationJobConfig": [CSV, PARQUET],
                "TimeSeriesForecastingJobConfig": [CSV, PARQUET],
                "TextGenerationJobConfig": [CSV, PARQUET],
                "ImageClassificationJobConfig": model.expect(
                    ["image/png", "image/jpeg", "image/*"], *content
                ),
            },
            "s3_data_types": {
                "TabularJobConfig": ["S3Prefix", "ManifestFile"],
                "ImageClassificationJobConfig": ["S3Prefix", "ManifestFile", "AugmentedManifestFile"],
                "TextClassificationJobConfig": ["S3Prefix"],
                "TimeSeriesForecastingJobConfig": ["S3Prefix"],
                "TextGenerationJobConfig": ["S3Prefix"],
            },
            "max_candidates": int(candidates[1]),
            "single_candidate": [
                "TextClassificationJobConfig",
                "ImageClassificationJobConfig",
                "TimeSeriesForecastingJobConfig",
                "TextGenerationJobConfig",
            ],
            "max_forecast_horizon": int(horizon[1]),
            "max_output_path": int(output[1]),
            "text_generation_hyperparameters": {
                "epochCount": ["integer", 1, 10],
                "batchSize": ["integer", 1, 64],
                "learningRate": ["number", 0, 1],
                "learningRateWarmupSteps": ["integer", 0, 250],
            },
            "filling": {
                "frontfill": ["none"],
                "middlefill": ["zero", "value", "median", "mean", "min", "max"],
                "backfill": ["zero", "value", "median", "mean", "min", "max"],
                "futurefill": ["zero", "value", "median", "mean", "min", "max"],
            },
        },
    )


if __name__ == "__main__":
    main()
