"""Makes test/fixtures/evaluate/monai-dice.json: what MONAI's compute_dice says about small label maps.

Classes that are in neither map, or in the prediction alone, are null: MONAI leaves those out. A case's classes are one-hot, the background
left out, as DiceMetric(include_background=False) takes them.

    pip install numpy monai
    python test/oracles/monai_dice.py
"""
import json
from pathlib import Path

import numpy as np
import torch
from monai.metrics import compute_dice

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'evaluate' / 'monai-dice.json'
rng = np.random.default_rng(3)


def one_hot(labels, classes):
    return torch.from_numpy(np.stack([labels == c for c in range(classes)])[None].astype(np.float32))


rows = []
for shape, classes, share in [((4, 5, 6), 3, 0.3), ((3, 7, 2), 4, 0.6), ((5, 5, 5), 4, 0.05), ((2, 2, 2), 5, 0.9)]:
    truth = rng.integers(0, classes, shape)
    wrong = rng.integers(0, classes, shape)
    prediction = np.where(rng.random(shape) < share, wrong, truth)
    if classes == 5:
        truth[truth == 4] = 0
    score = compute_dice(one_hot(prediction, classes), one_hot(truth, classes), include_background=False)[0]
    rows.append({
        'shape': shape,
        'classes': classes,
        'truth': truth.ravel().tolist(),
        'prediction': prediction.ravel().tolist(),
        'dice': [None if np.isnan(v) else float(v) for v in score.numpy()],
    })

OUT.write_text(json.dumps({'cases': rows}) + '\n')
