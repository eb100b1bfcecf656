// Dense 3³ convolution with result channels in the lanes, eight a vector: for channel counts that divide by eight.
//
// Source planes stay channels-last; only their rows are padded, so that a tap is an offset. Taps of a row that lie side by
// side are one run of taps·ci floats, and a few voxels' results in registers are a matrix product over such runs. Rows and
// planes of padding are left out.
//
// At stride 1 without dilation two rows are computed at a time as pairs.h says.
#pragma once
#include "pairs.h"
#include "tiles.h"

namespace scnas {

/// Source planes [rows][pitch][c], and where the taps of a row lie for results of each parity.
struct DirectPlan {
  Axis d, h, w;
  int64_t c, pad, pitch, step, phases;  // step: columns from one result of a phase to the next
  bool paired;                          // rows are laid out as the four d's of each pair of result rows
  struct Runs {
    int count, taps;    // runs, and taps of each
    int64_t offset[3];  // of each run's first tap, in columns from the padded row's begin
    int tap[3];         // in the order of the runs
    int64_t width;      // results of the phase
  } runs[2];
  DirectPlan(const Shape& in, int64_t channels, int64_t stride, int64_t dilation, bool transposed)
      : d(DepthwisePlan::axis(in.d, stride, dilation, transposed)),
        h(DepthwisePlan::axis(in.h, stride, dilation, transposed)),
        w(DepthwisePlan::axis(in.w, stride, dilation, transposed)),
        c(channels),
        pad(transposed ? (dilation + stride - 1) / stride : dilation),
        pitch(w.source + pad),
        step(transposed ? 1 : stride),
        phases(transposed ? stride : 1),
        paired(in_pairs(stride, dilation) && channels >= 4) {
    for (int64_t phase = 0; phase < phases; phase++) {
      Runs& r = runs[phase];
      r.count = 0, r.taps = 1, r.width = (w.result - phase + phases - 1) / phases;
      for (int k = 0; k < 3; k++) {
        const int tap = transposed ? 2 - k : k;  // by growing column
        const int64_t t = transposed ? phase + dilation - tap * dilation + pad * stride : tap * dilation;
        if (transposed && t % stride) continue;
        r.tap[r.count] = tap;
        r.offset[r.count++] = transposed ? t / stride : t;
      }
      if (r.count > 1 && r.offset[1] == r.offset[0] + 1) r.taps = r.count, r.count = 1;
    }
  }
  int64_t line() const { return pitch * c; }
  int64_t pairs() const { return (h.result + 1) / 2; }
  /// Rows of the taps: three, or four products.
  int rows() const { return paired ? 4 : 3; }
  int64_t plane() const { return (paired ? 4 * pairs() : h.source) * line() + pad * c; }
  /// Lays plane x [h][w][c] out.
  void fill(const float* x, float* to, bool activate) const {
    if (paired) return activate ? fill_pairs(x, to, Leaky{}) : fill_pairs(x, to, Same{});
    for (int64_t r = 0; r < h.source; r++) {
      float* row = to + r * line();
      std::fill(row, row + pad * c, 0.f);
      copy_leaky(x + r * w.source * c, row + pad * c, w.source * c, activate);
    }
    std::fill(to + h.source * line(), to + plane(), 0.f);
  }

 private:
  template <class F>
  void fill_pairs(const float* x, float* to, F f) const {
    const int64_t n = w.source * c, down = line();
    float* zeros = scratch<5>(n);
    std::fill(zeros, zeros + n, 0.f);
    const auto row = [&](int64_t r) { return r < 0 || r >= h.source ? zeros : x + r * n; };
    for (int64_t q = 0; q < pairs(); q++, to += 4 * down) {
      for (int j = 0; j < 4; j++) std::fill(to + j * down, to + j * down + pad * c, 0.f);
      const float *x0 = row(2 * q - 1), *x1 = row(2 * q), *x2 = row(2 * q + 1), *x3 = row(2 * q + 2);
      float* out = to + pad * c;
      int64_t i = 0;
      for (; i + lanes <= n; i += lanes)
        pair_sources(f(load(x0 + i)), f(load(x1 + i)), f(load(x2 + i)), f(load(x3 + i)), [&](int j, vec v) { store(out + j * down + i, v); });
      for (; i < n; i++) pair_sources(f(x0[i]), f(x1[i]), f(x2[i]), f(x3[i]), [&](int j, float v) { out[j * down + i] = v; });
    }
    std::fill(to, to + pad * c, 0.f);
  }
};

/// Vectors of the group that begins at vector v, one to three: twelve sums or nearly so with the voxels that a row of `width` gives.
static inline int64_t direct_group(int64_t co, int64_t v, int64_t width) {
  const int64_t left = co / 8 - v, few = (width + 5) / 6;
  if (left == 1 || left == 3) return left;
  if (lanes == 16 && left % 2 == 0) return 2;
  return width < 5 * few && left != 2 && left != 4 ? 3 : 2;
}

/// Weights of each phase as [kd][row of taps] then group [run][tap][ci][vectors·8].
struct DirectWeights {
  int64_t begin[2], row[2], length[2];  // of a phase: where it begins, floats of one row of taps, values of a run
  DirectWeights(const DirectPlan& p, const float* w, int64_t ci, int64_t co, bool transposed)
      : data(p.rows() * 9 * ci * co), memory(data.data()) {
    const int64_t size = ci * co;
    int64_t start = 0;
    for (int64_t phase = 0; phase < p.phases; phase++) {
      const auto& r = p.runs[phase];
      begin[phase] = start, row[phase] = r.count * r.taps * size, length[phase] = r.taps * ci;
      parallel_for(3 * p.rows(), [&, phase](int64_t b, int64_t e) {
        for (; b < e; b++) {
          const int64_t kd = b / p.rows(), kh = b % p.rows();
          float* to = data.data() + start + b * row[phase];
          for (int64_t v = 0, vectors; v < co / 8; v += vectors) {
            vectors = direct_group(co, v, p.runs[0].width);
            for (int j = 0; j < r.count * r.taps; j++)
              for (int64_t i = 0; i < ci; i++)
                for (int64_t o = v * 8; o < (v + vectors) * 8; o++) {
                  const float* k = w + (kd * 9 + r.tap[j]) * size + (transposed ? o * ci + i : i * co + o);
                  *to++ = p.paired ? pair_weight(k, 3 * size, kh, transposed) : k[kh * 3 * size];
                }
          }
        }
      }, 27 * size < 16384 ? 3 * p.rows() : 1);
      start += 3 * p.rows() * row[phase];
    }
  }
  const float* at(int64_t phase) const { return memory + begin[phase]; }

 private:
  Buffer data;
  const float* memory;
};

/// Two rows (or one) of results from their four (three) products m [4][length], v8 vectors of `size` a voxel.
static inline void join_pair(const float* m, int64_t length, int64_t size, float* y0, float* y1, int64_t ldo) {
  for (int64_t i = 0, o = 0; i < length; i += size * 8, o += ldo)
    for (int64_t j = 0; j < size * 8; j += 8) {
      const v8 b = load_v8(m + length + i + j), c = load_v8(m + 2 * length + i + j);
      store_v8(y0 + o + j, load_v8(m + i + j) + b + c);
      if (y1) store_v8(y1 + o + j, b - c + load_v8(m + 3 * length + i + j));
    }
}

/// Results of planes begin…end−1, `co` channels: `from(tag, plane)` lays a source plane out, `out(n, d, h)` says where a row
/// goes (valid for a band of `direct_band` rows), `done(n, d, h, row)` gets each finished row.
inline int64_t direct_band(int64_t row_floats) { return std::max<int64_t>(1, 6144 / row_floats) * 2; }
template <class From, class Out, class Done>
static inline void direct_planes(const DirectPlan& p, const DirectWeights& weights, int64_t co, int64_t begin, int64_t end, const From& from,
                                 const Out& out, const Done& done) {
  const int64_t ci = p.c, line = p.pitch * ci, band = direct_band(p.w.result * co);
  std::vector<DirectTiles> tiles;  // of each phase, for one, two and three vectors
  for (int64_t phase = 0; phase < p.phases; phase++)
    for (int64_t n = 1; n <= 3; n++) tiles.emplace_back(p.runs[phase].width, n, n == 1 && p.step == 1 && p.runs[phase].taps == 3);
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  /// Results of one phase and of vectors v…v+size−1, from rows of taps kh…kh_end−1 at source rows `row(kh)`, −1 for none.
  const auto run = [&](const float* const* planes, int64_t v, int64_t size, int64_t phase, int kh, int kh_end, const auto& row, float* to, int64_t ldo) {
    const auto& r = p.runs[phase];
    const int64_t length = weights.length[phase];
    const float *xs[27], *ws[27], *w = weights.at(phase) + r.count * v * 8 * length;
    int runs = 0;
    for (; kh < kh_end; kh++) {
      const int64_t at = row(kh);
      for (int kd = 0; at >= 0 && kd < 3; kd++)
        for (int j = 0; planes[kd] && j < r.count; j++, runs++) {
          xs[runs] = planes[kd] + at * line + r.offset[j] * ci;
          ws[runs] = w + (kd * p.rows() + kh) * weights.row[phase] + j * size * 8 * length;
        }
    }
    const DirectTiles& t = tiles[phase * 3 + size - 1];
    for (size_t i = 0; i < t.begin.size(); i++)
      t.run[i](xs, ws, runs, length, p.step * ci, t.begin[i] * p.step * ci, to + t.begin[i] * ldo, ldo);
  };
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, from);
    for (int64_t first = 0; first < p.h.result; first += band) {
      const int64_t last = std::min(p.h.result, first + band);
      for (int64_t v = 0, size; v < co / 8; v += size) {
        size = direct_group(co, v, p.runs[0].width);
        if (p.paired)
          for (int64_t h = first; h < last; h += 2) {
            const bool both = h + 1 < last;
            const int64_t ldo = size * 8, length = p.w.result * ldo;
            float* m = scratch<3>(4 * length);
            for (int kh = 0; kh < (both ? 4 : 3); kh++) run(planes, v, size, 0, kh, kh + 1, [&](int64_t k) { return h * 2 + k; }, m + kh * length, ldo);
            join_pair(m, length, size, out(n, d, h) + v * 8, both ? out(n, d, h + 1) + v * 8 : nullptr, co);
          }
        else
          for (int64_t h = first; h < last; h++)
            for (int64_t phase = 0; phase < p.phases; phase++)
              run(planes, v, size, phase, 0, 3, [&](int64_t k) { return p.h.at(h, k); }, out(n, d, h) + v * 8 + phase * co, p.phases * co);
      }
      for (int64_t h = first; h < last; h++) done(n, d, h, out(n, d, h));
    }
  });
}

}  // namespace scnas
