// Depthwise 3³ convolution and its gradients, channels-last, any channel count, stride 1 or 2, any dilation.
//
//   depthwise_forward(x, w, y, in, stride, dilation, activate, stats)
//       y = Σ_k f(x)[i·stride + (k−1)·dilation]·w[k]; f = LeakyReLU if `activate`, else the identity
//   depthwise_input_grad(x, w, dy, dx, in, stride, dilation, activate)
//       x is read only if `activate` (else it may be null)
//   depthwise_filter_grad(x, dy, dw, in, stride, dilation, activate)
//
// `in` is x's shape, w [3,3,3,c], y [n, out_size(d), out_size(h), out_size(w), c]; `stats` null or [n][c][2] doubles: Σy, Σy².
//
// How: an activated row of the source is copied once, with zeros at both ends, into a ring of three planes; an output row
// is then a sum of up to 27 shifted runs of W·c floats. The weights of a tap are repeated to a period of lcm(c, lanes)
// floats, so that every channel count fills the vectors. A stride of 2 splits a row into its even and odd voxels.
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

/// out[i][m·step + lane] = Σ_taps Σ_k x[offset[k] + m·step + lane]·w[i][k·step + lane] for i < R, m < M; step = P vectors, or, for
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
  each<M>([&](auto m) SCNAS_LAMBDA { store(out[0] + at + m * step, first[m]); });
  if (R == 2) each<M>([&](auto m) SCNAS_LAMBDA { store(out[1] + at + m * step, second[m]); });
}

template <int R, int P, int K>
static inline void depthwise_runs(const RowTaps& taps, int64_t period, int64_t total, float* const* out) {
  const int64_t whole = total / lanes * lanes;
  const int64_t steps = (whole + period - 1) / period, parts = (steps + 5) / 6;
  for (int64_t part = 0; part < parts; part++) {
    const int64_t begin = steps * part / parts, end = steps * (part + 1) / parts;
    for (int64_t j = 0; j < period; j += lanes) {
      const int64_t at = begin * period + j;
      switch (std::min(end, (whole - j + period - 1) / period) - begin) {
#define SCNAS_CASE(M) case M: depthwise_run<R, M, P, K>(taps, at, j, period, out); break;
        SCNAS_CASE(1) SCNAS_CASE(2) SCNAS_CASE(3) SCNAS_CASE(4) SCNAS_CASE(5) SCNAS_CASE(6)
#undef SCNAS_CASE
      }
    }
  }
  if (whole < total) {
    float tail[2][lanes];
    float* const to[2] = {tail[0] - whole, tail[1] - whole};
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

inline void depthwise_forward(const float* x, const float* w, float* y, const Shape& in, int64_t stride, int64_t dilation, bool activate,
                              double* stats = nullptr) {
  const DepthwisePlan p(in, stride, dilation, false);
  const Shape out = out_shape(in, stride, in.c);
  Buffer weights(27 * p.period);
  repeat_weights(w, weights.data(), in.c, p.period);
  std::vector<double> sums(stats ? out.n * out.d * out.c * 2 : 0);
  parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
    float* tmp = scratch<2>(2 * p.period);
    depthwise_planes(
        p, weights.data(), begin, end, FillPlane{p, x, activate},
        [&](int64_t n, int64_t d, int64_t h, int) { return y + ((n * out.d + d) * out.h + h) * out.w * out.c; },
        [&](int64_t n, int64_t d, int64_t, const float* row) {
          if (stats) add_stats(row, out.w, out.c, sums.data() + (n * out.d + d) * out.c * 2, tmp);
        });
  }, plane_grain(out.n * out.d));
  if (stats) sum_plane_stats(sums.data(), stats, out.n, out.d, out.c * 2);
}

inline void depthwise_input_grad(const float* x, const float* w, const float* dy, float* dx, const Shape& in, int64_t stride, int64_t dilation,
                                 bool activate) {
  const DepthwisePlan p(in, stride, dilation, true);
  Buffer weights(27 * p.period);
  repeat_weights(w, weights.data(), in.c, p.period);
  const int64_t length = in.w * in.c;
  parallel_for(in.n * in.d, [&](int64_t begin, int64_t end) {
    depthwise_planes(
        p, weights.data(), begin, end, FillPlane{p, dy, false},
        [&](int64_t n, int64_t d, int64_t h, int) { return dx + ((n * in.d + d) * in.h + h) * length; },
        [&](int64_t n, int64_t d, int64_t h, float* row) {
          if (activate) times_leaky_grad(x + ((n * in.d + d) * in.h + h) * length, row, length);
        });
  }, plane_grain(in.n * in.d));
}

/// A source row, and the result rows that read it.
struct RowDots {
  const float *x, *dy[3];
};

/// sums[place[r]][k][lane of the period] += x[offset[k] …]·dy[r] over the rows, for r < R and three k; `total` a multiple of the lanes.
template <int R>
static inline void depthwise_dot(const RowDots* rows, int64_t count, const int64_t* offset, int64_t period, int64_t total, float* sums, const int* place) {
  const int64_t a = offset[0], b = offset[1], c = offset[2];
  for (int64_t j = 0; j < period && j < total; j += lanes) {
    vec acc[R][3];
    for (int r = 0; r < R; r++)
      for (int k = 0; k < 3; k++) acc[r][k] = load(sums + (place[r] * 3 + k) * period + j);
    for (int64_t i = 0; i < count; i++) {
      const float *x = rows[i].x, *dy[R];
      for (int r = 0; r < R; r++) dy[r] = rows[i].dy[r];
      for (int64_t at = j; at < total; at += period) {
        vec s = load(x + a + at), t = load(x + b + at), u = load(x + c + at);
        hold(s), hold(t), hold(u);
#pragma GCC unroll 3
        for (int r = 0; r < R; r++) {
          vec g = load(dy[r] + at);
          hold(g);
          acc[r][0] += s * g;
          acc[r][1] += t * g;
          acc[r][2] += u * g;
        }
      }
    }
    for (int r = 0; r < R; r++)
      for (int k = 0; k < 3; k++) store(sums + (place[r] * 3 + k) * period + j, acc[r][k]);
  }
}

/// sums [27][period] += the filter gradient of one result plane dy, of rows `ld` apart, each zero up to whole vectors; `planes` as
/// source_planes gives them.
static inline void depthwise_filter_plane(const DepthwisePlan& p, const float* const* planes, const float* dy, int64_t ld, float* sums) {
  const int64_t total = (p.row.axis.result * p.row.c + lanes - 1) / lanes * lanes;
  // As many source rows at a time as stay in the first-level cache while the parts of a period pass over them.
  constexpr int64_t most = 32;
  const int64_t band = p.period == lanes ? most : std::min(most, std::max<int64_t>(1, 4096 / p.row.length));
  for (int kd = 0; kd < 3; kd++) {
    if (!planes[kd]) continue;
    float* to = sums + kd * 9 * p.period;
    for (const RowReaders& readers : p.readers)
      for (int64_t first = 0, size = int64_t(readers.rows.size()); first < size; first += band) {
        RowDots rows[most];
        const int64_t count = std::min(band, size - first);
        for (int64_t i = 0; i < count; i++) {
          const RowReaders::Row& row = readers.rows[first + i];
          rows[i].x = planes[kd] + row.source * p.row.length;
          for (int r = 0; r < readers.taps; r++) rows[i].dy[r] = dy + row.result[r] * ld;
        }
        if (readers.taps == 3) depthwise_dot<3>(rows, count, p.row.offset[0], p.period, total, to, readers.tap);
        else if (readers.taps == 2) depthwise_dot<2>(rows, count, p.row.offset[0], p.period, total, to, readers.tap);
        else depthwise_dot<1>(rows, count, p.row.offset[0], p.period, total, to, readers.tap);
      }
  }
}

/// dw[27][c] = Σ over blocks, in their order, and over the voxels of a period, of sums[blocks][27][period].
static inline void fold_filter(const float* sums, int64_t blocks, int64_t period, int64_t c, float* dw) {
  for (int64_t k = 0; k < 27; k++)
    for (int64_t j = 0; j < c; j++) {
      double s = 0;
      for (int64_t b = 0; b < blocks; b++)
        for (int64_t i = j; i < period; i += c) s += sums[(b * 27 + k) * period + i];
      dw[k * c + j] = float(s);
    }
}

inline void depthwise_filter_grad(const float* x, const float* dy, float* dw, const Shape& in, int64_t stride, int64_t dilation, bool activate) {
  const DepthwisePlan p(in, stride, dilation, false);
  const Shape out = out_shape(in, stride, in.c);
  const int64_t blocks = sum_blocks(out.n * out.d), length = out.w * out.c;
  Buffer sums(blocks * 27 * p.period);
  fixed_blocks(out.n * out.d, blocks, [&](int64_t block, int64_t begin, int64_t end) {
    float* mine = sums.data() + block * 27 * p.period;
    std::fill(mine, mine + 27 * p.period, 0.f);
    PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
    const int64_t ld = (length + lanes - 1) / lanes * lanes;
    float* padded = scratch<1>(ld == length ? 0 : out.h * ld);
    planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
      const float* planes[3];
      source_planes(p.d, ring, n, d, planes, FillPlane{p, x, activate});
      const float* g = dy + (n * out.d + d) * out.h * length;
      for (int64_t h = 0; ld > length && h < out.h; h++) {
        std::memcpy(padded + h * ld, g + h * length, length * sizeof(float));
        std::fill(padded + h * ld + length, padded + (h + 1) * ld, 0.f);
      }
      depthwise_filter_plane(p, planes, ld > length ? padded : g, ld, mine);
    });
  });
  fold_filter(sums.data(), blocks, p.period, in.c, dw);
}

}  // namespace scnas
