"""The networks of the space in plain PyTorch, written apart from src/: what the benchmark compares with, and an oracle for the whole network.

Default readings only. Layout inside: NCDHW with channels-last strides. Parameters come by the names that src/paper gives them.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

SLOPE, EPSILON = 0.01, 1e-5
ORDER = "red enc red enc red enc exp dec exp dec exp dec".split()
NODES = 4
EDGES = [(i, j) for j in range(2, 2 + NODES) for i in range(j)]


def load(folder, device="cpu"):
    """spec.json, and its tensors from weights.bin as float32."""
    folder = pathlib.Path(folder)
    spec = json.loads((folder / "spec.json").read_text())
    flat = np.fromfile(folder / "weights.bin", "<f4")
    theta, at = {}, 0
    for entry in spec["parameters"]:
        size = int(np.prod(entry["shape"]))
        theta[entry["name"]] = from_ours(torch.from_numpy(flat[at : at + size].copy()).reshape(entry["shape"]))
        at += size
    assert at == flat.size, f"weights.bin: expected {at} numbers, found {flat.size}"
    return spec, {name: w.to(device).requires_grad_(True) for name, w in theta.items()}


def from_ours(w):
    """[k, k, k, in, out] to [out, in, k, k, k]; [3, 3, 3, c] to [c, 1, 3, 3, 3]; [in, out] to [out, in, 1, 1, 1]."""
    if w.dim() == 5:
        w = w.permute(4, 3, 0, 1, 2)
    elif w.dim() == 4:
        w = w.permute(3, 0, 1, 2)[:, None]
    elif w.dim() == 2:
        w = w.t()[:, :, None, None, None]
    if w.dim() == 5:
        return w.contiguous(memory_format=torch.channels_last_3d)
    return w.contiguous()


def to_ours(w, shape):
    """The way back, for gradients."""
    if len(shape) == 5:
        w = w.permute(2, 3, 4, 1, 0)
    elif len(shape) == 4:
        w = w[:, 0].permute(1, 2, 3, 0)
    elif len(shape) == 2:
        w = w[:, :, 0, 0, 0].t()
    return w.contiguous()


def norm(x, p):
    """InstanceNorm; at batch 1 through batch_norm, which is the same and whose gradient PyTorch 2.13 gets right for channels-last."""
    gamma, beta = p.get("gamma"), p.get("beta")
    if x.shape[0] == 1:
        return F.batch_norm(x, None, None, gamma, beta, training=True, eps=EPSILON)
    return F.instance_norm(x, weight=gamma, bias=beta, eps=EPSILON)


def act(x):
    return F.leaky_relu(x, SLOPE)


def conv_unit(x, p, stride=1):
    w = p["weight"]
    return norm(F.conv3d(act(x), w, stride=stride, padding=w.shape[2] // 2), p)


def separable_unit(x, p, stride, rate):
    d = p["depthwise"]
    y = F.conv3d(act(x), d, stride=stride, padding=rate, dilation=rate, groups=d.shape[0])
    return norm(F.conv3d(y, p["pointwise"]), p)


def reduce_unit(x, p):
    a = act(x)
    halves = [F.conv3d(a, p["even"], stride=2), F.conv3d(a[:, :, 1:, 1:, 1:], p["odd"], stride=2)]
    return norm(torch.cat(halves, 1), p)


def pool(x, kind, stride, with_norm):
    if kind == "max":
        y = F.max_pool3d(x, 3, stride, padding=1)
    else:
        y = F.avg_pool3d(x, 3, stride, padding=1, count_include_pad=False)
    return norm(y, {}) if with_norm else y


def operation(name, x, p, stride, pool_norm):
    """One of the eight; zero is None."""
    if name == "conv3":
        return conv_unit(x, p, stride)
    if name.startswith("sep"):
        return separable_unit(x, p, stride, int(name[3:]))
    if name in ("maxpool", "avgpool"):
        return pool(x, name[:3], stride, pool_norm)
    if name == "identity":
        return x if stride == 1 else reduce_unit(x, p)
    assert name == "zero", name
    return None


class Network:
    """`choices[type][edge]` is a list of operation names; `z_hat[type][edge]` their weights, a tensor, or None for weight 1."""

    def __init__(self, theta, pool_norm):
        self.theta, self.pool_norm = theta, pool_norm
        self.groups = {}
        for name, w in theta.items():
            prefix, local = name.rsplit("/", 1)
            self.groups.setdefault(prefix, {})[local] = w

    def cell(self, name, kind, width_level, older, newer, choices, z_hat):
        entry_level = width_level - 1 if kind == "red" else width_level
        nodes = []
        for i, (x, level) in enumerate((older, newer)):
            p = self.groups[f"{name}/input{i}"]
            if level < entry_level:
                x = reduce_unit(x, p)
            else:
                x = conv_unit(x, p)
                if level > entry_level:
                    x = F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
            nodes.append(x)
        for j in range(2, 2 + NODES):
            total = None
            for e, (i, to) in enumerate(EDGES):
                if to != j:
                    continue
                stride = 2 if kind == "red" and i < 2 else 1
                for k, op in enumerate(choices[e]):
                    y = operation(op, nodes[i], self.groups.get(f"{name}/edge{i}-{j}/{op}", {}), stride, self.pool_norm)
                    if y is None:
                        continue
                    if z_hat is not None:
                        y = y * z_hat[e, k]
                    total = y if total is None else total + y
            if total is None:
                total = torch.zeros_like(nodes[-1] if j > 2 or kind != "red" else F.max_pool3d(nodes[0], 1, 2))
            nodes.append(total)
        return torch.cat(nodes[2:], 1)

    def forward(self, x, choices, z_hat=None):
        """Logits [batch, classes, x, y, z] of x [batch, inputs, x, y, z]."""
        stem = self.groups["stem"]
        w = stem["weight0"]
        first = norm(F.conv3d(x, w, padding=1), {k[:-1]: v for k, v in stem.items() if k in ("gamma0", "beta0")})
        maps = {0: first}
        outputs, level = [(first, 0), (first, 0)], 0
        for index, kind in enumerate(ORDER):
            level += {"red": 1, "exp": -1}.get(kind, 0)
            older, newer = outputs[-2:]
            if kind in ("exp", "dec") and newer[1] in maps:
                newer = (newer[0] + maps[newer[1]], newer[1])
            y = self.cell(f"{index:02d}-{kind}", kind, level, older, newer, choices[kind], z_hat and z_hat[kind])
            if kind == "enc" and level < 3:
                maps[level] = y
            outputs.append((y, level))
        out = self.groups["out"]
        return F.conv3d(act(outputs[-1][0]), out["weight"], out["bias"])


def jaccard(logits, labels):
    """1 − Σtp / (Σt² + Σp² − Σtp), mean over classes and samples; logits [n, classes, x, y, z], labels [n, x, y, z]."""
    p = torch.softmax(logits, 1)
    t = F.one_hot(labels, logits.shape[1]).permute(0, 4, 1, 2, 3).to(p.dtype)
    axes = (2, 3, 4)
    tp = (t * p).sum(axes)
    union = (t * t).sum(axes) + (p * p).sum(axes) - tp
    return (1 - tp / (union + 1e-12)).mean()
