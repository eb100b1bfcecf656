// Separable convolution: depthwise 3³ (any stride, dilation), then pointwise, nothing between; and its gradients.
//
//   separable_forward(x, wd, wp, y, in, co, stride, dilation, activate, stats)     wd [3,3,3,c], wp [c, co]
//   separable_backward(x, wd, wp, dy, dx, dwd, dwp, in, co, stride, dilation, activate, accumulate)    dx, or both dwd and dwp, may be
//       null; without them x is read only if `activate`
//
// The tensor between the two convolutions never exists as a whole: a row of it is made, used while it is in the cache, and
// made again in the backward pass. Its gradient is made once, a plane at a time, for dx and the filters together. dy: planes of a
// tensor, or of one that a norm's backward pass makes (gradients.h). `accumulate` adds to dx. `stats` null or [n][co][2] doubles: Σy, Σy².
#pragma once
#include <optional>

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

/// Sums of the filters' gradients, over blocks of planes of dy that are the same for any number of threads.
class SeparableSums {
 public:
  const DepthwisePlan plan;
  const Shape out;
  const int64_t planes, blocks;
  SeparableSums(const float* x, const float* weights, const Shape& in, int64_t co, int64_t stride, int64_t dilation, bool activate)
      : plan(in, stride, dilation, false), out(out_shape(in, stride, co)), planes(out.n * out.d), blocks(sum_blocks(planes)), x_(x), weights_(weights),
        activate_(activate), size_d_(27 * plan.period), size_p_(in.c * Cut(co).padded()), sums_d_(blocks * size_d_), sums_p_(blocks * size_p_) {}
  int64_t begin(int64_t block) const { return planes * block / blocks; }
  void clear(int64_t from, int64_t to) {
    std::fill(sums_d_.data() + from * size_d_, sums_d_.data() + to * size_d_, 0.f);
    std::fill(sums_p_.data() + from * size_p_, sums_p_.data() + to * size_p_, 0.f);
  }
  PlaneRing ring() const { return {scratch<4>(3 * plan.plane()), plan.plane()}; }
  /// Adds plane `tag` of dy, g, and of the middle's gradient, whose rows are `ld` apart, each zero up to whole vectors.
  void add(PlaneRing& ring, int64_t tag, const float* g, const float* dmiddle, int64_t ld) {
    const int64_t block = ((tag + 1) * blocks - 1) / planes, c = plan.row.c, length = out.w * c;
    const float* sources[3];
    source_planes(plan.d, ring, tag / out.d, tag % out.d, sources, FillPlane{plan, x_, activate_});
    float* middle = scratch<5>(2 * length);
    depthwise_plane(
        plan, weights_, sources, nullptr, [&](int64_t, int slot) { return middle + slot * length; },
        [&](int64_t h, const float* row) { add_outer(row, c, c, g + h * out.w * out.c, out.c, out.c, out.w, sums_p_.data() + block * size_p_); });
    depthwise_filter_plane(plan, sources, dmiddle, ld, sums_d_.data() + block * size_d_);
  }
  void total(float* dwd, float* dwp) const {
    fold_filter(sums_d_.data(), blocks, plan.period, plan.row.c, dwd);
    unpack_outer(sums_p_.data(), blocks, plan.row.c, out.c, dwp);
  }

 private:
  const float *x_, *weights_;
  bool activate_;
  int64_t size_d_, size_p_;
  Buffer sums_d_, sums_p_;
};

template <class Gradient>
inline void separable_backward(const float* x, const float* wd, const float* wp, const Gradient& dy, float* dx, float* dwd, float* dwp,
                               const Shape& in, int64_t co, int64_t stride, int64_t dilation, bool activate, bool accumulate = false) {
  const Shape out = out_shape(in, stride, co);
  const DepthwisePlan p(in, stride, dilation, true);
  Buffer weights(27 * p.period);
  repeat_weights(wd, weights.data(), in.c, p.period);
  const Columns columns(wp, co, in.c, true);
  std::optional<SeparableSums> sums;
  if (dwd) sums.emplace(x, weights.data(), in, co, stride, dilation, activate);
  const int64_t length = in.w * in.c, left = p.row.pad * in.c, right = left + out.w * in.c;
  // Planes begin…end−1 of dx, if `into`, and what planes first…last−1 of dy add to the filters' gradients.
  const auto pass = [&](float* into, int64_t begin, int64_t end, int64_t first, int64_t last) {
    PlaneRing ring{scratch<0>(3 * p.plane() + lanes), p.plane()}, sources{};
    if (first < last) {
      sources = sums->ring();
      ring.data += (lanes - left % lanes) % lanes;  // the filters' sums read rows from whole vectors on
    }
    float* split = scratch<1>(2 * (length + lanes));
    float* added = accumulate ? scratch<3>(2 * length) : nullptr;
    const auto fill = [&](int64_t tag, float* plane) {
      const float* g = dy(tag);
      for (int64_t h = 0; h < out.h; h++) {
        float* row = plane + h * p.row.length;
        std::fill(row, row + left, 0.f);
        multiply(g + h * out.w * co, co, out.w, columns, row + left, in.c);
        std::fill(row + right, row + p.row.length, 0.f);
      }
      if (tag >= first && tag < last) sums->add(sources, tag, g, plane + left, p.row.length);
    };
    planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
      if (!into) {
        if (d % stride == 0) fill(n * out.d + d / stride, ring.data);
        return;
      }
      const float* planes[3];
      source_planes(p.d, ring, n, d, planes, fill);
      const int64_t base = (n * in.d + d) * in.h;
      depthwise_plane(
          p, weights.data(), planes, split,
          [&](int64_t h, int slot) {
            const int64_t at = (base + h) * length;
            if (activate) fetch(x + at, length);
            if (accumulate) fetch(into + at, length);
            return accumulate ? added + slot * length : into + at;
          },
          [&](int64_t h, float* row) {
            const int64_t at = (base + h) * length;
            if (activate || accumulate) write_grad(activate ? x + at : nullptr, row, into + at, length, accumulate);
          });
    });
  };
  // More threads than there are blocks are not kept from dx.
  const bool apart = !sums || Pool::get().threads() > sums->blocks;
  if (dx && apart) parallel_for(in.n * in.d, [&](int64_t begin, int64_t end) { pass(dx, begin, end, 0, 0); }, plane_grain(in.n * in.d));
  if (!sums) return;
  const auto source = [&](int64_t plane) { return plane / out.d * in.d + plane % out.d * stride; };
  parallel_for(sums->blocks, [&](int64_t from, int64_t to) {
    const int64_t first = sums->begin(from), last = sums->begin(to);
    sums->clear(from, to);
    pass(apart ? nullptr : dx, source(first), source(last), first, last);
  }, (plane_grain(sums->planes) * sums->blocks + sums->planes - 1) / sums->planes);
  sums->total(dwd, dwp);
}

}  // namespace scnas
