// Softmax and the sums that a Jaccard distance is made of, and their gradient. Tiles of 64 voxels, one class after the
// other, so that the exponential runs over whole vectors whatever the number of classes.
#pragma once

#include <algorithm>

#include "parallel.h"

namespace scnas {

constexpr int64_t kSums = 4;  // Σ t·p, Σ p², Σ p, Σ t
constexpr int64_t kLossTile = 64;

// eˣ for x ≤ 0, within 2 units in the last place; 0 below −87. By 2ⁿ·eʳ, |r| ≤ ln 2 / 2, and a polynomial (Cephes).
inline v8 exp8(v8 x) {
  const v8 shift = splat8(12582912.0f);  // adding it rounds to the nearest whole number
  const v8 n = (x * 1.44269504f + shift) - shift;
  const v8 r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  v8 y = splat8(1.9875691500e-4f);
  for (const float c : {1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f}) y = y * r + c;
  y = y * (r * r) + r + 1.0f;
  const v8i power = (__builtin_convertvector(n, v8i) + 127) << 23;
  v8 scale;
  std::memcpy(&scale, &power, sizeof scale);
  return x < -87.0f ? splat8(0) : y * scale;
}

// p[class][64]: the softmax of each voxel of [voxels, classes] logits; 0 behind the last voxel.
inline void softmax_tile(const float* logits, int64_t voxels, int64_t classes, float* p) {
  for (int64_t c = 0; c < classes; c++) {
    for (int64_t v = 0; v < voxels; v++) p[c * kLossTile + v] = logits[v * classes + c];
    for (int64_t v = voxels; v < kLossTile; v++) p[c * kLossTile + v] = 0;
  }
  for (int64_t v = 0; v < kLossTile; v += 8) {
    v8 largest = load8(p + v), sum = splat8(0);
    for (int64_t c = 1; c < classes; c++) {
      const v8 x = load8(p + c * kLossTile + v);
      largest = x > largest ? x : largest;
    }
    for (int64_t c = 0; c < classes; c++) {
      const v8 e = exp8(load8(p + c * kLossTile + v) - largest);
      store8(p + c * kLossTile + v, e);
      sum += e;
    }
    for (int64_t c = 0; c < classes; c++) store8(p + c * kLossTile + v, load8(p + c * kLossTile + v) / sum);
  }
  for (int64_t c = 0; c < classes; c++)
    for (int64_t v = voxels; v < kLossTile; v++) p[c * kLossTile + v] = 0;
}

// The labels of a tile; −1 behind the last voxel.
inline void label_tile(const int32_t* labels, int64_t voxels, int32_t* out) {
  std::copy(labels, labels + voxels, out);
  std::fill(out + voxels, out + kLossTile, -1);
}
inline v8i load8i(const int32_t* p) {
  v8i v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline float sum8(v8 v) { return ((v[0] + v[1]) + (v[2] + v[3])) + ((v[4] + v[5]) + (v[6] + v[7])); }

// sums [4, n, classes] of logits [n, voxels, classes] and labels [n, voxels]; a label that is no class counts for none.
inline void jaccard_sums(int64_t n, int64_t voxels, int64_t classes, const float* logits, const int32_t* labels, float* sums) {
  const int64_t blocks = block_count(voxels, 4096), row = kSums * classes;
  std::vector<double> partial(size_t(n * blocks * row), 0.0);
  parallel_for(n * blocks, [&](int64_t first, int64_t last) {
    float* p = thread_scratch(classes * kLossTile);
    int32_t label[kLossTile];
    for (; first < last; first++) {
      const int64_t sample = first / blocks, block = first % blocks, end = voxels * (block + 1) / blocks;
      double* out = partial.data() + first * row;
      for (int64_t at = voxels * block / blocks; at < end; at += kLossTile) {
        const int64_t count = std::min(kLossTile, end - at), from = sample * voxels + at;
        softmax_tile(logits + from * classes, count, classes, p);
        label_tile(labels + from, count, label);
        for (int64_t c = 0; c < classes; c++) {
          v8 tp = splat8(0), pp = tp, ps = tp, t = tp;
          for (int64_t v = 0; v < kLossTile; v += 8) {
            const v8 q = load8(p + c * kLossTile + v);
            const v8i here = load8i(label + v) == int32_t(c);
            tp += here ? q : splat8(0);
            pp += q * q;
            ps += q;
            t += here ? splat8(1) : splat8(0);
          }
          out[c] += double(sum8(tp));
          out[classes + c] += double(sum8(pp));
          out[2 * classes + c] += double(sum8(ps));
          out[3 * classes + c] += double(sum8(t));
        }
      }
    }
  });
  for (int64_t sample = 0; sample < n; sample++)
    for (int64_t i = 0; i < row; i++) {
      double sum = 0;
      for (int64_t b = 0; b < blocks; b++) sum += partial[size_t((sample * blocks + b) * row + i)];
      sums[(i / classes * n + sample) * classes + i % classes] = float(sum);
    }
}

// dlogits = p·(g − Σ p·g) with g = t·d₀ + 2p·d₁ + d₂, where d [4, n, classes] is the gradient by the sums.
inline void jaccard_gradient(int64_t n, int64_t voxels, int64_t classes, const float* d, const float* logits,
                             const int32_t* labels, float* out) {
  const int64_t tiles = (voxels + kLossTile - 1) / kLossTile, stride = n * classes;
  parallel_for(
      n * tiles,
      [&](int64_t first, int64_t last) {
        float* p = thread_scratch(2 * classes * kLossTile);
        float* g = p + classes * kLossTile;
        int32_t label[kLossTile];
        for (; first < last; first++) {
          const int64_t sample = first / tiles, at = first % tiles * kLossTile;
          const int64_t count = std::min(kLossTile, voxels - at), from = sample * voxels + at;
          softmax_tile(logits + from * classes, count, classes, p);
          label_tile(labels + from, count, label);
          const float* ds = d + sample * classes;
          for (int64_t v = 0; v < kLossTile; v += 8) {
            v8 mean = splat8(0);
            for (int64_t c = 0; c < classes; c++) {
              const v8 q = load8(p + c * kLossTile + v);
              const v8 hit = load8i(label + v) == int32_t(c) ? splat8(ds[c]) : splat8(0);
              const v8 slope = hit + q * (2 * ds[stride + c]) + ds[2 * stride + c];
              store8(g + c * kLossTile + v, slope);
              mean += q * slope;
            }
            for (int64_t c = 0; c < classes; c++) {
              float* place = g + c * kLossTile + v;
              store8(place, load8(p + c * kLossTile + v) * (load8(place) - mean));
            }
          }
          for (int64_t v = 0; v < count; v++)
            for (int64_t c = 0; c < classes; c++) out[(from + v) * classes + c] = g[c * kLossTile + v];
        }
      },
      8);
}

}  // namespace scnas
