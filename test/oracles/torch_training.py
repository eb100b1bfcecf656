"""Writes test/fixtures/torch_training.json: Adam, the plateau rule and the Jaccard distance as PyTorch computes them, in float64.

    pip install torch==2.13.0 numpy && python test/oracles/torch_training.py

Tensors follow from a formula that the tests repeat, so only results are stored (gradients of the loss as float32 in base64).
"""

import base64
import itertools
import json
import math
import pathlib

import numpy as np
import torch

STEPS = 5
# name, shape, scale of its gradients (2⁻²⁶ makes Adam's 1e-8 matter), steps that have a gradient for it
PARAMETERS = [
    ("a/weight", [2, 3], 1, [1, 2, 3, 4, 5]),
    ("a/tiny", [4], 2.0**-26, [1, 2, 3, 4, 5]),
    ("b/weight", [3, 2, 2], 4, [1, 4, 5]),
    ("c/gamma", [5], 1, [3]),
    ("d/never", [3], 1, []),
]
# rate, β₁, β₂, weight decay, amsgrad; with β₂ = 0.5 second moments fall, so that their greatest matters
OPTIONS = {
    "old notation": (0.025, 0.9, 0.999, 0, False),
    "literal": (0.025, 0.1, 0.001, 0, False),
    "alpha": (0.003, 0.5, 0.999, 0, False),
    "amsgrad": (0.025, 0.9, 0.5, 0, True),
    "amsgrad with weight decay": (0.025, 0.9, 0.5, 0.1, True),
}


def values(shape, salt):
    """(7919·i + 104729·salt) mod 2003, moved to (−1, 1): exact in both languages once rounded to float32."""
    i = np.arange(np.prod(shape), dtype=np.int64)
    v = ((7919 * i + 104729 * salt) % 2003) / 1001.5 - 1
    return torch.tensor(v.astype(np.float32).astype(np.float64).reshape(shape))


def adam(rate, beta1, beta2, decay, amsgrad):
    """Parameters and moments after each step; a parameter without a gradient is left out of the step."""
    theta = {name: values(shape, i).requires_grad_() for i, (name, shape, _, _) in enumerate(PARAMETERS)}
    optimiser = torch.optim.Adam(theta.values(), lr=rate, betas=(beta1, beta2), eps=1e-8, weight_decay=decay, amsgrad=amsgrad)
    history = []
    for step in range(1, STEPS + 1):
        for i, (name, shape, scale, at) in enumerate(PARAMETERS):
            theta[name].grad = scale * values(shape, 10 * step + i) if step in at else None
        optimiser.step()
        row = {}
        for name, p in theta.items():
            state = optimiser.state.get(p, {})
            zeros = torch.zeros_like(p)
            row[name] = {
                "theta": p.detach().flatten().tolist(),
                "m": state.get("exp_avg", zeros).flatten().tolist(),
                "v": state.get("exp_avg_sq", zeros).flatten().tolist(),
                "steps": int(state["step"]) if state else 0,
                **({"peak": state.get("max_exp_avg_sq", zeros).flatten().tolist()} if amsgrad else {}),
            }
        history.append(row)
    return history


def plateau():
    """Rates after each epoch of a noisy loss that falls in three steps, for both readings."""
    noise = np.random.default_rng(3).standard_normal(120)
    level = [0.8 if e < 40 else 0.5 if e < 80 else 0.4 for e in range(120)]  # falls twice, and stays
    losses = [round(at + 0.04 * n, 6) for at, n in zip(level, noise)]
    rates = {}
    for reading in ["moving average", "raw"]:
        p = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.SGD([p], lr=0.025)
        rule = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimiser, mode="min", factor=1 / 5, patience=3, threshold=1e-3, threshold_mode="abs", eps=0
        )
        average, rows = None, []
        for loss in losses:
            average = loss if average is None or reading == "raw" else 0.93 * average + 0.07 * loss
            assert math.isinf(rule.best) or abs(average - (rule.best - 1e-3)) > 1e-9, "too close to call"
            rule.step(average)
            rows.append(optimiser.param_groups[0]["lr"])
        rates[reading] = rows
        assert len(set(rows)) > 3, reading
    return {"losses": losses, "rates": rates}


def jaccard():
    """Value and gradient by the logits for every reading; the second sample lacks class 2."""
    shape, k = [2, 3, 4, 5, 3], 3
    labels = np.arange(120).reshape(shape[:4]) * 7919 % 2003 % k
    labels[1][labels[1] == 2] = 1
    rows = []
    for form, background, over in itertools.product(["squared", "plain"], ["included", "left out"], ["sample", "batch"]):
        logits = (3 * values(shape, 5)).requires_grad_()
        p = torch.exp(logits) / torch.exp(logits).sum(-1, keepdim=True)
        distances = []
        for samples in [[0], [1]] if over == "sample" else [[0, 1]]:
            for c in range(0 if background == "included" else 1, k):
                t = torch.tensor(labels[samples] == c, dtype=torch.float64)
                q = p[samples][..., c]
                both = (t * q).sum()
                union = (t**2).sum() + (q**2 if form == "squared" else q).sum() - both
                distances.append(1 - both / union)
        loss = sum(distances) / len(distances)
        loss.backward()
        gradient = base64.b64encode(logits.grad.numpy().astype("<f4").tobytes()).decode()
        rows.append({"jaccard": form, "background": background, "lossOver": over, "loss": loss.item(), "gradient": gradient})
    return rows


if __name__ == "__main__":
    fixture = {
        "torch": torch.__version__.split("+")[0],
        "parameters": [dict(zip(["name", "shape", "scale", "at"], p)) for p in PARAMETERS],
        "adam": [
            {"name": n, "rate": r, "beta1": b1, "beta2": b2, "weightDecay": d, "amsgrad": a, "history": adam(r, b1, b2, d, a)}
            for n, (r, b1, b2, d, a) in OPTIONS.items()
        ],
        "plateau": plateau(),
        "jaccard": jaccard(),
    }
    path = pathlib.Path(__file__).parents[1] / "fixtures" / "torch_training.json"
    path.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, {k: len(set(v)) for k, v in fixture["plateau"]["rates"].items()})
