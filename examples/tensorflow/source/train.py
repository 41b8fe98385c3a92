"""Train a small convolutional network on hand-written digits, as SageMaker's TensorFlow container runs it.

The container always passes --model_dir, the S3 address for checkpoints; the model to deploy goes to
SM_MODEL_DIR, in a folder that is its version number, as TensorFlow Serving wants it.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import tensorflow as tf


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--model_dir", default=None)
    parser.add_argument("--sm-model-dir", default=os.environ.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN", "data/train"))
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION", "data/validation"))
    return parser.parse_args()


def load(folder: str) -> tuple[np.ndarray, np.ndarray]:
    """Images and digits of every file in a channel; the digit is the first column, pixels go from 0 to 16."""
    files = sorted(Path(folder).glob("*.csv.gz"))
    table = np.concatenate([np.loadtxt(file, delimiter=",", dtype=np.float32) for file in files])
    return (table[:, 1:] / 16).reshape(-1, 8, 8, 1), table[:, 0].astype(np.int64)


class Printed(tf.keras.callbacks.Callback):
    """One line an epoch: what the metric definitions of the job read."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        print(
            f"epoch {epoch}: loss={logs['loss']:.4f} validation loss={logs['val_loss']:.4f} "
            f"validation accuracy={logs['val_accuracy']:.4f}",
            flush=True,
        )


def main() -> None:
    args = arguments()
    tf.keras.utils.set_random_seed(0)
    images, digits = load(args.train)
    validation = load(args.validation)
    print(f"training on {len(digits)} digits, validating on {len(validation[1])}")
    network = tf.keras.Sequential(
        [
            tf.keras.layers.Input((8, 8, 1)),
            tf.keras.layers.Conv2D(16, 3, padding="same", activation="relu"),
            tf.keras.layers.Conv2D(32, 3, padding="same", activation="relu"),
            tf.keras.layers.MaxPooling2D(),
            tf.keras.layers.Flatten(),
            tf.keras.layers.Dense(64, activation="relu"),
            tf.keras.layers.Dense(10),
        ]
    )
    network.compile(
        optimizer=tf.keras.optimizers.Adam(args.learning_rate),
        loss=tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    network.fit(
        images,
        digits,
        batch_size=args.batch_size,
        epochs=args.epochs,
        validation_data=validation,
        callbacks=[Printed()],
        verbose=0,
    )
    folder = Path(args.sm_model_dir) / "1"
    if hasattr(network, "export"):  # Keras 3
        network.export(str(folder), verbose=False)
    else:
        tf.saved_model.save(network, str(folder))


if __name__ == "__main__":
    main()
