// Separable convolution: depthwise 3³ (any stride, dilation), then pointwise, nothing between; and its gradients.
//
//   separable_forward(x, wd, wp, y, in, co, stride, dilation, activate, stats)     wd [3,3,3,c], wp [c, co]
//   separable_input_grad(x, wd, wp, dy, dx, in, co, stride, dilation, activate, accumulate)    x is read only if `activate`
//   separable_filter_grad(x, wd, wp, dy, dwd, dwp, in, co, stride, dilation, activate)    dwd or dwp may be null
//   separable_backward(x, wd, wp, dy, dx, dwd, dwp, in, co, stride, dilation, activate, accumulate)    any of the three may be null
//
// The tensor between the two convolutions never exists as a whole: a row of it is made, used while it is in the cache, and
// made again in the backward pass. dy: planes of a tensor, or of one that a norm's backward pass makes (gradients.h). `accumulate` adds to dx. `stats` null or [n][co][2] doubles: Σy, Σy².
#pragma once
#include "depthwise.h"
#include "gradients.h"
#include "pointwise.h"

namespace scnas {

inline void separable_forward(const float* x, const float* wd, const float* wp, float* y, const Shape& in, int64_t co, int64_t stride,
                              int64_t dilation, bool activate, double* stats = nullptr) {
  const DepthwisePlan p(in, stride, dilation, false);
  const Shape out = out_shape(in, stride, co);
  Buffer weights(27 * p.period);
  repeat_weights(wd, weights.data(), in.c, p.period);
  const Columns columns(wp, in.c, co, false);
  PlaneSums sums(out.n * out.d, co, stats);
  parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
    const int64_t length = out.w * in.c;
    float* middle = scratch<3>(2 * length);
    LateSums late(sums);
    depthwise_planes(
        p, weights.data(), begin, end, FillPlane{p, x, activate}, [&](int64_t, int64_t, int64_t, int slot) { return middle + slot * length; },
        [&](int64_t n, int64_t d, int64_t h, const float* row) {
          float* to = y + ((n * out.d + d) * out.h + h) * out.w * co;
          multiply(row, in.c, out.w, columns, to, co);
          late.add(n * out.d + d, to, out.w);
        });
  }, plane_grain(out.n * out.d));
  sums.total(stats, out.n, out.d, co, 0);
}

template <class Gradient>
inline void separable_input_grad(const float* x, const float* wd, const float* wp, const Gradient& dy, float* dx, const Shape& in, int64_t co,
                                 int64_t stride, int64_t dilation, bool activate, bool accumulate = false) {
  const DepthwisePlan p(in, stride, dilation, true);
  const Shape out = out_shape(in, stride, co);
  Buffer weights(27 * p.period);
  repeat_weights(wd, weights.data(), in.c, p.period);
  const Columns columns(wp, co, in.c, true);
  const int64_t length = in.w * in.c;
  parallel_for(in.n * in.d, [&](int64_t begin, int64_t end) {
    float* added = accumulate ? scratch<3>(2 * length) : nullptr;
    depthwise_planes(
        p, weights.data(), begin, end,
        [&](int64_t tag, float* plane) {
          const float* g = dy(tag);
          for (int64_t h = 0; h < out.h; h++) {
            float* row = plane + h * p.row.length;
            const int64_t left = p.row.pad * in.c, right = left + out.w * in.c;
            std::fill(row, row + left, 0.f);
            multiply(g + h * out.w * co, co, out.w, columns, row + left, in.c);
            std::fill(row + right, row + p.row.length, 0.f);
          }
        },
        [&](int64_t n, int64_t d, int64_t h, int slot) {
          const int64_t at = ((n * in.d + d) * in.h + h) * length;
          if (activate) fetch(x + at, length);
          if (accumulate) fetch(dx + at, length);
          return accumulate ? added + slot * length : dx + at;
        },
        [&](int64_t n, int64_t d, int64_t h, float* row) {
          const int64_t at = ((n * in.d + d) * in.h + h) * length;
          if (activate || accumulate) write_grad(activate ? x + at : nullptr, row, dx + at, length, accumulate);
        });
  }, plane_grain(in.n * in.d));
}

template <class Gradient>
inline void separable_filter_grad(const float* x, const float* wd, const float* wp, const Gradient& dy, float* dwd, float* dwp, const Shape& in,
                                  int64_t co, int64_t stride, int64_t dilation, bool activate) {
  const DepthwisePlan p(in, stride, dilation, false);
  const Shape out = out_shape(in, stride, co);
  Buffer weights(27 * p.period);
  repeat_weights(wd, weights.data(), in.c, p.period);
  const Columns columns(wp, co, in.c, true);
  const int64_t size_d = 27 * p.period, size_p = in.c * Cut(co).padded(), blocks = sum_blocks(out.n * out.d);
  Buffer sums_d(blocks * size_d), sums_p(blocks * size_p);
  fixed_blocks(out.n * out.d, blocks, [&](int64_t block, int64_t begin, int64_t end) {
    float *mine_d = sums_d.data() + block * size_d, *mine_p = sums_p.data() + block * size_p;
    std::fill(mine_d, mine_d + size_d, 0.f);
    std::fill(mine_p, mine_p + size_p, 0.f);
    const int64_t length = out.w * in.c, ld = (length + lanes - 1) / lanes * lanes;
    float* middle = scratch<3>(2 * length);
    float* dmiddle = scratch<4>(out.h * ld);
    float* split = scratch<1>(0);
    PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
    planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
      const float* planes[3];
      source_planes(p.d, ring, n, d, planes, FillPlane{p, x, activate});
      const float* g = dy(n * out.d + d);
      if (dwp)
        depthwise_plane(
            p, weights.data(), planes, split, [&](int64_t, int slot) { return middle + slot * length; },
            [&](int64_t h, const float* row) { add_outer(row, in.c, in.c, g + h * out.w * co, co, co, out.w, mine_p); });
      if (!dwd) return;
      for (int64_t h = 0; h < out.h; h++) {
        multiply(g + h * out.w * co, co, out.w, columns, dmiddle + h * ld, in.c);
        std::fill(dmiddle + h * ld + length, dmiddle + (h + 1) * ld, 0.f);
      }
      depthwise_filter_plane(p, planes, dmiddle, ld, mine_d);
    });
  });
  if (dwd) fold_filter(sums_d.data(), blocks, p.period, in.c, dwd);
  if (dwp) unpack_outer(sums_p.data(), blocks, in.c, co, dwp);
}

template <class Gradient>
inline void separable_backward(const float* x, const float* wd, const float* wp, const Gradient& dy, float* dx, float* dwd, float* dwp,
                               const Shape& in, int64_t co, int64_t stride, int64_t dilation, bool activate, bool accumulate = false) {
  if (dx) separable_input_grad(x, wd, wp, dy, dx, in, co, stride, dilation, activate, accumulate);
  if (dwd || dwp) separable_filter_grad(x, wd, wp, dy, dwd, dwp, in, co, stride, dilation, activate);
}

}  // namespace scnas
