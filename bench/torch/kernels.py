"""PyTorch's side of the kernels: times one in both memory formats each time a line of JSON asks for it.

    python bench/torch/kernels.py THREADS
"""

import json
import re
import statistics
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F

from network import conv_unit, from_ours, norm, pool, reduce_unit, separable_unit

SAMPLE = 64


def values(n, seed):
    """Numbers in [-1, 1) by a hash of their place: the same in bench/kernels-ours.ts."""
    h = (np.arange(n, dtype=np.uint32) + np.uint32(seed * 7919 + 1)) * np.uint32(0x9E3779B1)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(0x85EBCA6B)
    return ((h ^ (h >> np.uint32(13))).astype(np.float64) / 2**31 - 1).astype(np.float32)


def filled(shape, seed):
    return torch.from_numpy(values(int(np.prod(shape)), seed)).reshape(list(shape))


def weight(shape, seed, memory_format):
    return from_ours(filled(shape, seed)).contiguous(memory_format=memory_format).requires_grad_(True)


def kernel_of(spec, memory_format):
    """Its weights, and it as a function of x."""
    name, c = spec["kernel"], spec["shape"][4]
    stride = 2 if name.endswith("stride 2") else 1

    def make(shape, seed):
        return weight(shape, seed, memory_format)

    if name.startswith("conv3") or name == "pointwise unit":
        side = 1 if name == "pointwise unit" else 3
        p = {"weight": make([side, side, side, c, c], 2)}
        return p, lambda x: conv_unit(x, p, stride)
    if name.startswith("separable"):
        p = {"depthwise": make([3, 3, 3, c], 2), "pointwise": make([c, c], 3)}
        dilation = int(re.search(r"dilation (\d)", name)[1])
        return p, lambda x: separable_unit(x, p, stride, dilation)
    if name == "factorized reduce unit":
        half = (c + 1) // 2
        p = {"even": make([c, half], 2), "odd": make([c, c - half], 3)}
        return p, lambda x: reduce_unit(x, p)
    if name == "instance norm":
        return {}, lambda x: norm(x, {})
    if name == "upsample ×2":
        return {}, lambda x: F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
    return {}, lambda x: pool(x, name[:3], stride, False)


def time_kernel(spec, memory_format, budget):
    p, f = kernel_of(spec, memory_format)
    x = filled(spec["shape"], 1).permute(0, 4, 1, 2, 3).contiguous(memory_format=memory_format)
    inputs = [x.requires_grad_(True), *p.values()]
    y = f(x)
    flat = y.detach().permute(0, 2, 3, 4, 1).contiguous().numpy().ravel()
    sample = [float(flat[i * (flat.size - 1) // (SAMPLE - 1)]) for i in range(SAMPLE)]
    n, c, *space = y.shape
    dy = filled([n, *space, c], 9).permute(0, 4, 1, 2, 3).contiguous(memory_format=memory_format)

    def once():
        begin = time.perf_counter()
        if spec["backward"]:
            torch.autograd.grad(f(x), inputs, dy)
        else:
            with torch.inference_mode():
                f(x)
        return time.perf_counter() - begin

    once()
    times = []
    while len(times) < 3 or (sum(times) < budget and len(times) < 200):
        times.append(once())
        if sum(times) > 5 * budget:
            break
    return {"seconds": statistics.median(times), "fastest": min(times), "repeats": len(times), "sample": sample}


def main(threads):
    torch.set_num_threads(int(threads))
    for line in sys.stdin:
        request = json.loads(line)
        formats = {"channels_last_3d": torch.channels_last_3d, "contiguous_format": torch.contiguous_format}
        answer = {name: time_kernel(request["spec"], value, request["budget"]) for name, value in formats.items()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
