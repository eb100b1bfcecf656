// InstanceNorm: y = (x − μ) · r · γ + β with μ and r = 1/√(σ² + ε) over the voxels of each sample and channel.
#pragma once

#include <cmath>

#include "channels.h"

namespace scnas {

// mean[n·c] and rstd[n·c] of x. The squares are taken about the sample's first voxel, so that a large mean costs no digits.
inline void moments(const Shape& s, const float* x, float epsilon, float* mean, float* rstd) {
  const int64_t n = s.n * s.c, wide = span(s.c);
  Buffer shift(s.n * wide);
  for (int64_t k = 0; k < s.n; k++) lay_out(x + k * s.voxels() * s.c, s.c, &shift[k * wide]);
  std::vector<double> sums(size_t(2 * n));
  sum_channels<2>(
      s,
      [&](int64_t sample) {
        const Pattern from(&shift[sample * wide]);
        return [x, from](auto access, int64_t i, int64_t p, vec* term) {
          term[0] = access.load(x + i) - from.at(p);
          term[1] = term[0] * term[0];
        };
      },
      sums.data());
  const double voxels = double(s.voxels());
  for (int64_t i = 0; i < n; i++) {
    const double off = sums[size_t(i)] / voxels, variance = sums[size_t(n + i)] / voxels - off * off;
    mean[i] = float(double(shift[i / s.c * wide + i % s.c]) + off);
    rstd[i] = float(1 / std::sqrt((variance < 0 ? 0 : variance) + double(epsilon)));
  }
}

// The same from sums [n · c][2] of x and x².
inline void moments_from_sums(const Shape& s, const double* sums, float epsilon, float* mean, float* rstd) {
  const double voxels = double(s.voxels());
  for (int64_t i = 0; i < s.n * s.c; i++) {
    const double m = sums[2 * i] / voxels, variance = sums[2 * i + 1] / voxels - m * m;
    mean[i] = float(m);
    rstd[i] = float(1 / std::sqrt((variance < 0 ? 0 : variance) + double(epsilon)));
  }
}

// y = (x − μ)·r·γ + β; γ and β may be null. y may be x.
inline void normalise(const Shape& s, const float* x, const float* mean, const float* rstd, const float* gamma,
                      const float* beta, float* y) {
  const int64_t wide = span(s.c);
  Buffer patterns(s.n * 3 * wide);
  for (int64_t i = 0; i < s.n * wide; i++) {
    const int64_t k = i / wide, c = i % wide % s.c, at = k * 3 * wide + i % wide;
    patterns[at] = mean[k * s.c + c];
    patterns[at + wide] = rstd[k * s.c + c] * (gamma ? gamma[c] : 1);
    patterns[at + 2 * wide] = beta ? beta[c] : 0;
  }
  map_channels(s, [&](int64_t sample, auto held) {
    const float* at = &patterns[sample * 3 * wide];
    const Pattern<held> m(at), scale(at + wide), shift(at + 2 * wide);
    return [=](auto access, int64_t i, int64_t p) {
      access.store(y + i, (access.load(x + i) - m.at(p)) * scale.at(p) + shift.at(p));
    };
  });
}

// What the backward pass needs to know of a norm, [3][n · c]: origin and inverse spread, by which the tensor that was kept
// gives x̂ = (kept − origin)·inverse, and the scale r.
struct NormStats {
  const float *origin, *inverse, *scale;
  NormStats(const float* stats, const Shape& s) : origin(stats), inverse(stats + s.n * s.c), scale(stats + 2 * s.n * s.c) {}
};

// Fills stats [3][n · c], n times c in all, for a kept x̂ or a kept x.
inline void norm_stats(int64_t n, bool kept_normal, const float* mean, const float* rstd, float* stats) {
  for (int64_t i = 0; i < n; i++) {
    stats[i] = kept_normal ? 0 : mean[i];
    stats[n + i] = kept_normal ? 1 : rstd[i];
    stats[2 * n + i] = rstd[i];
  }
}

// sums[0][n·c] = Σ dy and sums[1][n·c] = Σ dy·x̂ over the voxels.
inline void norm_sums(const Shape& s, const float* dy, const float* kept, const NormStats& stats, float* sums) {
  const int64_t n = s.n * s.c, wide = span(s.c);
  Buffer patterns(s.n * wide);
  for (int64_t k = 0; k < s.n; k++) lay_out(stats.origin + k * s.c, s.c, &patterns[k * wide]);
  std::vector<double> out(size_t(2 * n));
  sum_channels<2>(
      s,
      [&](int64_t sample) {
        const Pattern m(&patterns[sample * wide]);
        return [=](auto access, int64_t i, int64_t p, vec* term) {
          term[0] = access.load(dy + i);
          term[1] = term[0] * (access.load(kept + i) - m.at(p));
        };
      },
      out.data());
  for (int64_t i = 0; i < n; i++) {
    sums[i] = float(out[size_t(i)]);
    sums[n + i] = float(out[size_t(n + i)] * double(stats.inverse[i]));
  }
}

// dx = r·γ·(dy − Σdy/V − x̂·Σ(dy·x̂)/V) of dy and the kept tensor, as a·dy + b·(kept − origin) + d with values by sample and channel.
class NormedGradient {
 public:
  const Shape shape;
  NormedGradient(const Shape& s, const NormStats& stats, const float* sums, const float* gamma)
      : shape(s), wide_(span(s.c)), patterns_(s.n * 4 * wide_) {
    const int64_t n = s.n * s.c;
    const float voxels = float(s.voxels());
    for (int64_t i = 0; i < s.n * wide_; i++) {
      const int64_t k = i / wide_, c = i % wide_ % s.c, j = k * s.c + c, at = k * 4 * wide_ + i % wide_;
      const float a = stats.scale[j] * (gamma ? gamma[c] : 1);
      patterns_[at] = a;
      patterns_[at + wide_] = -a * stats.inverse[j] * sums[n + j] / voxels;
      patterns_[at + 2 * wide_] = stats.origin[j];
      patterns_[at + 3 * wide_] = -a * sums[j] / voxels;
    }
  }
  // f(dy, kept, p) of one sample, p the vector's place in the period of P vectors (channels.h).
  template <int P>
  auto operator()(int64_t sample, Period<P>) const {
    const float* at = patterns_.data() + sample * 4 * wide_;
    const Pattern<P> a(at), b(at + wide_), m(at + 2 * wide_), d(at + 3 * wide_);
    return [=](vec dy, vec kept, int64_t p) { return a.at(p) * dy + (b.at(p) * (kept - m.at(p)) + d.at(p)); };
  }

 private:
  int64_t wide_;
  Buffer patterns_;
};

// The whole of it. dx may be dy.
inline void norm_gradient(const NormedGradient& gradient, const float* dy, const float* kept, float* dx) {
  map_channels(gradient.shape, [&](int64_t sample, auto held) {
    return [=, f = gradient(sample, held)](auto access, int64_t i, int64_t p) {
      access.store(dx + i, f(access.load(dy + i), access.load(kept + i), p));
    };
  });
}

}  // namespace scnas
