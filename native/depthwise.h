// Depthwise 3³ convolution and its gradients, channels-last, any channel count, stride 1 or 2, any dilation.
//
//   depthwise_forward(x, w, y, in, stride, dilation, activate, stats)
//       y = Σ_k f(x)[i·stride + (k−1)·dilation]·w[k]; f = LeakyReLU if `activate`, else the identity
//   depthwise_input_grad(x, w, dy, dx, in, stride, dilation, activate)
//       x is read only if `activate` (else it may be null)
//   depthwise_filter_grad(x, dy, dw, in, stride, dilation, activate)
//
// `in` is x's shape, w [3,3,3,c], y [n, out_size(d), out_size(h), out_size(w), c]; `stats` null or [n][c][2] doubles: Σy, Σy².
#pragma once
#include "depthwise_rows.h"

namespace scnas {

inline void depthwise_forward(const float* x, const float* w, float* y, const Shape& in, int64_t stride, int64_t dilation, bool activate,
                              double* stats = nullptr) {
  const DepthwisePlan p(in, stride, dilation, false);
  const Shape out = out_shape(in, stride, in.c);
  Buffer weights(27 * p.period);
  repeat_weights(w, weights.data(), in.c, p.period);
  PlaneSums sums(out.n * out.d, out.c, stats);
  parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
    depthwise_planes(
        p, weights.data(), begin, end, FillPlane{p, x, activate},
        [&](int64_t n, int64_t d, int64_t h, int) { return y + ((n * out.d + d) * out.h + h) * out.w * out.c; },
        [&](int64_t n, int64_t d, int64_t, const float* row) {
          sums.add(n * out.d + d, row, out.w);
        });
  }, plane_grain(out.n * out.d));
  sums.total(stats, out.n, out.d, out.c, 0);
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

/// dw[27][c] = Σ over blocks, in their order, then over the voxels of a period, of sums[blocks][27][period].
static inline void fold_filter(const float* sums, int64_t blocks, int64_t period, int64_t c, float* dw) {
  std::vector<double> total(static_cast<size_t>(period));
  for (int64_t k = 0; k < 27; k++) {
    std::fill(total.begin(), total.end(), 0.0);
    for (int64_t b = 0; b < blocks; b++)
      for (int64_t i = 0; i < period; i++) total[size_t(i)] += double(sums[(b * 27 + k) * period + i]);
    for (int64_t j = 0; j < c; j++) {
      double s = 0;
      for (int64_t i = j; i < period; i += c) s += total[size_t(i)];
      dw[k * c + j] = float(s);
    }
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
