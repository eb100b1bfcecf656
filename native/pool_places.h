// What a maximum's places tell: the voxels themselves, and where its gradient goes.
#pragma once
#include "pool_window.h"

namespace scnas {

// How far from a window's middle each of its places lies, in floats.
struct PoolOffsets {
  int64_t at[27];
  explicit PoolOffsets(const PoolPlan& p) {
    for (int64_t k = 0; k < 27; k++) at[k] = ((k / 9 - 1) * p.in.h + k / 3 % 3 - 1) * p.in_row() + (k % 3 - 1) * p.in.c;
  }
};

// dx (+)= Σ of dy over the windows whose largest value is there; `accumulate` adds.
//
// Every result sends itself to where it came from. Blocks of result planes that are two apart reach no common source plane, so
// every other block runs in parallel, then the ones between.
inline void scatter_max_gradient(const PoolPlan& p, const float* dy, const uint8_t* codes, float* dx, bool accumulate = false) {
  constexpr int64_t kPlanes = 2;
  const int64_t row = p.in_row(), result = p.out_row(), c = p.in.c, stride = p.w.stride;
  const int64_t blocks = (p.out.d + kPlanes - 1) / kPlanes;
  if (!accumulate)
    parallel_for(p.in.n * p.in.d, [&](int64_t b, int64_t e) { std::fill(dx + b * p.in.h * row, dx + e * p.in.h * row, 0.f); });
  const PoolOffsets offset(p);
  for (int64_t parity = 0; parity < 2; parity++) {
    const int64_t some = (blocks + 1 - parity) / 2;
    parallel_for(p.in.n * some, [&](int64_t begin, int64_t end) {
      for (int64_t k = begin; k < end; k++) {
        const int64_t n = k / some, first = (2 * (k % some) + parity) * kPlanes, last = std::min(first + kPlanes, p.out.d);
        for (int64_t r = first * p.out.h; r < last * p.out.h; r++) {
          const int64_t d = r / p.out.h, h = r % p.out.h, at = (n * p.out.d * p.out.h + r) * result;
          float* to = dx + ((n * p.in.d + d * stride) * p.in.h + h * stride) * row;
          const float* g = dy + at;
          const uint8_t* code = codes + at;
          if (stride == 1)
            for (int64_t i = 0; i < result; i++) to[i + offset.at[code[i]]] += g[i];
          else
            for (int64_t w = 0; w < p.out.w; w++, to += 2 * c, g += c, code += c)
              for (int64_t j = 0; j < c; j++) to[j + offset.at[code[j]]] += g[j];
        }
      }
    });
  }
}

// y = the voxels that the places tell: what max_pool gave.
inline void max_of_places(const PoolPlan& p, const float* x, const uint8_t* codes, float* y) {
  const int64_t row = p.in_row(), result = p.out_row(), c = p.in.c, stride = p.w.stride;
  const PoolOffsets offset(p);
  parallel_for(p.out.n * p.out.d * p.out.h, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const int64_t h = r % p.out.h, d = r / p.out.h % p.out.d, n = r / p.out.h / p.out.d;
      const float* from = x + ((n * p.in.d + d * stride) * p.in.h + h * stride) * row;
      for (int64_t w = 0, i = r * result; w < p.out.w; w++, from += stride * c)
        for (int64_t j = 0; j < c; j++, i++) y[i] = from[j + offset.at[codes[i]]];
    }
  }, 4);
}

}  // namespace scnas
