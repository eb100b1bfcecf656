// Planes laid out one image a channel, and the sums that run over them, for the dense convolution (conv3d.h says how).
#pragma once
#include "planes.h"

namespace scnas {

/// A source plane laid out by channel: [channel][phase h][phase w][rows][pitch].
struct ImagePlan {
  Axis d, h, w;
  int64_t c, pad, phases, rows, pitch, part, image;
  ImagePlan(const Shape& in, int64_t channels, int64_t stride, int64_t dilation, bool transposed)
      : d(DepthwisePlan::axis(in.d, stride, dilation, transposed)),
        h(DepthwisePlan::axis(in.h, stride, dilation, transposed)),
        w(DepthwisePlan::axis(in.w, stride, dilation, transposed)),
        c(channels),
        pad(transposed ? (dilation + stride - 1) / stride : dilation),
        phases(transposed ? 1 : stride),
        rows((h.source + 2 * pad + phases - 1) / phases),
        // Of one phase, a row's right padding is the next row's left one.
        pitch(phases == 1 ? w.source + pad : (w.source + 2 * pad + 1) / 2),
        part(rows * pitch),
        image((part * phases * phases + pad + 8 * lanes) / lanes * lanes + lanes) {}
  int64_t plane() const { return c * image; }
  /// Offset of tap k on an axis for results of `phase`, in rows or columns of part `which`; false if it reaches none.
  bool tap(const Axis& a, int64_t phase, int64_t k, int64_t& at, int64_t& which) const {
    if (!a.transposed) {
      at = k * a.dilation / a.stride;
      which = k * a.dilation % a.stride;
      return true;
    }
    const int64_t t = phase + a.dilation - k * a.dilation + pad * a.stride;
    at = t / a.stride;
    which = 0;
    return t % a.stride == 0;
  }
  /// Lays plane x [h][w][c] out.
  template <class F>
  void fill(const float* x, float* to, F f) const {
    std::memset(to, 0, plane() * sizeof(float));
    if (phases == 1) {
      for (int64_t r = 0; r < h.source; r++)
        transpose(x + r * w.source * c, c, to + (r + pad) * pitch + pad, image, w.source, c, f);
      return;
    }
    float* row = scratch<5>(w.source * c);
    for (int64_t r = 0; r < h.source; r++) {
      transpose(x + r * w.source * c, c, row, w.source, w.source, c, f);
      for (int64_t j = 0; j < c; j++)
        for (int64_t first = 0; first < 2; first++) {
          const int64_t q = pad + first;
          float* out = to + j * image + ((r + pad) % 2 * 2 + q % 2) * part + (r + pad) / 2 * pitch + q / 2;
          for (int64_t i = first; i < w.source; i += 2) out[i / 2] = row[j * w.source + i];
        }
    }
  }
  void fill(const float* x, float* to, bool activate) const { activate ? fill(x, to, Leaky{}) : fill(x, to, Same{}); }
};

/// Blocks of result channels: up to 4 go with 3 vectors of voxels (12 sums in registers), 5 or 6 with 2.
struct ChannelCut {
  int64_t n, blocks;
  explicit ChannelCut(int64_t channels) : n(channels), blocks(channels % 4 == 0 || channels < 4 ? (channels + 3) / 4 : (channels + 5) / 6) {}
  int64_t begin(int64_t b) const { return n * b / blocks; }
  int64_t size(int64_t b) const { return begin(b + 1) - begin(b); }
};

/// out[o·ld + v] = Σ_d Σ_i Σ_t x[d][i·image + at[t] + v]·w[d][i][t][o] over T vectors of voxels and O channels.
template <int O, int T>
static inline void image_tile(const float* const* x, const float* const* w, int depth, int64_t channels, int64_t image, const int64_t* at, int taps,
                              float* out, int64_t ld) {
  vec acc[O][T];
  for (int o = 0; o < O; o++)
    for (int v = 0; v < T; v++) acc[o][v] = vec{};
  for (int d = 0; d < depth; d++) {
    const float *p = x[d], *k = w[d];
    for (int64_t i = 0; i < channels; i++, p += image)
      for (int t = 0; t < taps; t++, k += O) {
        const float* q = p + at[t];
        vec s[T];
        for (int v = 0; v < T; v++) s[v] = load(q + v * lanes);
#pragma GCC unroll 6
        for (int o = 0; o < O; o++) {
          const vec b = k[o] - vec{};
          for (int v = 0; v < T; v++) acc[o][v] += s[v] * b;
        }
      }
  }
  for (int o = 0; o < O; o++)
    for (int v = 0; v < T; v++) store(out + o * ld + v * lanes, acc[o][v]);
}

template <int O, int T>
static inline void image_run(const float* const* x, const float* const* w, int depth, int64_t channels, int64_t image, const int64_t* at, int taps,
                             float* out, int64_t ld, int64_t voxels) {
  const float* p[3] = {x[0], x[1], x[2]};
  int64_t v = 0;
  for (; v + (T - 1) * lanes < voxels; v += T * lanes) {
    image_tile<O, T>(p, w, depth, channels, image, at, taps, out + v, ld);
    for (int d = 0; d < depth; d++) p[d] += T * lanes;
  }
  if (v >= voxels) return;
  if (T > 2 && v + lanes < voxels) image_tile<O, 2>(p, w, depth, channels, image, at, taps, out + v, ld);
  else image_tile<O, 1>(p, w, depth, channels, image, at, taps, out + v, ld);
}

/// The taps that reach the results of one parity, and the weights that go with them: per depth tap kd and channel block
/// [ci][taps][block].
struct PhaseTaps {
  int64_t at[9];
  int kernel[9];
  int count = 0;
  std::vector<float> weights;
  int64_t step;  // floats of one kd
  PhaseTaps(const ImagePlan& p, const ChannelCut& cut, int64_t phase_h, int64_t phase_w, const float* w, int64_t ci, bool transposed) {
    for (int kh = 0; kh < 3; kh++)
      for (int kw = 0; kw < 3; kw++) {
        int64_t r, c, part_h, part_w;
        if (!p.tap(p.h, phase_h, kh, r, part_h) || !p.tap(p.w, phase_w, kw, c, part_w)) continue;
        at[count] = (part_h * p.phases + part_w) * p.part + r * p.pitch + c;
        kernel[count++] = kh * 3 + kw;
      }
    step = ci * count * cut.n;
    weights.resize(3 * step);
    for (int kd = 0; kd < 3; kd++)
      for (int64_t b = 0; b < cut.blocks; b++) {
        float* to = weights.data() + kd * step + cut.begin(b) * ci * count;
        for (int64_t i = 0; i < ci; i++)
          for (int t = 0; t < count; t++)
            for (int64_t o = cut.begin(b); o < cut.begin(b + 1); o++) {
              const float* k = w + (kd * 9 + kernel[t]) * ci * cut.n;
              *to++ = transposed ? k[o * ci + i] : k[i * cut.n + o];
            }
      }
  }
};

/// Results of planes begin…end−1: `from(tag, plane)` lays a source plane out, `write(n, d, h, row)` gets each finished row.
template <class From, class Write>
static inline void image_planes(const ImagePlan& p, const ChannelCut& cut, const std::vector<PhaseTaps>& phases, int64_t begin, int64_t end,
                                const From& from, const Write& write) {
  const int64_t co = cut.n, q = p.h.transposed ? p.h.stride : 1;
  const int64_t row_floats = p.w.result * co;
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  float* dense = scratch<6>(2 * row_floats);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float *planes[3], *xs[3] = {};
    source_planes(p.d, ring, n, d, planes, from);
    int used[3], depth = 0;
    for (int k = 0; k < 3; k++)
      if (planes[k]) used[depth++] = k;
    const int64_t lines = (p.h.result + q - 1) / q, band = std::max<int64_t>(1, 480 / p.pitch);
    const int64_t ld = (band * p.pitch + 4 * lanes) / lanes * lanes;
    float* images = scratch<7>(q * co * ld);
    for (int64_t line = 0; line < lines; line += band)
      for (int64_t ph = 0; ph < q; ph++) {
        const int64_t some = std::min(band, (p.h.result - ph + q - 1) / q - line);
        if (some <= 0) continue;
        for (int64_t pw = 0; pw < q; pw++) {
          const PhaseTaps& taps = phases[ph * q + pw];
          const int64_t width = (p.w.result - pw + q - 1) / q, voxels = (some - 1) * p.pitch + width;
          for (int k = 0; k < depth; k++) xs[k] = planes[used[k]] + line * p.pitch;
          for (int64_t b = 0; b < cut.blocks; b++) {
            const float* ws[3];
            for (int k = 0; k < depth; k++) ws[k] = taps.weights.data() + used[k] * taps.step + cut.begin(b) * p.c * taps.count;
            float* out = images + pw * co * ld + cut.begin(b) * ld;
            switch (cut.size(b)) {
#define SCNAS_CASE(O, T) case O: image_run<O, T>(xs, ws, depth, p.c, p.image, taps.at, taps.count, out, ld, voxels); break;
              SCNAS_CASE(1, 3) SCNAS_CASE(2, 3) SCNAS_CASE(3, 3) SCNAS_CASE(4, 3) SCNAS_CASE(5, 2) SCNAS_CASE(6, 2)
#undef SCNAS_CASE
            }
          }
        }
        for (int64_t l = 0; l < some; l++) {
          for (int64_t pw = 0; pw < q; pw++) {
            const int64_t width = (p.w.result - pw + q - 1) / q;
            const float* image = images + pw * co * ld + l * p.pitch;
            if (q == 1) transpose(image, ld, dense, co, co, width, Same{});
            else {
              transpose(image, ld, dense + row_floats, co, co, width, Same{});
              for (int64_t i = 0; i < width; i++) std::memcpy(dense + (i * q + pw) * co, dense + row_floats + i * co, co * sizeof(float));
            }
          }
          write(n, d, (line + l) * q + ph, dense);
        }
      }
  });
}

static inline std::vector<PhaseTaps> phase_taps(const ImagePlan& p, const ChannelCut& cut, const float* w, int64_t ci, bool transposed) {
  std::vector<PhaseTaps> phases;
  const int64_t q = transposed ? p.h.stride : 1;
  for (int64_t ph = 0; ph < q; ph++)
    for (int64_t pw = 0; pw < q; pw++) phases.emplace_back(p, cut, ph, pw, w, ci, transposed);
  return phases;
}

}  // namespace scnas
