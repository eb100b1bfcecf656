"""Trains a derived network on a GPU in PyTorch and writes its weights as scnas reads them.

    node setup/run.mjs bench/derived.ts GENOTYPE STEM INPUTS CLASSES spec.json
    python bench/torch/train.py spec.json DATA/Task04_Hippocampus OUT [--fold all] [--batch 4] [--steps 10000]

The same network, loss, patches, augmentation and Adam as `scnas retrain`, written apart from it; random numbers differ. On a GPU the whole step is
one CUDA graph. With --seconds the number of steps follows from the time that 30 of them take. OUT gets model.safetensors and training.json.
"""

import argparse
import json
import math
import pathlib
import time

import numpy as np
import torch

from network import Network, from_ours, jaccard, to_ours
from volumes import Volumes, fold_ids

BETA1, BETA2, TINY = 0.9, 0.999, 1e-8


def parameters(spec, device, seed):
    """Fresh parameters as views of one vector, with gradients as views of another."""
    random = torch.Generator().manual_seed(seed)
    tensors = []
    for entry in spec["parameters"]:
        shape = entry["shape"]
        if entry["init"] == "he":
            scale = math.sqrt(2 / (1 + 0.01**2) / entry["fanIn"])
            tensors.append(from_ours(torch.randn(shape, generator=random) * scale).contiguous())
        else:
            tensors.append((torch.ones if entry["init"] == "ones" else torch.zeros)(shape))
    flat = torch.cat([t.flatten() for t in tensors]).to(device)
    gradient = torch.zeros_like(flat)
    theta, at = {}, 0
    for entry, t in zip(spec["parameters"], tensors):
        leaf = flat[at : at + t.numel()].view(t.shape).requires_grad_(True)
        leaf.grad = gradient[at : at + t.numel()].view(t.shape)
        theta[entry["name"]] = leaf
        at += t.numel()
    return theta, flat, gradient


class Step:
    """One update; `table` and `rate` are what changes from step to step."""

    def __init__(self, spec, volumes, patch, batch, device, seed):
        self.theta, self.flat, self.gradient = parameters(spec, device, seed)
        self.first, self.second = torch.zeros_like(self.flat), torch.zeros_like(self.flat)
        self.rate, self.count = torch.zeros((), device=device), torch.zeros((), device=device)
        self.loss = torch.zeros((), device=device)
        self.table = torch.zeros(batch, 14, device=device)
        self.network = Network(self.theta, spec["poolNorm"])
        self.spec, self.volumes, self.patch = spec, volumes, patch

    def run(self):
        with torch.no_grad():
            x, labels = self.volumes.batch(self.table, self.patch)
            self.gradient.zero_()
        loss = jaccard(self.network.forward(x, self.spec["choices"]), labels)
        loss.backward()
        with torch.no_grad():
            self.loss.copy_(loss)
            self.count += 1
            self.first.mul_(BETA1).add_(self.gradient, alpha=1 - BETA1)
            self.second.mul_(BETA2).addcmul_(self.gradient, self.gradient, value=1 - BETA2)
            root = (self.second / (1 - BETA2**self.count)).sqrt_().add_(TINY)
            self.flat.sub_(self.rate * self.first / (1 - BETA1**self.count) / root)

    def state(self):
        return [self.flat, self.first, self.second, self.count]


def captured(step):
    """The step as one CUDA graph; its trial runs leave no trace."""
    kept = [t.clone() for t in step.state()]
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step.run()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step.run()
    for t, before in zip(step.state(), kept):
        t.copy_(before)
    return graph.replay


def write_safetensors(file, tensors, metadata):
    head, at = {"__metadata__": metadata}, 0
    for name, t in tensors.items():
        head[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + 4 * t.numel()]}
        at += 4 * t.numel()
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    data = b"".join(t.contiguous().numpy().astype("<f4").tobytes() for t in tensors.values())
    partial = file.with_suffix(".partial")
    partial.write_bytes(len(text).to_bytes(8, "little") + text + data)
    partial.rename(file)


def save(out, spec, step, facts):
    ours = {
        entry["name"]: to_ours(step.theta[entry["name"]].detach().cpu(), entry["shape"]) for entry in spec["parameters"]
    }
    write_safetensors(out / "model.safetensors", ours, {"format": "scnas-model-1", "engine": facts["engine"]})
    (out / "training.json").write_text(json.dumps(facts, indent=1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("spec"), parser.add_argument("data"), parser.add_argument("out")
    parser.add_argument("--patch", default="40,56,40")
    parser.add_argument("--fold", default="all", help="0 to 4: its training part; all: every case")
    parser.add_argument("--inner", action="store_true", help="the training part of the fold's training part")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rate", type=float, default=0.003)
    parser.add_argument("--decay", type=float, default=0.94)
    parser.add_argument("--steps", type=int, default=10000)
    parser.add_argument("--seconds", type=float, help="as many steps as fit")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--eager", action="store_true", help="no CUDA graph")
    args = parser.parse_args()
    begin = time.time()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.manual_seed(args.seed)
    random = np.random.default_rng(args.seed)
    patch = [int(n) for n in args.patch.split(",")]
    spec = json.loads(pathlib.Path(args.spec).read_text())
    out = pathlib.Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    ids = fold_ids(args.data, args.fold, args.inner)
    volumes = Volumes(args.data, ids, 24, device)
    print(f"{len(ids)} cases of {args.data} on {device}, {time.time() - begin:.0f} s", flush=True)
    step = Step(spec, volumes, patch, args.batch, device, args.seed)
    step.table.copy_(volumes.draw(patch, args.batch, random))
    once = captured(step) if device == "cuda" and not args.eager else step.run
    steps, done, losses, trained = args.steps, 0, [], time.time()
    while done < steps:
        step.table.copy_(volumes.draw(patch, args.batch, random), non_blocking=True)
        step.rate.fill_(args.rate * (1 - done / steps) ** args.decay)
        once()
        done += 1
        if done == 30 and args.seconds:
            step.loss.item()
            each = (time.time() - trained) / 30
            steps = max(60, int((begin + args.seconds - time.time()) / each) // 50 * 50)
        if done % 50 == 0 or done == steps:
            losses.append([done, step.loss.item()])
            if not math.isfinite(losses[-1][1]):
                raise SystemExit(f"train.py: the loss of step {done} is no number; lower --rate")
        if done % 1000 == 0 or done == steps:
            facts = {
                **{k: v for k, v in vars(args).items() if k not in ("spec", "data", "out")},
                **{"steps": steps, "done": done, "cases": len(ids), "stem": spec["stem"], "loss": losses},
                "engine": f"PyTorch {torch.__version__}",
                "device": torch.cuda.get_device_name() if device == "cuda" else "CPU",
                "seconds": round(time.time() - begin, 1),
            }
            save(out, spec, step, facts)
            mean = np.mean([loss for _, loss in losses[-20:]])
            print(f"{done}/{steps} in {time.time() - begin:.0f} s, loss {mean:.4f}", flush=True)


if __name__ == "__main__":
    main()
