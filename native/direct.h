// Dense 3³ convolution with result channels in the lanes, eight a vector: for channel counts that divide by eight.
//
// Source planes stay channels-last; only their rows are padded, so that a tap is an offset. Taps of a row that lie side by
// side are one run of taps·ci floats, and a few voxels' results in registers are a matrix product over 9 such runs. Rows
// and planes of padding are left out.
#pragma once
#include "planes.h"

namespace scnas {

static SCNAS_INLINE v8 load_v8(const float* p) {
  typedef v8 Loose __attribute__((aligned(4), may_alias));
  return *reinterpret_cast<const Loose*>(p);
}
static SCNAS_INLINE void store_v8(float* p, v8 v) {
  typedef v8 Loose __attribute__((aligned(4), may_alias));
  *reinterpret_cast<Loose*>(p) = v;
}

static SCNAS_INLINE void hold8(v8& v) {
#if defined(__AVX__)
  asm("" : "+x"(v));
#else
  (void)v;
#endif
}

/// Source planes [rows][pitch][c], and where the taps of a row lie for results of each parity.
struct DirectPlan {
  Axis d, h, w;
  int64_t c, pad, pitch, step, phases;  // step: columns from one result of a phase to the next
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
        phases(transposed ? stride : 1) {
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
  int64_t plane() const { return (h.source * pitch + pad) * c; }
  /// Lays plane x [h][w][c] out.
  void fill(const float* x, float* to, bool activate) const {
    for (int64_t r = 0; r < h.source; r++) {
      float* row = to + r * pitch * c;
      std::fill(row, row + pad * c, 0.f);
      copy_leaky(x + r * w.source * c, row + pad * c, w.source * c, activate);
    }
    std::fill(to + h.source * pitch * c, to + plane(), 0.f);
  }
};

/// Vectors of the group that begins at vector v, one to three: twelve sums or nearly so with the voxels that a row of `width` gives.
static inline int64_t direct_group(int64_t co, int64_t v, int64_t width) {
  const int64_t left = co / 8 - v, few = (width + 5) / 6;
  if (left == 1 || left == 3) return left;
  return width < 5 * few && left != 2 && left != 4 ? 3 : 2;
}

/// Weights of each phase as [kd][kh] then group [run][tap][ci][vectors·8].
struct DirectWeights {
  int64_t begin[2], row[2], length[2];  // of a phase: where it begins, floats of one (kd, kh), values of a run
  DirectWeights(const DirectPlan& p, const float* w, int64_t ci, int64_t co, bool transposed) : data(27 * ci * co), memory(data.data()) {
    int64_t start = 0;
    for (int64_t phase = 0; phase < p.phases; phase++) {
      const auto& r = p.runs[phase];
      begin[phase] = start, row[phase] = r.count * r.taps * ci * co, length[phase] = r.taps * ci;
      parallel_for(9, [&, phase](int64_t b, int64_t e) {
        for (; b < e; b++) {
          float* to = data.data() + start + b * row[phase];
          for (int64_t v = 0, size; v < co / 8; v += size) {
            size = direct_group(co, v, p.runs[0].width);
            for (int j = 0; j < r.count * r.taps; j++)
              for (int64_t i = 0; i < ci; i++)
                for (int64_t o = v * 8; o < (v + size) * 8; o++) {
                  const float* k = w + (b * 3 + r.tap[j]) * ci * co;
                  *to++ = transposed ? k[o * ci + i] : k[i * co + o];
                }
          }
        }
      }, 27 * ci * co < 16384 ? 9 : 1);
      start += 9 * row[phase];
    }
  }
  const float* at(int64_t phase) const { return memory + begin[phase]; }

 private:
  Buffer data;
  const float* memory;
};

/// out[m·ldo + o] = Σ_s Σ_j x[s][m·step + j]·w[s][j][o] over M voxels and N vectors of channels, j < length.
template <int N, int M>
static inline void direct_tile(const float* const* x, const float* const* w, int runs, int64_t length, int64_t step, int64_t from, float* out, int64_t ldo) {
  v8 acc[M][N];
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) acc[m][v] = v8{};
  for (int s = 0; s < runs; s++) {
    const float* rows[(M + 2) / 3];
    for (int m = 0; m < M; m += 3) rows[m / 3] = x[s] + from + m * step;
    const float* k = w[s];
    for (int64_t j = 0; j < length; j++, k += N * 8) {
      v8 b[N];
      for (int v = 0; v < N; v++) b[v] = load_v8(k + v * 8), hold8(b[v]);
#pragma GCC unroll 16
      for (int m = 0; m < M; m++) {
        if (m % 3 == 0) opaque(rows[m / 3]);
        const v8 a = rows[m / 3][m % 3 * step + j] - v8{};
        for (int v = 0; v < N; v++) acc[m][v] += a * b[v];
      }
    }
  }
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) store_v8(out + m * ldo + v * 8, acc[m][v]);
}

/// The same for one vector of channels and one run of three taps a voxel apart: a source value, once in a register, serves three results.
template <int M>
static inline void direct_slide(const float* const* x, const float* const* w, int runs, int64_t length, int64_t step, int64_t from, float* out, int64_t ldo) {
  v8 acc[M];
  for (int m = 0; m < M; m++) acc[m] = v8{};
  for (int s = 0; s < runs; s++) {
    const float* columns[(M + 4) / 3];
    for (int m = 0; m < M + 2; m += 3) columns[m / 3] = x[s] + from + m * step;
    const float* k = w[s];
    for (int64_t i = 0; i < step; i++, k += 8) {
      v8 b[3] = {load_v8(k), load_v8(k + step * 8), load_v8(k + step * 16)};
      for (auto& v : b) hold8(v);
#pragma GCC unroll 16
      for (int m = 0; m < M + 2; m++) {
        if (m % 3 == 0) opaque(columns[m / 3]);
        const v8 a = columns[m / 3][m % 3 * step + i] - v8{};
        for (int t = 0; t < 3; t++)
          if (m - t >= 0 && m - t < M) acc[m - t] += a * b[t];
      }
    }
  }
  (void)length;
  for (int m = 0; m < M; m++) store_v8(out + m * ldo, acc[m]);
}

typedef void (*DirectTile)(const float* const*, const float* const*, int, int64_t, int64_t, int64_t, float*, int64_t);
static inline DirectTile direct_tile_of(int64_t vectors, int64_t voxels, bool slides) {
  static constexpr DirectTile slide[] = {direct_slide<1>, direct_slide<2>, direct_slide<3>, direct_slide<4>,
                                         direct_slide<5>, direct_slide<6>, direct_slide<7>, direct_slide<8>,
                                         direct_slide<9>, direct_slide<10>, direct_slide<11>, direct_slide<12>};
  if (slides) return slide[voxels - 1];
  static constexpr DirectTile one[] = {direct_tile<1, 1>, direct_tile<1, 2>, direct_tile<1, 3>, direct_tile<1, 4>,
                                       direct_tile<1, 5>, direct_tile<1, 6>, direct_tile<1, 7>, direct_tile<1, 8>,
                                       direct_tile<1, 9>, direct_tile<1, 10>, direct_tile<1, 11>, direct_tile<1, 12>};
  static constexpr DirectTile two[] = {direct_tile<2, 1>, direct_tile<2, 2>, direct_tile<2, 3>,
                                       direct_tile<2, 4>, direct_tile<2, 5>, direct_tile<2, 6>};
  static constexpr DirectTile three[] = {direct_tile<3, 1>, direct_tile<3, 2>, direct_tile<3, 3>, direct_tile<3, 4>};
  return vectors == 1 ? one[voxels - 1] : vectors == 2 ? two[voxels - 1] : three[voxels - 1];
}

/// How the results of a row are cut into tiles, and what computes each.
struct DirectTiles {
  std::vector<int64_t> begin;
  std::vector<DirectTile> run;
  DirectTiles(int64_t width, int64_t vectors, bool slides) {
    const int64_t most = 12 / vectors, tiles = (width + most - 1) / most;
    for (int64_t t = 0; t < tiles; t++) {
      begin.push_back(width * t / tiles);
      run.push_back(direct_tile_of(vectors, width * (t + 1) / tiles - begin[t], slides));
    }
  }
};

/// Results of planes begin…end−1, `co` channels: `from(tag, plane)` lays a source plane out, `out(n, d, h)` says where a row
/// goes (valid for a band of `direct_band` rows), `done(n, d, h, row)` gets each finished row.
inline int64_t direct_band(int64_t row_floats) { return std::max<int64_t>(1, 12288 / row_floats); }
template <class From, class Out, class Done>
static inline void direct_planes(const DirectPlan& p, const DirectWeights& weights, int64_t co, int64_t begin, int64_t end, const From& from,
                                 const Out& out, const Done& done) {
  const int64_t ci = p.c, line = p.pitch * ci, band = direct_band(p.w.result * co);
  std::vector<DirectTiles> tiles;  // of each phase, for one, two and three vectors
  for (int64_t phase = 0; phase < p.phases; phase++)
    for (int64_t n = 1; n <= 3; n++) tiles.emplace_back(p.runs[phase].width, n, n == 1 && p.step == 1 && p.runs[phase].taps == 3);
  PlaneRing ring{scratch<0>(3 * p.plane()), p.plane()};
  const auto rows = [&](const float* const* planes, int64_t v, int64_t size, int64_t h, int64_t phase, float* to) {
    const auto& r = p.runs[phase];
    const int64_t length = weights.length[phase];
    const float *xs[27], *ws[27], *w = weights.at(phase) + r.count * v * 8 * length;
    int runs = 0;
    for (int kh = 0; kh < 3; kh++) {
      const int64_t row = p.h.at(h, kh);
      for (int kd = 0; row >= 0 && kd < 3; kd++)
        for (int j = 0; planes[kd] && j < r.count; j++, runs++) {
          xs[runs] = planes[kd] + row * line + r.offset[j] * ci;
          ws[runs] = w + (kd * 3 + kh) * weights.row[phase] + j * size * 8 * length;
        }
    }
    const DirectTiles& t = tiles[phase * 3 + size - 1];
    for (size_t i = 0; i < t.begin.size(); i++) {
      const int64_t at = t.begin[i];
      t.run[i](xs, ws, runs, length, p.step * ci, at * p.step * ci, to + (at * p.phases + phase) * co, p.phases * co);
    }
  };
  planes_in_order(p.d, begin, end, [&](int64_t n, int64_t d) {
    const float* planes[3];
    source_planes(p.d, ring, n, d, planes, from);
    for (int64_t first = 0; first < p.h.result; first += band) {
      const int64_t last = std::min(p.h.result, first + band);
      for (int64_t v = 0, size; v < co / 8; v += size) {
        size = direct_group(co, v, p.runs[0].width);
        for (int64_t h = first; h < last; h++)
          for (int64_t phase = 0; phase < p.phases; phase++) rows(planes, v, size, h, phase, out(n, d, h) + v * 8);
      }
      for (int64_t h = first; h < last; h++) done(n, d, h, out(n, d, h));
    }
  });
}

}  // namespace scnas
