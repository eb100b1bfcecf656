"""Makes test/fixtures/evaluate/windows-nnunetv2.json: tile positions and Gaussian maps of today's nnunetv2.

    pip install numpy scipy torch; pip install --no-deps 'nnunetv2==2.8.1' 'acvl_utils==0.2.6'
    python test/oracles/windows.py

Where today's nnunetv2 differs from nnU-Net v1, v1 holds here, and each row says so:
- σ is P / 8; v1: P // 8. The same for sides that are multiples of 8.
- voxels of weight 0 get the smallest weight above 0; v1 adds 1e-8 to all. Here the map is made in float64 and scaled to 1, as in v1.
- positions are rounded halves to even; v1's steps are a hair shorter, so that halves go down.
"""
import json
import sys
import types
from pathlib import Path

import numpy as np
import torch

# nnunetv2 imports a padding helper from acvl_utils, whose package pulls in more than is needed here.
padding = types.ModuleType('acvl_utils.cropping_and_padding.padding')
padding.pad_nd_image = None
for name in ('acvl_utils', 'acvl_utils.cropping_and_padding'):
    sys.modules.setdefault(name, types.ModuleType(name))
sys.modules['acvl_utils.cropping_and_padding.padding'] = padding
from nnunetv2.inference.sliding_window_prediction import compute_gaussian, compute_steps_for_sliding_window

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'evaluate'


def positions():
    rows = []
    for patch in (16, 40, 56, 64, 112, 128, 160, 192):
        for size in sorted({patch, patch + 1, patch + 2, patch + 5, patch + 7, patch + patch // 2, patch + patch // 2 + 1,
                            2 * patch + 3, 3 * patch + 11, 333, 400, 512, 800}):
            if size < patch:
                continue
            v2 = compute_steps_for_sliding_window((size,), (patch,), 0.5)[0]
            rest = size - patch
            n = max(1, int(np.ceil(rest / (patch / 2))))
            halves = [i for i in range(len(v2)) if (2 * i * rest) % (2 * n) == n]
            rows.append({'size': size, 'patch': patch, 'v2': v2, 'halves': halves})
    return rows


def maps():
    rows = []
    for patch in ((16, 24, 32), (40, 56, 40), (64, 16, 128), (20, 28, 36)):
        v2 = compute_gaussian(patch, 1 / 8, 1, torch.float64, torch.device('cpu')).numpy()
        rows.append({'patch': patch, 'every': 101, 'v2': [float(f'{v:.9g}') for v in v2.ravel()[::101]],
                     'sameSigma': all(p % 8 == 0 for p in patch), 'smallest': float(v2.min())})
    return rows


(OUT / 'windows-nnunetv2.json').write_text(json.dumps({'positions': positions(), 'maps': maps()}, separators=(',', ':')) + '\n')
