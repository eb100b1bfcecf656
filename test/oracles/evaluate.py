"""Makes test/fixtures/evaluate/evaluate.json: what MONAI, medpy and scipy say about surface distances, bootstrap intervals and Wilcoxon's test.

    pip install numpy scipy monai medpy
    python test/oracles/evaluate.py
"""
import json
from pathlib import Path

import numpy as np
import torch
from medpy.metric.binary import hd95
from monai.metrics import compute_hausdorff_distance
from scipy import ndimage, stats

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'evaluate'
OUT.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(11)


def blob(shape, threshold, sigma=1.6):
    field = ndimage.gaussian_filter(rng.normal(size=shape), sigma)
    return field > np.quantile(field, threshold)


def surface(shape, spacing, a, b):
    one_hot = lambda m: torch.tensor(np.stack([~m, m]).astype(np.float32)[None])
    monai = [compute_hausdorff_distance(one_hot(a), one_hot(b), percentile=p, spacing=list(map(float, spacing))).item() for p in (95, None)]
    return {'shape': shape, 'spacing': spacing, 'prediction': ''.join(map(str, a.ravel().astype(int))),
            'truth': ''.join(map(str, b.ravel().astype(int))), 'hd95': monai[0], 'hd': monai[1],
            'medpy': float(hd95(a, b, voxelspacing=spacing))}


def surfaces():
    shape = (13, 11, 16)
    full = np.ones((5, 4, 6), bool)
    corner = np.zeros((5, 4, 6), bool)
    corner[0, 0, 0] = True
    rows = [surface(shape, spacing, blob(shape, 0.8), blob(shape, 0.85)) for spacing in ((1, 1, 1), (0.7, 1.25, 3), (2, 0.5, 1))]
    rows.append(surface((5, 4, 6), (1, 2, 0.5), corner, full))
    outlier = blob(shape, 0.9)
    outlier[12, 10, 15] = False
    far = outlier.copy()
    far[12, 10, 15] = True
    return rows + [surface(shape, (1, 1, 2.5), far, outlier)]


def transform():
    shape, spacing = (7, 9, 8), (0.8, 1.5, 2)
    mask = rng.random(shape) < 0.03
    d = ndimage.distance_transform_edt(~mask, sampling=spacing)
    return {'shape': shape, 'spacing': spacing, 'mask': mask.ravel().astype(int).tolist(),
            'squared': [float(f'{v:.10g}') for v in (d ** 2).ravel()]}


def tests():
    rows = []

    def row(a, b, **how):
        result = stats.wilcoxon(a, b, **how)
        rows.append({'a': list(map(float, a)), 'b': list(map(float, b)), 'statistic': float(result.statistic), 'p': float(result.pvalue)})

    exact = {'method': 'exact'}
    for n in (3, 8, 20, 42):
        a = rng.normal(0.85, 0.05, n)
        row(a, a - rng.normal(0.01, 0.02, n), **exact)
    a = np.round(rng.normal(0.8, 0.1, 12), 1)  # ties and zeros: all signs tried
    b = np.round(a - rng.normal(0.05, 0.1, 12), 1)
    d = np.round(a - b, 1)
    row(d[d != 0], np.zeros((d != 0).sum()), method=stats.PermutationMethod(n_resamples=np.inf))
    d = np.array([1, 1, 1, 2, 2, -1, 3, -3, 0, 0], float)
    result = stats.wilcoxon(d[d != 0], method=stats.PermutationMethod(n_resamples=np.inf))
    rows.append({'a': d.tolist(), 'b': [0.0] * len(d), 'statistic': float(result.statistic), 'p': float(result.pvalue)})
    large = np.round(rng.normal(0.3, 3, 700))  # many ties and zeros
    row(large, np.zeros(700), method='asymptotic')
    return rows


def bootstrap():
    values = np.clip(rng.normal(0.86, 0.06, 42), 0, 1)
    intervals = [stats.bootstrap((values,), np.mean, method='percentile', n_resamples=10_000, rng=seed).confidence_interval for seed in range(8)]
    return {'values': values.tolist(), 'low': [float(i.low) for i in intervals], 'high': [float(i.high) for i in intervals],
            'sd': float(values.std(ddof=1)), 'median': float(np.median(values))}


(OUT / 'evaluate.json').write_text(json.dumps(
    {'surfaces': surfaces(), 'transform': transform(), 'wilcoxon': tests(), 'bootstrap': bootstrap()}, separators=(',', ':')) + '\n')
