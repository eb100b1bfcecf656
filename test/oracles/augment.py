"""Makes test/fixtures/augment/augment.json: what batchgenerators, scipy and nnunetv2 say about deformed patches, gamma and enlarged patches.

    pip install numpy 'batchgenerators==0.25.5' 'nnunetv2==2.8.1' --no-deps; pip install scipy pandas scikit-image
    python test/oracles/augment.py

Labels follow nnU-Net v1: each label's indicator is interpolated, and assigned in rising order where it is at least 1/2. Today's
batchgenerators takes the largest indicator instead; `labelsToday` counts the voxels in which the two differ.
"""
import json
from pathlib import Path

import numpy as np
from batchgenerators.augmentations import color_augmentations
from batchgenerators.augmentations.spatial_transformations import augment_spatial
from batchgenerators.augmentations.utils import (create_zero_centered_coordinate_mesh, interpolate_img,
                                                 rotate_coords_2d, rotate_coords_3d, scale_coords)
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from scipy.ndimage import gaussian_filter, map_coordinates

OUT = Path(__file__).resolve().parent.parent / 'fixtures' / 'augment'
OUT.mkdir(parents=True, exist_ok=True)


def noise(n, seed):
    """A linear congruential generator, the same few lines as in the test."""
    out, state = np.empty(n), seed
    for i in range(n):
        state = (state * 1103515245 + 12345) % 2 ** 31
        out[i] = (state >> 8) % 1000 / 100 - 5
    return out


def blocks(shape):
    x, y, z = np.meshgrid(*map(np.arange, shape), indexing='ij')
    return np.clip(np.floor(1.3 * (np.sin(x / 2) + np.cos(y / 3) + np.sin(z / 2.5))), -1, 2).astype(int)


def rounded(values):
    return [float(f'{v:.6g}') for v in np.asarray(values).ravel()]


def labels_v1(seg, coords):
    out = np.zeros(coords.shape[1:], int)
    for c in np.unique(seg):
        out[map_coordinates((seg == c).astype(float), coords, order=1, mode='constant', cval=-1) >= 0.5] = c
    outside = np.any([(x < 0) | (x > n - 1) for x, n in zip(coords, seg.shape)], axis=0)
    out[outside] = -1
    return out


def deformed(large, patch, angles, scale):
    image = noise(np.prod(large) * 2, 7).reshape(*large, 2)
    seg = blocks(large)
    coords = create_zero_centered_coordinate_mesh(patch)
    coords = scale_coords(rotate_coords_3d(coords, *angles), scale)
    for axis in range(3):
        coords[axis] += large[axis] / 2 - 0.5
    data = np.stack([interpolate_img(image[..., c], coords, 3, 'constant', cval=0) for c in range(2)], -1)
    label = labels_v1(seg, coords)
    today = interpolate_img(seg, coords, 1, 'constant', cval=-1, is_seg=True)
    if scale >= 1:  # the library's own loop, with every draw at its fixed value
        whole, _ = augment_spatial(np.moveaxis(image, -1, 0)[None], None, patch, do_elastic_deform=False,
                                   angle_x=(angles[0],) * 2, angle_y=(angles[1],) * 2, angle_z=(angles[2],) * 2,
                                   scale=(scale, scale), border_mode_data='constant', border_cval_data=0,
                                   order_data=3, random_crop=False)
        assert np.abs(np.moveaxis(whole[0], 0, -1) - data).max() < 1e-5
    return {'large': large, 'patch': patch, 'angles': angles, 'scale': scale, 'image': rounded(data),
            'label': label.ravel().tolist(), 'labelsToday': int((today != label).sum())}


def in_plane(large, patch, angle, scale):
    """Two slices of one channel as two channels of a plane."""
    image = noise(np.prod(large) * 2, 8).reshape(*large, 2)
    coords = scale_coords(rotate_coords_2d(create_zero_centered_coordinate_mesh(patch), angle), scale)
    for axis in range(2):
        coords[axis] += large[axis] / 2 - 0.5
    data = np.stack([map_coordinates(image[..., c], coords, order=3, mode='constant', cval=0) for c in range(2)], -1)
    return {'large': large, 'patch': patch, 'angle': angle, 'scale': scale, 'image': rounded(data)}


def spline(shape, seed):
    values = noise(np.prod(shape), seed).reshape(shape)
    places = np.random.default_rng(seed).uniform(-0.6, 1, (40, 3)) * (np.array(shape) - 0.4)
    places = np.abs(places) - 0.3 * (np.arange(40) % 7 == 0)[:, None]
    places = np.round(places.astype(np.float32), 4).astype(np.float32)
    return {'shape': shape, 'seed': seed, 'places': rounded(places),
            'values': rounded(map_coordinates(values, places.T.astype(float), order=3, mode='constant', cval=0))}


def blurred(shape, sigma, seed):
    """A side of 1 is a plane: not blurred across."""
    sigmas = [sigma if n > 1 else 0 for n in shape]
    return {'shape': shape, 'sigma': sigma, 'seed': seed,
            'values': rounded(gaussian_filter(noise(np.prod(shape), seed).reshape(shape), sigmas, mode='constant', cval=0))}


def gamma(value, seed):
    """augment_gamma with its draws fixed: below 1 the first branch, above 1 the second."""
    image = noise(2 * 60, seed).reshape(2, 60)
    keep = np.random.random, np.random.uniform
    np.random.random = lambda: 0.0 if value < 1 else 1.0
    np.random.uniform = lambda low, high: value
    out = color_augmentations.augment_gamma(image.copy(), (0.7, 1.5), per_channel=True, retain_stats=True)
    np.random.random, np.random.uniform = keep
    return {'gamma': value, 'seed': seed, 'image': rounded(out.T)}


def enlarged():
    fifteen = (-15 / 360 * 2 * np.pi, 15 / 360 * 2 * np.pi)
    half = (-np.pi, np.pi)
    rows = [[p, get_patch_size(p, fifteen, fifteen, fifteen, (0.85, 1.25)).tolist()]
            for p in ([40, 56, 40], [128, 128, 128], [80, 192, 128], [80, 192, 160], [112, 128, 128], [16, 16, 16], [32, 48, 32])]
    planes = [[p, get_patch_size(p, half, (0, 0), (0, 0), (0.85, 1.25)).tolist()] for p in ([256, 224], [320, 320], [160, 128])]
    return {'3d': rows, 'plane': planes}


(OUT / 'augment.json').write_text(json.dumps({
    'deformed': [deformed([14, 15, 13], [10, 9, 8], [0.2, -0.15, 0.1], 1.1),
                 deformed([14, 15, 13], [10, 9, 8], [-0.26, 0.26, 0.2], 0.87),
                 deformed([9, 12, 11], [9, 12, 11], [0.1, 0.2, -0.25], 1.25)],
    'inPlane': [in_plane([20, 18], [12, 14], 2.5, 0.9), in_plane([20, 18], [12, 14], -0.7, 1.2)],
    'spline': [spline([7, 8, 9], 1), spline([2, 3, 5], 2), spline([30, 2, 2], 3)],
    'blurred': [blurred([12, 9, 14], 9.5, 4), blurred([6, 50, 5], 11.3, 5), blurred([1, 14, 12], 3, 6)],
    'gamma': [gamma(0.75, 9), gamma(1.4, 10)],
    'enlarged': enlarged(),
}, separators=(',', ':')) + '\n')
