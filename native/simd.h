// Vectors of floats by the GCC/Clang vector extensions, so that one source compiles to AVX2, AVX-512 and NEON;
// scratch memory of a thread; the transposes between channels-last and one-plane-a-channel; sums for InstanceNorm.
#pragma once
#include <type_traits>
#include <utility>
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

#define SCNAS_LAMBDA __attribute__((always_inline))
template <int... I, class F>
static SCNAS_INLINE void each_of(std::integer_sequence<int, I...>, const F& f) {
  (f(std::integral_constant<int, I>{}), ...);
}
/// f(0) … f(M − 1), each a constant: an array indexed by them is registers from the start, in a loop with others it need not be.
template <int M, class F>
static SCNAS_INLINE void each(const F& f) {
  each_of(std::make_integer_sequence<int, M>{}, f);
}

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

/// f(access, i) over [0, n) by vectors, then by fours, then one by one.
template <class F>
static SCNAS_INLINE void each_part(int64_t n, const F& f) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) f(vec{}, i);
  for (; i + 4 <= n; i += 4) f(vec4{}, i);
  for (; i < n; i++) f(0.f, i);
}
template <class V>
static SCNAS_INLINE V load_as(const float* p) {
  typedef V Loose __attribute__((aligned(4), may_alias));
  return *reinterpret_cast<const Loose*>(p);
}
template <class V>
static SCNAS_INLINE void store_as(float* p, V v) {
  typedef V Loose __attribute__((aligned(4), may_alias));
  *reinterpret_cast<Loose*>(p) = v;
}

/// f(c) with the small channel counts that loops over single voxels meet most as constants.
template <class F>
static SCNAS_INLINE void with_channels(int64_t c, const F& f) {
  if (c == 4) f(std::integral_constant<int64_t, 4>{});
  else if (c == 8) f(std::integral_constant<int64_t, 8>{});
  else if (c == 16) f(std::integral_constant<int64_t, 16>{});
  else f(c);
}

/// out[i] = LeakyReLU(x[i]) or x[i].
static inline void copy_leaky(const float* x, float* out, int64_t n, bool activate) {
  if (!activate) std::memcpy(out, x, n * sizeof(float));
  else each_part(n, [=](auto kind, int64_t i) { store_as(out + i, leaky(load_as<decltype(kind)>(x + i))); });
}
/// Voxels `from` apart to `to` apart, in voxels of c floats, activated or not.
static inline void copy_voxels(const float* x, int64_t from, float* out, int64_t to, int64_t voxels, int64_t channels, bool activate = false) {
  with_channels(channels, [=](auto c) {
    for (int64_t v = 0; v < voxels; v++)
      each_part(c, [=](auto kind, int64_t i) {
        const auto value = load_as<decltype(kind)>(x + v * from * c + i);
        store_as(out + v * to * c + i, activate ? leaky(value) : value);
      });
  });
}

/// g[i] *= LeakyReLU'(x[i]).
static inline void times_leaky_grad(const float* x, float* g, int64_t n) {
  each_part(n, [=](auto kind, int64_t i) {
    typedef decltype(kind) V;
    store_as(g + i, leaky_grad(load_as<V>(x + i), load_as<V>(g + i)));
  });
}

/// Asks for n floats that are read soon.
static SCNAS_INLINE void fetch(const float* x, int64_t n) {
  for (int64_t i = 0; i < n; i += 16) __builtin_prefetch(x + i);
}

/// to[i] += x[i].
static inline void add_row(const float* x, float* to, int64_t n) {
  int64_t i = 0;
  for (; i + lanes <= n; i += lanes) store(to + i, load(to + i) + load(x + i));
  for (; i < n; i++) to[i] += x[i];
}

/// to[i] (+)= LeakyReLU'(x[i])·g[i], or g[i] where x is null.
static SCNAS_INLINE void write_grad(const float* x, const float* g, float* to, int64_t n, bool accumulate) {
  each_part(n, [=](auto kind, int64_t i) {
    typedef decltype(kind) V;
    const V v = x ? leaky_grad(load_as<V>(x + i), load_as<V>(g + i)) : load_as<V>(g + i);
    store_as(to + i, accumulate ? load_as<V>(to + i) + v : v);
  });
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

#if defined(__AVX512F__)
typedef int32_t ints __attribute__((vector_size(64)));
/// Transposes each quarter's 4 × 4; with `order` before or after it, sixteen voxels of four channels to four vectors and back.
static SCNAS_INLINE void transpose4(vec& a, vec& b, vec& c, vec& d) {
  const ints lo = {0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29}, hi = lo + 2;
  const ints low = {0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29}, high = low + 2;
  const vec ab0 = __builtin_shuffle(a, b, lo), ab1 = __builtin_shuffle(a, b, hi);
  const vec cd0 = __builtin_shuffle(c, d, lo), cd1 = __builtin_shuffle(c, d, hi);
  a = __builtin_shuffle(ab0, cd0, low);
  b = __builtin_shuffle(ab0, cd0, high);
  c = __builtin_shuffle(ab1, cd1, low);
  d = __builtin_shuffle(ab1, cd1, high);
}
static SCNAS_INLINE vec order(vec v) {
  const ints at = {0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  return __builtin_shuffle(v, at);
}
#endif

/// to[c·ld_to + r] = f(from[r·ld_from + c]) for r < rows, c < columns.
template <class F>
static SCNAS_INLINE void transpose(const float* from, int64_t ld_from, float* to, int64_t ld_to, int64_t rows, int64_t columns, F f) {
  int64_t r = 0;
#if defined(__AVX512F__)
  for (; columns == 4 && ld_from == 4 && r + lanes <= rows; r += lanes) {
    const float* p = from + r * 4;
    vec a = f(load(p)), b = f(load(p + lanes)), c = f(load(p + 2 * lanes)), d = f(load(p + 3 * lanes));
    transpose4(a, b, c, d);
    store(to + r, order(a)), store(to + ld_to + r, order(b)), store(to + 2 * ld_to + r, order(c)), store(to + 3 * ld_to + r, order(d));
  }
  if (rows == 4 && ld_to == 4) {
    for (; r + lanes <= columns; r += lanes) {
      const float* p = from + r;
      vec a = order(f(load(p))), b = order(f(load(p + ld_from))), c = order(f(load(p + 2 * ld_from))), d = order(f(load(p + 3 * ld_from)));
      transpose4(a, b, c, d);
      float* q = to + r * 4;
      store(q, a), store(q + lanes, b), store(q + 2 * lanes, c), store(q + 3 * lanes, d);
    }
    from += r, to += r * 4, columns -= r, r = 0;
  }
#endif
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

}  // namespace scnas
