// Loops over a dense [voxels, channels] run with one value a channel: sums over the voxels, and maps.
//
// Channels lie side by side, so a vector holds parts of several voxels. Its channels repeat after `period(c)` vectors; of
// sixteen floats: one for 4, 8 or 16 channels, 3 for 12, 17 for 17, 34, 68 and 136. A per-channel value is laid out once over a
// period (`Pattern`), and no lane is ever wasted, whatever c is.
#pragma once

#include <numeric>

#include "simd.h"

namespace scnas {

inline int64_t period(int64_t c) { return c / std::gcd(c, int64_t(lanes)); }
// Floats of a period: lcm(c, lanes).
inline int64_t span(int64_t c) { return lanes * period(c); }

// A value for each channel, repeated over one period; `at(p)` is the vector for the p-th vector of the period. P: vectors of the
// period, held in registers, where stores to other tensors would else make them be read again; 0: any.
template <int P = 0>
struct Pattern {
  vec v[P];
  explicit Pattern(const float* data) {
    for (int p = 0; p < P; p++) v[p] = load(data + p * lanes);
  }
  vec at(int64_t p) const { return P == 1 || p == 0 ? v[0] : P == 2 || p == 1 ? v[P > 1] : v[P - 1]; }
};
template <>
struct Pattern<0> {
  const float* data;
  explicit Pattern(const float* values) : data(values) {}
  vec at(int64_t p) const { return load(data + lanes * p); }
};
template <int P>
using Period = std::integral_constant<int, P>;

inline void lay_out(const float* values, int64_t c, float* to) {
  for (int64_t i = 0, n = span(c); i < n; i++) to[i] = values[i % c];
}

// Reads and writes of whole vectors, and of the last k floats of a run.
struct Whole {
  vec load(const float* p) const { return scnas::load(p); }
  void store(float* p, vec v) const { scnas::store(p, v); }
  vec keep(vec v) const { return v; }
};
struct Part {
  int64_t k;
  vec load(const float* p) const {
    vec v{};
    std::memcpy(&v, p, size_t(k) * 4);
    return v;
  }
  void store(float* p, vec v) const { std::memcpy(p, &v, size_t(k) * 4); }
  vec keep(vec v) const {
    for (int64_t i = k; i < lanes; i++) v[i] = 0;
    return v;
  }
};

// The blocks of voxels that one sample is cut into: by its size alone, each a whole number of periods long.
struct Blocks {
  int64_t count, step;  // step in voxels
  Blocks(int64_t voxels, int64_t c) {
    const int64_t unit = span(c) / c;
    const int64_t wanted = (voxels * c + 16383) / 16384;
    const int64_t most = wanted < 1 ? 1 : wanted > 256 ? 256 : wanted;
    step = ((voxels + most - 1) / most + unit - 1) / unit * unit;
    count = (voxels + step - 1) / step;
  }
};

// body(access, offset, p) over [0, size) floats by vectors; p the place in the period of P vectors, or of `vectors` if P is 0.
template <int P = 1, class F>
inline void each_vector(int64_t size, const F& body, int64_t vectors = P) {
  int64_t i = 0;
  if constexpr (P > 0)
    for (; i + P * lanes <= size; i += P * lanes) each<P>([&](auto p) SCNAS_LAMBDA { body(Whole{}, i + p * lanes, p); });
  else
    for (; i + vectors * lanes <= size; i += vectors * lanes)
      for (int64_t p = 0; p < vectors; p++) body(Whole{}, i + p * lanes, p);
  int64_t p = 0;
  for (; i + lanes <= size; i += lanes, p++) body(Whole{}, i, p);
  if (i < size) body(Part{size - i}, i, p);
}

// f(Period) of a channel count: those that vectors of its patterns can be held for, else 0.
template <class F>
inline void with_period(int64_t c, const F& f) {
  switch (period(c)) {
    case 1: return f(Period<1>{});
    case 2: return f(Period<2>{});
    case 3: return f(Period<3>{});
    default: return f(Period<0>{});
  }
}

// f(sample, first float, floats) for every block, in parallel.
template <class F>
inline void map_blocks(const Shape& s, const F& f) {
  const int64_t voxels = s.voxels();
  const Blocks blocks(voxels, s.c);
  parallel_for(s.n * blocks.count, [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; b++) {
      const int64_t sample = b / blocks.count, first = b % blocks.count * blocks.step;
      f(sample, (sample * voxels + first) * s.c, (std::min(voxels, first + blocks.step) - first) * s.c);
    }
  });
}

// f(access, offset, p) for every vector of the sample-th run, in parallel; offset in floats from the start of the tensor.
// make(sample, Period) returns f.
template <class Make>
inline void map_channels(const Shape& s, const Make& make) {
  map_blocks(s, [&](int64_t sample, int64_t base, int64_t size) {
    with_period(s.c, [&](auto held) {
      const auto f = make(sample, held);
      each_vector<decltype(held)::value>(size, [&](auto access, int64_t i, int64_t p) SCNAS_LAMBDA { f(access, base + i, p); }, period(s.c));
    });
  });
}

namespace detail {

// Adds up f's S sums over one run of floats into acc[S][vectors · lanes]. R: vectors held in registers, a multiple of the period.
template <int S, int R, class F>
inline void sum_run(int64_t size, const F& f, float* acc) {
  vec sum[S][R];
  for (int s = 0; s < S; s++)
    for (int r = 0; r < R; r++) sum[s][r] = vec{};
  int64_t i = 0;
  for (; i + R * lanes <= size; i += R * lanes) {
#pragma GCC unroll 8
    for (int r = 0; r < R; r++) {
      vec term[S];
      f(Whole{}, i + r * lanes, r, term);
#pragma GCC unroll 4
      for (int s = 0; s < S; s++) sum[s][r] += term[s];
    }
  }
  int r = 0;
  for (; i + lanes <= size; i += lanes, r++) {
    vec term[S];
    f(Whole{}, i, r, term);
    for (int s = 0; s < S; s++) sum[s][r] += term[s];
  }
  if (i < size) {
    vec term[S];
    const Part part{size - i};
    f(part, i, r, term);
    for (int s = 0; s < S; s++) sum[s][r] += part.keep(term[s]);
  }
  for (int s = 0; s < S; s++)
    for (int k = 0; k < R; k++) store(acc + (s * R + k) * lanes, sum[s][k]);
}
// The same for any period, the sums in memory.
template <int S, class F>
inline void sum_run_long(int64_t size, int64_t vectors, const F& f, float* acc) {
  for (int64_t i = 0; i < S * vectors * lanes; i++) acc[i] = 0;
  const auto body = [&](auto access, int64_t i, int64_t p) {
    vec term[S];
    f(access, i, p, term);
    for (int s = 0; s < S; s++) {
      float* a = acc + (s * vectors + p) * lanes;
      store(a, load(a) + access.keep(term[s]));
    }
  };
  each_vector<0>(size, body, vectors);
}

}  // namespace detail

// S sums over the voxels, for each sample and channel: out[s][n · c], the same for any number of threads.
// make(sample) returns f(access, offset, p, vec term[S]), p modulo the period telling the channels.
template <int S, class Make>
inline void sum_channels(const Shape& s, const Make& make, double* out) {
  const int64_t voxels = s.voxels(), vectors = period(s.c);
  const Blocks blocks(voxels, s.c);
  // Several accumulators hide the latency of an addition.
  const int64_t held = vectors == 1 || vectors == 2 || vectors == 4 ? 4 : vectors;
  Buffer partial(s.n * blocks.count * S * s.c);
  parallel_for(s.n * blocks.count, [&](int64_t begin, int64_t end) {
    float* acc = thread_scratch(S * held * lanes, 7);
    for (int64_t b = begin; b < end; b++) {
      const int64_t sample = b / blocks.count, first = b % blocks.count * blocks.step;
      const int64_t last = std::min(voxels, first + blocks.step);
      const auto make_one = make(sample);
      const int64_t base = (sample * voxels + first) * s.c, size = (last - first) * s.c;
      const auto f = [&](auto access, int64_t i, int64_t p, vec* term) { make_one(access, base + i, p, term); };
      if (vectors == 1) detail::sum_run<S, 4>(size, [&](auto a, int64_t i, int64_t, vec* t) { f(a, i, 0, t); }, acc);
      else if (vectors == 2) detail::sum_run<S, 4>(size, [&](auto a, int64_t i, int64_t p, vec* t) { f(a, i, p & 1, t); }, acc);
      else if (vectors == 3) detail::sum_run<S, 3>(size, f, acc);
      else if (vectors == 4) detail::sum_run<S, 4>(size, f, acc);
      else detail::sum_run_long<S>(size, vectors, f, acc);
      float* to = &partial[b * S * s.c];
      for (int64_t i = 0; i < S * s.c; i++) to[i] = 0;
      for (int64_t k = 0; k < S; k++)
        for (const float *from = acc + k * held * lanes, *stop = from + held * lanes; from < stop; from += s.c)
          for (int64_t i = 0; i < s.c; i++) to[k * s.c + i] += from[i];
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
