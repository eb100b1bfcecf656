// Filter gradient of the dense 3³ convolution with result channels in the lanes: sums of outer products x ⊗ dy over voxels,
// the sums in registers over as many rows as the cache holds. Planes are laid out as in direct.h.
#pragma once
#include "direct.h"

namespace scnas {

/// A padded source row, at the run's first tap, and the row of the gradient that goes with it.
struct OuterRow {
  const float *x, *g;
};

/// sums[m·ld + o] += Σ x[v·step + m]·g[v·ldg + o] over the rows' `width` voxels, M source values and N vectors of channels.
template <int N, int M>
static inline void outer_run(const OuterRow* rows, int64_t count, int64_t from, int64_t o, int64_t width, int64_t step, int64_t ldg, float* sums,
                             int64_t ld) {
  typedef typename Eights<N>::V V;
  constexpr int C = Eights<N>::vectors, L = int(sizeof(V)) / 4;
  V acc[M][C];
  for (int m = 0; m < M; m++)
    for (int v = 0; v < C; v++) acc[m][v] = V{};
  for (int64_t r = 0; r < count; r++) {
    const float *x = rows[r].x + from, *g = rows[r].g + o;
    for (int64_t i = 0; i < width; i++, x += step, g += ldg) {
      V y[C];
      Eights<N>::load(g, y);
#pragma GCC unroll 16
      for (int m = 0; m < M; m++) {
        const V a = x[m] - V{};
        for (int v = 0; v < C; v++) acc[m][v] += a * y[v];
      }
    }
  }
  for (int m = 0; m < M; m++)
    for (int v = 0; v < C; v++) store_as<V>(sums + m * ld + v * L, load_as<V>(sums + m * ld + v * L) + acc[m][v]);
}

/// The same over source values from…to−1.
template <int N, int M>
static inline void outer_values(const OuterRow* rows, int64_t count, int64_t from, int64_t to, int64_t o, int64_t width, int64_t step, int64_t ldg,
                                float* sums, int64_t ld) {
  int64_t j = from;
  for (; j + M <= to; j += M) outer_run<N, M>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; M > 4 && j + 4 <= to; j += 4) outer_run<N, 4>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; M > 3 && j + 3 <= to; j += 3) outer_run<N, 3>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
  for (; j < to; j++) outer_run<N, 1>(rows, count, j, o, width, step, ldg, sums + j * ld, ld);
}

/// sums [taps·ci][co] of one run += the outer products over the rows, source values from…to−1 of the run.
static inline void outer_rows(const DirectPlan& p, int64_t co, const OuterRow* rows, int64_t count, int64_t from, int64_t to, float* sums) {
  for (int64_t o = 0, left; (left = (co - o) / 8) > 0;) {
#define SCNAS_OUTER(N, M) outer_values<N, M>(rows, count, from, to, o, p.w.result, p.step * p.c, co, sums + o, co), o += N * 8
    if (left == 2 || left == 4 || (lanes == 16 && left % 2 == 0)) SCNAS_OUTER(2, most_voxels<2>);
    else if (left >= 3) SCNAS_OUTER(3, 4);
    else SCNAS_OUTER(1, 12);
#undef SCNAS_OUTER
  }
}

/// Where the rows of a product lie: units are rows of results, or pairs of them.
struct OuterRows {
  const DirectPlan& p;
  int64_t co, units, line, row, mixed, band;  // floats of a source row and a result row; of a plane of sums and differences; units at a time
  OuterRows(const DirectPlan& plan, int64_t channels)
      : p(plan), co(channels), units(p.paired ? p.pairs() : p.h.result), line(p.line()), row(p.w.result * co), mixed(p.paired ? 2 * units * row : 0) {
    // As the first-level cache holds, but enough voxels to be worth fetching the sums.
    band = std::max<int64_t>({1, 6144 / (line + row), 96 / p.w.result});
  }
  /// Sums and differences of a plane of dy's rows, two by two.
  void mix(const float* g, float* to) const {
    for (int64_t q = 0; p.paired && 2 * q + 1 < p.h.result; q++, g += 2 * row, to += 2 * row)
      for (int64_t i = 0; i < row; i += 8) {
        const v8 a = load_v8(g + i), b = load_v8(g + row + i);
        store_v8(to + i, a + b), store_v8(to + row + i, a - b);
      }
  }
  /// Adds the rows of `unit` for a row of taps, if there are any: of a source plane, of dy's plane, and of its mixed rows.
  void add(int64_t unit, int64_t kh, const float* x, const float* g, const float* sums, OuterRow* pairs, int64_t& count) const {
    if (!p.paired) {
      const int64_t at = p.h.at(unit, kh);
      if (at >= 0) pairs[count++] = {x + at * line, g + unit * row};
      return;
    }
    const bool both = 2 * unit + 1 < p.h.result;
    if (kh == 3 && !both) return;
    const bool mixed_row = both && (kh == 1 || kh == 2);
    pairs[count++] = {x + (4 * unit + kh) * line, mixed_row ? sums + (2 * unit + kh - 1) * row : g + (2 * unit + (kh == 3)) * row};
  }
};

/// sums [3][rows of taps][3][ci][co] += the outer products of result planes begin…end−1; `from(tag, plane)` lays a source
/// plane out, `gradient(n, d)` gives dy's plane.
template <class From, class Gradient>
static inline void outer_planes(const DirectPlan& p, int64_t co, int64_t begin, int64_t end, const From& from, const Gradient& gradient, float* sums) {
  const auto& r = p.runs[0];
  const OuterRows rows(p, co);
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  float* mixed = scratch<6>(rows.mixed);
  std::vector<OuterRow> pairs(rows.band);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, from);
    const float* g = gradient(n, d);
    rows.mix(g, mixed);
    for (int64_t first = 0; first < rows.units; first += rows.band)
      for (int k = 0; k < 3 * p.rows(); k++)
        for (int j = 0; planes[k / p.rows()] && j < r.count; j++) {
          int64_t count = 0;
          for (int64_t u = first; u < std::min(rows.units, first + rows.band); u++)
            rows.add(u, k % p.rows(), planes[k / p.rows()] + r.offset[j] * p.c, g, mixed, pairs.data(), count);
          outer_rows(p, co, pairs.data(), count, 0, r.taps * p.c, sums + (k * 3 + r.tap[j]) * p.c * co);
        }
  });
}

/// sums over all of n·d planes: for many channels on few voxels, where sums of parts would cost more than the products. The
/// threads share the weights, not the voxels. `planes`: all source planes laid out; `mixed`: all planes of mixed rows.
static inline void outer_volume(const DirectPlan& p, int64_t co, int64_t n, const float* planes, const float* dy, const float* mixed, float* sums) {
  const auto& r = p.runs[0];
  const OuterRows rows(p, co);
  const int64_t size = p.c * co, length = r.taps * p.c, parts = length < 24 ? 1 : 4, tasks = 3 * p.rows() * r.count * parts;
  const int64_t all = n * p.d.result * rows.units, threads = Pool::get().threads();
  const auto cut = [&](int64_t part) { return part < parts ? length * part / parts / 12 * 12 : length; };
  const auto pairs_of = [&](int64_t from, int64_t to, int64_t k, int64_t offset, OuterRow* pairs) {
    int64_t count = 0;
    for (int64_t plane = from / rows.units; from < to; plane++) {
      const int64_t b = plane / p.d.result, d = p.d.at(plane - b * p.d.result, k / p.rows()), above = plane * rows.units;
      const int64_t stop = std::min(to, above + rows.units);
      const float* x = planes + (b * p.d.source + d) * p.plane() + offset;
      for (int64_t u = from; d >= 0 && u < stop; u++)
        rows.add(u - above, k % p.rows(), x, dy + plane * p.h.result * rows.row, mixed + plane * rows.mixed, pairs, count);
      from = stop;
    }
    return count;
  };
  parallel_for(tasks, [&](int64_t begin, int64_t end) {
    std::vector<OuterRow> pairs(rows.band);
    for (int64_t first = 0; first < all; first += rows.band)
      for (int64_t task = begin, count = 0; task < end; task++) {
        const int64_t part = task % parts, run = task / parts, j = run % r.count, k = run / r.count;
        float* to = sums + (k * 3 + r.tap[j]) * size;
        if (first == 0) std::fill(to + cut(part) * co, to + cut(part + 1) * co, 0.f);
        if (task == begin || part == 0) count = pairs_of(first, std::min(all, first + rows.band), k, r.offset[j] * p.c, pairs.data());
        outer_rows(p, co, pairs.data(), count, cut(part), cut(part + 1), to);
      }
  }, (tasks + threads - 1) / threads);
}

}  // namespace scnas
