// What a maximum's places tell: the voxels themselves.
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
