"""Compares a folder of bench/export.ts with PyTorch: logits, loss, and the gradient of every parameter and of ẑ.

    python bench/torch/check.py FOLDER
"""

import json
import pathlib
import sys

import numpy as np
import torch

from network import Network, jaccard, load, to_ours

TYPES = ["enc", "red", "dec", "exp"]


def batch_of(folder, spec):
    folder = pathlib.Path(folder)
    n, space = spec["batch"], spec["patch"]
    x = torch.from_numpy(np.fromfile(folder / "x.bin", "<f4")).reshape([n, *space, spec["inputs"]])
    labels = torch.from_numpy(np.fromfile(folder / "labels.bin", "<i4")).reshape([n, *space]).long()
    z = torch.from_numpy(np.fromfile(folder / "zhat.bin", "<f4"))
    return x.permute(0, 4, 1, 2, 3), labels, z


def distance(a, b):
    a, b = (np.asarray(v, np.float64).ravel() for v in (a, b))
    assert a.size == b.size, f"expected {b.size} numbers, found {a.size}"
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-30))


def compute(folder, spec, dtype):
    """Logits, loss, gradients of the parameters and of ẑ, laid out as ours."""
    _, theta = load(folder)
    theta = {name: w.detach().to(dtype).requires_grad_(True) for name, w in theta.items()}
    x, labels, z = batch_of(folder, spec)
    z = z.to(dtype).requires_grad_(True)
    rows = z.reshape(4, -1, 2)
    z_hat = {kind: rows[i] for i, kind in enumerate(TYPES)} if z.numel() else None
    logits = Network(theta, spec["poolNorm"]).forward(x.to(dtype), spec["choices"], z_hat)
    loss = jaccard(logits, labels)
    loss.backward()
    gradients = [
        to_ours(torch.zeros_like(w) if w.grad is None else w.grad, entry["shape"]).numpy().ravel()
        for entry in spec["parameters"]
        for w in [theta[entry["name"]]]
    ]
    return {
        "logits": logits.detach().permute(0, 2, 3, 4, 1).contiguous().numpy(),
        "loss": np.array([loss.item()]),
        "gradients of Θ": np.concatenate(gradients),
        "gradient of ẑ": z.grad.numpy() if z.numel() else np.zeros(0),
    }


def ours(folder, spec):
    gradients = np.fromfile(folder / "gradients.bin", "<f4")
    size = sum(int(np.prod(entry["shape"])) for entry in spec["parameters"])
    return {
        "logits": np.fromfile(folder / "logits.bin", "<f4"),
        "loss": np.array([spec["loss"]]),
        "gradients of Θ": gradients[:size],
        "gradient of ẑ": gradients[size:],
    }


def main(folder):
    folder = pathlib.Path(folder)
    spec = json.loads((folder / "spec.json").read_text())
    exact, single = (compute(folder, spec, dtype) for dtype in (torch.float64, torch.float32))
    got = ours(folder, spec)
    failed = []
    for name, value in exact.items():
        if value.size == 0:
            continue
        mine, theirs = distance(got[name], value), distance(single[name], value)
        # In float32 some voxels stand on the other side of a kink of LeakyReLU or of a maximum; one of them moves the gradients below it by about
        # 1 / √(numbers in a node). PyTorch's own float32 shows how many to expect.
        flips = 3 / np.sqrt(np.prod(spec["patch"]) * spec["batch"] * spec["stem"] / 4)
        bound = 1e-4 if name in ("logits", "loss") else max(1e-3, 5 * theirs, flips)
        print(f"{name}: ours {mine:.2e} from float64, PyTorch in float32 {theirs:.2e}, bound {bound:.0e}")
        if not mine < bound:
            failed.append(name)
    if failed:
        sys.exit(f"check.py: {', '.join(failed)} differ from PyTorch's")


if __name__ == "__main__":
    main(sys.argv[1])
