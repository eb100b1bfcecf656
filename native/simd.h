// Vectors of floats by the GCC/Clang vector extensions, so that one source compiles to AVX2, AVX-512 and NEON;
// scratch memory of a thread; the transposes between channels-last and one-plane-a-channel; sums for InstanceNorm.
#pragma once
#include "parallel.h"

namespace scnas {

#if defined(__AVX512F__)
constexpr int lanes = 16;
#else
constexpr int lanes = 8;  // on NEON the compiler splits each into two registers of four
#endif

typedef float vec __attribute__((vector_size(lanes * 4)));
typedef float vec_loose __attribute__((vector_size(lanes * 4), aligned(4), may_alias));
typedef float vec4 __attribute__((vector_size(16)));
typedef float vec4_loose __attribute__((vector_size(16), aligned(4), may_alias));
typedef int32_t int4v __attribute__((vector_size(16)));

#define SCNAS_INLINE inline __attribute__((always_inline))

static SCNAS_INLINE vec load(const float* p) { return *reinterpret_cast<const vec_loose*>(p); }
static SCNAS_INLINE void store(float* p, vec v) { *reinterpret_cast<vec_loose*>(p) = v; }
static SCNAS_INLINE vec4 load4(const float* p) { return *reinterpret_cast<const vec4_loose*>(p); }
static SCNAS_INLINE void store4(float* p, vec4 v) { *reinterpret_cast<vec4_loose*>(p) = v; }

/// Keeps v in a register: the compiler would else read it from memory again for each of its uses.
static SCNAS_INLINE void hold(vec& v) {
#if defined(__AVX__)
  asm("" : "+x"(v));
#else
  (void)v;
#endif
}

/// Hides how p came about, so that its neighbours are reached by constant offsets, not by a register (or a spill) each.
static SCNAS_INLINE void opaque(const float*& p) { asm("" : "+r"(p)); }

constexpr float slope = 0.01f;  // of LeakyReLU

static SCNAS_INLINE float leaky(float x) { return x > 0 ? x : slope * x; }
template <class V>
static SCNAS_INLINE V leaky(V x) {
  return x > 0 ? x : slope * x;
}
/// LeakyReLU'(x)·g, slope at 0.
template <class V>
static SCNAS_INLINE V leaky_grad(V x, V g) {
  return x > 0 ? g : slope * g;
}

/// Memory of the calling thread, 64-byte aligned, kept between calls; each `Slot` is its own block, contents undefined.
template <int Slot>
float* scratch(int64_t floats) {
  struct Block {
    float* data = nullptr;
    int64_t size = 0;
    ~Block() { std::free(data); }
  };
  static thread_local Block block;
  if (block.size < floats) {
    std::free(block.data);
    block.size = (floats + 1023) / 1024 * 1024;
    block.data = static_cast<float*>(std::aligned_alloc(64, block.size * 4));
    if (!block.data) {
      block.size = 0;
      throw std::bad_alloc();
    }
  }
  return block.data;
}

/// out[i] = LeakyReLU(x[i]) or x[i].
static inline void copy_leaky(const float* x, float* out, int64_t n, bool activate) {
  if (!activate) {
    std::memcpy(out, x, n * sizeof(float));
    return;
  }
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(out + i, leaky(load(x + i)));
  for (; i < n; i++) out[i] = leaky(x[i]);
}

/// g[i] *= LeakyReLU'(x[i]).
static inline void times_leaky_grad(const float* x, float* g, int64_t n) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(g + i, leaky_grad(load(x + i), load(g + i)));
  for (; i < n; i++) g[i] = leaky_grad(x[i], g[i]);
}

/// to[i] += x[i].
static inline void add_row(const float* x, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, load(to + i) + load(x + i));
  for (; i < n; i++) to[i] += x[i];
}

/// to[i] (+)= LeakyReLU'(x[i])·g[i], or g[i] where x is null.
static inline void write_grad(const float* x, const float* g, float* to, int64_t n, bool accumulate) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    const vec v = x ? leaky_grad(load(x + i), load(g + i)) : load(g + i);
    store(to + i, accumulate ? load(to + i) + v : v);
  }
  for (; i < n; i++) {
    const float v = x ? leaky_grad(x[i], g[i]) : g[i];
    to[i] = accumulate ? to[i] + v : v;
  }
}

static SCNAS_INLINE void transpose4(vec4& a, vec4& b, vec4& c, vec4& d) {
  const int4v lo = {0, 4, 1, 5}, hi = {2, 6, 3, 7}, low = {0, 1, 4, 5}, high = {2, 3, 6, 7};
  const vec4 ab0 = __builtin_shuffle(a, b, lo), ab1 = __builtin_shuffle(a, b, hi);
  const vec4 cd0 = __builtin_shuffle(c, d, lo), cd1 = __builtin_shuffle(c, d, hi);
  a = __builtin_shuffle(ab0, cd0, low);
  b = __builtin_shuffle(ab0, cd0, high);
  c = __builtin_shuffle(ab1, cd1, low);
  d = __builtin_shuffle(ab1, cd1, high);
}

/// to[c·ld_to + r] = f(from[r·ld_from + c]) for r < rows, c < columns.
template <class F>
static SCNAS_INLINE void transpose(const float* from, int64_t ld_from, float* to, int64_t ld_to, int64_t rows, int64_t columns, F f) {
  int64_t r = 0;
  for (; r + 4 <= rows; r += 4) {
    const float* p = from + r * ld_from;
    float* q = to + r;
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4) {
      vec4 v0 = f(load4(p + c)), v1 = f(load4(p + ld_from + c)), v2 = f(load4(p + 2 * ld_from + c)), v3 = f(load4(p + 3 * ld_from + c));
      transpose4(v0, v1, v2, v3);
      float* s = q + c * ld_to;
      store4(s, v0);
      store4(s + ld_to, v1);
      store4(s + 2 * ld_to, v2);
      store4(s + 3 * ld_to, v3);
    }
    for (; c < columns; c++) {
      const vec4 v = f(vec4{p[c], p[ld_from + c], p[2 * ld_from + c], p[3 * ld_from + c]});
      store4(q + c * ld_to, v);
    }
  }
  for (; r < rows; r++)
    for (int64_t c = 0; c < columns; c++) to[c * ld_to + r] = f(from[r * ld_from + c]);
}

/// The four vectors' sums over their lanes.
static SCNAS_INLINE vec4 sum_lanes(vec a, vec b, vec c, vec d) {
  vec4 quarter[4][lanes / 4];
  std::memcpy(quarter[0], &a, sizeof a);
  std::memcpy(quarter[1], &b, sizeof b);
  std::memcpy(quarter[2], &c, sizeof c);
  std::memcpy(quarter[3], &d, sizeof d);
  for (auto& q : quarter)
    for (int i = lanes / 8; i; i /= 2)
      for (int j = 0; j < i; j++) q[j] += q[j + i];
  transpose4(quarter[0][0], quarter[1][0], quarter[2][0], quarter[3][0]);
  return (quarter[0][0] + quarter[1][0]) + (quarter[2][0] + quarter[3][0]);
}

/// How many planes a thread takes at a time: long runs share source planes, two a thread even out a busy core.
static inline int64_t plane_grain(int64_t planes) {
  const int64_t threads = Pool::get().threads(), parts = planes < 16 * threads ? threads : 2 * threads;
  return (planes + parts - 1) / parts;
}

/// Blocks of planes in a sum of fixed order.
static inline int64_t sum_blocks(int64_t planes) { return planes >= 128 ? 16 : planes >= 64 ? 8 : planes < 4 ? planes : 4; }

struct Same {
  template <class V>
  SCNAS_INLINE V operator()(V v) const { return v; }
};
struct Leaky {
  template <class V>
  SCNAS_INLINE V operator()(V v) const { return leaky(v); }
};

static inline int64_t gcd(int64_t a, int64_t b) { return b ? gcd(b, a % b) : a; }

/// After how many floats the channels meet the vector's lanes again: lcm(c, lanes).
static inline int64_t period_of(int64_t c) { return c / gcd(c, lanes) * lanes; }

/// sums[c][0] += Σ y, sums[c][1] += Σ y² over the `voxels` of a channels-last run; `tmp` holds 2·period floats.
static inline void add_stats(const float* y, int64_t voxels, int64_t c, double* sums, float* tmp) {
  const int64_t period = period_of(c), total = voxels * c, whole = total / lanes * lanes;
  for (int64_t j = 0; j < period; j += lanes) {
    vec s[4] = {}, q[4] = {};  // four of each: an addition takes as long as four can be begun
    int64_t i = j;
    for (; i + 3 * period < whole; i += 4 * period)
      for (int k = 0; k < 4; k++) {
        const vec v = load(y + i + k * period);
        s[k] += v;
        q[k] += v * v;
      }
    for (; i < whole; i += period) {
      const vec v = load(y + i);
      s[0] += v;
      q[0] += v * v;
    }
    store(tmp + j, (s[0] + s[1]) + (s[2] + s[3]));
    store(tmp + period + j, (q[0] + q[1]) + (q[2] + q[3]));
  }
  for (int64_t j = 0; j < period; j += c)
    for (int64_t i = 0; i < c; i++) {
      sums[i * 2] += tmp[j + i];
      sums[i * 2 + 1] += tmp[period + j + i];
    }
  for (int64_t i = whole; i < total; i++) {
    sums[i % c * 2] += y[i];
    sums[i % c * 2 + 1] += double(y[i]) * y[i];
  }
}

}  // namespace scnas
