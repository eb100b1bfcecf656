// Filter gradient of the dense 3³ convolution with result channels in the lanes: sums of outer products x ⊗ dy over voxels,
// the sums in registers over as many rows as the cache holds. Planes are laid out as in direct.h.
#pragma once
#include "direct.h"

namespace scnas {

/// A padded source row, at the run's first tap, and the row of the gradient that goes with it.
struct RowPair {
  const float *x, *g;
};

/// sums[m·ld + o] += Σ x[v·step + m]·g[v·ldg + o] over the rows' `width` voxels, M source values and N vectors of channels.
template <int N, int M>
static inline void outer_run(const RowPair* rows, int64_t count, int64_t from, int64_t o, int64_t width, int64_t step, int64_t ldg, float* sums,
                             int64_t ld) {
  v8 acc[M][N];
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) acc[m][v] = load_v8(sums + m * ld + v * 8);
  for (int64_t r = 0; r < count; r++) {
    const float *x = rows[r].x + from, *g = rows[r].g + o;
    for (int64_t i = 0; i < width; i++, x += step, g += ldg) {
      v8 y[N];
      for (int v = 0; v < N; v++) y[v] = load_v8(g + v * 8), hold8(y[v]);
#pragma GCC unroll 16
      for (int m = 0; m < M; m++) {
        const v8 a = x[m] - v8{};
        for (int v = 0; v < N; v++) acc[m][v] += a * y[v];
      }
    }
  }
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) store_v8(sums + m * ld + v * 8, acc[m][v]);
}

/// The same over a run of `length` source values.
template <int N, int M>
static inline void outer_values(const RowPair* rows, int64_t count, int64_t o, int64_t width, int64_t step, int64_t ldg, int64_t length, float* sums,
                                int64_t ld) {
  int64_t j = 0;
  for (; j + M <= length; j += M) outer_run<N, M>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; M > 4 && j + 4 <= length; j += 4) outer_run<N, 4>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; M > 3 && j + 3 <= length; j += 3) outer_run<N, 3>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; j < length; j++) outer_run<N, 1>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
}

/// sums [27][ci][co] += the outer products of result planes (n, d) of [begin, end).
/// `source(tag, plane)` lays a source plane out, `gradient(n, d)` gives dy's plane.
template <class From, class Gradient>
static inline void outer_planes(const DirectPlan& p, int64_t co, int64_t begin, int64_t end, const From& source, const Gradient& gradient, float* sums) {
  const auto& r = p.runs[0];
  const int64_t ci = p.c, line = p.pitch * ci, length = r.taps * ci, row = p.w.result * co;
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  const int64_t band = std::max<int64_t>(1, 6144 / (line + row));
  std::vector<RowPair> pairs(band);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, source);
    const float* g = gradient(n, d);
    for (int64_t first = 0; first < p.h.result; first += band)
      for (int k = 0; k < 9; k++) {
        if (!planes[k / 3]) continue;
        for (int j = 0; j < r.count; j++) {
          int64_t count = 0;
          for (int64_t h = first; h < std::min(p.h.result, first + band); h++) {
            const int64_t at = p.h.at(h, k % 3);
            if (at >= 0) pairs[count++] = {planes[k / 3] + at * line + r.offset[j] * ci, g + h * row};
          }
          float* to = sums + (k * 3 + r.tap[j]) * ci * co;
          for (int64_t o = 0, left; (left = (co - o) / 8) > 0;) {
#define SCNAS_OUTER(N, M) outer_values<N, M>(pairs.data(), count, o, p.w.result, p.step * ci, co, length, to + o, co), o += N * 8
            if (left == 2 || left == 4) SCNAS_OUTER(2, 6);
            else if (left >= 3) SCNAS_OUTER(3, 4);
            else SCNAS_OUTER(1, 12);
#undef SCNAS_OUTER
          }
        }
      }
  });
}

}  // namespace scnas
