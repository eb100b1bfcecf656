// Loops over tensors of one shape, element by element: LeakyReLU, weighted sums, dot products.
#pragma once

#include "channels.h"

namespace scnas {

constexpr int64_t kTile = 4096;  // floats: a tile of the output stays in the first-level cache

// f(begin, end) over [0, size) in tiles, in parallel.
template <class F>
inline void each_tile(int64_t size, const F& f) {
  const int64_t tiles = (size + kTile - 1) / kTile;
  parallel_for(
      tiles,
      [&](int64_t b, int64_t e) {
        for (; b < e; b++) f(b * kTile, std::min(size, (b + 1) * kTile));
      },
      2);
}

// y = max(x, slope·x).
inline void leaky_relu(int64_t size, const float* x, float slope, float* y) {
  each_tile(size, [=](int64_t begin, int64_t end) {
    each_vector(end - begin, [from = x + begin, to = y + begin, slope](auto access, int64_t i, int64_t) {
      const vec v = access.load(from + i);
      access.store(to + i, v > 0 ? v : slope * v);
    });
  });
}

// dx = dy where x > 0, slope·dy elsewhere.
inline void leaky_relu_gradient(int64_t size, const float* dy, const float* x, float slope, float* dx) {
  each_tile(size, [=](int64_t begin, int64_t end) {
    each_vector(end - begin, [a = dy + begin, b = x + begin, to = dx + begin, slope](auto access, int64_t i, int64_t) {
      const vec g = access.load(a + i);
      access.store(to + i, access.load(b + i) > 0 ? g : slope * g);
    });
  });
}

// y = Σ weights[k]·values[k], in the order of the terms.
inline void weighted_sum(int64_t size, const std::vector<const float*>& values, const std::vector<float>& weights, float* y) {
  each_tile(size, [&, y](int64_t begin, int64_t end) {
    const size_t n = values.size();
    size_t k = 0;
    const auto one = [&](size_t j) { return values[j]; };
    if (n == 1) {
      const float *a = one(0), u = weights[0];
      for (int64_t i = begin; i < end; i++) y[i] = u * a[i];
      return;
    }
    {
      const float *a = one(0), *b = one(1), u = weights[0], w = weights[1];
      for (int64_t i = begin; i < end; i++) y[i] = u * a[i] + w * b[i];
      k = 2;
    }
    for (; k + 2 <= n; k += 2) {
      const float *a = one(k), *b = one(k + 1), u = weights[k], w = weights[k + 1];
      for (int64_t i = begin; i < end; i++) y[i] = (y[i] + u * a[i]) + w * b[i];
    }
    if (k < n) {
      const float *a = one(k), u = weights[k];
      for (int64_t i = begin; i < end; i++) y[i] += u * a[i];
    }
  });
}

// dots[k] = Σ dy·values[k], the same for any number of threads.
inline void dot_products(int64_t size, const float* dy, const std::vector<const float*>& values, double* dots) {
  const int64_t tiles = (size + kTile - 1) / kTile, n = int64_t(values.size());
  Buffer partial(tiles * n);
  parallel_for(tiles, [&](int64_t b, int64_t e) {
    for (; b < e; b++) {
      const int64_t begin = b * kTile, length = std::min(size, begin + kTile) - begin;
      for (int64_t k = 0; k < n; k++) {
        float parts[4 * lanes];
        detail::sum_run<1, 4>(
            length,
            [&](auto access, int64_t i, int64_t, vec* term) {
              term[0] = access.load(dy + begin + i) * access.load(values[size_t(k)] + begin + i);
            },
            parts);
        float sum = 0;
        for (const float part : parts) sum += part;
        partial[b * n + k] = sum;
      }
    }
  });
  for (int64_t k = 0; k < n; k++) {
    dots[k] = 0;
    for (int64_t b = 0; b < tiles; b++) dots[k] += double(partial[b * n + k]);
  }
}

}  // namespace scnas
