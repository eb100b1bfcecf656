"""Whole preprocessing by numpy, scipy.ndimage and scikit-image: crop, resampling, normalisation, in nnU-Net v1's order.

    pip install numpy scipy scikit-image nibabel
    python test/oracles/preprocess.py                      makes test/fixtures/data/preprocess.json
    python test/oracles/preprocess.py IMAGE LABEL X,Y,Z mask|whole
                                                           prints what becomes of one case, for a test that has real volumes
    SCNAS_DATA=... python test/oracles/preprocess.py task04
                                                           makes test/fixtures/data/preprocess-task04.json

The last one derives from MSD Task04_Hippocampus, CC-BY-SA 4.0 (Antonelli et al. 2022), and is under the same licence.
"""
import json
import os
import sys
from pathlib import Path

import numpy as np
from scipy import ndimage

from resample import coarse_axis, new_shape, resample

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'data'
EVERY = 97


def prepare(image, label, spacing, target, use_mask, rules=None):
    """image [x, y, z, c] float, label [x, y, z] -> image, label on the target grid."""
    filled = ndimage.binary_fill_holes((image != 0).any(-1))
    where = np.argwhere(filled)
    box = tuple(slice(a, b) for a, b in zip(where.min(0), where.max(0) + 1))
    image, mask = image[box].astype(np.float64), filled[box]
    label = label[box].astype(np.int8).copy()
    label[(label == 0) & ~mask] = -1
    to = tuple(int(n) for n in np.maximum(new_shape(mask.shape, spacing, target), 1))
    axis = coarse_axis(spacing, target)
    data, seg = resample(image, label, to, axis)
    _, inside = resample(image[..., :1], mask.astype(np.int8), to, axis)
    inside = inside > 0 if use_mask else np.ones(to, bool)
    for c in range(data.shape[-1]):
        x = data[..., c]
        rule = rules[c] if rules else None
        if rule:
            x[:] = (np.clip(x, rule['low'], rule['high']) - rule['mean']) / rule['sd']
        else:
            x[inside] = (x[inside] - x[inside].mean()) / (x[inside].std() + 1e-8)
        x[~inside] = 0
    return data, seg, [int(s.start) for s in box], list(mask.shape)


def summary(data, seg, origin, box):
    values, counts = np.unique(seg, return_counts=True)
    return {
        'shape': list(seg.shape), 'origin': origin, 'box': box, 'every': EVERY,
        'values': [float(f'{v:.8g}') for v in data.ravel()[::EVERY]],
        'labels': seg.ravel()[::EVERY].astype(int).tolist(),
        'counts': {int(v): int(n) for v, n in zip(values, counts)},
    }


def of_files(image, label, target, use_mask):
    import nibabel as nib
    volume = nib.load(image)
    data = np.asarray(volume.dataobj, dtype=np.float32)
    data = data[..., None] if data.ndim == 3 else data
    seg = np.asarray(nib.load(label).dataobj)
    spacing = [float(z) for z in volume.header.get_zooms()[:3]]
    return summary(*prepare(data, seg, spacing, target, use_mask))


def fixtures():
    rng = np.random.default_rng(5)
    shape, rows = (13, 12, 10), []
    distance = np.linalg.norm(np.indices(shape).T - np.array([6, 6, 5]), axis=-1).T
    for name, target, use_mask, ct in (
        ('the mask’s statistics', (0.7, 0.7, 0.7), True, False),
        ('the whole box’s statistics', (0.7, 0.9, 0.7), False, False),
        ('CT', (0.7, 0.7, 0.7), False, True),
        ('CT with a mask, coarser', (1.3, 1.2, 1.5), True, True),
        ('a coarse axis', (0.9, 0.9, 4), True, False),
    ):
        spacing = (1, 1, 1.2) if name != 'a coarse axis' else (1, 1, 4)
        image = rng.normal(100, 30, shape + (2,)).round(1)
        image[distance > 4.5 + rng.normal(0, 0.4, shape)] = 0
        image[6, 6, 5] = 0
        image = image.astype(np.float32)
        label = np.digitize(-distance + rng.normal(0, 0.3, shape), [-5, -3.2, -1.5])
        rules = [{'low': 60.5, 'high': 140.25, 'mean': 98.5, 'sd': 21.75}] * 2 if ct else None
        data, seg, origin, box = prepare(image, label, spacing, target, use_mask, rules)
        rows.append({
            'name': name, 'raw': list(shape), 'spacing': spacing, 'target': target, 'useMask': use_mask,
            'channels': [{'scheme': 'ct', **r} for r in rules] if rules else [],
            'image': [round(float(v), 1) for v in image.ravel()], 'label': label.ravel().tolist(),
            'shape': list(seg.shape), 'origin': origin, 'box': box,
            'data': [float(f'{v:.7g}') for v in data.ravel()], 'seg': seg.ravel().astype(int).tolist(),
        })
    (OUT / 'preprocess.json').write_text(json.dumps(rows, separators=(',', ':')) + '\n')


def task04():
    root = Path(os.environ['SCNAS_DATA']) / 'Task04_Hippocampus'
    rows = {
        name: {'target': target, 'useMask': mask, **of_files(
            root / 'imagesTr' / f'{name}.nii.gz', root / 'labelsTr' / f'{name}.nii.gz', target, mask)}
        for name, target, mask in (
            ('hippocampus_001', [0.7, 0.7, 0.7], False), ('hippocampus_003', [0.9, 1.1, 2.5], True))
    }
    credit = 'derived from MSD Task04_Hippocampus, CC-BY-SA 4.0, Antonelli et al. 2022'
    (OUT / 'preprocess-task04.json').write_text(
        json.dumps({'credit': credit, 'cases': rows}, separators=(',', ':')) + '\n')


if len(sys.argv) == 1:
    fixtures()
elif sys.argv[1] == 'task04':
    task04()
else:
    image, label, target, mask = sys.argv[1:5]
    print(json.dumps(of_files(image, label, [float(v) for v in target.split(',')], mask == 'mask')))
