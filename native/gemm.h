// Products of tall thin matrices, channels-last voxels times a small weight matrix, and their transposed sum.
//
//   Columns(b, k, n, transposed)       packs b [k][n] (or bᵀ of b [n][k])
//   multiply(a, lda, rows, columns, out, ldo)      out[r][j] = Σ_i a[r][i]·b[i][j]
//   OuterSum(k, n), add_outer(...)     sums[i][j] += Σ_r a[r][i]·g[r][j], kept packed until `unpack`
//
// A last vector that would pass the n-th column is moved back over the one before it, so no mask and no padding is needed
// for n >= 4; fewer columns go through rows of four.
#pragma once
#include <algorithm>
#include "simd.h"

namespace scnas {

template <class V>
constexpr int lanes_of() { return int(sizeof(V) / 4); }
/// How n columns are cut into groups of one, two or three vectors.
struct Cut {
  int64_t n, width, vectors;  // width: lanes of a vector, 4 where n is small
  explicit Cut(int64_t columns) : n(std::max<int64_t>(columns, 4)), width(n >= lanes ? lanes : n >= 8 ? 8 : 4), vectors((n + width - 1) / width) {}
  /// First column of vector v.
  int64_t column(int64_t v) const { return std::min(v * width, n - width); }
  /// Vectors in the group that begins at v.
  int64_t group(int64_t v) const {
    const int64_t left = vectors - v;
    return left == 4 || left == 2 ? 2 : left >= 3 ? 3 : 1;
  }
  int64_t padded() const { return vectors * width; }
};

/// The packed weights: groups of vectors, each [k][vectors·width]; for four columns also [k][lanes], each row repeated.
struct Columns {
  int64_t k, n;
  Cut cut;
  Buffer data, repeated;
  Columns(const float* b, int64_t rows, int64_t columns, bool transposed)
      : k(rows), n(columns), cut(columns), data(rows * cut.padded()), repeated(cut.width == 4 ? rows * lanes : 0) {
    const int64_t width = std::min(cut.width, n);
    if (width < cut.width) std::fill_n(data.data(), k * cut.padded(), 0.f);
    for (int64_t v = 0, g; v < cut.vectors; v += g) {
      g = cut.group(v);
      for (int64_t u = 0; u < g; u++) {
        const int64_t column = cut.column(v + u), step = g * cut.width;
        float* to = data.data() + v * cut.width * k + u * cut.width;
        if (transposed) transpose(b + column * k, k, to, step, width, k, Same{});
        else
          for (int64_t i = 0; i < k; i++) std::copy_n(b + i * n + column, width, to + i * step);
      }
    }
    for (int64_t i = 0; i < lanes * k && cut.vectors == 1 && cut.width == 4; i++) repeated[i] = data[i / lanes * 4 + i % 4];
  }
};

template <class V, int N, int M>
static inline void multiply_tile(const float* a, int64_t lda, const float* b, int64_t k, float* out, int64_t ldo, const int64_t* column) {
  constexpr int L = lanes_of<V>();
  V acc[M][N];
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) acc[m][v] = V{};
  const float* rows[(M + 2) / 3];
  for (int m = 0; m < M; m += 3) rows[m / 3] = a + m * lda;
  for (int64_t i = 0; i < k; i++) {
    V w[N];
    for (int v = 0; v < N; v++) w[v] = load_as<V>(b + (i * N + v) * L);
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
      if (m % 3 == 0) opaque(rows[m / 3]);
      const V s = rows[m / 3][m % 3 * lda + i] - V{};
      for (int v = 0; v < N; v++) acc[m][v] += s * w[v];
    }
  }
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) store_as<V>(out + m * ldo + column[v], acc[m][v]);
}

template <class V, int N, int M>
static inline void multiply_group(const float* a, int64_t lda, int64_t rows, const float* b, int64_t k, float* out, int64_t ldo, const int64_t* column) {
  int64_t r = 0;
  for (; r + M <= rows; r += M) multiply_tile<V, N, M>(a + r * lda, lda, b, k, out + r * ldo, ldo, column);
  for (; M > 2 && r + 2 <= rows; r += 2) multiply_tile<V, N, 2>(a + r * lda, lda, b, k, out + r * ldo, ldo, column);
  for (; r < rows; r++) multiply_tile<V, N, 1>(a + r * lda, lda, b, k, out + r * ldo, ldo, column);
}

template <class V>
static inline void multiply_as(const float* a, int64_t lda, int64_t rows, const Columns& w, float* out, int64_t ldo) {
  for (int64_t v = 0, g; v < w.cut.vectors; v += g) {
    g = w.cut.group(v);
    const int64_t column[3] = {w.cut.column(v), w.cut.column(v + 1), w.cut.column(v + 2)};
    const float* b = const_cast<Columns&>(w).data.data() + v * w.cut.width * w.k;
    if (g == 3) multiply_group<V, 3, 4>(a, lda, rows, b, w.k, out, ldo, column);
    else if (g == 2) multiply_group<V, 2, 6>(a, lda, rows, b, w.k, out, ldo, column);
    else multiply_group<V, 1, 12>(a, lda, rows, b, w.k, out, ldo, column);
  }
}

/// Two voxels' fours as one vector.
static SCNAS_INLINE v8 load_two(const float* p, int64_t ld) { return __builtin_shufflevector(load4(p), load4(p + ld), 0, 1, 2, 3, 4, 5, 6, 7); }
/// Number T of each of two fours, four times.
template <int T>
static SCNAS_INLINE v8 spread(v8 x) { return __builtin_shufflevector(x, x, T, T, T, T, T + 4, T + 4, T + 4, T + 4); }
#if defined(__AVX512F__)
/// The same of four fours.
template <int T>
static SCNAS_INLINE vec spread(vec x) {
  const ints first = {0, 0, 0, 0, 4, 4, 4, 4, 8, 8, 8, 8, 12, 12, 12, 12};
  return __builtin_shuffle(x, first + T);
}
#endif

/// Four columns, 2·M rows, two of them a vector.
template <int M>
static inline void multiply_twos(const float* a, int64_t lda, const float* b, int64_t k, float* out, int64_t ldo) {
  v8 acc[M];
  each<M>([&](auto m) SCNAS_LAMBDA { acc[m] = v8{}; });
  int64_t i = 0;
  for (; i + 4 <= k; i += 4) {
    const v8 w0 = load8(b + i * lanes), w1 = load8(b + (i + 1) * lanes), w2 = load8(b + (i + 2) * lanes), w3 = load8(b + (i + 3) * lanes);
    each<M>([&](auto m) SCNAS_LAMBDA {
      const v8 x = load_two(a + 2 * m * lda + i, lda);
      acc[m] += spread<0>(x) * w0;
      acc[m] += spread<1>(x) * w1;
      acc[m] += spread<2>(x) * w2;
      acc[m] += spread<3>(x) * w3;
    });
  }
  for (; i < k; i++) {
    const v8 w = load8(b + i * lanes);
    each<M>([&](auto m) SCNAS_LAMBDA {
      const float p = a[2 * m * lda + i], q = a[(2 * m + 1) * lda + i];
      acc[m] += v8{p, p, p, p, q, q, q, q} * w;
    });
  }
  each<M>([&](auto m) SCNAS_LAMBDA {
    store4(out + 2 * m * ldo, __builtin_shufflevector(acc[m], acc[m], 0, 1, 2, 3));
    store4(out + (2 * m + 1) * ldo, __builtin_shufflevector(acc[m], acc[m], 4, 5, 6, 7));
  });
}
static inline void multiply_four(const float* a, int64_t lda, int64_t rows, const Columns& w, float* out, int64_t ldo) {
  const float* b = const_cast<Columns&>(w).repeated.data();
  int64_t r = 0;
  if (w.k == 4 && lda == 4 && ldo == 4) {  // a node of four channels, in whole vectors
    const vec w0 = load(b), w1 = load(b + lanes), w2 = load(b + 2 * lanes), w3 = load(b + 3 * lanes);
    for (; r + lanes / 4 <= rows; r += lanes / 4) {
      const vec x = load(a + r * 4);
      store(out + r * 4, (spread<0>(x) * w0 + spread<1>(x) * w1) + (spread<2>(x) * w2 + spread<3>(x) * w3));
    }
  }
  for (; r + 8 <= rows; r += 8) multiply_twos<4>(a + r * lda, lda, b, w.k, out + r * ldo, ldo);
  for (; r + 2 <= rows; r += 2) multiply_twos<1>(a + r * lda, lda, b, w.k, out + r * ldo, ldo);
  if (r < rows) multiply_as<vec4>(a + r * lda, lda, 1, w, out + r * ldo, ldo);
}

/// out[r][j] = Σ_i a[r][i]·b[i][j] for j < n.
static inline void multiply(const float* a, int64_t lda, int64_t rows, const Columns& w, float* out, int64_t ldo) {
  if (w.n < 4) {
    float quad[16 * 4];
    for (int64_t r = 0; r < rows; r += 16) {
      const int64_t some = std::min<int64_t>(16, rows - r);
      multiply_as<vec4>(a + r * lda, lda, some, w, quad, 4);
      for (int64_t i = 0; i < some; i++) std::memcpy(out + (r + i) * ldo, quad + i * 4, w.n * sizeof(float));
    }
  } else if (w.n == 4) multiply_four(a, lda, rows, w, out, ldo);
  else if (w.cut.width == lanes) multiply_as<vec>(a, lda, rows, w, out, ldo);
  else if (w.cut.width == 8) multiply_as<v8>(a, lda, rows, w, out, ldo);
  else multiply_as<vec4>(a, lda, rows, w, out, ldo);
}

template <class V, int N, int M>
static inline void outer_tile(const float* a, int64_t lda, const float* g, int64_t ldg, int64_t rows, float* sums, const int64_t* column) {
  constexpr int L = lanes_of<V>();
  V acc[M][N];
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) acc[m][v] = load_as<V>(sums + (m * N + v) * L);
  for (int64_t r = 0; r < rows; r++) {
    V y[N];
    for (int v = 0; v < N; v++) y[v] = load_as<V>(g + r * ldg + column[v]);
#pragma GCC unroll 16
    for (int m = 0; m < M; m++) {
      const V s = a[r * lda + m] - V{};
      for (int v = 0; v < N; v++) acc[m][v] += s * y[v];
    }
  }
  for (int m = 0; m < M; m++)
    for (int v = 0; v < N; v++) store_as<V>(sums + (m * N + v) * L, acc[m][v]);
}

template <class V, int N, int M>
static inline void outer_group(const float* a, int64_t lda, int64_t k, const float* g, int64_t ldg, int64_t rows, float* sums, const int64_t* column) {
  constexpr int L = N * lanes_of<V>();
  int64_t i = 0;
  for (; i + M <= k; i += M) outer_tile<V, N, M>(a + i, lda, g, ldg, rows, sums + i * L, column);
  for (; M > 4 && i + 4 <= k; i += 4) outer_tile<V, N, 4>(a + i, lda, g, ldg, rows, sums + i * L, column);
  for (; i + 2 <= k; i += 2) outer_tile<V, N, 2>(a + i, lda, g, ldg, rows, sums + i * L, column);
  for (; i < k; i++) outer_tile<V, N, 1>(a + i, lda, g, ldg, rows, sums + i * L, column);
}

template <class V>
static inline void outer_as(const float* a, int64_t lda, int64_t k, const float* g, int64_t ldg, int64_t rows, const Cut& cut, float* sums) {
  for (int64_t v = 0, n; v < cut.vectors; v += n) {
    n = cut.group(v);
    const int64_t column[3] = {cut.column(v), cut.column(v + 1), cut.column(v + 2)};
    float* to = sums + v * cut.width * k;
    if (n == 3) outer_group<V, 3, 4>(a, lda, k, g, ldg, rows, to, column);
    else if (n == 2) outer_group<V, 2, 6>(a, lda, k, g, ldg, rows, to, column);
    else outer_group<V, 1, 12>(a, lda, k, g, ldg, rows, to, column);
  }
}

/// Four columns, two rows a vector and two vectors at a time.
static inline void outer_four(const float* a, int64_t lda, int64_t k, const float* g, int64_t ldg, int64_t rows, const Cut& cut, float* sums) {
  const int64_t even = rows / 4 * 4, whole = k / 4 * 4;
  for (int64_t i = 0; i < whole; i += 4) {
    v8 acc[8];
    each<8>([&](auto t) SCNAS_LAMBDA { acc[t] = v8{}; });
    for (int64_t r = 0; r < even; r += 4)
      each<2>([&](auto half) SCNAS_LAMBDA {
        constexpr int from = half * 4;
        const v8 x = load_two(a + (r + 2 * half) * lda + i, lda), y = load_two(g + (r + 2 * half) * ldg, ldg);
        acc[from] += spread<0>(x) * y;
        acc[from + 1] += spread<1>(x) * y;
        acc[from + 2] += spread<2>(x) * y;
        acc[from + 3] += spread<3>(x) * y;
      });
    each<4>([&](auto t) SCNAS_LAMBDA {
      const v8 s = acc[t] + acc[t + 4];
      float* to = sums + (i + t) * 4;
      store4(to, load4(to) + (__builtin_shufflevector(s, s, 0, 1, 2, 3) + __builtin_shufflevector(s, s, 4, 5, 6, 7)));
    });
  }
  outer_as<vec4>(a + even * lda, lda, whole, g + even * ldg, ldg, rows - even, cut, sums);
  outer_as<vec4>(a + whole, lda, k - whole, g, ldg, rows, cut, sums + whole * 4);
}

/// sums (packed as Columns are, [k·padded] floats) += aᵀ·g over the rows.
static inline void add_outer(const float* a, int64_t lda, int64_t k, const float* g, int64_t ldg, int64_t n, int64_t rows, float* sums) {
  const Cut cut(n);
  if (n < 4) {
    float quad[16 * 4] = {};
    for (int64_t r = 0; r < rows; r += 16) {
      const int64_t some = std::min<int64_t>(16, rows - r);
      for (int64_t i = 0; i < some; i++) std::memcpy(quad + i * 4, g + (r + i) * ldg, n * sizeof(float));
      outer_as<vec4>(a + r * lda, lda, k, quad, 4, some, cut, sums);
    }
  } else if (n == 4) outer_four(a, lda, k, g, ldg, rows, cut, sums);
  else if (cut.width == lanes) outer_as<vec>(a, lda, k, g, ldg, rows, cut, sums);
  else if (cut.width == 8) outer_as<v8>(a, lda, k, g, ldg, rows, cut, sums);
  else outer_as<vec4>(a, lda, k, g, ldg, rows, cut, sums);
}

/// dw[k][n] = Σ over the blocks, in their order, of packed sums [blocks][k·padded].
static inline void unpack_outer(const float* sums, int64_t blocks, int64_t k, int64_t n, float* dw) {
  const Cut cut(n);
  const int64_t size = k * cut.padded(), width = std::min(cut.width, n);
  for (int64_t v = 0, g; v < cut.vectors; v += g) {
    g = cut.group(v);
    for (int64_t i = 0; i < k; i++) {
      const int64_t row = g * cut.width;
      const float* from = sums + v * cut.width * k + i * row;
      double total[3 * lanes] = {};
      for (int64_t b = 0; b < blocks; b++)
        for (int64_t l = 0; l < row; l++) total[l] += double(from[b * size + l]);
      for (int64_t u = 0; u < g; u++)
        for (int64_t l = 0; l < width; l++) dw[i * n + cut.column(v + u) + l] = float(total[u * cut.width + l]);
    }
  }
}

}  // namespace scnas
