// Dense 3³ convolution and its gradients, any channel counts, stride 1 or 2, any dilation.
//
//   conv3d_forward(x, w, y, in, co, stride, dilation, activate, stats)      w [3,3,3,ci,co]
//       y = Σ_k f(x)[i·stride + (k−1)·dilation]·w[k]; f = LeakyReLU if `activate`, else the identity
//   conv3d_input_grad(x, w, dy, dx, in, co, stride, dilation, activate, accumulate)
//       x is read only if `activate`; adds to dx if `accumulate`
//   conv3d_filter_grad(x, dy, dw, in, co, stride, dilation, activate)
//
// `in` is x's shape, y [n, out_size(d), out_size(h), out_size(w), co]; `stats` null or [n][co][2] doubles: Σy, Σy².
//
// How: source planes are activated, padded and laid out one image a channel, so that a vector holds neighbouring voxels and
// no channel count wastes lanes. Padded rows follow each other, so a run of results may cross them; the columns that fall
// into the padding are computed and dropped. At stride 2 the images are split by parity.
#pragma once
#include "images.h"
#include "outer.h"

namespace scnas {

inline void conv3d_forward(const float* x, const float* w, float* y, const Shape& in, int64_t co, int64_t stride, int64_t dilation, bool activate,
                           double* stats = nullptr) {
  const Shape out = out_shape(in, stride, co);
  const int64_t source = in.h * in.w * in.c, row = out.w * co;
  std::vector<double> sums(stats ? out.n * out.d * co * 2 : 0);
  const auto add = [&](int64_t n, int64_t d, const float* line) {
    if (stats) add_stats(line, out.w, co, sums.data() + (n * out.d + d) * co * 2, scratch<2>(2 * period_of(co)));
  };
  const auto at = [&](int64_t n, int64_t d, int64_t h) { return y + ((n * out.d + d) * out.h + h) * row; };
  if (co % 8 == 0) {
    const DirectPlan p(in, in.c, stride, dilation, false);
    const DirectWeights weights(p, w, in.c, co, false);
    parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
      direct_planes(
          p, weights, co, begin, end, [&](int64_t tag, float* plane) { p.fill(x + tag * source, plane, activate); }, at,
          [&](int64_t n, int64_t d, int64_t, const float* line) { add(n, d, line); });
    }, plane_grain(out.n * out.d));
  } else {
    const ImagePlan p(in, in.c, stride, dilation, false);
    const ChannelCut cut(co);
    const auto phases = phase_taps(p, cut, w, in.c, false);
    parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
      image_planes(
          p, cut, phases, begin, end, [&](int64_t tag, float* plane) { p.fill(x + tag * source, plane, activate); },
          [&](int64_t n, int64_t d, int64_t h, const float* line) {
            std::memcpy(at(n, d, h), line, row * sizeof(float));
            add(n, d, line);
          });
    }, plane_grain(out.n * out.d));
  }
  if (stats) sum_plane_stats(sums.data(), stats, out.n, out.d, co * 2);
}

inline void conv3d_input_grad(const float* x, const float* w, const float* dy, float* dx, const Shape& in, int64_t co, int64_t stride,
                              int64_t dilation, bool activate, bool accumulate = false) {
  const Shape out = out_shape(in, stride, co);
  const int64_t source = out.h * out.w * co, row = in.w * in.c;
  const auto finish = [&](int64_t n, int64_t d, int64_t h, float* line) {
    const int64_t at = ((n * in.d + d) * in.h + h) * row;
    if (activate) times_leaky_grad(x + at, line, row);
    if (accumulate) add_row(line, dx + at, row);
    else if (line != dx + at) std::memcpy(dx + at, line, row * sizeof(float));
  };
  if (in.c % 8 == 0) {
    const DirectPlan p(in, co, stride, dilation, true);
    const DirectWeights weights(p, w, co, in.c, true);
    const int64_t band = direct_band(row);
    parallel_for(in.n * in.d, [&](int64_t begin, int64_t end) {
      float* lines = accumulate ? scratch<6>(band * row) : nullptr;
      direct_planes(
          p, weights, in.c, begin, end, [&](int64_t tag, float* plane) { p.fill(dy + tag * source, plane, false); },
          [&](int64_t n, int64_t d, int64_t h) { return accumulate ? lines + h % band * row : dx + ((n * in.d + d) * in.h + h) * row; }, finish);
    }, plane_grain(in.n * in.d));
  } else {
    const ImagePlan p(in, co, stride, dilation, true);
    const ChannelCut cut(in.c);
    const auto phases = phase_taps(p, cut, w, co, true);
    parallel_for(in.n * in.d, [&](int64_t begin, int64_t end) {
      image_planes(
          p, cut, phases, begin, end, [&](int64_t tag, float* plane) { p.fill(dy + tag * source, plane, false); }, finish);
    }, plane_grain(in.n * in.d));
  }
}

/// sums[k][o] += Σ_v x[k][v]·g[o·ld + v] for the three taps of a row, k < 3, o < O.
template <int O>
static inline void image_dot(const float* const* x, const float* g, int64_t ld, int64_t voxels, float* const* sums) {
  vec acc[3][O];
  for (int k = 0; k < 3; k++)
    for (int o = 0; o < O; o++) acc[k][o] = vec{};
  for (int64_t v = 0; v < voxels; v += lanes) {
    // All sixteen registers: twelve sums, a, b and y; the compiler reads c from memory.
    vec a = load(x[0] + v), b = load(x[1] + v);
    const vec c = load(x[2] + v);
    hold(a), hold(b);
#pragma GCC unroll 4
    for (int o = 0; o < O; o++) {
      vec y = load(g + o * ld + v);
      hold(y);
      acc[0][o] += a * y;
      acc[1][o] += b * y;
      acc[2][o] += c * y;
    }
  }
  for (int k = 0; k < 3; k++) {
    const vec4 s = sum_lanes(acc[k][0], acc[k][O > 1 ? 1 : 0], acc[k][O > 2 ? 2 : 0], acc[k][O > 3 ? 3 : 0]);
    for (int o = 0; o < O; o++) sums[k][o] += s[o];
  }
}

/// Adds the gradient over the result planes begin…end−1 to sums [27·ci·co].
static inline void image_filter_planes(const ImagePlan& p, const float* x, const float* dy, const Shape& in, const Shape& out, bool activate,
                                       int64_t begin, int64_t end, float* sums) {
  const int64_t voxels = (out.h - 1) * p.pitch + out.w, ld = (voxels + 2 * lanes) / lanes * lanes;
  const int64_t dot_run = 64 * lanes, co = out.c, quads = (co + 3) / 4;
  int64_t at[9];
  for (int kh = 0; kh < 3; kh++)
    for (int kw = 0; kw < 3; kw++) {
      int64_t r, c, part_h, part_w;
      p.tap(p.h, 0, kh, r, part_h);
      p.tap(p.w, 0, kw, c, part_w);
      at[kh * 3 + kw] = (part_h * p.phases + part_w) * p.part + r * p.pitch + c;
    }
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  float* g = scratch<7>(co * ld);
  std::fill(g, g + co * ld, 0.f);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, [&](int64_t tag, float* plane) { p.fill(x + tag * in.h * in.w * in.c, plane, activate); });
    for (int64_t h = 0; h < out.h; h++)
      transpose(dy + ((n * out.d + d) * out.h + h) * out.w * co, co, g + h * p.pitch, ld, out.w, co, Same{});
    for (int64_t from = 0; from < voxels; from += dot_run)
      for (int64_t b = 0; b < quads; b++)
        for (int kd = 0; kd < 3; kd++)
          for (int64_t i = 0; planes[kd] && i < in.c; i++)
            for (int kh = 0; kh < 3; kh++) {
              const int64_t o = co * b / quads, count = co * (b + 1) / quads - o, run = std::min(dot_run, voxels - from);
              const float *xs[3], *gs = g + o * ld + from;
              float* to[3];
              for (int kw = 0; kw < 3; kw++) {
                xs[kw] = planes[kd] + i * p.image + from + at[kh * 3 + kw];
                to[kw] = sums + (((kd * 3 + kh) * 3 + kw) * in.c + i) * co + o;
              }
              switch (count) {
                case 1: image_dot<1>(xs, gs, ld, run, to); break;
                case 2: image_dot<2>(xs, gs, ld, run, to); break;
                case 3: image_dot<3>(xs, gs, ld, run, to); break;
                default: image_dot<4>(xs, gs, ld, run, to);
              }
            }
  });
}

inline void conv3d_filter_grad(const float* x, const float* dy, float* dw, const Shape& in, int64_t co, int64_t stride, int64_t dilation,
                               bool activate) {
  const Shape out = out_shape(in, stride, co);
  const int64_t size = 27 * in.c * co, blocks = sum_blocks(out.n * out.d), source = in.h * in.w * in.c, result = out.h * out.w * co;
  const ImagePlan images(in, in.c, stride, dilation, false);
  const DirectPlan direct(in, in.c, stride, dilation, false);
  Buffer sums(blocks * size);
  fixed_blocks(out.n * out.d, blocks, [&](int64_t block, int64_t begin, int64_t end) {
    float* mine = sums.data() + block * size;
    std::fill(mine, mine + size, 0.f);
    if (co % 8) image_filter_planes(images, x, dy, in, out, activate, begin, end, mine);
    else
      outer_planes(
          direct, co, begin, end, [&](int64_t tag, float* plane) { direct.fill(x + tag * source, plane, activate); },
          [&](int64_t n, int64_t d) { return dy + (n * out.d + d) * result; }, mine);
  });
  parallel_for(size, [&](int64_t b, int64_t e) {
    for (int64_t i = b; i < e; i++) {
      double s = 0;
      for (int64_t k = 0; k < blocks; k++) s += sums[k * size + i];
      dw[i] = float(s);
    }
  }, 4096);
}

}  // namespace scnas
