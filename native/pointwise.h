// Pointwise (1³) convolution and its gradients, any stride, with an offset of the sampled voxels, from or into a slice of
// the channels of a wider tensor (so that two of them make a factorized reduce without a concatenation).
//
//   Sampling {stride, offset, ld, first}: result voxel i reads source voxel i·stride + offset on each axis, zero outside;
//       the result's channels are first … first+co−1 of a tensor with ld channels (ld 0: just co)
//   pointwise_forward(x, w, y, in, co, activate, sampling, stats)     w [ci, co]; y [n, out_size(d), …, ld]
//   pointwise_input_grad(x, w, dy, dx, in, co, activate, sampling, add)
//       writes the whole of dx (zero where no result reads), or with `add` adds to it; x is read only if `activate`
//   pointwise_filter_grad(x, dy, dw, in, co, activate, sampling)
//
// `in` is x's shape; `stats` null or [n][ld][2] doubles, of which the slice is written: Σy, Σy².
#pragma once
#include "depthwise.h"
#include "gemm.h"

namespace scnas {

struct Sampling {
  int64_t stride = 1, offset = 0, ld = 0, first = 0;
};

constexpr int64_t voxel_run = 48;  // voxels a thread takes at a time: a multiple of every tile height

/// Runs f(n, d, h0, w0, voxels) over runs of the plane's result voxels; `through`: a run may go on over the rows.
template <class F>
static inline void result_runs(const Shape& out, bool through, int64_t plane, const F& f) {
  const int64_t n = plane / out.d, d = plane % out.d, rows = through ? 1 : out.h, length = out.h * out.w / rows;
  for (int64_t h = 0; h < rows; h++)
    for (int64_t w = 0; w < length; w += voxel_run) f(n, d, h, w, std::min(voxel_run, length - w));
}

/// Where a run of one row begins in the source, in floats, and how many of its voxels lie inside.
struct Strided {
  int64_t at, inside;
  Strided(const Shape& in, const Sampling& s, int64_t n, int64_t d, int64_t h, int64_t w, int64_t voxels) {
    const int64_t sd = d * s.stride + s.offset, sh = h * s.stride + s.offset, sw = w * s.stride + s.offset;
    const bool reads = sd < in.d && sh < in.h && sw < in.w;
    inside = reads ? std::min(voxels, (in.w - sw - 1) / s.stride + 1) : 0;
    at = reads ? (((n * in.d + sd) * in.h + sh) * in.w + sw) * in.c : 0;
  }
};

/// The source voxels of a run, activated, [voxels][ci]: x itself where it can be, else copied to `to`.
static inline const float* gather_run(const float* x, const Shape& in, const Sampling& s, int64_t n, int64_t d, int64_t h, int64_t w, int64_t voxels,
                                      bool activate, float* to) {
  const int64_t c = in.c;
  if (s.stride == 1 && s.offset == 0) {
    const float* from = x + ((n * in.d + d) * in.h * in.w + h * in.w + w) * c;
    if (!activate) return from;
    copy_leaky(from, to, voxels * c, true);
    return to;
  }
  const Strided from(in, s, n, d, h, w, voxels);
  copy_voxels(x + from.at, s.stride, to, 1, from.inside, c, activate);
  std::fill(to + from.inside * c, to + voxels * c, 0.f);
  return to;
}

inline void pointwise_forward(const float* x, const float* w, float* y, const Shape& in, int64_t co, bool activate, Sampling s = {},
                              double* stats = nullptr) {
  const int64_t ld = s.ld ? s.ld : co;
  const Shape out = out_shape(in, s.stride, co);
  const Columns columns(w, in.c, co, false);
  PlaneSums sums(out.n * out.d, co, stats);
  parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
    float* source = scratch<3>(voxel_run * in.c);
    float* dense = scratch<4>(voxel_run * co);
    for (int64_t p = begin; p < end; p++)
      result_runs(out, s.stride == 1 && s.offset == 0, p, [&](int64_t n, int64_t d, int64_t h, int64_t v, int64_t voxels) {
        const float* a = gather_run(x, in, s, n, d, h, v, voxels, activate, source);
        float* to = y + (p * out.h * out.w + h * out.w + v) * ld + s.first;
        if (ld == co || !stats) multiply(a, in.c, voxels, columns, to, ld);
        else {
          multiply(a, in.c, voxels, columns, dense, co);
          for (int64_t i = 0; i < voxels; i++) std::memcpy(to + i * ld, dense + i * co, co * sizeof(float));
        }
        sums.add(p, ld == co ? to : dense, voxels);
      });
  });
  sums.total(stats, out.n, out.d, ld, s.first);
}

inline void pointwise_input_grad(const float* x, const float* w, const float* dy, float* dx, const Shape& in, int64_t co, bool activate,
                                 Sampling s = {}, bool add = false) {
  const int64_t ld = s.ld ? s.ld : co, c = in.c;
  const Shape out = out_shape(in, s.stride, co);
  const Columns columns(w, co, c, true);
  const bool dense = s.stride == 1 && s.offset == 0;
  // At stride 2 a result plane's two source planes are cleared just before it is added to them; else everything first.
  const bool pairs = s.stride == 2 && s.offset < 2;
  const int64_t plane = in.h * in.w * c;
  if (!dense && !add && !pairs) parallel_for(in.n * in.d, [&](int64_t b, int64_t e) { std::fill(dx + b * plane, dx + e * plane, 0.f); });
  parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
    float* source = scratch<3>(voxel_run * c);
    for (int64_t p = begin; p < end; p++) {
      const int64_t first = p % out.d * 2, base = p / out.d * in.d;
      if (pairs && !add) std::fill(dx + (base + first) * plane, dx + (base + std::min(first + 2, in.d)) * plane, 0.f);
      result_runs(out, dense, p, [&](int64_t n, int64_t d, int64_t h, int64_t v, int64_t voxels) {
        const float* g = dy + (p * out.h * out.w + h * out.w + v) * ld + s.first;
        if (dense) {
          const int64_t at = (p * out.h * out.w + v) * c;
          float* to = add ? source : dx + at;
          multiply(g, ld, voxels, columns, to, c);
          if (activate || add) write_grad(activate ? x + at : nullptr, to, dx + at, voxels * c, add);
          return;
        }
        const Strided to(in, s, n, d, h, v, voxels);
        multiply(g, ld, to.inside, columns, source, c);
        with_channels(c, [&, from = activate ? x + to.at : nullptr, into = dx + to.at, step = s.stride](auto channels) {
          for (int64_t i = 0; i < to.inside; i++) {
            const int64_t at = i * step * channels;
            write_grad(from ? from + at : nullptr, source + i * channels, into + at, channels, true);
          }
        });
      });
    }
  });
}

inline void pointwise_filter_grad(const float* x, const float* dy, float* dw, const Shape& in, int64_t co, bool activate, Sampling s = {}) {
  const int64_t ld = s.ld ? s.ld : co;
  const Shape out = out_shape(in, s.stride, co);
  const int64_t size = in.c * Cut(co).padded(), blocks = sum_blocks(out.n * out.d);
  Buffer sums(blocks * size);
  fixed_blocks(out.n * out.d, blocks, [&](int64_t block, int64_t begin, int64_t end) {
    float* mine = sums.data() + block * size;
    std::fill(mine, mine + size, 0.f);
    float* source = scratch<3>(voxel_run * in.c);
    for (int64_t p = begin; p < end; p++)
      result_runs(out, s.stride == 1 && s.offset == 0, p, [&](int64_t n, int64_t d, int64_t h, int64_t v, int64_t voxels) {
        const float* a = gather_run(x, in, s, n, d, h, v, voxels, activate, source);
        add_outer(a, in.c, in.c, dy + (p * out.h * out.w + h * out.w + v) * ld + s.first, ld, co, voxels, mine);
      });
  });
  unpack_outer(sums.data(), blocks, in.c, co, dw);
}

}  // namespace scnas
