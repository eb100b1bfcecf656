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

/// What one result row reads: `count` runs of K = 3 neighbouring taps, `offset` floats from x[r], or of a single one.
struct RowTaps {
  const float *x[27], *w[27];
  int count = 0;
  bool triple;
  int64_t offset[3];
};

/// out[m·step + lane] = Σ_r Σ_k x[r][offset[k] + m·step + lane]·w[r][k·step + lane] for m < M; step = P vectors, or, for P 0, the period.
template <int M, int P, int K>
static inline void depthwise_run(const RowTaps& taps, int64_t at, int64_t lane, int64_t period, float* out) {
  const int64_t step = P ? P * lanes : period;
  vec acc[M];
  for (int m = 0; m < M; m++) acc[m] = vec{};
  const int64_t offset[3] = {taps.offset[0] + at, taps.offset[1] + at, taps.offset[2] + at};
  for (int r = 0; r < taps.count; r++)
#pragma GCC unroll 3
    for (int k = 0; k < K; k++) {
      const float* p = taps.x[r] + (K == 1 ? at : offset[k]);
      opaque(p);
      const vec s = load(taps.w[r] + lane + k * step);
#pragma GCC unroll 16
      for (int m = 0; m < M; m++) acc[m] += load(p + m * step) * s;
    }
  for (int m = 0; m < M; m++) store(out + m * step, acc[m]);
}

template <int P, int K>
static inline void depthwise_runs(const RowTaps& taps, int64_t period, int64_t total, float* out) {
  const int64_t whole = total / lanes * lanes;
  for (int64_t j = 0; j < period && j < whole; j += lanes) {
    int64_t at = j;
    for (int64_t left = (whole - j + period - 1) / period; left > 0;) {
      const int64_t m = left > 10 ? std::min<int64_t>(10, (left + 1) / 2) : left;
      switch (m) {
#define SCNAS_CASE(M) case M: depthwise_run<M, P, K>(taps, at, j, period, out + at); break;
        SCNAS_CASE(1) SCNAS_CASE(2) SCNAS_CASE(3) SCNAS_CASE(4) SCNAS_CASE(5)
        SCNAS_CASE(6) SCNAS_CASE(7) SCNAS_CASE(8) SCNAS_CASE(9) SCNAS_CASE(10)
#undef SCNAS_CASE
      }
      at += m * period;
      left -= m;
    }
  }
  if (whole < total) {
    float tail[lanes];
    depthwise_run<1, P, K>(taps, whole, whole % period, period, tail);
    std::memcpy(out + whole, tail, (total - whole) * sizeof(float));
  }
}

/// One row of `total` floats. The usual periods are constants, which makes the addresses cheap.
static inline void depthwise_row(const RowTaps& taps, int64_t period, int64_t total, float* out) {
  if (!taps.triple) return depthwise_runs<0, 1>(taps, period, total, out);
  switch (period / lanes) {
#define SCNAS_CASE(P) case P: return depthwise_runs<P, 3>(taps, period, total, out);
    SCNAS_CASE(1) SCNAS_CASE(2) SCNAS_CASE(3) SCNAS_CASE(4) SCNAS_CASE(6) SCNAS_CASE(12) SCNAS_CASE(17)
#undef SCNAS_CASE
    default: return depthwise_runs<0, 3>(taps, period, total, out);
  }
}

/// Weights [27][c] repeated to [27][period].
static inline void repeat_weights(const float* w, float* out, int64_t c, int64_t period) {
  for (int64_t k = 0; k < 27; k++)
    for (int64_t j = 0; j < period; j += c) std::memcpy(out + k * period + j, w + k * c, c * sizeof(float));
}

/// Result row h, of one phase, from its three source planes.
static inline void depthwise_forward_row(const DepthwisePlan& p, const float* w, const float* const* planes, int64_t h, float* out, int64_t phase = 0) {
  RowTaps taps;
  const int64_t* offset = p.row.offset[phase];
  taps.triple = offset[0] >= 0 && offset[1] >= 0 && offset[2] >= 0;
  std::copy_n(offset, 3, taps.offset);
  for (int kd = 0; kd < 3; kd++)
    for (int kh = 0; kh < 3; kh++) {
      const int64_t sh = p.h.at(h, kh);
      if (!planes[kd] || sh < 0) continue;
      const float *row = planes[kd] + sh * p.row.length, *weights = w + (kd * 3 + kh) * 3 * p.period;
      for (int kw = 0; kw < (taps.triple ? 1 : 3); kw++) {
        if (!taps.triple && offset[kw] < 0) continue;
        taps.x[taps.count] = taps.triple ? row : row + offset[kw];
        taps.w[taps.count++] = weights + kw * p.period;
      }
    }
  depthwise_row(taps, p.period, p.row.width[phase] * p.row.c, out);
}

/// Result rows of planes begin…end−1: fill(tag, plane) makes the padded source plane `tag` = n·source + d; `dest(n, d, h)`
/// says where a row goes; `done(n, d, h, row)` follows it. `w`: repeated weights.
template <class Fill, class Dest, class Done>
static inline void depthwise_planes(const DepthwisePlan& p, const float* w, int64_t begin, int64_t end, const Fill& fill, const Dest& dest,
                                    const Done& done) {
  const int64_t c = p.row.c, phases = p.row.result_phases;
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  float* split = scratch<1>(p.row.axis.result * c + lanes);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, fill);
    for (int64_t h = 0; h < p.h.result; h++) {
      float* out = dest(n, d, h);
      if (phases == 1) depthwise_forward_row(p, w, planes, h, out);
      else
        for (int64_t phase = 0; phase < phases; phase++) {
          depthwise_forward_row(p, w, planes, h, split, phase);
          for (int64_t i = 0; i < p.row.width[phase]; i++) std::memcpy(out + (i * phases + phase) * c, split + i * c, c * sizeof(float));
        }
      done(n, d, h, out);
    }
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
        [&](int64_t n, int64_t d, int64_t h) { return y + ((n * out.d + d) * out.h + h) * out.w * out.c; },
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
        [&](int64_t n, int64_t d, int64_t h) { return dx + ((n * in.d + d) * in.h + h) * length; },
        [&](int64_t n, int64_t d, int64_t h, float* row) {
          if (activate) times_leaky_grad(x + ((n * in.d + d) * in.h + h) * length, row, length);
        });
  }, plane_grain(in.n * in.d));
}

/// sums[r][k][lane of the period] += x[r][offset[k] …]·dy for R rows and their three taps; `total` a multiple of the lanes.
template <int R>
static inline void depthwise_dot(const float* const* x, const int64_t* offset, const float* dy, int64_t period, int64_t total, float* const* sums) {
  for (int64_t j = 0; j < period && j < total; j += lanes) {
    vec acc[R][3];
    const float* p[R];
    for (int r = 0; r < R; r++) {
      p[r] = x[r] + j;
      for (int k = 0; k < 3; k++) acc[r][k] = load(sums[r] + k * period + j);
    }
    const int64_t a = offset[0], b = offset[1], c = offset[2];
    for (int64_t i = j; i < total; i += period) {
      const vec g = load(dy + i);
#pragma GCC unroll 3
      for (int r = 0; r < R; r++) {
        acc[r][0] += load(p[r] + a) * g;
        acc[r][1] += load(p[r] + b) * g;
        acc[r][2] += load(p[r] + c) * g;
        p[r] += period;
      }
    }
    for (int r = 0; r < R; r++)
      for (int k = 0; k < 3; k++) store(sums[r] + k * period + j, acc[r][k]);
  }
}

/// sums [27][period] += the filter gradient of one result row; `planes` as source_planes gives them, dy zero up to whole vectors.
static inline void depthwise_filter_row(const DepthwisePlan& p, const float* const* planes, int64_t h, const float* dy, float* sums) {
  const int64_t total = (p.row.axis.result * p.row.c + lanes - 1) / lanes * lanes;
  for (int kd = 0; kd < 3; kd++) {
    if (!planes[kd]) continue;
    const float* xs[3];
    float* to[3];
    int rows = 0;
    for (int kh = 0; kh < 3; kh++) {
      const int64_t sh = p.h.at(h, kh);
      if (sh < 0) continue;
      xs[rows] = planes[kd] + sh * p.row.length;
      to[rows++] = sums + (kd * 3 + kh) * 3 * p.period;
    }
    if (rows == 3) depthwise_dot<3>(xs, p.row.offset[0], dy, p.period, total, to);
    else if (rows == 2) depthwise_dot<2>(xs, p.row.offset[0], dy, p.period, total, to);
    else if (rows == 1) depthwise_dot<1>(xs, p.row.offset[0], dy, p.period, total, to);
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
    float* padded = scratch<1>(length + 2 * lanes);
    planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
      const float* planes[3];
      source_planes(p.d, ring, n, d, planes, FillPlane{p, x, activate});
      for (int64_t h = 0; h < out.h; h++) {
        const float* g = dy + ((n * out.d + d) * out.h + h) * length;
        if (length % lanes) {
          std::memcpy(padded, g, length * sizeof(float));
          std::fill(padded + length, padded + length + lanes, 0.f);
          g = padded;
        }
        depthwise_filter_row(p, planes, h, g, mine);
      }
    });
  });
  fold_filter(sums.data(), blocks, p.period, in.c, dw);
}

}  // namespace scnas
