// Where a convolution's gradients get dy from, plane by plane: a tensor, or what InstanceNorm's backward pass makes of one.
#pragma once
#include "simd.h"

namespace scnas {

/// The gradient that reaches a convolution through the norm after it, never stored as a whole:
/// dy = a·g + b·kept + d with g the norm's own gradient, `kept` its kept tensor, and a, b, d [n·c].
struct NormedGradient {
  const float *g, *kept;
  const float *a, *b, *d;
};

/// Planes of `size` floats of a tensor.
struct StoredPlanes {
  const float* data;
  int64_t size;
  const float* operator()(int64_t tag) const { return data + tag * size; }
  const float* all() const { return data; }
};

/// Planes of a normed gradient of shape s; each call overwrites what the thread's last one returned.
class NormedPlanes {
 public:
  NormedPlanes(const NormedGradient& gradient, const Shape& s)
      : from_(gradient), planes_(s.d), size_(s.h * s.w * s.c), period_(period_of(s.c)), patterns_(s.n * 3 * period_), at_(patterns_.data()) {
    const float* of[3] = {gradient.a, gradient.b, gradient.d};
    for (int64_t n = 0; n < s.n; n++)
      for (int64_t k = 0; k < 3; k++)
        for (int64_t i = 0; i < period_; i++) at_[(n * 3 + k) * period_ + i] = of[k][n * s.c + i % s.c];
  }
  const float* operator()(int64_t tag) const {
    const float *g = from_.g + tag * size_, *kept = from_.kept + tag * size_, *a = at_ + tag / planes_ * 3 * period_;
    float* to = scratch<8>(size_);
    int64_t i = 0, p = 0;
    for (; i + lanes <= size_; i += lanes) {
      store(to + i, load(a + p) * load(g + i) + (load(a + period_ + p) * load(kept + i) + load(a + 2 * period_ + p)));
      p = p + lanes == period_ ? 0 : p + lanes;
    }
    for (; i < size_; i++, p++) to[i] = a[p] * g[i] + (a[period_ + p] * kept[i] + a[2 * period_ + p]);
    return to;
  }
  const float* all() const { return nullptr; }

 private:
  NormedGradient from_;
  int64_t planes_, size_, period_;
  Buffer patterns_;
  float* at_;
};

}  // namespace scnas
