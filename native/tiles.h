// The inner loops of direct.h: a few voxels' results in registers, eight channels a vector, as a matrix product over runs of
// source values.
#pragma once
#include "simd.h"

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

/// N eights of channels as vectors of V: two as one vector where it holds sixteen.
template <int N>
struct Eights {
  typedef std::conditional_t<N == 2 && lanes == 16, vec, v8> V;
  static constexpr int vectors = N * 32 / int(sizeof(V));
  static SCNAS_INLINE void load(const float* p, V* v) {
    for (int i = 0; i < vectors; i++) {
      v[i] = load_as<V>(p + i * int(sizeof(V)) / 4);
#if defined(__AVX__)
      asm("" : "+x"(v[i]));  // kept in a register (simd.h)
#endif
    }
  }
};
/// Voxels of a tile: twelve sums.
template <int N>
constexpr int most_voxels = 12 / Eights<N>::vectors;

/// out[m·ldo + o] = Σ_s Σ_j x[s][m·step + j]·w[s][j][o] over M voxels and N vectors of channels, j < length.
template <int N, int M>
static inline void direct_tile(const float* const* x, const float* const* w, int runs, int64_t length, int64_t step, int64_t from, float* out, int64_t ldo) {
  typedef typename Eights<N>::V V;
  constexpr int C = Eights<N>::vectors;
  V acc[M][C];
  for (int m = 0; m < M; m++)
    for (int v = 0; v < C; v++) acc[m][v] = V{};
  for (int s = 0; s < runs; s++) {
    const float* rows[(M + 2) / 3];
    for (int m = 0; m < M; m += 3) rows[m / 3] = x[s] + from + m * step;
    const float* k = w[s];
    for (int64_t j = 0; j < length; j++, k += N * 8) {
      V b[C];
      Eights<N>::load(k, b);
#pragma GCC unroll 16
      for (int m = 0; m < M; m++) {
        if (m % 3 == 0) opaque(rows[m / 3]);
        const V a = rows[m / 3][m % 3 * step + j] - V{};
        for (int v = 0; v < C; v++) acc[m][v] += a * b[v];
      }
    }
  }
  for (int m = 0; m < M; m++)
    for (int v = 0; v < C; v++) store_as<V>(out + m * ldo + v * int(sizeof(V)) / 4, acc[m][v]);
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
  static constexpr DirectTile two[] = {direct_tile<2, 1>, direct_tile<2, 2>, direct_tile<2, 3>, direct_tile<2, 4>,
                                       direct_tile<2, 5>, direct_tile<2, 6>, direct_tile<2, 7>, direct_tile<2, 8>,
                                       direct_tile<2, 9>, direct_tile<2, 10>, direct_tile<2, 11>, direct_tile<2, 12>};
  static constexpr DirectTile three[] = {direct_tile<3, 1>, direct_tile<3, 2>, direct_tile<3, 3>, direct_tile<3, 4>};
  return vectors == 1 ? one[voxels - 1] : vectors == 2 ? two[voxels - 1] : three[voxels - 1];
}

/// How the results of a row are cut into tiles, and what computes each.
struct DirectTiles {
  std::vector<int64_t> begin;
  std::vector<DirectTile> run;
  DirectTiles(int64_t width, int64_t vectors, bool slides) {
    const int64_t most = vectors == 1 ? most_voxels<1> : vectors == 2 ? most_voxels<2> : most_voxels<3>, tiles = (width + most - 1) / most;
    for (int64_t t = 0; t < tiles; t++) {
      begin.push_back(width * t / tiles);
      run.push_back(direct_tile_of(vectors, width * (t + 1) / tiles - begin[t], slides));
    }
  }
};

}  // namespace scnas
