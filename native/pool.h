// 3³ pooling with padding 1, and its gradients, channels-last, any channel count.
//
// A result row is made in two moves: the up to nine source rows of its window, element by element, then the three shifts
// along the row. Padding counts neither for the maximum nor for the average. Among equal largest values the first in
// x, y, z order wins; its place in the window, 9·x + 3·y + z, is kept as a byte.
#pragma once

#include <limits>

#include "channels.h"

namespace scnas {

typedef uint8_t b8 __attribute__((vector_size(8)));
typedef int32_t i8 __attribute__((vector_size(32)));

// GCC 12 spells the general conversions out lane by lane.
inline i8 load_codes(const uint8_t* p) {
#if defined(__AVX2__)
  return reinterpret_cast<i8>(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
#else
  b8 v;
  std::memcpy(&v, p, sizeof v);
  return __builtin_convertvector(v, i8);
#endif
}
inline void store_codes(uint8_t* p, i8 v) {
#if defined(__AVX2__)
  const __m256i whole = reinterpret_cast<__m256i>(v);
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(words, words));
#else
  const b8 b = __builtin_convertvector(v, b8);
  std::memcpy(p, &b, sizeof b);
#endif
}
inline i8 load_i8(const int32_t* p) {
  i8 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store_i8(int32_t* p, i8 v) { std::memcpy(p, &v, sizeof v); }
struct WholeCodes : Whole {
  i8 codes(const uint8_t* p) const { return load_codes(p); }
};
struct PartCodes : Part {
  i8 codes(const uint8_t* p) const {
    i8 v{};
    for (int64_t i = 0; i < k; i++) v[i] = p[i];
    return v;
  }
};
inline v8 pick(i8 mask, v8 a, v8 b) { return mask ? a : b; }
inline i8 pick(i8 mask, i8 a, i8 b) { return mask ? a : b; }

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
    at = t / stride;
    return t >= 0 && t % stride == 0 && at < result;
  }
  int64_t count(int64_t i) const {
    int64_t n = 0, at;
    for (int64_t tap = 0; tap < 3; tap++) n += reads(i, tap, at);
    return n;
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
  // A padded row, split by parity at stride 2: where tap `tap` of result column 0 lies, in floats.
  int64_t part() const { return (out.w + 1) * in.c + 16; }
  int64_t padded() const { return w.stride == 1 ? (in.w + 2) * in.c + 16 : 2 * part(); }
  int64_t shift(int64_t tap) const { return w.stride == 1 ? tap * in.c : tap == 1 ? part() : tap / 2 * in.c; }
  // Where voxel i of the source lies in a padded row.
  int64_t place(int64_t i) const {
    if (w.stride == 1) return (i + 1) * in.c;
    return i % 2 == 0 ? part() + i / 2 * in.c : (i + 1) / 2 * in.c;
  }
  template <class T>
  void pad_row(const T* row, T* to, T outside) const {
    std::fill(to, to + padded(), outside);
    if (w.stride == 1) std::copy(row, row + in_row(), to + in.c);
    else
      for (int64_t i = 0; i < in.w; i++) std::copy(row + i * in.c, row + (i + 1) * in.c, to + place(i));
  }
};

// Runs f(offset) over a row of `total` floats by vectors; the rows here have room for the last one to reach over.
template <class F>
inline void row_vectors(int64_t total, const F& f) {
  for (int64_t i = 0; i < total; i += 8) f(i);
}

inline int64_t round_up(int64_t n) { return (n + 7) / 8 * 8 + 8; }

// y = the largest of each window, codes its place in it.
inline void max_pool(const PoolPlan& p, const float* x, float* y, uint8_t* codes) {
  const int64_t row = p.in_row(), result = p.out_row(), last = row / 8 * 8;
  const float none = -std::numeric_limits<float>::infinity();
  parallel_for(p.out.n * p.out.d * p.out.h, [&](int64_t begin, int64_t end) {
    float* best = thread_scratch(round_up(row), 0);
    int32_t* place = reinterpret_cast<int32_t*>(thread_scratch(round_up(row), 1));
    float* padded = thread_scratch(p.padded(), 2);
    int32_t* padded_place = reinterpret_cast<int32_t*>(thread_scratch(p.padded(), 3));
    for (int64_t r = begin; r < end; r++) {
      const int64_t h = r % p.out.h, d = r / p.out.h % p.out.d, n = r / p.out.h / p.out.d;
      const float* rows[9];
      int32_t base[9];
      int taps = 0;
      for (int64_t td = 0; td < 3; td++)
        for (int64_t th = 0; th < 3; th++) {
          int64_t sd, sh;
          if (!p.d.reads(d, td, sd) || !p.h.reads(h, th, sh)) continue;
          rows[taps] = x + ((n * p.in.d + sd) * p.in.h + sh) * row;
          base[taps++] = int32_t(td * 9 + th * 3);
        }
      const auto over = [&](auto access, int64_t i) {
        v8 m = access.load(rows[0] + i);
        i8 at = i8{} + base[0];
        for (int t = 1; t < taps; t++) {
          const v8 v = access.load(rows[t] + i);
          const i8 more = v > m;
          m = pick(more, v, m);
          at = pick(more, i8{} + base[t], at);
        }
        store8(best + i, m);
        store_i8(place + i, at);
      };
      for (int64_t i = 0; i < last; i += 8) over(Whole{}, i);
      if (last < row) over(Part{row - last}, last);
      p.pad_row(best, padded, none);
      p.pad_row(place, padded_place, int32_t(27));
      const int64_t s0 = p.shift(0), s1 = p.shift(1), s2 = p.shift(2);
      float* to = y + r * result;
      uint8_t* code = codes + r * result;
      const auto along = [&](int64_t i, v8& m, i8& at) {
        m = load8(padded + s0 + i);
        at = load_i8(padded_place + s0 + i);
        const int64_t shifts[2] = {s1, s2};
        for (int t = 0; t < 2; t++) {
          const v8 v = load8(padded + shifts[t] + i);
          const i8 c = load_i8(padded_place + shifts[t] + i) + (t + 1);
          const i8 more = (v > m) | ((v == m) & (c < at));
          m = pick(more, v, m);
          at = pick(more, c, at);
        }
      };
      int64_t i = 0;
      for (; i + 8 <= result; i += 8) {
        v8 m;
        i8 at;
        along(i, m, at);
        store8(to + i, m);
        store_codes(code + i, at);
      }
      if (i < result) {
        v8 m;
        i8 at;
        along(i, m, at);
        for (int64_t k = 0; i + k < result; k++) {
          to[i + k] = m[k];
          code[i + k] = uint8_t(at[k]);
        }
      }
    }
  });
}

// dx (+)= Σ of dy over the windows whose largest value is there; `accumulate` adds.
inline void max_pool_gradient(const PoolPlan& p, const float* dy, const uint8_t* codes, float* dx, bool accumulate = false) {
  const int64_t row = p.in_row(), result = p.out_row(), c = p.in.c;
  parallel_for(p.in.n * p.in.d * p.in.h, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; r++) {
      const int64_t h = r % p.in.h, d = r / p.in.h % p.in.d, n = r / p.in.h / p.in.d;
      const float* g[9];
      const uint8_t* code[9];
      int32_t base[9];
      int taps = 0;
      for (int64_t td = 0; td < 3; td++)
        for (int64_t th = 0; th < 3; th++) {
          int64_t rd, rh;
          if (!p.d.read_by(d, td, rd) || !p.h.read_by(h, th, rh)) continue;
          const int64_t at = ((n * p.out.d + rd) * p.out.h + rh) * result;
          g[taps] = dy + at;
          code[taps] = codes + at;
          base[taps++] = int32_t(td * 9 + th * 3);
        }
      float* to = dx + r * row;
      if (p.w.stride == 2) {
        // Few results: each adds itself where it came from.
        if (!accumulate) std::fill(to, to + row, 0.f);
        for (int t = 0; t < taps; t++)
          for (int64_t k = 0, i = 0; k < p.out.w; k++)
            for (int64_t j = 0; j < c; j++, i++) {
              const int64_t tap = code[t][i] - base[t], at = 2 * k + tap - 1;
              if (tap >= 0 && tap < 3 && at >= 0 && at < p.in.w) to[at * c + j] += g[t][i];
            }
        continue;
      }
      // What each tap along the row sends on, a row for each with a voxel of zeros on both sides; then the three shifts.
      float* sent[3];
      for (int tw = 0; tw < 3; tw++) {
        sent[tw] = thread_scratch(row + 2 * c + 16, tw) + c;
        std::fill(sent[tw] - c, sent[tw], 0.f);
      }
      const auto gather = [&](auto access, int64_t i) {
        v8 sum[3] = {splat8(0), splat8(0), splat8(0)};
        for (int t = 0; t < taps; t++) {
          const v8 v = access.load(g[t] + i);
          const i8 at = access.codes(code[t] + i) - base[t];
          for (int tw = 0; tw < 3; tw++) sum[tw] += pick(at == tw, v, splat8(0));
        }
        for (int tw = 0; tw < 3; tw++) store8(sent[tw] + i, sum[tw]);
      };
      int64_t i = 0;
      for (; i + 8 <= row; i += 8) gather(WholeCodes{}, i);
      if (i < row) gather(PartCodes{{row - i}}, i);
      for (int tw = 0; tw < 3; tw++) std::fill(sent[tw] + row, sent[tw] + row + c, 0.f);
      each_vector(row, 1, [&](auto access, int64_t k, int64_t) {
        const v8 sum = (access.load(sent[0] + k + c) + access.load(sent[1] + k)) + access.load(sent[2] + k - c);
        access.store(to + k, accumulate ? access.load(to + k) + sum : sum);
      });
    }
  });
}

// y = the mean of each window's voxels inside the tensor.
inline void average_pool(const PoolPlan& p, const float* x, float* y) {
  const int64_t row = p.in_row(), result = p.out_row(), c = p.in.c;
  parallel_for(p.out.n * p.out.d * p.out.h, [&](int64_t begin, int64_t end) {
    float* total = thread_scratch(round_up(row), 0);
    float* padded = thread_scratch(p.padded(), 1);
    for (int64_t r = begin; r < end; r++) {
      const int64_t h = r % p.out.h, d = r / p.out.h % p.out.d, n = r / p.out.h / p.out.d;
      const float* rows[9];
      int taps = 0;
      for (int64_t td = 0; td < 3; td++)
        for (int64_t th = 0; th < 3; th++) {
          int64_t sd, sh;
          if (p.d.reads(d, td, sd) && p.h.reads(h, th, sh)) rows[taps++] = x + ((n * p.in.d + sd) * p.in.h + sh) * row;
        }
      const auto over = [&](auto access, int64_t i) {
        v8 sum = access.load(rows[0] + i);
        for (int t = 1; t < taps; t++) sum += access.load(rows[t] + i);
        store8(total + i, sum);
      };
      int64_t i = 0;
      for (; i + 8 <= row; i += 8) over(Whole{}, i);
      if (i < row) over(Part{row - i}, i);
      p.pad_row(total, padded, 0.f);
      const int64_t s0 = p.shift(0), s1 = p.shift(1), s2 = p.shift(2);
      const float whole = 1.f / float(3 * taps);
      float* to = y + r * result;
      const auto along = [&](int64_t k) { return (load8(padded + s0 + k) + load8(padded + s1 + k)) + load8(padded + s2 + k); };
      for (i = 0; i + 8 <= result; i += 8) store8(to + i, along(i) * whole);
      if (i < result) Part{result - i}.store(to + i, along(i) * whole);
      // The first and the last column have fewer voxels.
      for (const int64_t column : {int64_t(0), p.out.w - 1}) {
        const int64_t inside = p.w.count(column);
        for (int64_t j = 0; j < c && inside < 3; j++) {
          const int64_t k = column * c + j;
          to[k] = ((padded[s0 + k] + padded[s1 + k]) + padded[s2 + k]) / float(inside * taps);
        }
        if (p.out.w == 1) break;
      }
    }
  });
}

// dx (+)= Σ dy / (voxels of the window) over the windows that hold the voxel.
inline void average_pool_gradient(const PoolPlan& p, const float* dy, float* dx, bool accumulate = false) {
  const int64_t row = p.in_row(), result = p.out_row(), c = p.in.c;
  parallel_for(p.in.n * p.in.d * p.in.h, [&](int64_t begin, int64_t end) {
    float* total = thread_scratch(round_up(result + 2 * c), 0);
    for (int64_t r = begin; r < end; r++) {
      const int64_t h = r % p.in.h, d = r / p.in.h % p.in.d, n = r / p.in.h / p.in.d;
      const float* g[9];
      float share[9];
      int taps = 0;
      for (int64_t td = 0; td < 3; td++)
        for (int64_t th = 0; th < 3; th++) {
          int64_t rd, rh;
          if (!p.d.read_by(d, td, rd) || !p.h.read_by(h, th, rh)) continue;
          g[taps] = dy + ((n * p.out.d + rd) * p.out.h + rh) * result;
          share[taps++] = 1.f / float(p.d.count(rd) * p.h.count(rh) * 3);
        }
      float* to = dx + r * row;
      // Results of the row with a voxel of zeros on both sides.
      float* mid = total + c;
      const auto over = [&](auto access, int64_t i) {
        v8 sum = splat8(0);
        for (int t = 0; t < taps; t++) sum += access.load(g[t] + i) * share[t];
        access.store(mid + i, sum);
      };
      int64_t i = 0;
      for (; i + 8 <= result; i += 8) over(Whole{}, i);
      if (i < result) over(Part{result - i}, i);
      for (int64_t j = 0; j < c; j++) total[j] = mid[result + j] = 0;
      for (const int64_t column : {int64_t(0), p.out.w - 1}) {
        const int64_t inside = p.w.count(column);
        if (inside < 3)
          for (int64_t j = 0; j < c; j++) mid[column * c + j] *= 3.f / float(inside);
        if (p.out.w == 1) break;
      }
      if (p.w.stride == 1) {
        const auto along = [&](auto access, int64_t k) {
          const v8 sum = (access.load(mid + k - c) + access.load(mid + k)) + access.load(mid + k + c);
          access.store(to + k, accumulate ? access.load(to + k) + sum : sum);
        };
        for (i = 0; i + 8 <= row; i += 8) along(Whole{}, i);
        if (i < row) along(Part{row - i}, i);
      } else {
        for (int64_t k = 0; k < p.in.w; k++) {
          const float* a = mid + k / 2 * c;
          for (int64_t j = 0; j < c; j++) to[k * c + j] = (k % 2 == 0 ? a[j] : a[j] + a[c + j]) + (accumulate ? to[k * c + j] : 0);
        }
      }
    }
  });
}

}  // namespace scnas
