"""Makes test/fixtures/data/geometry: volumes that lie in all ways, what nibabel says of them, and the label maps that nibabel writes for them.

    pip install numpy nibabel
    python test/oracles/nifti_geometry.py
"""
import gzip
import json
from pathlib import Path

import nibabel as nib
import numpy as np

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'data' / 'geometry'
OUT.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(11)
SHAPE = (3, 4, 5)


def rotation(x, y, z):
    a, b, c = np.deg2rad([x, y, z])
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return rz @ ry @ rx


def affine(linear, origin=(12.5, -30.25, 7)):
    out = np.eye(4)
    out[:3, :3] = linear
    out[:3, 3] = origin
    return out


def stored(path):
    """Packed again without a time, so that the files are the same at each run."""
    if path.suffix == '.gz':
        path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes()), mtime=0))


def row(name, matrix, qform=1, sform=1, cls=nib.Nifti1Image, units=('mm', 'sec'), endian='<', ending='.nii.gz', shape=SHAPE, other=None):
    data = rng.integers(-900, 900, shape).astype(endian + 'i2')
    image = cls(data, matrix, cls.header_class(endianness=endian))
    header = image.header
    header.set_data_dtype(data.dtype)
    image.set_qform(matrix if other is None else other, qform)
    image.set_sform(matrix, sform)
    header.set_xyzt_units(*units)
    header.set_dim_info(freq=1, phase=0, slice=2)
    header['descrip'] = b'a description of eighty bytes, as a scanner writes it; ' + b'.' * 25
    header['aux_file'] = b'beside.txt'
    path = OUT / f'{name}{ending}'
    nib.save(image, path)
    files = [path] if 'nii' in ending else [path, OUT / f'{name}{ending.replace("hdr", "img")}']
    for file in files:
        stored(file)
    back = nib.load(path)
    values = np.asarray(back.dataobj)
    # What nibabel's users do: the image's header for the label map, with another type. NIfTI-1, as this project writes.
    labels = (np.arange(np.prod(SHAPE)) % 3).astype('u1').reshape(SHAPE)
    label = nib.Nifti1Image(labels, None, nib.Nifti1Header.from_header(back.header.as_byteswapped('<'), check=False))
    label.header.set_data_dtype('u1')
    label.header.set_qform(back.header.get_qform(), qform)
    label.header.set_sform(back.header.get_sform(), sform)
    for field in ('pixdim', 'quatern_b', 'quatern_c', 'quatern_d', 'descrip', 'aux_file', 'dim_info', 'xyzt_units'):
        label.header[field] = back.header[field]
    raw = label.header.binaryblock
    return {
        'file': path.name,
        'shape': list(back.shape[:3]),
        'channels': back.shape[3] if back.ndim > 3 else 1,
        'values': values.ravel().tolist(),
        'affine': None if qform == 0 and sform == 0 else np.round(back.affine, 6).ravel().tolist(),
        'zooms': [float(z) for z in back.header.get_zooms()[:3]],
        'units': units[0],
        'labelHeader': list(raw),
    }


oblique = rotation(12, -25, 40)
rows = [
    row('ras', affine(np.diag([1, 1.5, 2]))),
    row('las', affine(np.diag([-1, 1.5, 2]))),
    row('lps', affine(np.diag([-1, -1.5, 2]))),
    row('left-handed-qform', affine(np.diag([-1, 1.5, 2])), sform=0),
    row('half-turn-qform', affine(np.diag([-1, 1.5, -2])), sform=0),
    row('axes-swapped', affine(np.array([[0, 0, 2], [1, 0, 0], [0, -1.5, 0]]))),
    row('axes-swapped-qform', affine(np.array([[0, 0, 2], [1, 0, 0], [0, -1.5, 0]])), sform=0),
    row('oblique-qform', affine(oblique @ np.diag([0.78, 0.79, 1.24])), sform=0),
    row('oblique-left-handed-qform', affine(oblique @ np.diag([0.78, 0.79, -1.24])), sform=0),
    row('oblique-sform', affine(oblique @ np.diag([0.78, 0.79, 1.24])), qform=0, sform=4),
    row('sheared-sform', affine(np.array([[1, 0.3, 0], [0, 1.5, 0.2], [0.1, 0, 2]])), qform=0),
    row('forms-that-differ', affine(np.diag([1, 1.5, 2])), other=affine(np.diag([1, 1.5, -2]))),
    row('no-forms', affine(np.diag([1, 1.5, 2])), qform=0, sform=0),
    row('big-endian', affine(oblique @ np.diag([1, 1.5, 2])), endian='>'),
    row('micrometres', affine(np.diag([700, 800, 900])), units=('micron', 'msec')),
    row('metres', affine(np.diag([0.001, 0.0015, 0.002])), units=('meter', 'sec')),
    row('no-units', affine(np.diag([1, 1.5, 2])), units=('unknown', 'unknown')),
    row('nifti2', affine(oblique @ np.diag([1, 1.5, 2])), cls=nib.Nifti2Image),
    row('nifti2-qform', affine(oblique @ np.diag([1, 1.5, -2])), cls=nib.Nifti2Image, sform=0),
    row('pair', affine(oblique @ np.diag([1, 1.5, 2])), cls=nib.Nifti1Pair, ending='.hdr'),
    row('pair-packed', affine(np.diag([1, 1.5, 2])), cls=nib.Nifti1Pair, ending='.hdr.gz'),
    row('pair-big-endian', affine(np.diag([1, 1.5, 2])), cls=nib.Nifti1Pair, ending='.hdr', endian='>'),
    row('nifti2-pair', affine(np.diag([1, 1.5, 2])), cls=nib.Nifti2Pair, ending='.hdr'),
    row('channels', affine(np.diag([1, 1.5, 2])), shape=SHAPE + (2,)),
]
(OUT / 'geometry.json').write_text(json.dumps(rows, separators=(',', ':')) + '\n')
