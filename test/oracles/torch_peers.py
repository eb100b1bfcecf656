"""Writes test/fixtures/torch_peers.json: the peers' logits, losses, gradients and first training steps in PyTorch, in float64.

    pip install torch==2.13.0 numpy batchgenerators==0.25 SimpleITK==2.4.1 && pip install --no-deps nnunet==1.7.1
    python test/oracles/torch_peers.py

nnU-Net is version 1's own code (network, loss, halvings of an axis). 3D U-ResNet is written here from the reading in PAPER.md. Images and weights
follow from formulas that the tests repeat; of long results every STRIDE-th number is stored, as float32 in base64.
"""

import base64
import json
import math
import pathlib

import numpy as np
import torch
from nnunet.experiment_planning.common_utils import get_pool_and_conv_props_poolLateV2
from nnunet.network_architecture.generic_UNet import Generic_UNet
from nnunet.training.loss_functions.dice_loss import DC_and_CE_loss
from torch import nn
from torch.nn import functional as F

STRIDE = 41
INPUTS, CLASSES, WIDTH = 2, 3, 4
# An activation nearer to LeakyReLU's kink than this could fall on its other side in float32: another image is taken.
KINK = 3e-6
STEPS, RATE, DECAY = 4, 3e-3, 3e-5


def values(count, salt):
    """(7919·i + 104729·salt) mod 2003, moved to (−1, 1): exact in both languages once rounded to float32."""
    i = np.arange(count, dtype=np.int64)
    return torch.tensor((((7919 * i + 104729 * salt) % 2003) / 1001.5 - 1).astype(np.float32).astype(np.float64))


def weight(name, shape):
    """A parameter by its name: He-like for weights, near 1 for γ, small for β and biases."""
    kind = name.split("/")[1]
    v = values(int(np.prod(shape)), sum((i + 1) * ord(c) for i, c in enumerate(name)) % 997)
    if kind == "weight":
        fan = shape[-1] if name.startswith("up") and len(shape) == 5 else int(np.prod(shape[:-1]))
        v = v * np.float64(np.float32((6 / fan) ** 0.5))
    else:
        v = v * 0.25 + (1 if kind == "gamma" else 0)
    return v.float().double().reshape(shape)


class Parameters:
    """Our parameters by our names and in our layouts, made when first asked for."""

    def __init__(self):
        self.all = {}

    def __call__(self, name, shape):
        if name not in self.all:
            self.all[name] = weight(name, shape).requires_grad_()
        return self.all[name]


class Leaky:
    """LeakyReLU that remembers how near to its kink it came."""

    nearest = math.inf

    @classmethod
    def see(cls, x):
        cls.nearest = min(cls.nearest, x.detach().abs().min().item())

    def __call__(self, x):
        self.see(x)
        return F.leaky_relu(x, 0.01)


leaky = Leaky()


def uresnet(p, x):
    """3D U-ResNet of PAPER.md; x [n, c, x, y, z]."""

    def normed(name, y):
        c = y.shape[1]
        centred = y - y.mean((2, 3, 4), keepdim=True)
        y = centred / torch.sqrt((centred**2).mean((2, 3, 4), keepdim=True) + 1e-5)
        return y * p(f"{name}/gamma", [c]).view(-1, 1, 1, 1) + p(f"{name}/beta", [c]).view(-1, 1, 1, 1)

    def conv(name, x, outputs, k=3, stride=1, activate=True):
        w = p(f"{name}/weight", [k, k, k, x.shape[1], outputs]).permute(4, 3, 0, 1, 2)
        x = leaky(x) if activate else x
        return normed(name, F.conv3d(x, w, stride=stride, padding=k // 2))

    def block(name, x, outputs, down):
        stride = 2 if down else 1
        y = conv(f"{name}b", conv(f"{name}a", x, outputs, stride=stride), outputs)
        return y + (conv(f"{name}s", x, outputs, k=1, stride=2) if down else x)

    def mapped(name, x, outputs):
        w = p(f"{name}/weight", [1, 1, 1, x.shape[1], outputs]).permute(4, 3, 0, 1, 2)
        return F.conv3d(leaky(x), w, p(f"{name}/bias", [outputs]))

    def finer(x):
        return F.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)

    x = conv("stem", x, WIDTH, activate=False)
    skips = [block("down0", x, WIDTH, False)]
    for level in (1, 2, 3):
        skips.append(block(f"down{level}", skips[-1], WIDTH * 2**level, True))
    y, logits = skips[3], None
    for level in (2, 1, 0):
        c = WIDTH * 2**level
        w = p(f"up{level}/weight", [2, 2, 2, c, y.shape[1]]).permute(4, 3, 0, 1, 2)
        g = normed(f"up{level}", F.conv_transpose3d(leaky(y), w, stride=2))
        a = conv(f"theta{level}", skips[level], c, k=1) + conv(f"phi{level}", g, c, k=1)
        y = block(f"dec{level}", g + torch.sigmoid(mapped(f"psi{level}", a, 1)) * skips[level], c, False)
        here = mapped(f"map{level}", y, CLASSES)
        logits = here if logits is None else here + finer(logits)
    return logits


def nnunet(patch):
    """nnU-Net 1's network for the patch, and our name of each of its parameters."""
    _, pools, kernels, padded, _ = get_pool_and_conv_props_poolLateV2(patch, 4, 999, [0.7] * 3)
    assert list(padded) == list(patch) and all(k == [3, 3, 3] for k in kernels)
    norm, act = {"eps": 1e-5, "affine": True}, {"negative_slope": 1e-2, "inplace": True}
    net = Generic_UNet(
        INPUTS, WIDTH, CLASSES, len(pools), 2, 2, nn.Conv3d, nn.InstanceNorm3d, norm, nn.Dropout3d, {"p": 0, "inplace": True},
        nn.LeakyReLU, act, False, False, lambda x: x, None, pools, kernels, False, True, True,
    ).double()
    for module in net.modules():
        if isinstance(module, nn.LeakyReLU):
            module.register_forward_pre_hook(lambda _, inputs: Leaky.see(inputs[0]))
    names, last = {}, len(pools)
    for old in dict(net.named_parameters()):
        part, *at = old.split(".")
        l = int(at[0])
        if part == "tu":
            names[old] = f"up{last - 1 - l}/weight"
        elif part == "seg_outputs":
            if l == last - 1:
                names[old] = "out/weight"  # the coarser ones belong to deep supervision
        elif not old.endswith("conv.bias"):
            # context l: blocks 0, 1; bottleneck and localization: [one block, one block]
            second = at[1] == "1" if at[1] != "blocks" else at[2] == "1"
            level = f"down{l}" if part == "conv_blocks_context" else f"dec{last - 1 - l}"
            kind = {"conv.weight": "weight", "instnorm.weight": "gamma", "instnorm.bias": "beta"}[".".join(at[-2:])]
            names[old] = f"{level}{'b' if second else 'a'}/{kind}"
    return net, names, [list(map(int, s)) for s in pools]


def to_theirs(name, ours):
    """Our layout [k, k, k, in, out] (transposed: [k, k, k, out, in]) as PyTorch's; γ, β and biases as they are."""
    return ours.permute(4, 3, 0, 1, 2) if ours.dim() == 5 else ours


def to_ours(name, theirs):
    return theirs.permute(2, 3, 4, 1, 0) if theirs.dim() == 5 else theirs


def packed(tensor):
    flat = tensor.detach().contiguous().flatten()
    if flat.numel() > 200:
        flat = flat[::STRIDE]
    return base64.b64encode(flat.numpy().astype("<f4").tobytes()).decode()


def batch(patch, net):
    """Image, labels and the image's salt: the first one that no LeakyReLU of `net` is in doubt about."""
    n, v = 2, int(np.prod(patch))
    for salt in range(100):
        x = image(n, v, patch, salt)
        Leaky.nearest = math.inf
        with torch.no_grad():
            net(x)
        if Leaky.nearest > KINK:
            break
    else:
        raise SystemExit("no image keeps away from the kinks")
    return x, torch.tensor(np.arange(n * v) * 7919 % 2003 % CLASSES).reshape([n, *patch]), salt


def image(n, v, patch, salt):
    x = values(n * v * INPUTS, salt).reshape([n, *patch, INPUTS])
    return x.permute(0, 4, 1, 2, 3)


def jaccard(logits, labels):
    p = torch.softmax(logits, 1)
    t = F.one_hot(labels, CLASSES).permute(0, 4, 1, 2, 3).double()
    both = (t * p).sum((2, 3, 4))
    return (1 - both / ((t**2).sum((2, 3, 4)) + (p**2).sum((2, 3, 4)) - both)).mean()


def u_resnet_case(patch):
    p = Parameters()
    x, labels, salt = batch(patch, lambda image: uresnet(p, image))
    logits = uresnet(p, x)
    loss = jaccard(logits, labels)
    loss.backward()
    gradients = {name: packed(w.grad) for name, w in p.all.items()}
    return {"network": "uresnet", "patch": patch, "salt": salt, "loss": loss.item(), "logits": packed(logits.permute(0, 2, 3, 4, 1)), "gradients": gradients}


def nn_unet_case(patch):
    net, names, pools = nnunet(patch)
    mine = dict(net.named_parameters())
    with torch.no_grad():
        for old, q in mine.items():
            q.zero_()
            if old in names:
                shape = list(to_ours(names[old], q).shape)
                q.copy_(to_theirs(names[old], weight(names[old], shape)))
    x, labels, salt = batch(patch, net)
    trained = [q for old, q in mine.items() if old in names]
    loss_of = DC_and_CE_loss({"batch_dice": False, "smooth": 1e-5, "do_bg": False}, {})
    optimiser = torch.optim.Adam(trained, RATE, weight_decay=DECAY, amsgrad=True)
    case = {"network": "nnunet", "patch": patch, "salt": salt, "strides": pools, "losses": []}
    for step in range(STEPS):
        optimiser.zero_grad()
        logits = net(x)
        loss = loss_of(logits, labels[:, None])
        loss.backward()
        case["losses"].append(loss.item())
        if step == 0:
            case["loss"] = loss.item()
            case["logits"] = packed(logits.permute(0, 2, 3, 4, 1))
            case["gradients"] = {names[old]: packed(to_ours(names[old], q.grad)) for old, q in mine.items() if old in names}
        optimiser.step()
    return case


if __name__ == "__main__":
    cases = [u_resnet_case([16, 24, 16]), nn_unet_case([16, 16, 16]), nn_unet_case([16, 32, 16])]
    fixture = {
        "torch": torch.__version__.split("+")[0], "nnunet": "1.7.1", "stride": STRIDE, "inputs": INPUTS, "classes": CLASSES,
        "width": WIDTH, "rate": RATE, "weightDecay": DECAY, "cases": cases,
    }
    path = pathlib.Path(__file__).parents[1] / "fixtures" / "torch_peers.json"
    path.write_text(json.dumps(fixture, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, [(c["network"], c["loss"], c.get("losses")) for c in cases])
