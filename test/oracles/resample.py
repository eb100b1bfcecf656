"""Makes test/fixtures/data/resample.json: what scikit-image and scipy.ndimage say about volumes and labels on another grid.

The steps are nnU-Net v1's: skimage.transform.resize of order 3 (edge mode, no anti-aliasing) for data, of order 1 for each
class of a label map; a coarse axis is resampled apart, slice by slice, then scipy.ndimage.map_coordinates of order 0 along it.

    pip install numpy scipy scikit-image
    python test/oracles/resample.py
"""
import json
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates
from skimage.transform import resize

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'data' / 'resample.json'


def data_on(image, shape):
    return resize(image, shape, 3, mode='edge', anti_aliasing=False)


def labels_on(label, shape):
    out = np.zeros(shape, label.dtype)
    for c in np.unique(label):
        share = resize((label == c).astype(float), shape, 1, mode='edge', clip=True, anti_aliasing=False)
        out[share >= 0.5] = c
    return out


def along(values, shape, axis):
    scale = [a / b for a, b in zip(values.shape, shape)]
    grid = np.mgrid[tuple(slice(n) for n in shape)].astype(float)
    grid = np.array([s * (g + 0.5) - 0.5 for s, g in zip(scale, grid)])
    return map_coordinates(values, grid, order=0, mode='nearest')


def apart(values, shape, axis, on):
    if values.shape == tuple(shape):
        return values
    plane = [n for a, n in enumerate(shape) if a != axis]
    slices = np.stack([on(np.take(values, i, axis), plane) for i in range(values.shape[axis])], axis)
    return slices if slices.shape == tuple(shape) else along(slices, shape, axis)


def resample(image, label, shape, axis):
    """image [x, y, z, c], label [x, y, z] -> the same on `shape`."""
    image = image.astype(float)
    if axis is None:
        data = [data_on(image[..., c], shape) if image.shape[:3] != tuple(shape) else image[..., c] for c in range(image.shape[3])]
        seg = labels_on(label, shape) if label.shape != tuple(shape) else label
    else:
        data = [apart(image[..., c], shape, axis, data_on) for c in range(image.shape[3])]
        seg = apart(label, shape, axis, labels_on)
    return np.stack(data, -1), seg


def new_shape(shape, spacing, target):
    return np.round((np.array(spacing) / np.array(target)).astype(float) * np.array(shape)).astype(int)


def coarse_axis(spacing, target):
    for s in (spacing, target):
        if np.max(s) / np.min(s) > 3:
            axes = np.where(max(s) / np.array(s) == 1)[0]
            return int(axes[0]) if len(axes) == 1 else None
    return None


def main():
    rng = np.random.default_rng(11)
    cases = []
    for name, shape, channels, spacing, target in (
        ('finer', (7, 9, 8), 2, (1, 1, 1), (0.7, 0.7, 0.7)),
        ('coarser', (12, 11, 10), 1, (0.5, 0.6, 0.5), (0.9, 1.1, 1.0)),
        ('mixed', (8, 6, 11), 3, (1.2, 0.8, 1.0), (1, 1, 1.5)),
        ('doubled and halved: ties', (6, 8, 5), 1, (1, 1, 1), (0.5, 2, 1)),
        ('one slice', (9, 8, 1), 1, (1, 1, 1), (0.7, 0.7, 0.7)),
        ('one voxel left', (5, 3, 4), 1, (0.2, 0.3, 0.2), (1, 0.9, 0.7)),
        ('coarse z', (9, 8, 5), 2, (0.8, 0.9, 4), (0.7, 0.7, 1.5)),
        ('coarse x, its shape stays', (4, 9, 8), 1, (5, 1, 1), (5, 0.7, 1.3)),
        ('coarse y by the target', (6, 12, 7), 1, (1, 1, 1), (0.8, 4, 1.2)),
        ('two coarse axes are not apart', (4, 5, 9), 1, (4, 4, 1), (1.5, 1.5, 1)),
        ('only the coarse axis changes', (6, 7, 4), 1, (1, 1, 4), (1, 1, 1)),
        ('unchanged', (5, 6, 7), 1, (0.9, 1, 1.1), (0.9, 1, 1.1)),
    ):
        smooth = gaussian_filter(rng.normal(size=shape), 1.0)
        image = np.stack([rng.normal(50, 20, shape).round(2) for _ in range(channels)], -1).astype(np.float32)
        edges = np.quantile(smooth, [0.15, 0.5, 0.8])
        label = (np.digitize(smooth, edges) - 1).astype(np.int8)
        to = new_shape(shape, spacing, target)
        axis = coarse_axis(spacing, target)
        data, seg = resample(image, label, tuple(int(n) for n in np.maximum(to, 1)), axis)
        cases.append({
            'name': name, 'shape': shape, 'channels': channels, 'spacing': spacing, 'target': target,
            'to': [int(max(n, 1)) for n in to], 'axis': axis,
            'image': [round(float(v), 2) for v in image.ravel()],
            'label': label.ravel().tolist(),
            'data': [float(f'{v:.9g}') for v in data.ravel()],
            'seg': seg.ravel().astype(int).tolist(),
        })
    OUT.write_text(json.dumps(cases, separators=(',', ':')) + '\n')


if __name__ == '__main__':
    main()
