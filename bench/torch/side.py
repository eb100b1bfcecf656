"""PyTorch's side of a case: one step each time a line of JSON asks for it.

    python bench/torch/side.py FOLDER search|retrain|inference channels_last_3d|contiguous_format THREADS [compile]

FOLDER is one of bench/export.ts. Answers {"ask": "ready"}, {"ask": "agree"} and {"ask": "run"}.
"""

import json
import pathlib
import sys
import time

import numpy as np
import torch

import network
from check import TYPES, batch_of, distance
from network import Network, jaccard, load

RATE = 1e-3


class Case:
    """A network with its batch, in one memory format."""

    def __init__(self, folder, memory_format):
        self.folder = pathlib.Path(folder)
        self.spec, theta = load(folder)
        x, self.labels, self.z = batch_of(folder, self.spec)
        self.x = x.contiguous(memory_format=memory_format)
        self.theta = {
            name: (w.detach().contiguous(memory_format=memory_format) if w.dim() == 5 else w.detach()).requires_grad_(True)
            for name, w in theta.items()
        }
        self.network = Network(self.theta, self.spec["poolNorm"])
        # the fastest of its three kinds of Adam on a CPU
        self.adam = torch.optim.Adam(self.theta.values(), lr=RATE, betas=(0.9, 0.999), fused=True)
        self.alpha = torch.zeros(len(TYPES), 14, 8, requires_grad=True)
        self.adam_alpha = torch.optim.Adam([self.alpha], lr=RATE, betas=(0.9, 0.999))

    def logits(self, z):
        rows = z.reshape(4, -1, 2)
        z_hat = {kind: rows[i] for i, kind in enumerate(TYPES)} if z.numel() else None
        return self.network.forward(self.x, self.spec["choices"], z_hat)

    def theta_step(self):
        self.adam.zero_grad(set_to_none=True)
        jaccard(self.logits(self.z), self.labels).backward()
        self.adam.step()

    def alpha_step(self):
        """Backward to ẑ only: the weights ask for no gradients."""
        z = self.z.clone().requires_grad_(True)
        for w in self.theta.values():
            w.requires_grad_(False)
        jaccard(self.logits(z), self.labels).backward()
        for w in self.theta.values():
            w.requires_grad_(True)
        by_z, weights = z.grad.reshape(4, 14, 2), self.z.reshape(4, 14, 2)
        slope = weights[..., 0] * weights[..., 1] * (by_z[..., 0] - by_z[..., 1])
        # where the gradient stands does not matter to the time it takes
        self.alpha.grad = torch.zeros_like(self.alpha)
        self.alpha.grad[..., 0], self.alpha.grad[..., 1] = slope, -slope
        self.adam_alpha.step()

    def inference(self):
        with torch.inference_mode():
            self.logits(self.z)

    def agreement(self):
        """Relative distances of logits and loss from ours."""
        with torch.inference_mode():
            logits = self.logits(self.z)
            loss = jaccard(logits, self.labels).item()
        got = np.fromfile(self.folder / "logits.bin", "<f4")
        want = logits.permute(0, 2, 3, 4, 1).contiguous().numpy()
        return {"logits": distance(got, want), "loss": abs(loss - self.spec["loss"]) / abs(loss)}


def timed(f):
    begin = time.perf_counter()
    f()
    return time.perf_counter() - begin


def run(case, kind):
    if kind == "search":
        parts = {"theta": timed(case.theta_step), "alpha": timed(case.alpha_step)}
        return {"seconds": sum(parts.values()), "parts": parts}
    return {"seconds": timed(case.theta_step if kind == "retrain" else case.inference)}


def compile_units():
    """Unit by unit: a whole network as one graph takes its compiler ten minutes and more on two cores."""
    import torch._dynamo  # only here: it takes seconds to load

    torch._dynamo.config.recompile_limit = 1024
    torch._dynamo.config.accumulated_recompile_limit = 8192
    for name in ("conv_unit", "separable_unit", "reduce_unit", "pool"):
        setattr(network, name, torch.compile(getattr(network, name), dynamic=False))


def main(folder, kind, memory_format, threads, *options):
    torch.set_num_threads(int(threads))
    if "compile" in options:
        compile_units()
    case = Case(folder, getattr(torch, memory_format))
    answers = {
        "ready": lambda: {
            "versions": {"torch": torch.__version__, "numpy": np.__version__, "python": sys.version.split()[0]},
            "threads": torch.get_num_threads(),
        },
        "agree": case.agreement,
        "run": lambda: run(case, kind),
    }
    for line in sys.stdin:
        print(json.dumps(answers[json.loads(line)["ask"]]()), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
