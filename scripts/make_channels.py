"""Make ``src/cursus/aws/data/channels.json``: what built-in algorithms want of a channel beyond its content type.

    pip install botocore==1.44.5
    python scripts/make_channels.py

The facts are the developer guide's, from the pages named beside them.
"""

from __future__ import annotations

from model_docs import Model, write


def main() -> None:
    """Write the table."""
    write(
        "channels",
        Model.load(),
        "https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html",
        {
            # dg/randomcutforest.html: "the train channel only supports …"
            "distribution": {"randomcutforest": {"train": "ShardedByS3Key", "test": "FullyReplicated"}},
            # dg/k-means.html, linear-learner.html, ntm.html: "recommended", "should be", "set the value … to"
            "advised_distribution": {
                "kmeans": {"test": "FullyReplicated"},
                "linear-learner": {"validation": "FullyReplicated"},
                "ntm": dict.fromkeys(["validation", "test", "auxiliary"], "FullyReplicated"),
            },
            # dg/image-classification.html: RecordIO in Pipe mode on several instances has to be FullyReplicated
            "piped_distribution": {"image-classification": "FullyReplicated"},
            # dg/cdf-training.html: algorithms without a target want text/csv;label_size=0
            "unlabelled_csv": ["kmeans", "pca", "randomcutforest", "lda", "ntm"],
            # dg/randomcutforest.html: its test channel is the one that has labels
            "labelled_csv": {"randomcutforest": ["test"]},
            # sagemaker-xgboost-container, data_utils.py: any other label_size is a UserError
            "csv_label_size": {"sagemaker-xgboost": "1"},
        },
    )


if __name__ == "__main__":
    main()
