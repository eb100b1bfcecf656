// A unit's kernels by its kind: the result before the norm, and its gradients.
#pragma once
#include "conv3d.h"
#include "count.h"
#include "dag.h"
#include "flat.h"
#include "pool.h"
#include "pool_gradient.h"
#include "separable.h"
#include "upsample.h"

namespace scnas {

inline Sampling half_of(const Term& t, int k) { return {2, k, t.half[0] + t.half[1], k == 0 ? 0 : t.half[0]}; }

// Multiply-adds of the unit's result; each of its gradients takes as many.
inline int64_t multiply_adds(const Term& t) {
  const int64_t voxels = t.out.n * t.out.voxels(), pairs = t.in.c * t.out.c;
  switch (t.kind) {
    case UnitKind::conv: return t.side * t.side * t.side * pairs * voxels;
    case UnitKind::separable: return (27 * t.in.c + pairs) * voxels;
    case UnitKind::reduce: return pairs * voxels;
    default: return 0;
  }
}

// y = unit(x) without its norm; `sums` [n][c][2] doubles Σy, Σy², for convolutions alone; `codes` for a maximum alone, or null.
inline void unit_forward(const Term& t, const float* x, float* y, uint8_t* codes, double* sums) {
  count_multiply_adds(multiply_adds(t));
  switch (t.kind) {
    case UnitKind::conv:
      if (t.side == 1) pointwise_forward(x, t.w[0], y, t.in, t.out.c, t.activate, {t.stride, 0, 0, 0}, sums);
      else conv3d_forward(x, t.w[0], y, t.in, t.out.c, t.stride, t.dilation, t.activate, sums);
      return;
    case UnitKind::separable:
      separable_forward(x, t.w[0], t.w[1], y, t.in, t.out.c, t.stride, t.dilation, t.activate, sums);
      return;
    case UnitKind::reduce:
      for (int k = 0; k < 2; k++)
        if (t.half[k] > 0) pointwise_forward(x, t.w[k], y, t.in, t.half[k], t.activate, half_of(t, k), sums);
      return;
    case UnitKind::max_pool: 
      if (codes) max_pool(PoolPlan(t.in, t.stride), x, y, codes);
      else max_pool(PoolPlan(t.in, t.stride), x, y);
      return;
    case UnitKind::average_pool: average_pool(PoolPlan(t.in, t.stride), x, y); return;
    case UnitKind::upsample:
    case UnitKind::upsample_corners: upsample(t.in, x, t.kind == UnitKind::upsample_corners, y); return;
    case UnitKind::zero: std::fill_n(y, t.out.size(), 0.f); return;
    case UnitKind::identity: return;
  }
}

// Whether its backward pass reads dy plane by plane.
inline bool by_planes(const Term& t) { return t.kind == UnitKind::separable || (t.kind == UnitKind::conv && t.side == 3); }

// From dy, the gradient of the result before the norm: dx (added to if `add`) and the gradients of the weights; each may be null.
// dy: planes of gradients.h; of a unit that is not `by_planes`, stored ones.
template <class Gradient>
inline void unit_backward(const Term& t, const float* x, const Gradient& planes, const uint8_t* codes, float* dx, bool add, float* dw0, float* dw1) {
  const float* dy = planes.all();
  count_multiply_adds(multiply_adds(t) * (int64_t(dx != nullptr) + int64_t(dw0 != nullptr)));
  switch (t.kind) {
    case UnitKind::conv:
      if (t.side == 1) {
        if (dx) pointwise_input_grad(x, t.w[0], dy, dx, t.in, t.out.c, t.activate, {t.stride, 0, 0, 0}, add);
        if (dw0) pointwise_filter_grad(x, dy, dw0, t.in, t.out.c, t.activate, {t.stride, 0, 0, 0});
      } else {
        if (dx) conv3d_input_grad(x, t.w[0], planes, dx, t.in, t.out.c, t.stride, t.dilation, t.activate, add);
        if (dw0) conv3d_filter_grad(x, planes, dw0, t.in, t.out.c, t.stride, t.dilation, t.activate);
      }
      return;
    case UnitKind::separable:
      separable_backward(x, t.w[0], t.w[1], planes, dx, dw0, dw1, t.in, t.out.c, t.stride, t.dilation, t.activate, add);
      return;
    case UnitKind::reduce:
      for (int k = 0; k < 2; k++) {
        if (t.half[k] == 0) continue;
        if (dx) pointwise_input_grad(x, t.w[k], dy, dx, t.in, t.half[k], t.activate, half_of(t, k), add || k > 0);
        float* dw = k == 0 ? dw0 : dw1;
        if (dw) pointwise_filter_grad(x, dy, dw, t.in, t.half[k], t.activate, half_of(t, k));
      }
      return;
    case UnitKind::max_pool:
      if (dx) max_pool_gradient(PoolPlan(t.in, t.stride), dy, codes, dx, add);
      return;
    case UnitKind::average_pool:
      if (dx) average_pool_gradient(PoolPlan(t.in, t.stride), dy, dx, add);
      return;
    case UnitKind::upsample:
    case UnitKind::upsample_corners:
      if (dx) upsample_gradient(t.in, dy, t.kind == UnitKind::upsample_corners, dx, add);
      return;
    case UnitKind::zero:
    case UnitKind::identity: return;
  }
}

}  // namespace scnas
