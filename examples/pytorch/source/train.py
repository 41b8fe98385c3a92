"""Train a small convolutional network on hand-written digits, as SageMaker's PyTorch container runs it.

It saves a checkpoint after every epoch and goes on from the last one: SageMaker restores /opt/ml/checkpoints
after a spot interruption.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import torch
from network import DigitNet
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--checkpoint-dir", default="/opt/ml/checkpoints")
    parser.add_argument("--model-dir", default=os.environ.get("SM_MODEL_DIR", "model"))
    parser.add_argument("--train", default=os.environ.get("SM_CHANNEL_TRAIN", "data/train"))
    parser.add_argument("--validation", default=os.environ.get("SM_CHANNEL_VALIDATION", "data/validation"))
    return parser.parse_args()


def load(folder: str) -> TensorDataset:
    """Images and digits of every file in a channel; the digit is the first column, pixels go from 0 to 16."""
    files = sorted(Path(folder).glob("*.csv.gz"))
    table = np.concatenate([np.loadtxt(file, delimiter=",", dtype=np.float32) for file in files])
    images = torch.from_numpy(table[:, 1:] / 16).reshape(-1, 1, 8, 8)
    return TensorDataset(images, torch.from_numpy(table[:, 0]).long())


def evaluate(network: nn.Module, data: TensorDataset) -> tuple[float, float]:
    """Mean loss and accuracy."""
    network.eval()
    images, digits = data.tensors
    with torch.no_grad():
        scores = network(images)
        loss = nn.functional.cross_entropy(scores, digits).item()
        return loss, (scores.argmax(1) == digits).float().mean().item()


def main() -> None:
    args = arguments()
    torch.manual_seed(0)
    train, validation = load(args.train), load(args.validation)
    print(f"training on {len(train)} digits, validating on {len(validation)}")
    network = DigitNet()
    optimizer = torch.optim.Adam(network.parameters(), lr=args.learning_rate)

    checkpoint = Path(args.checkpoint_dir) / "last.pt"
    first = 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["epoch"] + 1
        print(f"going on after epoch {state['epoch']}")
    checkpoint.parent.mkdir(parents=True, exist_ok=True)

    for epoch in range(first, args.epochs):
        network.train()
        for images, digits in DataLoader(train, args.batch_size, shuffle=True):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(images), digits)
            loss.backward()
            optimizer.step()
        loss, accuracy = evaluate(network, validation)
        print(f"epoch {epoch}: validation loss={loss:.4f} validation accuracy={accuracy:.4f}", flush=True)
        torch.save(
            {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, checkpoint
        )

    folder = Path(args.model_dir)
    folder.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), folder / "model.pth")


if __name__ == "__main__":
    main()
