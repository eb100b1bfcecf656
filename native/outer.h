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

/// The same over source values from…to−1.
template <int N, int M>
static inline void outer_values(const RowPair* rows, int64_t count, int64_t from, int64_t to, int64_t o, int64_t width, int64_t step, int64_t ldg,
                                float* sums, int64_t ld) {
  int64_t j = from;
  for (; j + M <= to; j += M) outer_run<N, M>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; M > 4 && j + 4 <= to; j += 4) outer_run<N, 4>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; M > 3 && j + 3 <= to; j += 3) outer_run<N, 3>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; j < to; j++) outer_run<N, 1>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
}

/// sums [taps·ci][co] of one run += the outer products over the rows, source values from…to−1 of the run.
static inline void outer_rows(const DirectPlan& p, int64_t co, const RowPair* rows, int64_t count, int64_t from, int64_t to, float* sums) {
  for (int64_t o = 0, left; (left = (co - o) / 8) > 0;) {
#define SCNAS_OUTER(N, M) outer_values<N, M>(rows, count, from, to, o, p.w.result, p.step * p.c, co, sums + o, co), o += N * 8
    if (left == 2 || left == 4) SCNAS_OUTER(2, 6);
    else if (left >= 3) SCNAS_OUTER(3, 4);
    else SCNAS_OUTER(1, 12);
#undef SCNAS_OUTER
  }
}

/// Rows that the first-level cache holds, but enough voxels to be worth fetching the sums.
static inline int64_t outer_band(const DirectPlan& p, int64_t co) {
  return std::max<int64_t>({1, 6144 / (p.pitch * p.c + p.w.result * co), 96 / p.w.result});
}

/// sums [27][ci][co] += the outer products of result planes begin…end−1; `from(tag, plane)` lays a source plane out,
/// `gradient(n, d)` gives dy's plane.
template <class From, class Gradient>
static inline void outer_planes(const DirectPlan& p, int64_t co, int64_t begin, int64_t end, const From& from, const Gradient& gradient, float* sums) {
  const auto& r = p.runs[0];
  const int64_t ci = p.c, line = p.pitch * ci, row = p.w.result * co, band = outer_band(p, co);
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  std::vector<RowPair> pairs(band);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, from);
    const float* g = gradient(n, d);
    for (int64_t first = 0; first < p.h.result; first += band)
      for (int k = 0; k < 9; k++)
        for (int j = 0; planes[k / 3] && j < r.count; j++) {
          int64_t count = 0;
          for (int64_t h = first; h < std::min(p.h.result, first + band); h++) {
            const int64_t at = p.h.at(h, k % 3);
            if (at >= 0) pairs[count++] = {planes[k / 3] + at * line + r.offset[j] * ci, g + h * row};
          }
          outer_rows(p, co, pairs.data(), count, 0, r.taps * ci, sums + (k * 3 + r.tap[j]) * ci * co);
        }
  });
}

/// dw [27][ci][co] over all of n·d planes: for many channels on few voxels, where sums of parts would cost more than the
/// products. The threads share the weights, not the voxels. `planes` are all source planes laid out, dy the gradient.
static inline void outer_volume(const DirectPlan& p, int64_t co, int64_t n, const float* planes, const float* dy, float* dw) {
  const auto& r = p.runs[0];
  const int64_t ci = p.c, line = p.pitch * ci, row = p.w.result * co, band = outer_band(p, co), length = r.taps * ci;
  const int64_t parts = length < 24 ? 1 : 4, tasks = 9 * r.count * parts, lines = n * p.d.result * p.h.result;
  const auto cut = [&](int64_t part) { return part < parts ? length * part / parts / 12 * 12 : length; };
  /// The rows l = (n·D + d)·H + h from…to−1 that tap k reads a source for; returns how many.
  const auto pairs_of = [&](int64_t from, int64_t to, int64_t k, int64_t offset, RowPair* pairs) {
    int64_t count = 0;
    for (int64_t plane = from / p.h.result; from < to; plane++) {
      const int64_t b = plane / p.d.result, d = p.d.at(plane - b * p.d.result, k / 3), above = plane * p.h.result;
      const float* x = planes + (b * p.d.source + d) * p.plane() + offset;
      for (; from < std::min(to, above + p.h.result); from++) {
        const int64_t h = p.h.at(from - above, k % 3);
        if (d >= 0 && h >= 0) pairs[count++] = {x + h * line, dy + from * row};
      }
    }
    return count;
  };
  parallel_for(tasks, [&](int64_t begin, int64_t end) {
    std::vector<RowPair> pairs(band);
    for (int64_t first = 0; first < lines; first += band)
      for (int64_t task = begin, count = 0; task < end; task++) {
        const int64_t part = task % parts, run = task / parts, j = run % r.count, k = run / r.count;
        float* sums = dw + (k * 3 + r.tap[j]) * ci * co;
        if (first == 0) std::fill(sums + cut(part) * co, sums + cut(part + 1) * co, 0.f);
        if (task == begin || part == 0) count = pairs_of(first, std::min(lines, first + band), k, r.offset[j] * ci, pairs.data());
        outer_rows(p, co, pairs.data(), count, cut(part), cut(part + 1), sums);
      }
  }, (tasks + Pool::get().threads() - 1) / Pool::get().threads());
}

}  // namespace scnas
