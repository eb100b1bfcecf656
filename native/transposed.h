// LeakyReLU and a transposed convolution whose kernel is as wide as its stride, and its gradients. No two taps meet in a result, so a row of x
// gives sd·sh rows of y, each the product of its voxels with one [ci, sw·co] of the weights: written where it belongs, nothing is moved after.
//
//   up_forward(u, x, w, y)             w [sd, sh, sw, co, ci]; y [n, d·sd, h·sh, w·sw, co]
//   up_input_grad(u, x, w, dy, dx)
//   up_filter_grad(u, x, dy, dw)
#pragma once
#include <deque>

#include "gemm.h"

namespace scnas {

/// The shape of x, the strides and the channels of the result.
struct Up {
  Shape in;
  int64_t sd, sh, sw, co;
  Shape out() const { return {in.n, in.d * sd, in.h * sh, in.w * sw, co}; }
  /// Results of one voxel along the innermost axis, and of one voxel in all.
  int64_t run() const { return sw * co; }
  int64_t taps() const { return sd * sh * run(); }
  int64_t multiply_adds() const { return in.n * in.voxels() * in.c * taps(); }
  /// Where row (plane p of x, h) of tap (a, b) begins in y.
  int64_t row(int64_t p, int64_t h, int64_t a, int64_t b) const {
    const int64_t n = p / in.d, d = p % in.d;
    return ((n * in.d * sd + d * sd + a) * in.h * sh + h * sh + b) * in.w * run();
  }
  /// The results of a row of x side by side, [w][taps].
  void gather(const float* y, int64_t p, int64_t h, float* to) const {
    for (int64_t a = 0; a < sd; a++)
      for (int64_t b = 0; b < sh; b++) {
        const float* from = y + row(p, h, a, b);
        for (int64_t v = 0; v < in.w; v++) std::memcpy(to + v * taps() + (a * sh + b) * run(), from + v * run(), run() * sizeof(float));
      }
  }
};

inline void up_forward(const Up& u, const float* x, const float* w, float* y) {
  const int64_t c = u.in.c, length = u.in.w * c;
  std::deque<Columns> columns;
  for (int64_t k = 0; k < u.sd * u.sh; k++) columns.emplace_back(w + k * u.run() * c, c, u.run(), true);
  parallel_for(u.in.n * u.in.d, [&](int64_t begin, int64_t end) {
    float* source = scratch<3>(length);
    for (int64_t p = begin; p < end; p++)
      for (int64_t h = 0; h < u.in.h; h++) {
        copy_leaky(x + (p * u.in.h + h) * length, source, length, true);
        for (int64_t k = 0; k < u.sd * u.sh; k++)
          multiply(source, c, u.in.w, columns[size_t(k)], y + u.row(p, h, k / u.sh, k % u.sh), u.run());
      }
  });
}

inline void up_input_grad(const Up& u, const float* x, const float* w, const float* dy, float* dx) {
  const int64_t c = u.in.c, length = u.in.w * c;
  const Columns columns(w, u.taps(), c, false);
  parallel_for(u.in.n * u.in.d, [&](int64_t begin, int64_t end) {
    float* results = scratch<3>(u.in.w * u.taps());
    for (int64_t p = begin; p < end; p++)
      for (int64_t h = 0; h < u.in.h; h++) {
        const int64_t at = (p * u.in.h + h) * length;
        u.gather(dy, p, h, results);
        multiply(results, u.taps(), u.in.w, columns, dx + at, c);
        times_leaky_grad(x + at, dx + at, length);
      }
  });
}

inline void up_filter_grad(const Up& u, const float* x, const float* dy, float* dw) {
  const int64_t c = u.in.c, length = u.in.w * c, planes = u.in.n * u.in.d;
  const int64_t size = u.taps() * Cut(c).padded(), blocks = sum_blocks(planes);
  Buffer sums(blocks * size);
  fixed_blocks(planes, blocks, [&](int64_t block, int64_t begin, int64_t end) {
    float* mine = sums.data() + block * size;
    std::fill(mine, mine + size, 0.f);
    float *source = scratch<3>(length), *results = scratch<4>(u.in.w * u.taps());
    for (int64_t p = begin; p < end; p++)
      for (int64_t h = 0; h < u.in.h; h++) {
        copy_leaky(x + (p * u.in.h + h) * length, source, length, true);
        u.gather(dy, p, h, results);
        add_outer(results, u.taps(), u.taps(), source, c, c, u.in.w, mine);
      }
  });
  unpack_outer(sums.data(), blocks, u.taps(), c, dw);
}

}  // namespace scnas
