// Loops over a dense [voxels, channels] run with one value a channel: sums over the voxels, and maps.
//
// Channels lie side by side, so a vector of eight holds parts of several voxels. Its channels repeat after
// `period(c)` = c / gcd(c, 8) vectors: one for 4 or 8 channels, 3 for 12, 17 for 17, 34, 68 and 136. A per-channel value
// is laid out once over a period (`Pattern`), and no lane is ever wasted, whatever c is.
#pragma once

#include <numeric>

#include "parallel.h"

namespace scnas {

inline int64_t period(int64_t c) { return c / std::gcd(c, int64_t(8)); }

// values[c] repeated over one period; `at(p)` is the vector for the p-th vector of the period.
struct Pattern {
  const float* data;
  v8 at(int64_t p) const { return load8(data + 8 * p); }
};
inline Pattern lay_out(const float* values, int64_t c, float* buffer) {
  for (int64_t i = 0, n = 8 * period(c); i < n; i++) buffer[i] = values[i % c];
  return {buffer};
}

// Reads and writes of whole vectors, and of the last k < 8 floats of a run.
struct Whole {
  v8 load(const float* p) const { return load8(p); }
  void store(float* p, v8 v) const { store8(p, v); }
  v8 keep(v8 v) const { return v; }
};
struct Part {
  int64_t k;
  v8 load(const float* p) const {
    v8 v = splat8(0);
    std::memcpy(&v, p, size_t(k) * 4);
    return v;
  }
  void store(float* p, v8 v) const { std::memcpy(p, &v, size_t(k) * 4); }
  v8 keep(v8 v) const {
    for (int64_t i = k; i < 8; i++) v[i] = 0;
    return v;
  }
};

// The blocks of voxels that one sample is cut into: by its size alone, each a whole number of periods long.
struct Blocks {
  int64_t count, step;  // step in voxels
  Blocks(int64_t voxels, int64_t c) {
    const int64_t unit = 8 * period(c) / c;
    const int64_t wanted = (voxels * c + 16383) / 16384;
    const int64_t most = wanted < 1 ? 1 : wanted > 256 ? 256 : wanted;
    step = ((voxels + most - 1) / most + unit - 1) / unit * unit;
    count = (voxels + step - 1) / step;
  }
};

// body(access, offset, p) over [0, size) floats by vectors; p the place in the period.
template <class F>
inline void each_vector(int64_t size, int64_t vectors, const F& body) {
  int64_t i = 0;
  for (; i + 8 * vectors <= size; i += 8 * vectors)
    for (int64_t p = 0; p < vectors; p++) body(Whole{}, i + 8 * p, p);
  int64_t p = 0;
  for (; i + 8 <= size; i += 8, p++) body(Whole{}, i, p);
  if (i < size) body(Part{size - i}, i, p);
}

// f(access, offset, p) for every vector of the sample-th run, in parallel; offset in floats from the start of the tensor.
// make(sample) returns f.
template <class Make>
inline void map_channels(const Shape& s, const Make& make) {
  const int64_t voxels = s.voxels(), vectors = period(s.c);
  const Blocks blocks(voxels, s.c);
  parallel_for(s.n * blocks.count, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const int64_t sample = b / blocks.count, first = b % blocks.count * blocks.step;
      const int64_t last = std::min(voxels, first + blocks.step);
      const auto f = make(sample);
      const int64_t base = (sample * voxels + first) * s.c, size = (last - first) * s.c;
      const auto body = [&](auto access, int64_t i, int64_t p) { f(access, base + i, p); };
      if (vectors == 1) each_vector(size, 1, body);
      else if (vectors == 2) each_vector(size, 2, body);
      else if (vectors == 3) each_vector(size, 3, body);
      else each_vector(size, vectors, body);
    }
  });
}

namespace detail {

// Adds up f's S sums over one run of floats into acc[S][8 · vectors]. R: vectors held in registers, a multiple of the period.
template <int S, int R, class F>
inline void sum_run(int64_t size, const F& f, float* acc) {
  v8 sum[S][R];
  for (int s = 0; s < S; s++)
    for (int r = 0; r < R; r++) sum[s][r] = splat8(0);
  int64_t i = 0;
  for (; i + 8 * R <= size; i += 8 * R) {
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      v8 term[S];
      f(Whole{}, i + 8 * r, r, term);
#pragma GCC unroll 4
      for (int s = 0; s < S; s++) sum[s][r] += term[s];
    }
  }
  int r = 0;
  for (; i + 8 <= size; i += 8, r++) {
    v8 term[S];
    f(Whole{}, i, r, term);
    for (int s = 0; s < S; s++) sum[s][r] += term[s];
  }
  if (i < size) {
    v8 term[S];
    const Part part{size - i};
    f(part, i, r, term);
    for (int s = 0; s < S; s++) sum[s][r] += part.keep(term[s]);
  }
  for (int s = 0; s < S; s++)
    for (int k = 0; k < R; k++) store8(acc + (s * R + k) * 8, sum[s][k]);
}
// The same for any period, the sums in memory.
template <int S, class F>
inline void sum_run_long(int64_t size, int64_t vectors, const F& f, float* acc) {
  for (int64_t i = 0; i < S * vectors * 8; i++) acc[i] = 0;
  each_vector(size, vectors, [&](auto access, int64_t i, int64_t p) {
    v8 term[S];
    f(access, i, p, term);
    for (int s = 0; s < S; s++) {
      float* a = acc + (s * vectors + p) * 8;
      store8(a, load8(a) + access.keep(term[s]));
    }
  });
}

}  // namespace detail

// S sums over the voxels, for each sample and channel: out[s][n · c], the same for any number of threads.
// make(sample) returns f(access, offset, p, v8 term[S]), p modulo the period telling the channels.
template <int S, class Make>
inline void sum_channels(const Shape& s, const Make& make, double* out) {
  const int64_t voxels = s.voxels(), vectors = period(s.c);
  const Blocks blocks(voxels, s.c);
  // Several accumulators hide the latency of an addition.
  const int64_t held = vectors == 1 || vectors == 2 || vectors == 4 ? 4 : vectors;
  Buffer partial(s.n * blocks.count * S * s.c);
  parallel_for(s.n * blocks.count, [&](int64_t begin, int64_t end) {
    float* acc = thread_scratch(S * held * 8, 7);
    for (int64_t b = begin; b < end; b++) {
      const int64_t sample = b / blocks.count, first = b % blocks.count * blocks.step;
      const int64_t last = std::min(voxels, first + blocks.step);
      const auto make_one = make(sample);
      const int64_t base = (sample * voxels + first) * s.c, size = (last - first) * s.c;
      const auto f = [&](auto access, int64_t i, int64_t p, v8* term) { make_one(access, base + i, p, term); };
      if (vectors == 1) detail::sum_run<S, 4>(size, [&](auto a, int64_t i, int64_t, v8* t) { f(a, i, 0, t); }, acc);
      else if (vectors == 2) detail::sum_run<S, 4>(size, [&](auto a, int64_t i, int64_t p, v8* t) { f(a, i, p & 1, t); }, acc);
      else if (vectors == 3) detail::sum_run<S, 3>(size, f, acc);
      else if (vectors == 4) detail::sum_run<S, 4>(size, f, acc);
      else detail::sum_run_long<S>(size, vectors, f, acc);
      float* to = &partial[b * S * s.c];
      for (int64_t i = 0; i < S * s.c; i++) to[i] = 0;
      for (int k = 0; k < S; k++)
        for (int64_t lane = 0; lane < held * 8; lane++) to[k * s.c + lane % s.c] += acc[k * held * 8 + lane];
    }
  });
  for (int64_t k = 0; k < S; k++)
    for (int64_t n = 0; n < s.n; n++)
      for (int64_t c = 0; c < s.c; c++) {
        double total = 0;
        for (int64_t b = 0; b < blocks.count; b++) total += double(partial[((n * blocks.count + b) * S + k) * s.c + c]);
        out[(k * s.n + n) * s.c + c] = total;
      }
}

}  // namespace scnas
