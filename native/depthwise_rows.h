// The rows of a depthwise convolution or of its input gradient.
//
// How: an activated row of the source is copied once, with zeros at both ends, into a ring of three planes; an output row
// is then a sum of up to 27 shifted runs of W·c floats. The weights of a tap are repeated to a period of lcm(c, lanes)
// floats, so that every channel count fills the vectors. A stride of 2 splits a row into its even and odd voxels.
// Result rows are made two at a time, so that a source row that both read is loaded once.
#pragma once
#include "planes.h"

namespace scnas {

/// A run of K = 3 neighbouring taps of a source row, `offset` floats from x, or of a single one; w[i] are result row i's weights.
struct Tap {
  const float *x, *w[2];
};

/// What one or two result rows read: the taps that both read, then those of each alone.
struct RowTaps {
  Tap both[27], single[2][27];
  int shared = 0, count[2] = {0, 0};
  bool triple;
  int64_t offset[3];
};

/// acc[m] += Σ_k x[offset[k] + m·step]·w[k·step + lane], a tap of one result row.
template <int M, int K>
static SCNAS_INLINE void add_tap(const Tap& tap, const int64_t* offset, int64_t lane, int64_t step, vec* acc) {
#pragma GCC unroll 3
  for (int k = 0; k < K; k++) {
    const float* p = tap.x + offset[k];
    opaque(p);
    const vec s = load(tap.w[0] + lane + k * step);
    each<M>([&](auto m) SCNAS_LAMBDA { acc[m] += load(p + m * step) * s; });
  }
}

/// out[i][m·step] = Σ_taps Σ_k x[offset[k] + at + m·step]·w[i][k·step + lane] for i < R, m < M; step = P vectors, or, for
/// P 0, the period. A source vector that two result rows read is loaded once.
template <int R, int M, int P, int K>
static inline void depthwise_run(const RowTaps& taps, int64_t at, int64_t lane, int64_t period, float* const* out) {
  const int64_t step = P ? P * lanes : period;
  vec first[M], second[M];
  each<M>([&](auto m) SCNAS_LAMBDA { first[m] = second[m] = vec{}; });
  const int64_t offset[3] = {taps.offset[0] + at, taps.offset[1] + at, taps.offset[2] + at};
  for (int r = 0; R == 2 && r < taps.shared; r++)
#pragma GCC unroll 3
    for (int k = 0; k < K; k++) {
      const float* p = taps.both[r].x + offset[k];
      opaque(p);
      vec s = load(taps.both[r].w[0] + lane + k * step), t = load(taps.both[r].w[1] + lane + k * step);
      hold(s), hold(t);
      each<M>([&](auto m) SCNAS_LAMBDA {
        vec v = load(p + m * step);
        hold(v);
        first[m] += v * s;
        second[m] += v * t;
      });
    }
  // Taps of the two rows in turn: sums of one row alone would wait for each other.
  int done = 0;
  for (; R == 2 && done < std::min(taps.count[0], taps.count[1]); done++) {
    add_tap<M, K>(taps.single[0][done], offset, lane, step, first);
    add_tap<M, K>(taps.single[1][done], offset, lane, step, second);
  }
  for (int r = done; r < taps.count[0]; r++) add_tap<M, K>(taps.single[0][r], offset, lane, step, first);
  for (int r = done; R == 2 && r < taps.count[1]; r++) add_tap<M, K>(taps.single[1][r], offset, lane, step, second);
  each<M>([&](auto m) SCNAS_LAMBDA { store(out[0] + m * step, first[m]); });
  if (R == 2) each<M>([&](auto m) SCNAS_LAMBDA { store(out[1] + m * step, second[m]); });
}

template <int R, int P, int K>
static inline void depthwise_runs(const RowTaps& taps, int64_t period, int64_t total, float* const* out) {
  const int64_t whole = total / lanes * lanes;
  const int64_t steps = (whole + period - 1) / period, parts = (steps + 5) / 6;
  for (int64_t part = 0; part < parts; part++) {
    const int64_t begin = steps * part / parts, end = steps * (part + 1) / parts;
    for (int64_t j = 0; j < period; j += lanes) {
      const int64_t at = begin * period + j;
      float* const to[2] = {out[0] + at, R == 2 ? out[1] + at : nullptr};
      switch (std::min(end, (whole - j + period - 1) / period) - begin) {
#define SCNAS_CASE(M) case M: depthwise_run<R, M, P, K>(taps, at, j, period, to); break;
        SCNAS_CASE(1) SCNAS_CASE(2) SCNAS_CASE(3) SCNAS_CASE(4) SCNAS_CASE(5) SCNAS_CASE(6)
#undef SCNAS_CASE
      }
    }
  }
  if (whole < total) {
    float tail[2][lanes];
    float* const to[2] = {tail[0], tail[1]};
    depthwise_run<R, 1, P, K>(taps, whole, whole % period, period, to);
    for (int i = 0; i < R; i++) std::memcpy(out[i] + whole, tail[i], (total - whole) * sizeof(float));
  }
}

/// One or two rows of `total` floats. The usual periods are constants, which makes the addresses cheap.
template <int R>
static inline void depthwise_rows(const RowTaps& taps, int64_t period, int64_t total, float* const* out) {
  if (!taps.triple) return depthwise_runs<R, 0, 1>(taps, period, total, out);
  switch (period / lanes) {
#define SCNAS_CASE(P) case P: return depthwise_runs<R, P, 3>(taps, period, total, out);
    SCNAS_CASE(1) SCNAS_CASE(2) SCNAS_CASE(3) SCNAS_CASE(4) SCNAS_CASE(6) SCNAS_CASE(12) SCNAS_CASE(17)
#undef SCNAS_CASE
    default: return depthwise_runs<R, 0, 3>(taps, period, total, out);
  }
}

/// Weights [27][c] repeated to [27][period].
static inline void repeat_weights(const float* w, float* out, int64_t c, int64_t period) {
  for (int64_t k = 0; k < 27; k++)
    for (int64_t j = 0; j < period; j += c) std::memcpy(out + k * period + j, w + k * c, c * sizeof(float));
}

/// The result rows of a pair, of one phase, from their source planes.
static inline void depthwise_row_pair(const DepthwisePlan& p, const float* w, const float* const* planes, const RowPair& pair, int64_t phase,
                                      float* const* out) {
  RowTaps taps;
  const int64_t* offset = p.row.offset[phase];
  taps.triple = offset[0] >= 0 && offset[1] >= 0 && offset[2] >= 0;
  for (int k = 0; k < 3; k++) taps.offset[k] = taps.triple ? offset[k] : 0;
  const auto add = [&](const RowPair::Read* reads, int number, Tap* list, int& count) {
    int at = 0;
    for (int kd = 0; kd < 3; kd++)
      for (int i = 0; planes[kd] && i < number; i++) {
        const float *row = planes[kd] + reads[i].source * p.row.length, *from = w + kd * 9 * p.period;
        const float *first = from + reads[i].tap[0] * 3 * p.period, *second = from + reads[i].tap[1] * 3 * p.period;
        if (taps.triple) list[at++] = {row, {first, second}};
        else
          for (int k = 0; k < 3; k++)
            if (offset[k] >= 0) list[at++] = {row + offset[k], {first + k * p.period, second + k * p.period}};
      }
    count = at;
  };
  add(pair.both, pair.shared, taps.both, taps.shared);
  add(pair.alone[0], pair.single[0], taps.single[0], taps.count[0]);
  add(pair.alone[1], pair.single[1], taps.single[1], taps.count[1]);
  const int64_t total = p.row.width[phase] * p.row.c;
  if (pair.other >= 0) depthwise_rows<2>(taps, p.period, total, out);
  else depthwise_rows<1>(taps, p.period, total, out);
}

/// The result rows of a plane, two that share source rows at a time: `dest(h, slot)` says where a row goes, slot 0 or 1 of the
/// two; `done(h, row)` follows it. `split` holds two rows and 2·lanes.
template <class Dest, class Done>
static inline void depthwise_plane(const DepthwisePlan& p, const float* w, const float* const* planes, float* split, const Dest& dest, const Done& done) {
  const int64_t c = p.row.c, phases = p.row.result_phases;
  for (const RowPair& pair : p.pairs) {
    float* const out[2] = {dest(pair.h, 0), pair.other < 0 ? nullptr : dest(pair.other, 1)};
    if (phases == 1) depthwise_row_pair(p, w, planes, pair, 0, out);
    else
      for (int64_t phase = 0; phase < phases; phase++) {
        float* const half[2] = {split, split + p.row.width[0] * c + lanes};
        depthwise_row_pair(p, w, planes, pair, phase, half);
        for (int r = 0; r < (pair.other < 0 ? 1 : 2); r++)
          copy_voxels(half[r], 1, out[r] + phase * c, phases, p.row.width[phase], c);
      }
    done(pair.h, out[0]);
    if (pair.other >= 0) done(pair.other, out[1]);
  }
}

/// Result rows of planes begin…end−1: fill(tag, plane) makes the padded source plane `tag` = n·source + d; `dest(n, d, h, slot)`
/// and `done(n, d, h, row)` as in depthwise_plane. `w`: repeated weights.
template <class Fill, class Dest, class Done>
static inline void depthwise_planes(const DepthwisePlan& p, const float* w, int64_t begin, int64_t end, const Fill& fill, const Dest& dest,
                                    const Done& done) {
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  float* split = scratch<1>(2 * (p.row.axis.result * p.row.c + lanes));
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, fill);
    depthwise_plane(
        p, w, planes, split, [&](int64_t h, int slot) { return dest(n, d, h, slot); }, [&](int64_t h, float* row) { done(n, d, h, row); });
  });
}

}  // namespace scnas
