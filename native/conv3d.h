// Dense 3³ convolution and its gradients, any channel counts, stride 1 or 2, any dilation.
//
//   conv3d_forward(x, w, y, in, co, stride, dilation, activate, stats)      w [3,3,3,ci,co]
//       y = Σ_k f(x)[i·stride + (k−1)·dilation]·w[k]; f = LeakyReLU if `activate`, else the identity
//   conv3d_input_grad(x, w, dy, dx, in, co, stride, dilation, activate, accumulate)
//       x is read only if `activate`; adds to dx if `accumulate`
//   conv3d_filter_grad(x, dy, dw, in, co, stride, dilation, activate)
//       dy of both: planes of a tensor, or of one that a norm's backward pass makes (gradients.h)
//
// `in` is x's shape, y [n, out_size(d), out_size(h), out_size(w), co]; `stats` null or [n][co][2] doubles: Σy, Σy².
//
// How: source planes are activated, padded and laid out so that a tap is an offset, in one of two ways. Where the result's
// channels divide by eight they fill the lanes (direct.h, outer.h). Else there is one image a channel (images.h), so that a
// vector holds neighbouring voxels and no channel count wastes lanes; padded rows follow each other, so a run of results may
// cross them, and the columns that fall into the padding are computed and dropped; at stride 2 the images are split by parity.
// At stride 1 without dilation both compute rows in pairs (pairs.h).
#pragma once
#include "gradients.h"
#include "images.h"
#include "outer.h"

namespace scnas {

/// Results of a correlation (`transposed`: of its input gradient) with `ci` source and `co` result channels, by the layout
/// that suits co: `source(tag)` gives a plane [h][w][ci], `out(n, d, h)` where a row goes, one of `direct_band`; `done(n, d, h, row)`.
template <class Source, class Out, class Done>
static inline void conv3d_planes(const Source& source, const float* w, const Shape& in, int64_t ci, int64_t co, int64_t stride, int64_t dilation,
                                 bool transposed, bool activate, const Out& out, const Done& done) {
  const auto all = [&](const auto& p, const auto& planes) {
    const int64_t count = in.n * p.d.result;
    const auto from = [&](int64_t tag, float* plane) { p.fill(source(tag), plane, activate); };
    parallel_for(count, [&](int64_t begin, int64_t end) { planes(begin, end, from); }, plane_grain(count));
  };
  if (co % 8 == 0) {
    const DirectPlan p(in, ci, stride, dilation, transposed);
    const DirectWeights weights(p, w, ci, co, transposed);
    all(p, [&](int64_t begin, int64_t end, const auto& from) { direct_planes(p, weights, co, begin, end, from, out, done); });
  } else {
    const ImagePlan p(in, ci, stride, dilation, transposed);
    const ChannelCut cut(co);
    const auto phases = phase_taps(p, cut, w, ci, transposed);
    all(p, [&](int64_t begin, int64_t end, const auto& from) { image_planes(p, cut, phases, begin, end, from, out, done); });
  }
}

inline void conv3d_forward(const float* x, const float* w, float* y, const Shape& in, int64_t co, int64_t stride, int64_t dilation, bool activate,
                           double* stats = nullptr) {
  const Shape out = out_shape(in, stride, co);
  const int64_t row = out.w * co;
  PlaneSums sums(out.n * out.d, co, stats);
  conv3d_planes(
      StoredPlanes(x, in), w, in, in.c, co, stride, dilation, false, activate, [&](int64_t n, int64_t d, int64_t h) { return y + ((n * out.d + d) * out.h + h) * row; },
      [&](int64_t n, int64_t d, int64_t, const float* line) {
        sums.add(n * out.d + d, line, out.w);
      });
  sums.total(stats, out.n, out.d, co, 0);
}

template <class Gradient>
inline void conv3d_input_grad(const float* x, const float* w, const Gradient& dy, float* dx, const Shape& in, int64_t co, int64_t stride,
                              int64_t dilation, bool activate, bool accumulate = false) {
  const int64_t row = in.w * in.c, band = direct_band(row);
  const auto at = [&](int64_t n, int64_t d, int64_t h) { return ((n * in.d + d) * in.h + h) * row; };
  conv3d_planes(
      dy, w, in, co, in.c, stride, dilation, true, false,
      [&](int64_t n, int64_t d, int64_t h) { return accumulate ? scratch<1>(band * row) + h % band * row : dx + at(n, d, h); },
      [&](int64_t n, int64_t d, int64_t h, float* line) {
        if (activate) times_leaky_grad(x + at(n, d, h), line, row);
        if (accumulate) add_row(line, dx + at(n, d, h), row);
      });
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

/// Adds the gradient over the result planes begin…end−1 to sums [3][rows of taps][3][ci][co].
template <class Gradient>
static inline void image_filter_planes(const ImagePlan& p, const float* x, const Gradient& dy, const Shape& in, const Shape& out, bool activate,
                                       int64_t begin, int64_t end, float* sums) {
  const int64_t voxels = ((p.paired ? p.rows : out.h) - 1) * p.pitch + out.w, ld = (voxels + 2 * lanes) / lanes * lanes;
  const int64_t dot_run = 64 * lanes, co = out.c, quads = (co + 3) / 4, rows = p.paired ? 4 : 3, size = co * ld;
  int64_t at[12];
  for (int k = 0; k < rows * 3; k++) {
    int64_t r, c, part_h, part_w;
    p.tap(p.h, 0, k / 3, r, part_h);
    p.tap(p.w, 0, k % 3, c, part_w);
    at[k] = p.paired ? k / 3 * p.part + c : (part_h * p.phases + part_w) * p.part + r * p.pitch + c;
  }
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  float* g = scratch<7>((p.paired ? 4 : 1) * size);
  std::fill(g, g + (p.paired ? 4 : 1) * size, 0.f);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, [&](int64_t tag, float* plane) { p.fill(x + tag * in.h * in.w * in.c, plane, activate); });
    const float* rows_of = dy(n * out.d + d);
    for (int64_t h = 0; h < out.h; h++)
      transpose(rows_of + h * out.w * co, co, p.paired ? g + h % 2 * 3 * size + h / 2 * p.pitch : g + h * p.pitch, ld, out.w,
                co, Same{});
    for (int64_t i = 0; p.paired && i < size; i += lanes) {
      const vec a = load(g + i), b = load(g + 3 * size + i);
      store(g + size + i, a + b), store(g + 2 * size + i, a - b);
    }
    for (int64_t from = 0; from < voxels; from += dot_run)
      for (int64_t b = 0; b < quads; b++)
        for (int kd = 0; kd < 3; kd++)
          for (int64_t i = 0; planes[kd] && i < in.c; i++)
            for (int kh = 0; kh < rows; kh++) {
              const int64_t o = co * b / quads, count = co * (b + 1) / quads - o, run = std::min(dot_run, voxels - from);
              const float *xs[3], *gs = g + (p.paired ? kh * size : 0) + o * ld + from;
              float* to[3];
              for (int kw = 0; kw < 3; kw++) {
                xs[kw] = planes[kd] + i * p.image + from + at[kh * 3 + kw];
                to[kw] = sums + (((kd * rows + kh) * 3 + kw) * in.c + i) * co + o;
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

template <class Gradient>
inline void conv3d_filter_grad(const float* x, const Gradient& dy, float* dw, const Shape& in, int64_t co, int64_t stride, int64_t dilation,
                               bool activate) {
  const Shape out = out_shape(in, stride, co);
  const bool lanes_of_channels = co % 8 == 0;
  const DirectPlan direct(in, in.c, stride, dilation, false);
  const bool paired = lanes_of_channels ? direct.paired : in_pairs(stride, dilation);
  const int64_t third = 3 * in.c * co, size = third * (paired ? 12 : 9);
  const int64_t source = in.h * in.w * in.c, result = out.h * out.w * co, plane = direct.plane();
  const auto fill = [&](int64_t tag, float* to) { direct.fill(x + tag * source, to, activate); };
  const bool whole = lanes_of_channels && in.c * co >= 256 && in.n * in.d * plane <= 1 << 19;
  const int64_t blocks = whole ? 1 : sum_blocks(out.n * out.d);
  Buffer sums(blocks * size);
  if (whole) {
    const OuterRows rows(direct, co);
    Buffer planes(in.n * in.d * plane), mixed(out.n * out.d * rows.mixed);
    parallel_for(in.n * in.d, [&](int64_t begin, int64_t end) {
      for (; begin < end; begin++) fill(begin, &planes[begin * plane]);
    });
    const float* all = dy.all();
    Buffer made(all ? 0 : out.size());
    parallel_for(out.n * out.d, [&](int64_t begin, int64_t end) {
      for (; begin < end; begin++) {
        const float* g = dy(begin);
        rows.mix(g, &mixed[begin * rows.mixed]);
        if (!all) std::memcpy(&made[begin * result], g, result * sizeof(float));
      }
    });
    outer_volume(direct, co, in.n, planes.data(), all ? all : made.data(), mixed.data(), sums.data());
  } else {
    const ImagePlan images(in, in.c, stride, dilation, false);
    fixed_blocks(out.n * out.d, blocks, [&](int64_t block, int64_t begin, int64_t end) {
      float* mine = sums.data() + block * size;
      std::fill(mine, mine + size, 0.f);
      if (!lanes_of_channels) image_filter_planes(images, x, dy, in, out, activate, begin, end, mine);
      else outer_planes(direct, co, begin, end, fill, [&](int64_t n, int64_t d) { return dy(n * out.d + d); }, mine);
    });
  }
  fold_products(sums.data(), blocks, paired, third, dw);
}

}  // namespace scnas
