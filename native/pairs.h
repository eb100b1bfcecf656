// Two rows at a time after Winograd's F(2, 3), for 3³ convolutions at stride 1 without dilation.
//
// Of source rows d0…d3 and taps g0…g2 of a column of the kernel
//     m0 = (d0 − d2)·g0, m1 = (d1 + d2)·(g0 + g1 + g2)/2, m2 = (d2 − d1)·(g0 − g1 + g2)/2, m3 = (d3 − d1)·g2
//     y0 = m0 + m1 + m2, y1 = m1 − m2 + m3
// four products instead of six; the sums over channels, columns and planes are taken of the m. The gradient of the taps is
// the transpose: products p of the same four of d with (y0, y0 + y1, y0 − y1, y1), now dy's rows, and from them
//     g0 = p0 + (p1 + p2)/2, g1 = (p1 − p2)/2, g2 = (p1 + p2)/2 + p3
// Source: Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", arXiv 1509.09308.
#pragma once
#include "planes.h"

namespace scnas {

inline bool in_pairs(int64_t stride, int64_t dilation) { return stride == 1 && dilation == 1; }

/// put(j, v) for the four that the source rows enter the products as.
template <class V, class Put>
static SCNAS_INLINE void pair_sources(V a, V b, V c, V d, const Put& put) {
  put(0, a - c), put(1, b + c), put(2, c - b), put(3, d - b);
}

/// Weight of product j, of taps k[0], k[below], k[2·below], which a transposed convolution reads from the last to the first.
static inline float pair_weight(const float* k, int64_t below, int64_t j, bool transposed) {
  if (j == 0 || j == 3) return k[(j == 0) == transposed ? 2 * below : 0];
  return 0.5f * (k[0] + k[2 * below] + (j == 1 ? k[below] : -k[below]));
}

/// dw [9][third] = the sums of the blocks [blocks][9][third] in their order; of products [blocks][3][4][third] if `paired`.
static inline void fold_products(const float* sums, int64_t blocks, bool paired, int64_t third, float* dw) {
  const int64_t rows = paired ? 4 : 3, size = 3 * rows * third;
  constexpr int64_t some = 256;
  const int64_t chunks = (third + some - 1) / some;
  parallel_for(3 * chunks, [&](int64_t begin, int64_t end) {
    for (; begin < end; begin++) {
      const int64_t kd = begin / chunks, first = begin % chunks * some, n = std::min(some, third - first);
      double m[4][some];
      for (int64_t j = 0; j < rows; j++) {
        const float* from = sums + (kd * rows + j) * third + first;
        for (int64_t i = 0; i < n; i++) m[j][i] = from[i];
        for (int64_t k = 1; k < blocks; k++)
          for (int64_t i = 0; i < n; i++) m[j][i] += from[k * size + i];
      }
      float* to = dw + kd * 3 * third + first;
      if (!paired)
        for (int64_t j = 0; j < 3; j++)
          for (int64_t i = 0; i < n; i++) to[j * third + i] = float(m[j][i]);
      else
        for (int64_t i = 0; i < n; i++) {
          to[i] = float(m[0][i] + (m[1][i] + m[2][i]) * 0.5);
          to[third + i] = float((m[1][i] - m[2][i]) * 0.5);
          to[2 * third + i] = float((m[1][i] + m[2][i]) * 0.5 + m[3][i]);
        }
    }
  }, 8);
}

}  // namespace scnas
