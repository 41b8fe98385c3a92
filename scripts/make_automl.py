"""Make ``src/cursus/aws/data/automl.json`` from the service model that botocore ships.

    pip install botocore==1.44.5
    python scripts/make_automl.py

Which metric, algorithm and content type goes with which problem type stands only in the model's
documentation. The lists below say it in data; each word is held against that documentation, so that a
change there stops this script.
"""

from __future__ import annotations

from model_docs import Model, write

CSV = "text/csv;header=present"
PARQUET = "x-application/vnd.amazon+parquet"


TABLES = [CSV, PARQUET]
METRICS = {
    "Regression": ["MAE", "MSE", "R2", "RMSE"],
    "BinaryClassification": ["Accuracy", "AUC", "BalancedAccuracy", "F1", "Precision", "Recall"],
    "MulticlassClassification": ["Accuracy", "BalancedAccuracy", "F1macro", "PrecisionMacro", "RecallMacro"],
    "ImageClassificationJobConfig": ["Accuracy"],
    "TextClassificationJobConfig": ["Accuracy"],
    "TimeSeriesForecastingJobConfig": ["RMSE", "MASE", "MAPE", "WAPE", "Average wQL"],
    "TextGenerationJobConfig": [],
}
SPELT = {"Average wQL": "AverageWeightedQuantileLoss"}
"""What the documentation calls otherwise than the enum."""
ALGORITHMS = {
    "ENSEMBLING": [
        "catboost",
        "extra-trees",
        "fastai",
        "lightgbm",
        "linear-learner",
        "nn-torch",
        "randomforest",
        "xgboost",
    ],
    "HYPERPARAMETER_TUNING": ["linear-learner", "mlp", "xgboost"],
    "TimeSeriesForecastingJobConfig": ["cnn-qr", "deepar", "prophet", "arima", "npts", "ets"],
}
CONTENT_TYPES = {
    "TabularJobConfig": TABLES,
    "TextClassificationJobConfig": TABLES,
    "TimeSeriesForecastingJobConfig": TABLES,
    "TextGenerationJobConfig": TABLES,
    "ImageClassificationJobConfig": ["image/png", "image/jpeg", "image/*"],
}
FILLS = ["zero", "value", "median", "mean", "min", "max"]
OTHERS = {
    "s3_data_types": {
        "TabularJobConfig": ["S3Prefix", "ManifestFile"],
        "ImageClassificationJobConfig": ["S3Prefix", "ManifestFile", "AugmentedManifestFile"],
        "TextClassificationJobConfig": ["S3Prefix"],
        "TimeSeriesForecastingJobConfig": ["S3Prefix"],
        "TextGenerationJobConfig": ["S3Prefix"],
    },
    "single_candidate": [
        "TextClassificationJobConfig",
        "ImageClassificationJobConfig",
        "TimeSeriesForecastingJobConfig",
        "TextGenerationJobConfig",
    ],
    "text_generation_hyperparameters": {
        "epochCount": ["integer", 1, 10],
        "batchSize": ["integer", 1, 64],
        "learningRate": ["number", 0, 1],
        "learningRateWarmupSteps": ["integer", 0, 250],
    },
    # https://docs.aws.amazon.com/sagemaker/latest/dg/autopilot-llms-finetuning-models.html: BaseModelName and the id
    # that JumpStart has for it; those of Llama are gated.
    "base_models": {
        "Dolly3B": "huggingface-textgeneration-dolly-v2-3b-bf16",
        "Dolly7B": "huggingface-textgeneration-dolly-v2-7b-bf16",
        "Dolly12B": "huggingface-textgeneration-dolly-v2-12b-bf16",
        "Falcon7B": "huggingface-llm-falcon-7b-bf16",
        "Falcon7BInstruct": "huggingface-llm-falcon-7b-instruct-bf16",
        "Falcon40B": "huggingface-llm-falcon-40b-bf16",
        "Falcon40BInstruct": "huggingface-llm-falcon-40b-instruct-bf16",
        "FlanT5L": "huggingface-text2text-flan-t5-large",
        "FlanT5XL": "huggingface-text2text-flan-t5-xl",
        "FlanT5XXL": "huggingface-text2text-flan-t5-xxll",
        "Llama2-7B": "meta-textgeneration-llama-2-7b",
        "Llama2-7BChat": "meta-textgeneration-llama-2-7b-f",
        "Llama2-13B": "meta-textgeneration-llama-2-13b",
        "Llama2-13BChat": "meta-textgeneration-llama-2-13b-f",
        "Mistral7B": "huggingface-llm-mistral-7b",
        "Mistral7BInstruct": "huggingface-llm-mistral-7b-instruct",
        "MPT7B": "huggingface-textgeneration1-mpt-7b-bf16",
        "MPT7BInstruct": "huggingface-textgeneration1-mpt-7b-instruct-bf16",
    },
    "filling": {"frontfill": ["none"], "middlefill": FILLS, "backfill": FILLS, "futurefill": FILLS},
}


def main() -> None:
    """Write the table."""
    model = Model.load()
    metrics = {
        kind: model.expect(words, "AutoMLJobObjective", "MetricName") for kind, words in METRICS.items()
    }
    horizon = model.stated(r"lesser of (\d+)", "TimeSeriesForecastingJobConfig", "ForecastHorizon")
    candidates = model.stated(r"maximum value is (\d+)", "AutoMLJobCompletionCriteria", "MaxCandidates")
    output = model.stated(r"Must be (\d+) characters", "AutoMLOutputDataConfig", "S3OutputPath")
    write(
        "automl",
        model,
        "https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AutoMLJobObjective.html",
        {
            "metrics": {kind: [SPELT.get(word, word) for word in words] for kind, words in metrics.items()},
            "algorithms": {
                kind: model.expect(words, "AutoMLAlgorithmConfig", "AutoMLAlgorithms")
                for kind, words in ALGORITHMS.items()
            },
            "content_types": {
                kind: model.expect(words, "AutoMLJobChannel", "ContentType")
                for kind, words in CONTENT_TYPES.items()
            },
            "max_candidates": int(candidates),
            "max_forecast_horizon": int(horizon),
            "max_output_path": int(output),
            **OTHERS,
        },
    )


if __name__ == "__main__":
    main()
