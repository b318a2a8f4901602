"""Accuracy of the model that is shipped, without training anything. Needs numpy and onnxruntime only.

Of an archive with `x_train` and `y_train`, on the held-out part; of one with `x_test` and `y_test`, on all of those.
"""

import argparse
from pathlib import Path

import numpy as np
import onnxruntime

VALIDATION, SEED = 10_000, 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mnist/train.npz"))
    parser.add_argument("--model", type=Path, default=Path("packages/hither-models/models/digits/1/model.onnx"))
    arguments = parser.parse_args()
    session = onnxruntime.InferenceSession(str(arguments.model))

    def print_accuracy(name, images, labels):
        parts = np.array_split(images.astype(np.uint8)[:, None], 20)
        found = np.concatenate([session.run(None, {"image": part})[0] for part in parts]).argmax(1)
        print(f"{name}: {100 * (found == labels).mean():.2f} % of {len(labels)}")

    with np.load(arguments.data) as archive:
        if "x_train" in archive:
            # As in data.py: the last of a seeded permutation, which nothing was trained on.
            held_out = np.random.default_rng(SEED).permutation(len(archive["y_train"]))[-VALIDATION:]
            print_accuracy("held out of the training part", archive["x_train"][held_out], archive["y_train"][held_out])
        if "x_test" in archive:
            print_accuracy("test part", archive["x_test"], archive["y_test"])


if __name__ == "__main__":
    main()
