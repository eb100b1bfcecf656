// Planes laid out one image a channel, and the sums that run over them, for the dense convolution (conv3d.h says how).
#pragma once
#include "pairs.h"

namespace scnas {

/// A source plane laid out by channel: [channel][phase h][phase w][rows][pitch], or [channel][product][pairs][pitch] (pairs.h).
struct ImagePlan {
  Axis d, h, w;
  int64_t c, pad, phases;
  bool paired;
  int64_t rows, pitch, part, image;
  ImagePlan(const Shape& in, int64_t channels, int64_t stride, int64_t dilation, bool transposed)
      : d(DepthwisePlan::axis(in.d, stride, dilation, transposed)),
        h(DepthwisePlan::axis(in.h, stride, dilation, transposed)),
        w(DepthwisePlan::axis(in.w, stride, dilation, transposed)),
        c(channels),
        pad(transposed ? (dilation + stride - 1) / stride : dilation),
        phases(transposed ? 1 : stride),
        paired(in_pairs(stride, dilation)),
        rows(paired ? (h.result + 1) / 2 : (h.source + 2 * pad + phases - 1) / phases),
        // Of one phase, a row's right padding is the next row's left one.
        pitch(phases == 1 ? w.source + pad : (w.source + 2 * pad + 1) / 2),
        part(rows * pitch),
        image((part * (paired ? 4 : phases * phases) + pad + 8 * lanes) / lanes * lanes + lanes) {}
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
    if (paired) return fill_pairs(x, to, f);
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

 private:
  template <class F>
  void fill_pairs(const float* x, float* to, F f) const {
    const int64_t n = w.source, ld = (n + lanes - 1) / lanes * lanes, line = c * ld;
    float* held = scratch<5>(5 * line);  // rows by channel; row r of the plane is held at r % 4, zeros after them
    std::fill(held + 4 * line, held + 5 * line, 0.f);
    const auto row = [&](int64_t r) { return held + (r < 0 || r >= h.source ? 4 : r % 4) * line; };
    for (int64_t q = 0, ready = 0; q < rows; q++) {
      for (; ready < std::min(h.source, 2 * q + 3); ready++) transpose(x + ready * n * c, c, held + ready % 4 * line, ld, n, c, f);
      for (int64_t j = 0; j < c; j++) {
        const float *x0 = row(2 * q - 1) + j * ld, *x1 = row(2 * q) + j * ld, *x2 = row(2 * q + 1) + j * ld, *x3 = row(2 * q + 2) + j * ld;
        float* out = to + j * image + q * pitch + pad;
        for (int k = 0; k < 4; k++) std::fill(out + k * part - pad, out + k * part, 0.f);
        int64_t i = 0;
        for (; i + lanes <= n; i += lanes)
          pair_sources(load(x0 + i), load(x1 + i), load(x2 + i), load(x3 + i), [&](int k, vec v) { store(out + k * part + i, v); });
        for (; i < n; i++) pair_sources(x0[i], x1[i], x2[i], x3[i], [&](int k, float v) { out[k * part + i] = v; });
      }
    }
    for (int64_t j = 0; j < c; j++) std::fill(to + j * image + 4 * part, to + (j + 1) * image, 0.f);
  }
};

/// Blocks of result channels: up to 4 go with 3 vectors of voxels (12 sums in registers), 5 or 6 with 2.
struct ChannelCut {
  int64_t n, blocks;
  explicit ChannelCut(int64_t channels) : n(channels), blocks(channels % 4 == 0 || channels < 4 ? (channels + 3) / 4 : (channels + 5) / 6) {}
  int64_t begin(int64_t b) const { return n * b / blocks; }
  int64_t size(int64_t b) const { return begin(b + 1) - begin(b); }
};

/// out[o·ld + v] = Σ_d Σ_i Σ_t x[d][i·image + at[t] + v]·w[d][i][t][o] over T vectors of voxels and O channels. `Row`: the taps
/// are three, one voxel apart.
template <int O, int T, bool Row>
static inline void image_tile(const float* const* x, const float* const* w, int depth, int64_t channels, int64_t image, const int64_t* at, int taps,
                              float* out, int64_t ld) {
  vec acc[O][T];
  for (int o = 0; o < O; o++)
    for (int v = 0; v < T; v++) acc[o][v] = vec{};
  for (int d = 0; d < depth; d++) {
    const float *p = x[d] + (Row ? at[0] : 0), *k = w[d];
    for (int64_t i = 0; i < channels; i++, p += image)
#pragma GCC unroll 1
      for (int t = 0; t < (Row ? 3 : taps); t++, k += O) {
        const float* q = p + (Row ? t : at[t]);
        vec s[T];
        for (int v = 0; v < T; v++) s[v] = load(q + v * lanes), hold(s[v]);
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

template <int O, int T, bool Row>
static inline void image_run_by(const float* const* x, const float* const* w, int depth, int64_t channels, int64_t image, const int64_t* at, int taps,
                                float* out, int64_t ld, int64_t voxels) {
  const float* p[3] = {x[0], x[1], x[2]};
  int64_t v = 0;
  for (; v + (T - 1) * lanes < voxels; v += T * lanes) {
    image_tile<O, T, Row>(p, w, depth, channels, image, at, taps, out + v, ld);
    for (int d = 0; d < depth; d++) p[d] += T * lanes;
  }
  if (v >= voxels) return;
  if (T > 2 && v + lanes < voxels) image_tile<O, 2, Row>(p, w, depth, channels, image, at, taps, out + v, ld);
  else image_tile<O, 1, Row>(p, w, depth, channels, image, at, taps, out + v, ld);
}
template <int O, int T>
static inline void image_run(const float* const* x, const float* const* w, int depth, int64_t channels, int64_t image, const int64_t* at, int taps,
                             float* out, int64_t ld, int64_t voxels) {
  if (taps == 3 && at[1] == at[0] + 1 && at[2] == at[0] + 2) image_run_by<O, T, true>(x, w, depth, channels, image, at, taps, out, ld, voxels);
  else image_run_by<O, T, false>(x, w, depth, channels, image, at, taps, out, ld, voxels);
}

/// The taps that reach the results of one parity (or enter product phase_h of a pair), and the weights that go with them: per depth tap kd and channel block
/// [ci][taps][block].
struct PhaseTaps {
  int64_t at[9];
  int kernel[9];
  int count = 0;
  std::vector<float> weights;
  int64_t step;  // floats of one kd
  PhaseTaps(const ImagePlan& p, const ChannelCut& cut, int64_t phase_h, int64_t phase_w, const float* w, int64_t ci, bool transposed) {
    for (int kh = 0; kh < (p.paired ? 1 : 3); kh++)
      for (int kw = 0; kw < 3; kw++) {
        int64_t r, c, part_h, part_w;
        if (p.paired) {
          at[count] = phase_h * p.part + kw;
          kernel[count++] = transposed ? 2 - kw : kw;
          continue;
        }
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
              const float* value = k + (transposed ? o * ci + i : i * cut.n + o);
              *to++ = p.paired ? pair_weight(value, 3 * ci * cut.n, phase_h, transposed) : *value;
            }
      }
  }
};

/// Results of planes begin…end−1: `from(tag, plane)` lays a source plane out, `out(n, d, h)` says where a row goes,
/// `done(n, d, h, row)` gets each finished row.
template <class From, class Out, class Done>
static inline void image_planes(const ImagePlan& p, const ChannelCut& cut, const std::vector<PhaseTaps>& phases, int64_t begin, int64_t end,
                                const From& from, const Out& out, const Done& done) {
  const int64_t co = cut.n, q = p.h.transposed ? p.h.stride : 1, lines = p.paired ? p.rows : (p.h.result + q - 1) / q;
  const int64_t band = std::max<int64_t>(1, (p.paired ? 240 : 480) / p.pitch), ld = (band * p.pitch + 4 * lanes) / lanes * lanes;
  const int64_t size = co * ld;
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  float* dense = scratch<6>(p.w.result * co);
  float* images = scratch<7>((p.paired ? 4 : q) * size);
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float *planes[3], *xs[3] = {};
    source_planes(p.d, ring, n, d, planes, from);
    int used[3], depth = 0;
    for (int k = 0; k < 3; k++)
      if (planes[k]) used[depth++] = k;
    /// Images of all channels by some taps, from a line on.
    const auto run = [&](const PhaseTaps& taps, int64_t line, int64_t voxels, float* to) {
      for (int k = 0; k < depth; k++) xs[k] = planes[used[k]] + line * p.pitch;
      for (int64_t b = 0; b < cut.blocks; b++) {
        const float* ws[3];
        for (int k = 0; k < depth; k++) ws[k] = taps.weights.data() + used[k] * taps.step + cut.begin(b) * p.c * taps.count;
        float* image = to + cut.begin(b) * ld;
        switch (cut.size(b)) {
#define SCNAS_CASE(O, T) case O: image_run<O, T>(xs, ws, depth, p.c, p.image, taps.at, taps.count, image, ld, voxels); break;
          SCNAS_CASE(1, 3) SCNAS_CASE(2, 3) SCNAS_CASE(3, 3) SCNAS_CASE(4, 3) SCNAS_CASE(5, 2) SCNAS_CASE(6, 2)
#undef SCNAS_CASE
        }
      }
    };
    for (int64_t line = 0; line < lines; line += band) {
      if (p.paired) {
        const int64_t some = std::min(band, lines - line), voxels = (some - 1) * p.pitch + p.w.result;
        for (int64_t j = 0; j < 4; j++) run(phases[j], line, voxels, images + j * size);
        for (int64_t o = 0; o < co; o++)
          for (float *m = images + o * ld, *stop = m + voxels; m < stop; m += lanes) {
            const vec b = load(m + size), c = load(m + 2 * size);
            store(m, load(m) + b + c);
            store(m + 3 * size, b - c + load(m + 3 * size));
          }
        // A row is done with after the next is written: read at once, it would have to wait for the store queue.
        float* before = nullptr;
        const int64_t stop = std::min(p.h.result, 2 * (line + some));
        for (int64_t h = 2 * line; h <= stop; h++) {
          float* row = h < stop ? out(n, d, h) : nullptr;
          if (row) transpose(images + h % 2 * 3 * size + (h / 2 - line) * p.pitch, ld, row, co, co, p.w.result, Same{});
          if (before) done(n, d, h - 1, before);
          before = row;
        }
        continue;
      }
      for (int64_t ph = 0; ph < q; ph++) {
        const int64_t some = std::min(band, (p.h.result - ph + q - 1) / q - line);
        for (int64_t pw = 0; some > 0 && pw < q; pw++)
          run(phases[ph * q + pw], line, (some - 1) * p.pitch + (p.w.result - pw + q - 1) / q, images + pw * size);
        for (int64_t l = 0; l < some; l++) {
          const int64_t h = (line + l) * q + ph;
          float* row = out(n, d, h);
          for (int64_t pw = 0; pw < q; pw++) {
            const int64_t width = (p.w.result - pw + q - 1) / q;
            transpose(images + pw * size + l * p.pitch, ld, q == 1 ? row : dense, co, co, width, Same{});
            for (int64_t i = 0; q > 1 && i < width; i++) std::memcpy(row + (i * q + pw) * co, dense + i * co, co * sizeof(float));
          }
          done(n, d, h, row);
        }
      }
    }
  });
}

static inline std::vector<PhaseTaps> phase_taps(const ImagePlan& p, const ChannelCut& cut, const float* w, int64_t ci, bool transposed) {
  std::vector<PhaseTaps> phases;
  const int64_t q = transposed ? p.h.stride : 1;
  for (int64_t j = 0; p.paired && j < 4; j++) phases.emplace_back(p, cut, j, 0, w, ci, transposed);
  for (int64_t ph = 0; !p.paired && ph < q; ph++)
    for (int64_t pw = 0; pw < q; pw++) phases.emplace_back(p, cut, ph, pw, w, ci, transposed);
  return phases;
}

}  // namespace scnas
