// Where a convolution's gradients get dy from, plane by plane: a tensor, or what InstanceNorm's backward pass makes of one.
#pragma once
#include "norm.h"
#include "simd.h"

namespace scnas {

/// Planes of a stored tensor of shape s; `all` is the whole of it.
struct StoredPlanes {
  const float* data;
  int64_t size;
  StoredPlanes(const float* tensor, const Shape& s) : data(tensor), size(s.h * s.w * s.c) {}
  const float* operator()(int64_t tag) const { return data + tag * size; }
  const float* all() const { return data; }
};

/// Planes of the gradient that reaches a convolution through the norm after it, never stored as a whole. Each call overwrites what
/// the thread's last one returned.
class NormedPlanes {
 public:
  NormedPlanes(const float* g, const float* kept, const NormedGradient& gradient)
      : g_(g), kept_(kept), by_(gradient), size_(by_.shape.h * by_.shape.w * by_.shape.c) {}
  const float* operator()(int64_t tag) const {
    const float *g = g_ + tag * size_, *kept = kept_ + tag * size_;
    float* to = scratch<8>(size_);
    with_period(by_.shape.c, [&](auto held) {
      const auto f = by_(tag / by_.shape.d, held);
      const auto body = [=](auto access, int64_t i, int64_t p) SCNAS_LAMBDA { access.store(to + i, f(access.load(g + i), access.load(kept + i), p)); };
      each_vector<decltype(held)::value>(size_, body, period(by_.shape.c));
    });
    return to;
  }
  const float* all() const { return nullptr; }

 private:
  const float *g_, *kept_;
  const NormedGradient& by_;
  int64_t size_;
};

}  // namespace scnas
