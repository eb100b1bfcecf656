// What pooling and its gradients share: which voxels a window reads, bytes as vectors of integers.
#pragma once

#include <limits>

#include "channels.h"
#include "simd.h"

namespace scnas {

typedef uint8_t bytes_of __attribute__((vector_size(lanes)));
typedef int32_t ivec __attribute__((vector_size(lanes * 4)));

// GCC 12 spells the general conversions out lane by lane, and warns of those without a mask.
inline ivec load_codes(const uint8_t* p) {
#if defined(__AVX512F__)
  return reinterpret_cast<ivec>(_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
#elif defined(__AVX2__)
  return reinterpret_cast<ivec>(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#else
  bytes_of v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, ivec);
#endif
}
inline void store_codes(uint8_t* p, ivec v) {
#if defined(__AVX512F__)
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(0xffff, reinterpret_cast<__m512i>(v)));
#elif defined(__AVX2__)
  const __m256i whole = reinterpret_cast<__m256i>(v);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
#else
  const bytes_of b = __builtin_convertvector(v, bytes_of);
  std::memcpy(p, &b, sizeof b);
#endif
}
inline ivec load_i(const int32_t* p) {
  ivec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_i(int32_t* p, ivec v) { std::memcpy(p, &v, sizeof v); }
struct WholeCodes : Whole {
  ivec codes(const uint8_t* p) const { return load_codes(p); }
};
struct PartCodes : Part {
  ivec codes(const uint8_t* p) const {
    ivec v{};
    for (int64_t i = 0; i < k; i++) v[i] = p[i];
    return v;
  }
};
inline vec pick(ivec mask, vec a, vec b) { return mask ? a : b; }
inline ivec pick(ivec mask, ivec a, ivec b) { return mask ? a : b; }

// One axis of the window: of result i, the sources i·stride + tap − 1 that exist.
struct PoolAxis {
  int64_t source, result, stride;
  PoolAxis(int64_t size, int64_t step) : source(size), result((size - 1) / step + 1), stride(step) {}
  bool reads(int64_t i, int64_t tap, int64_t& at) const {
    at = i * stride + tap - 1;
    return at >= 0 && at < source;
  }
  // The other way: the result whose tap reads source i.
  bool read_by(int64_t i, int64_t tap, int64_t& at) const {
    const int64_t t = i + 1 - tap;
    at = t >> (stride - 1);  // stride 1 or 2
    return t >= 0 && (t & (stride - 1)) == 0 && at < result;
  }
  int64_t count(int64_t i) const {
    int64_t n = 0, at;
    for (int64_t tap = 0; tap < 3; tap++) n += reads(i, tap, at);
    return n;
  }
  // f(i, count) for the results, the first and the last at most, whose windows reach outside.
  template <class F>
  void each_short(const F& f) const {
    if (count(0) < 3) f(int64_t(0), count(0));
    if (result > 1 && count(result - 1) < 3) f(result - 1, count(result - 1));
  }
};

struct PoolPlan {
  Shape in, out;
  PoolAxis d, h, w;
  PoolPlan(const Shape& s, int64_t stride) : in(s), out(s), d(s.d, stride), h(s.h, stride), w(s.w, stride) {
    out.d = d.result, out.h = h.result, out.w = w.result;
  }
  int64_t in_row() const { return in.w * in.c; }
  int64_t out_row() const { return out.w * in.c; }
  const float* source(const float* x, int64_t n, int64_t i, int64_t j) const { return x + ((n * in.d + i) * in.h + j) * in_row(); }
  // Floats of a result row kept aside, up to whole vectors.
  int64_t kept_row() const { return (out_row() + lanes - 1) / lanes * lanes; }
};

}  // namespace scnas
