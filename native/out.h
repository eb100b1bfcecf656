// The last layer: LeakyReLU, a pointwise convolution to a few classes, and its bias. Memory decides its time, so the
// activation is made again wherever it is read. Tiles of 64 voxels, channels padded with zeros to whole vectors.
#pragma once

#include <algorithm>

#include "simd.h"

namespace scnas {

constexpr int64_t kOutTile = 64;
struct OutShape {
  int64_t voxels, channels, classes;  // voxels of all samples
  int64_t wide() const { return (channels + lanes - 1) / lanes * lanes; }
  int64_t tiles() const { return (voxels + kOutTile - 1) / kOutTile; }
};

namespace detail {

// LeakyReLU of the tile's voxels [count, channels] as 64 rows of `wide`, zeros behind.
inline void activated_tile(const OutShape& s, const float* x, int64_t count, float* rows) {
  const int64_t wide = s.wide(), c = s.channels;
  if (c == wide) {
    copy_leaky(x, rows, count * c, true);
  } else {
    for (int64_t v = 0; v < count; v++) {
      copy_leaky(x + v * c, rows + v * wide, c, true);
      std::fill(rows + v * wide + c, rows + (v + 1) * wide, 0.0f);
    }
  }
  std::fill(rows + count * wide, rows + kOutTile * wide, 0.0f);
}

// w [channels, classes] as [classes, wide].
inline void turn_weights(const OutShape& s, const float* w, float* out) {
  for (int64_t k = 0; k < s.classes; k++)
    for (int64_t c = 0; c < s.wide(); c++) out[k * s.wide() + c] = c < s.channels ? w[c * s.classes + k] : 0;
}

}  // namespace detail

// y = Σ leaky(x)·w + b.
inline void out_layer(const OutShape& s, const float* x, const float* w, const float* b, float* y) {
  const int64_t wide = s.wide();
  Buffer turned(s.classes * wide);
  detail::turn_weights(s, w, turned.data());
  parallel_for(
      s.tiles(),
      [&](int64_t tile, int64_t last) {
        float* rows = thread_scratch(kOutTile * wide);
        for (; tile < last; tile++) {
          const int64_t first = tile * kOutTile, count = std::min(kOutTile, s.voxels - first);
          detail::activated_tile(s, x + first * s.channels, count, rows);
          for (int64_t v = 0; v < count; v += 4)
            for (int64_t k = 0; k < s.classes; k++) {
              const float *row = rows + v * wide, *weights = turned.data() + k * wide;
              vec a0 = {}, a1 = {}, a2 = {}, a3 = {};
              for (int64_t c = 0; c < wide; c += lanes) {
                const vec u = load(weights + c);
                a0 += load(row + c) * u;
                a1 += load(row + wide + c) * u;
                a2 += load(row + 2 * wide + c) * u;
                a3 += load(row + 3 * wide + c) * u;
              }
              const vec4 sum = sum_lanes(a0, a1, a2, a3) + b[k];
              for (int64_t i = 0; i < 4 && v + i < count; i++) y[(first + v + i) * s.classes + k] = sum[i];
            }
        }
      },
      4);
}

// dx = leaky'(x)·Σ dy·w.
inline void out_input(const OutShape& s, const float* dy, const float* x, const float* w, float* dx) {
  const int64_t wide = s.wide(), c = s.channels;
  Buffer turned(s.classes * wide);
  detail::turn_weights(s, w, turned.data());
  parallel_for(
      s.voxels,
      [&](int64_t v, int64_t last) {
        for (; v < last; v++) {
          const float *g = dy + v * s.classes, *from = x + v * c;
          float* to = dx + v * c;
          each_part(c, [&](auto kind, int64_t at) {
            typedef decltype(kind) V;
            V sum{};
            for (int64_t k = 0; k < s.classes; k++) sum += g[k] * load_as<V>(turned.data() + k * wide + at);
            store_as(to + at, leaky_grad(load_as<V>(from + at), sum));
          });
        }
      },
      256);
}

namespace detail {

// sums[k][wide] += Σ dy[k]·rows over the tile, for K classes.
template <int K>
inline void filter_tile(const OutShape& s, const float* dy, int64_t count, const float* rows, double* sums) {
  const int64_t wide = s.wide();
  for (int64_t c = 0; c < wide; c += lanes) {
    vec a[K] = {};
    for (int64_t v = 0; v < count; v++) {
      const vec u = load(rows + v * wide + c);
      for (int k = 0; k < K; k++) a[k] += dy[v * s.classes + k] * u;
    }
    for (int k = 0; k < K; k++)
      for (int i = 0; i < lanes; i++) sums[k * wide + c + i] += double(a[k][i]);
  }
}

}  // namespace detail

// dw [channels, classes] = Σ leaky(x)·dy over the voxels, in a fixed order.
inline void out_filter(const OutShape& s, const float* dy, const float* x, float* dw) {
  const int64_t wide = s.wide(), size = s.classes * wide;
  const int64_t blocks = block_count(s.tiles(), 32);
  std::vector<double> partial(size_t(blocks * size), 0.0);
  fixed_blocks(s.tiles(), blocks, [&](int64_t block, int64_t tile, int64_t last) {
    float* rows = thread_scratch(kOutTile * wide);
    double* sums = partial.data() + block * size;
    for (; tile < last; tile++) {
      const int64_t first = tile * kOutTile, count = std::min(kOutTile, s.voxels - first);
      const float* g = dy + first * s.classes;
      detail::activated_tile(s, x + first * s.channels, count, rows);
      int64_t k = 0;
      for (; k + 4 <= s.classes; k += 4) detail::filter_tile<4>(s, g + k, count, rows, sums + k * wide);
      const int64_t rest = s.classes - k;
      if (rest == 3) detail::filter_tile<3>(s, g + k, count, rows, sums + k * wide);
      if (rest == 2) detail::filter_tile<2>(s, g + k, count, rows, sums + k * wide);
      if (rest == 1) detail::filter_tile<1>(s, g + k, count, rows, sums + k * wide);
    }
  });
  for (int64_t k = 0; k < s.classes; k++)
    for (int64_t c = 0; c < s.channels; c++) {
      double sum = 0;
      for (int64_t block = 0; block < blocks; block++) sum += partial[size_t(block * size + k * wide + c)];
      dw[c * s.classes + k] = float(sum);
    }
}

// db = Σ dy over the voxels, in a fixed order.
inline void out_bias(const OutShape& s, const float* dy, float* db) {
  const int64_t blocks = block_count(s.voxels, 4096);
  std::vector<double> partial(size_t(blocks * s.classes), 0.0);
  fixed_blocks(s.voxels, blocks, [&](int64_t block, int64_t v, int64_t last) {
    for (; v < last; v++)
      for (int64_t k = 0; k < s.classes; k++) partial[size_t(block * s.classes + k)] += double(dy[v * s.classes + k]);
  });
  for (int64_t k = 0; k < s.classes; k++) {
    double sum = 0;
    for (int64_t block = 0; block < blocks; block++) sum += partial[size_t(block * s.classes + k)];
    db[k] = float(sum);
  }
}

}  // namespace scnas
