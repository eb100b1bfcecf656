"""Makes test/fixtures/data: what numpy, scipy, scikit-learn and nibabel say about folds, crops, windows, Dice and NIfTI files.

    pip install numpy scipy scikit-learn nibabel
    python test/oracles/data.py
"""
import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage
from sklearn.model_selection import KFold

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'data'
OUT.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(7)


def save(name, value):
    (OUT / name).write_text(json.dumps(value, separators=(',', ':')) + '\n')


def folds():
    split = lambda n: KFold(5, shuffle=True, random_state=12345).split(np.arange(n))
    save('folds.json', {n: [test.tolist() for _, test in split(n)] for n in (20, 64, 208, 260, 484)})


def crop():
    """A hollow, holed shell off centre, with a leak and a loose voxel: filled, boxed, normalised."""
    shape = (9, 10, 11)
    mask = np.zeros(shape, bool)
    mask[2:7, 3:9, 1:8] = True
    mask[3:6, 4:8, 2:7] = False
    mask[4, 3, 4] = rng.random() < 2  # closed wall
    mask[7, 5, 9] = True
    second = np.zeros(shape, bool)
    second[1:4, 1:4, 7:10] = True
    second[2, 2, 8] = False
    second[2, 2, 9] = False  # a way out: not a hole
    image = np.zeros(shape + (2,), np.float32)
    image[..., 0] = mask * rng.integers(1, 50, shape)
    image[..., 1] = second * rng.integers(-30, 50, shape)
    nonzero = (image != 0).any(-1)
    filled = ndimage.binary_fill_holes(nonzero)
    where = np.argwhere(filled)
    low, high = where.min(0), where.max(0) + 1
    box = tuple(slice(a, b) for a, b in zip(low, high))
    x = image[box].astype(np.float64)
    inside = filled[box]
    whole = (x - x.mean((0, 1, 2))) / (x.std((0, 1, 2)) + 1e-8)
    masked = np.zeros_like(x)
    masked[inside] = (x[inside] - x[inside].mean(0)) / (x[inside].std(0) + 1e-8)
    random = [np.random.default_rng(seed).random(shape) < 0.72 for seed in range(3)]
    save('crop.json', {
        'random': [m.ravel().astype(int).tolist() for m in random],
        'randomFilled': [ndimage.binary_fill_holes(m).ravel().astype(int).tolist() for m in random],
        'shape': shape,
        'image': image.ravel().tolist(),
        'nonzero': nonzero.ravel().astype(int).tolist(),
        'filled': filled.ravel().astype(int).tolist(),
        'origin': low.tolist(),
        'box': (high - low).tolist(),
        'whole': np.round(whole, 7).ravel().tolist(),
        'masked': np.round(masked, 7).ravel().tolist(),
    })


def windows():
    """nnU-Net v1's own lines, for the even patches that it uses."""
    starts = {}
    for patch in (16, 40, 56, 64, 80, 112, 128):
        for size in (patch, patch + 1, patch + 5, patch + 7, patch + patch // 2, patch + patch // 2 + 1, 2 * patch + 3, 3 * patch + 11, 400):
            first, last = patch // 2, size - patch // 2
            steps = np.ceil((last - first) / (patch / 2))
            step = (last - first) / (steps + 1e-8)
            step = 9999999 if step == 0 else step
            centres = np.round(np.arange(first, last + 1e-8, step)).astype(int)
            starts[f'{size} {patch}'] = (centres - patch // 2).tolist()
    maps = {}
    for patch in ((16, 24, 8), (40, 56, 40)):
        delta = np.zeros(patch)
        delta[tuple(i // 2 for i in patch)] = 1
        smooth = ndimage.gaussian_filter(delta, [i // 8 for i in patch], 0, mode='constant', cval=0)
        weights = (smooth / smooth.max() + 1e-8).astype(np.float32)
        flat = weights.ravel()
        maps['x'.join(map(str, patch))] = {
            'every': 97,
            'values': [float(f'{v:.7g}') for v in flat[::97]],
            'sum': float(flat.astype(np.float64).sum()),
        }
    save('windows.json', {'starts': starts, 'maps': maps})


def dice():
    prediction = rng.integers(0, 4, 500)
    truth = np.where(rng.random(500) < 0.6, prediction, rng.integers(-1, 3, 500))
    prediction[prediction == 3] = rng.integers(0, 3, (prediction == 3).sum())
    truth[truth == 3] = 2
    values = {}
    for label in (0, 1, 2, 3):
        p = prediction == label
        t = (truth == label) | ((label == 0) & (truth < 0))
        tp, fp, fn = (p & t).sum(), (p & ~t).sum(), (~p & t).sum()
        values[label] = None if tp + fp + fn == 0 else 2 * tp / (2 * tp + fp + fn)
    save('dice.json', {'prediction': prediction.tolist(), 'truth': truth.tolist(), 'dice': values})


def oblique():
    a, b, c = np.deg2rad([12, -25, 40])
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    affine = np.eye(4)
    affine[:3, :3] = rx @ ry @ rz @ np.diag([-0.78, 0.78, 1.24])
    affine[:3, 3] = [12.5, -30.25, 7]
    return affine


def volume(name, data, affine, cls=nib.Nifti1Image, slope=None, endian=None, change=None, **header):
    image = cls(data, affine, dtype=data.dtype)
    image.header.set_data_dtype(data.dtype)
    if endian:
        image = cls(data, affine, cls.header_class(endianness=endian), dtype=data.dtype.newbyteorder(endian))
        image.header.set_data_dtype(data.dtype.newbyteorder(endian))
    image.set_qform(affine, header.get('qform', 1))
    image.set_sform(affine, header.get('sform', 2))
    image.header.set_xyzt_units('mm', 'sec')
    image.header['descrip'] = header.get('description', b'made for a test')
    if slope:
        image.header.set_slope_inter(*slope)
    path = OUT / name
    nib.save(image, path)
    raw = bytearray(gzip.decompress(path.read_bytes()) if name.endswith('.gz') else path.read_bytes())
    if change:
        change(raw)
    if name.endswith('.gz'):
        path.write_bytes(gzip.compress(bytes(raw), mtime=0))
    else:
        path.write_bytes(bytes(raw))
    back = nib.load(path)
    values = back.get_fdata()
    return {
        'file': name,
        'shape': list(back.shape[:3]),
        'channels': back.shape[3] if back.ndim > 3 else 1,
        'values': np.round(values, 6).ravel().tolist(),
        'spacing': [float(z) for z in back.header.get_zooms()[:3]],
        'qform': back.header.get_qform().ravel().tolist(),
        'sform': back.header.get_sform().ravel().tolist(),
        'codes': [int(back.header['qform_code']), int(back.header['sform_code'])],
        'description': bytes(back.header['descrip']).split(b'\0')[0].decode('latin1'),
    }


def put_slope(raw_slope):
    return lambda raw: raw.__setitem__(slice(112, 120), np.array([raw_slope, 5], '<f4').tobytes())


def volumes():
    shape = (3, 4, 5)
    ints = lambda kind, low, high, s=shape: rng.integers(low, high, s).astype(kind)
    plain = np.diag([1.0, 1.5, 2.0, 1])
    rows = [
        volume('uint8.nii.gz', ints('u1', 0, 255), plain),
        volume('int16.nii', ints('<i2', -900, 900), oblique(), qform=1, sform=0),
        volume('int16-big.nii.gz', ints('<i2', -900, 900), oblique(), endian='>'),
        volume('float32-4d.nii.gz', rng.normal(size=shape + (3,)).astype('<f4'), oblique(), qform=0, sform=1),
        volume('float64.nii.gz', rng.normal(size=shape), plain),
        volume('int8.nii.gz', ints('i1', -128, 127), plain),
        volume('uint16.nii.gz', ints('<u2', 0, 65535), plain),
        volume('int32.nii.gz', ints('<i4', -70000, 70000), plain),
        volume('uint32.nii.gz', ints('<u4', 0, 70000), plain),
        volume('int64.nii.gz', ints('<i8', -70000, 70000), plain),
        volume('uint64.nii.gz', ints('<u8', 0, 70000), plain),
        volume('nifti2.nii.gz', ints('<i2', -900, 900), oblique(), cls=nib.Nifti2Image),
        volume('nifti2-big.nii.gz', ints('<i2', -900, 900), oblique(), cls=nib.Nifti2Image, endian='>'),
        volume('slope.nii.gz', ints('<i2', -900, 900), plain, change=put_slope(0.25)),
        volume('slope-zero.nii.gz', ints('<i2', -900, 900), plain, change=put_slope(0)),
        volume('slope-nan.nii.gz', ints('<i2', -900, 900), plain, change=put_slope(np.nan)),
        volume('one-slice.nii.gz', ints('u1', 0, 9, (4, 3, 1)), plain),
    ]
    save('volumes.json', rows)


for part in (folds, crop, windows, dice, volumes):
    part()
