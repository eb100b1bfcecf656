"""Volumes of a task in MSD layout on the device, and augmented patches of them: the protocol of src/data, written apart from it in PyTorch.

Volumes are cropped to their nonzero box, z-normalised and kept in one tensor, padded with 0 (image) and −1 (label). A batch is a function of one
small table of numbers, so that a CUDA graph can hold the whole step.
"""

import gzip
import itertools
import json
import math
import pathlib
import struct

import numpy as np
import torch
from scipy.ndimage import spline_filter

KINDS = {2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4"}


def read_nifti(file):
    """Values of a little-endian NIfTI-1 file as float64 [x, y, z]."""
    data = gzip.decompress(pathlib.Path(file).read_bytes())
    assert struct.unpack("<i", data[:4])[0] == 348, f"{file}: expected a little-endian NIfTI-1 header"
    rank, *dims = struct.unpack("<8h", data[40:56])
    kind, at = struct.unpack("<h", data[70:72])[0], int(struct.unpack("<f", data[108:112])[0])
    slope, intercept = struct.unpack("<2f", data[112:120])
    shape = [n for n in dims[:rank] if n > 1]
    assert len(shape) == 3, f"{file}: expected one channel in three dimensions, found {dims[:rank]}"
    values = np.frombuffer(data, "<" + KINDS[kind], int(np.prod(shape)), at).reshape(shape, order="F").astype(np.float64)
    return values * slope + intercept if slope and math.isfinite(slope) else values


def prepared(image, label):
    """Cropped to the box of x ≠ 0 and z-normalised over it."""
    nonzero = np.argwhere(image != 0)
    box = tuple(slice(a, b + 1) for a, b in zip(nonzero.min(0), nonzero.max(0)))
    image, label = image[box], label[box].clip(0)
    return ((image - image.mean()) / (image.std() + 1e-8)).astype(np.float32), label.astype(np.int8)


class Volumes:
    """All cases: `coefficients` [case, x, y, z] of cubic splines, `labels` [case, x, y, z], each centred in one shape with a margin."""

    def __init__(self, folder, ids, margin, device):
        folder = pathlib.Path(folder)
        cases = [
            prepared(read_nifti(folder / "imagesTr" / f"{i}.nii.gz"), read_nifti(folder / "labelsTr" / f"{i}.nii.gz"))
            for i in ids
        ]
        self.shapes = np.array([label.shape for _, label in cases])
        self.full = [int(n) + 2 * margin for n in self.shapes.max(0)]
        self.corners = np.array([[(f - n) // 2 for f, n in zip(self.full, shape)] for shape in self.shapes])
        self.voxels = [[np.argwhere(label == c) for c in np.unique(label[label > 0])] for _, label in cases]
        coefficients = np.zeros([len(ids), *self.full], np.float32)
        labels = np.full([len(ids), *self.full], -1, np.int8)
        for k, ((image, label), corner) in enumerate(zip(cases, self.corners)):
            box = tuple(slice(a, a + n) for a, n in zip(corner, label.shape))
            coefficients[k][box], labels[k][box] = image, label
            coefficients[k] = spline_filter(coefficients[k], order=3, output=np.float32, mode="mirror")
        self.coefficients = torch.from_numpy(coefficients).to(device)
        self.labels = torch.from_numpy(labels).to(device)

    def draw(self, patch, batch, random):
        """A table [batch, 14]: case, centre (3), mirror (3), angles (3), scale, α, σ, γ (0: none)."""
        rows = []
        for i in range(batch):
            case = random.integers(len(self.shapes))
            low = [-math.ceil(max(0, p - n) / 2) for p, n in zip(patch, self.shapes[case])]
            high = [n + math.ceil(max(0, p - n) / 2) - p for p, n in zip(patch, self.shapes[case])]
            origin = [random.integers(a, b + 1) for a, b in zip(low, high)]
            if i >= round(batch * (1 - 0.33)) and self.voxels[case]:
                voxels = self.voxels[case][random.integers(len(self.voxels[case]))]
                voxel = voxels[random.integers(len(voxels))]
                origin = [min(b, max(a, v - p // 2)) for a, b, v, p in zip(low, high, voxel, patch)]
            centre = [o + (p - 1) / 2 + c for o, p, c in zip(origin, patch, self.corners[case])]
            drawn = random.random(4) < [0.2, 0.2, 0.2, 0.3]
            elastic = [random.uniform(0, 900), random.uniform(9, 13)] if drawn[0] else [0, 10]
            angles = random.uniform(-math.pi / 12, math.pi / 12, 3) if drawn[1] else [0, 0, 0]
            about = lambda low, high: random.uniform(low, 1) if random.random() < 0.5 else random.uniform(1, high)
            scale = about(0.85, 1.25) if drawn[2] else 1
            gamma = about(0.7, 1.5) if drawn[3] else 0
            rows.append([case, *centre, *np.sign(random.random(3) - 0.5), *angles, scale, *elastic, gamma])
        return torch.tensor(np.array(rows, np.float32))

    def batch(self, table, patch):
        """x [batch, 1, x, y, z] and labels [batch, x, y, z] of a table from `draw`; every size is known beforehand."""
        case = table[:, 0].long()
        at = places(table, patch)
        x = self.cubic(case, at)
        labels = self.votes(case, at, int(max(len(v) for v in self.voxels)))
        return gamma_of(x, table[:, 13]).reshape(len(table), 1, *patch), labels.reshape(len(table), *patch)

    def flat(self, case, base, step):
        """Positions in the flattened tensors of the voxels base + step, held within the margin; [batch, n]."""
        i, j, k = ((base[..., axis] + by).clamp(0, n - 1) for axis, (by, n) in enumerate(zip(step, self.full)))
        X, Y, Z = self.full
        return ((case[:, None] * X + i) * Y + j) * Z + k

    def cubic(self, case, at):
        """Cubic splines at places [batch, n, 3]."""
        base = at.floor()
        t, base = at - base, base.long()
        u = 1 - t
        weights = [u**3 / 6, 2 / 3 - t * t * (1 - t / 2), 2 / 3 - u * u * (1 - u / 2), t**3 / 6]
        values, out = self.coefficients.reshape(-1), 0
        for a, b, c in itertools.product(range(4), repeat=3):
            w = weights[a][..., 0] * weights[b][..., 1] * weights[c][..., 2]
            out = out + w * values[self.flat(case, base, (a - 1, b - 1, c - 1))]
        return out

    def votes(self, case, at, classes):
        """The class with at least half of the linear weights, in their order."""
        base = at.floor()
        t, base = at - base, base.long()
        values = self.labels.reshape(-1)
        votes = [torch.zeros_like(t[..., 0]) for _ in range(classes)]
        for step in itertools.product((0, 1), repeat=3):
            w = math.prod(t[..., axis] if by else 1 - t[..., axis] for axis, by in enumerate(step))
            found = values[self.flat(case, base, step)]
            votes = [v + w * (found == c + 1) for c, v in enumerate(votes)]
        out = torch.zeros_like(base[..., 0])
        for c, v in enumerate(votes):
            out = torch.where(v >= 0.5, c + 1, out)
        return out


def places(table, patch):
    """Where each voxel of the patch comes from, [batch, voxels, 3]: scale · R(g + e) about the centre, mirrored."""
    device, n = table.device, len(table)
    axes = [torch.arange(p, device=device) - (p - 1) / 2 for p in patch]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1)
    noise = (2 * torch.rand(n, 3, *patch, device=device) - 1) * table[:, 11].reshape(n, 1, 1, 1, 1)
    for axis, size in enumerate(patch):
        blurred = torch.einsum("nia,nm...a->nm...i", blur_matrix(size, table[:, 12]), noise.movedim(2 + axis, -1))
        noise = blurred.movedim(-1, 2 + axis)
    offsets = noise.movedim(1, -1)
    moved = (grid[None] * table[:, 4:7].reshape(n, 1, 1, 1, 3) + offsets).reshape(n, -1, 3)
    rotated = torch.einsum("npa,nab->npb", moved, rotation(table[:, 7:10]))
    return table[:, None, 1:4] + rotated * table[:, None, 10:11]


def blur_matrix(n, sigma):
    """Gaussian blur of a line of n voxels with 0 beyond, for each σ: [batch, n, n]; truncated at 4 σ."""
    d = torch.arange(n, device=sigma.device)
    distance = (d[:, None] - d[None]).abs()[None].float()
    s = sigma.reshape(-1, 1, 1)
    radius = (4 * s + 0.5).floor()
    steps = torch.arange(-64, 65, device=sigma.device).reshape(1, 1, -1).float()
    total = torch.where(steps.abs() <= radius, torch.exp(-0.5 * (steps / s) ** 2), 0.0).sum(-1, keepdim=True)
    return torch.where(distance <= radius, torch.exp(-0.5 * (distance / s) ** 2), 0.0) / total


def rotation(angles):
    """R_x R_y R_z, for rows."""
    a, b, c = angles.unbind(-1)
    one, zero = torch.ones_like(a), torch.zeros_like(a)
    about = lambda rows: torch.stack([torch.stack(row, -1) for row in rows], -2)
    rx = about([[one, zero, zero], [zero, a.cos(), -a.sin()], [zero, a.sin(), a.cos()]])
    ry = about([[b.cos(), zero, b.sin()], [zero, one, zero], [-b.sin(), zero, b.cos()]])
    rz = about([[c.cos(), -c.sin(), zero], [c.sin(), c.cos(), zero], [zero, zero, one]])
    return rx @ ry @ rz


def gamma_of(x, exponents):
    """Gamma on the range of each sample, mean and spread kept; an exponent of 0 leaves the sample as it is."""
    low, high = x.amin(1, keepdim=True), x.amax(1, keepdim=True)
    mean, sd = x.mean(1, keepdim=True), x.std(1, keepdim=True, unbiased=False)
    exponent = torch.where(exponents > 0, exponents, 1.0)[:, None]
    y = ((x - low) / (high - low + 1e-7)).clamp(min=0) ** exponent * (high - low) + low
    y = (y - y.mean(1, keepdim=True)) * (sd / (y.std(1, keepdim=True, unbiased=False) + 1e-8)) + mean
    return torch.where((exponents > 0)[:, None], y, x)


def fold_ids(folder, fold, inner):
    """Training ids of a fold (scikit-learn's KFold(5, shuffle, 12345)), of its own fold 0 if `inner`; all cases for `all`."""
    from sklearn.model_selection import KFold

    names = [entry["image"] for entry in json.loads((pathlib.Path(folder) / "dataset.json").read_text("utf-8-sig"))["training"]]
    ids = sorted(pathlib.Path(name).name.removesuffix(".nii.gz") for name in names)
    if fold == "all":
        return ids
    halves = lambda items, k: [items[i] for i in list(KFold(5, shuffle=True, random_state=12345).split(items))[k][0]]
    training = halves(ids, int(fold))
    return halves(training, 0) if inner else training
