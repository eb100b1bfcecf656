"""Makes test/fixtures/data/fingerprint.json: numpy's numbers for a data set's shapes, spacings and foreground, as nnU-Net v1 collects them.

    pip install numpy scipy
    python test/oracles/fingerprint.py
"""
import json
from pathlib import Path

import numpy as np
from scipy import ndimage

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'data' / 'fingerprint.json'
rng = np.random.default_rng(3)
cases, crops, kept, spacings, found = [], [], [], [], [[], []]
for i, (shape, spacing) in enumerate((((9, 8, 10), (1, 1, 3)), ((8, 11, 9), (0.5, 1, 2)), ((10, 9, 8), (0.8, 1.25, 2.5)), ((7, 7, 9), (1, 2, 3)))):
    image = np.zeros(shape + (2,), np.float32)
    inner = tuple(slice(1, n - 1 - (i + a) % 2) for a, n in enumerate(shape))
    size = tuple(s.stop - s.start for s in inner)
    image[inner + (0,)] = rng.integers(-500, 900, size)
    image[inner + (1,)] = rng.normal(3, 2, size).round(3)
    label = np.zeros(shape, int)
    label[inner] = rng.choice(3, size, p=(0.5, 0.3, 0.2)) if i != 3 else 0
    where = np.argwhere(ndimage.binary_fill_holes((image != 0).any(-1)))
    box = tuple(slice(a, b) for a, b in zip(where.min(0), where.max(0) + 1))
    crops.append([s.stop - s.start for s in box])
    kept.append(np.prod(crops[-1]) / np.prod(shape))
    spacings.append(spacing)
    for c in (0, 1):
        found[c].extend(image[box][..., c][label[box] > 0][::10])
    cases.append({'shape': shape, 'spacing': spacing, 'image': [round(float(v), 3) for v in image.ravel()], 'label': label.ravel().tolist()})
OUT.write_text(json.dumps({
    'cases': cases,
    'medianShape': np.round(np.median(crops, 0)).astype(int).tolist(),
    'smallestShape': np.min(crops, 0).tolist(), 'largestShape': np.max(crops, 0).tolist(),
    'medianSpacing': np.median(spacings, 0).tolist(),
    'kept': float(np.median(kept)),
    'intensities': [{
        'low': float(np.percentile(np.array(v, float), 0.5)), 'high': float(np.percentile(np.array(v, float), 99.5)),
        'mean': float(np.mean(np.array(v, float))), 'sd': float(np.std(np.array(v, float))),
        'least': float(np.min(v)), 'greatest': float(np.max(v)),
    } for v in found],
}, separators=(',', ':')) + '\n')
