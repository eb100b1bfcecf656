"""Writes test/fixtures/torch_kernels.json: every kernel and its gradients as PyTorch computes them, in float64.

    pip install torch==2.13.0 numpy && python test/oracles/torch_kernels.py

Inputs follow from a formula that the test repeats, so only results are stored (float32, base64). Layouts are ours: NDHWC, filters
[k, k, k, in, out].
"""

import base64
import json
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

SLOPE, EPSILON = 0.01, 1e-5


def values(shape, salt):
    """(7919·i + 104729·salt) mod 2003, moved to (−1, 1): exact in both languages once rounded to float32."""
    i = np.arange(np.prod(shape), dtype=np.int64)
    v = ((7919 * i + 104729 * salt) % 2003) / 1001.5 - 1
    return torch.tensor(v.astype(np.float32).astype(np.float64).reshape(shape))


def coarse(shape):
    """Few distinct values, so that windows hold ties."""
    i = np.arange(np.prod(shape), dtype=np.int64)
    return torch.tensor(((7919 * i % 2003) % 3).astype(np.float64).reshape(shape))


def first(x):
    """NDHWC to NCDHW."""
    return x.permute(0, 4, 1, 2, 3)


def last(x):
    return x.permute(0, 2, 3, 4, 1)


def conv(x, w, stride, dilation):
    k = w.shape[0]
    return F.conv3d(x, w.permute(4, 3, 0, 1, 2), stride=stride, dilation=dilation, padding=dilation * (k - 1) // 2)


def transposed(x, w):
    return F.conv_transpose3d(x, w.permute(4, 3, 0, 1, 2), stride=w.shape[:3])


def separable(x, d, p, stride, dilation):
    c = d.shape[3]
    y = F.conv3d(
        x, d.permute(3, 0, 1, 2)[:, None], stride=stride, dilation=dilation, padding=dilation, groups=c
    )
    return F.conv3d(y, p.t()[:, :, None, None, None])


def pool(x, kind, stride):
    if kind == "max":
        return F.max_pool3d(x, 3, stride, padding=1)
    return F.avg_pool3d(x, 3, stride, padding=1, count_include_pad=False)


def reduce(x, even, odd):
    shifted = F.pad(x, (0, 1, 0, 1, 0, 1))[:, :, 1:, 1:, 1:]
    halves = [F.conv3d(a, w.t()[:, :, None, None, None], stride=2) for a, w in ((x, even), (shifted, odd))]
    return torch.cat(halves, 1)


def norm(x, gamma=None, beta=None):
    """Written out, because PyTorch 2.13's instance_norm pulls back wrongly through a channels-last gradient of batch 1."""
    mean = x.mean((2, 3, 4), keepdim=True)
    variance = ((x - mean) ** 2).mean((2, 3, 4), keepdim=True)
    y = (x - mean) / torch.sqrt(variance + EPSILON)
    if gamma is not None:
        y = y * gamma[:, None, None, None] + beta[:, None, None, None]
    assert torch.allclose(y, F.instance_norm(x, weight=gamma, bias=beta, eps=EPSILON), atol=1e-12)
    return y


def leaky(x):
    return F.leaky_relu(x, SLOPE)


def upsample(x, align):
    return F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=align)


def main():
    small, odd, even = [2, 5, 4, 3, 4], [1, 7, 6, 5, 3], [1, 6, 8, 4, 3]
    rows = []

    def row(name, shapes, f, make=values):
        inputs = [make(shape, salt) if make is values else make(shape) for salt, shape in enumerate(shapes)]
        for x in inputs:
            x.requires_grad_(True)
        y = last(f(first(inputs[0]), *inputs[1:]))
        dy = values(list(y.shape), 99)
        (y * dy).sum().backward()
        pack = lambda t: base64.b64encode(t.detach().contiguous().numpy().astype("<f4").tobytes()).decode()
        rows.append(
            {
                "name": name,
                "shapes": shapes,
                "inputs": "ties" if make is coarse else "values",
                "y": {"shape": list(y.shape), "data": pack(y)},
                "gradients": [pack(x.grad) for x in inputs],
            }
        )

    for stride, dilation, x in [(1, 1, odd), (1, 2, odd), (1, 3, even), (1, 4, even), (2, 1, odd), (2, 2, even), (2, 3, odd), (2, 4, even)]:
        tag = f"{stride} {dilation}"
        row(f"conv3d {tag}", [x, [3, 3, 3, 3, 4]], lambda a, w: conv(a, w, stride, dilation))
        row(f"separable {tag}", [x, [3, 3, 3, 3], [3, 4]], lambda a, d, p: separable(a, d, p, stride, dilation))
    row("conv3d 1³ 2", [odd, [1, 1, 1, 3, 4]], lambda a, w: conv(a, w, 2, 1))
    for kind in ("max", "avg"):
        for stride in (1, 2):
            row(f"pool {kind} {stride} odd", [odd], lambda a: pool(a, kind, stride))
            row(f"pool {kind} {stride} even", [even], lambda a: pool(a, kind, stride))
    row("pool max 1 ties", [even], lambda a: pool(a, "max", 1), coarse)
    row("pool max 2 ties", [even], lambda a: pool(a, "max", 2), coarse)
    row("instanceNorm", [small], norm)
    row("instanceNorm affine", [small, [4], [4]], norm)
    row("leakyRelu", [small], leaky)
    row("upsample", [small], lambda a: upsample(a, False))
    row("upsample aligned", [small], lambda a: upsample(a, True))
    row("factorizedReduce even", [even, [3, 2], [3, 3]], reduce)
    row("factorizedReduce odd", [odd, [3, 2], [3, 3]], reduce)
    row("convUnit", [odd, [3, 3, 3, 3, 4]], lambda a, w: norm(conv(leaky(a), w, 2, 2)))
    row(
        "separableUnit affine",
        [even, [3, 3, 3, 3], [3, 4], [4], [4]],
        lambda a, d, p, gamma, beta: norm(separable(leaky(a), d, p, 1, 3), gamma, beta),
    )
    row(
        "reduceUnit affine",
        [even, [3, 2], [3, 2], [4], [4]],
        lambda a, e, o, gamma, beta: norm(reduce(leaky(a), e, o), gamma, beta),
    )
    row("poolUnit max 2", [even], lambda a: norm(pool(a, "max", 2)))
    for strides, x in [([1, 2, 2], odd), ([2, 1, 1], even), ([2, 1, 2], even)]:
        row(f"stridedConv3d {strides}", [x, [3, 3, 3, 3, 4]], lambda a, w: conv(a, w, strides, 1))
    for strides, outputs in [([2, 2, 2], 3), ([2, 2, 2], 8), ([1, 2, 2], 5), ([2, 1, 1], 4), ([1, 1, 2], 1)]:
        row(f"upUnit {strides} {outputs}", [[2, 3, 2, 3, 5], [*strides, outputs, 5]], lambda a, w: transposed(leaky(a), w))
    row("gate", [small, [*small[:4], 1]], lambda x, a: x * torch.sigmoid(first(a)))

    path = pathlib.Path(__file__).parent.parent / "fixtures" / "torch_kernels.json"
    text = json.dumps({"torch": torch.__version__.split("+")[0], "rows": rows}, ensure_ascii=False, indent=1)
    path.write_text(text + "\n")
    print(path.name, len(text), "bytes", len(rows), "rows")


main()
