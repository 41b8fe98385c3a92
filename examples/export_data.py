"""Write the examples' data: real data sets that ship with scikit-learn, split once and for all.

    python examples/export_data.py

- breast cancer: 569 tumours, 30 measurements each, malignant or benign
  (UCI Breast Cancer Wisconsin (Diagnostic), https://doi.org/10.24432/C5DW2B, CC BY 4.0).
- diabetes: 442 patients, 10 measurements each, and how far the disease went in the year after
  (Efron, Hastie, Johnstone and Tibshirani, Least Angle Regression, 2004).
- digits: 1,797 hand-written digits of 8 x 8 pixels
  (UCI Optical Recognition of Handwritten Digits, https://doi.org/10.24432/C50P49, CC BY 4.0).

Each is a CSV without a header, the target in the first column, as SageMaker's XGBoost wants it.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split

HERE = Path(__file__).resolve().parent


def write(example: str, data: object, number: str, *, classes: bool = True) -> None:
    """Split a data set 80 : 20, by class where it has any, and write both parts as channels."""
    table = np.column_stack([data.target, data.data])  # type: ignore[attr-defined]
    train, held_out = train_test_split(
        table,
        test_size=0.2,
        random_state=0,
        stratify=data.target if classes else None,  # type: ignore[attr-defined]
    )
    for channel, rows in (("train", train), ("validation", held_out)):
        folder = HERE / example / "data" / channel
        folder.mkdir(parents=True, exist_ok=True)
        text = "\n".join(",".join(format(value, number) for value in row) for row in rows) + "\n"
        # No name and no time in the header: the same data is the same file.
        with (folder / "data.csv.gz").open("wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
            packed.write(text.encode())


def main() -> None:
    """Write the data of all four examples."""
    write("sklearn_demo", load_breast_cancer(), ".6g")
    write("xgboost", load_diabetes(), ".6g", classes=False)
    write("pytorch", load_digits(), "g")
    write("tensorflow", load_digits(), "g")


if __name__ == "__main__":
    main()
