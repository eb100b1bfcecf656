// InstanceNorm: y = (x − μ) · r · γ + β with μ and r = 1/√(σ² + ε) over the voxels of each sample and channel.
#pragma once

#include <cmath>

#include "channels.h"

namespace scnas {

// mean[n·c] and rstd[n·c] of x. The squares are taken about the sample's first voxel, so that a large mean costs no digits.
inline void moments(const Shape& s, const float* x, float epsilon, float* mean, float* rstd) {
  const int64_t n = s.n * s.c, lanes = 8 * period(s.c);
  Buffer shift(s.n * lanes);
  for (int64_t k = 0; k < s.n; k++) lay_out(x + k * s.voxels() * s.c, s.c, &shift[k * lanes]);
  std::vector<double> sums(size_t(2 * n));
  sum_channels<2>(
      s,
      [&](int64_t sample) {
        const Pattern from{&shift[sample * lanes]};
        return [x, from](auto access, int64_t i, int64_t p, v8* term) {
          term[0] = access.load(x + i) - from.at(p);
          term[1] = term[0] * term[0];
        };
      },
      sums.data());
  const double voxels = double(s.voxels());
  for (int64_t i = 0; i < n; i++) {
    const double off = sums[size_t(i)] / voxels, variance = sums[size_t(n + i)] / voxels - off * off;
    mean[i] = float(double(shift[i / s.c * lanes + i % s.c]) + off);
    rstd[i] = float(1 / std::sqrt((variance > 0 ? variance : 0) + double(epsilon)));
  }
}

// y = (x − μ)·r·γ + β; γ and β may be null. y may be x.
inline void normalise(const Shape& s, const float* x, const float* mean, const float* rstd, const float* gamma,
                      const float* beta, float* y) {
  const int64_t lanes = 8 * period(s.c);
  Buffer patterns(s.n * 3 * lanes);
  for (int64_t i = 0; i < s.n * lanes; i++) {
    const int64_t k = i / lanes, c = i % lanes % s.c, at = k * 3 * lanes + i % lanes;
    patterns[at] = mean[k * s.c + c];
    patterns[at + lanes] = rstd[k * s.c + c] * (gamma ? gamma[c] : 1);
    patterns[at + 2 * lanes] = beta ? beta[c] : 0;
  }
  map_channels(s, [&](int64_t sample) {
    const float* at = &patterns[sample * 3 * lanes];
    const Pattern m{at}, scale{at + lanes}, shift{at + 2 * lanes};
    return [=](auto access, int64_t i, int64_t p) {
      access.store(y + i, (access.load(x + i) - m.at(p)) * scale.at(p) + shift.at(p));
    };
  });
}

// sums[0][n·c] = Σ dy and sums[1][n·c] = Σ dy·x̂ over the voxels, x̂ = (x − μ)·r.
inline void norm_sums(const Shape& s, const float* dy, const float* x, const float* mean, const float* rstd, float* sums) {
  const int64_t n = s.n * s.c, lanes = 8 * period(s.c);
  Buffer shift(s.n * lanes);
  for (int64_t k = 0; k < s.n; k++) lay_out(mean + k * s.c, s.c, &shift[k * lanes]);
  std::vector<double> out(size_t(2 * n));
  sum_channels<2>(
      s,
      [&](int64_t sample) {
        const Pattern m{&shift[sample * lanes]};
        return [=](auto access, int64_t i, int64_t p, v8* term) {
          term[0] = access.load(dy + i);
          term[1] = term[0] * (access.load(x + i) - m.at(p));
        };
      },
      out.data());
  for (int64_t i = 0; i < n; i++) {
    sums[i] = float(out[size_t(i)]);
    sums[n + i] = float(out[size_t(n + i)] * double(rstd[i]));
  }
}

// dx = r·γ·(dy − Σdy/V − x̂·Σ(dy·x̂)/V). dx may be dy.
inline void norm_gradient(const Shape& s, const float* dy, const float* x, const float* mean, const float* rstd,
                          const float* sums, const float* gamma, float* dx) {
  const int64_t n = s.n * s.c, lanes = 8 * period(s.c);
  const float voxels = float(s.voxels());
  // dx = a·dy + b·(x − μ) + d
  Buffer patterns(s.n * 4 * lanes);
  for (int64_t i = 0; i < s.n * lanes; i++) {
    const int64_t k = i / lanes, c = i % lanes % s.c, j = k * s.c + c, at = k * 4 * lanes + i % lanes;
    const float a = rstd[j] * (gamma ? gamma[c] : 1);
    patterns[at] = a;
    patterns[at + lanes] = -a * rstd[j] * sums[n + j] / voxels;
    patterns[at + 2 * lanes] = mean[j];
    patterns[at + 3 * lanes] = -a * sums[j] / voxels;
  }
  map_channels(s, [&](int64_t sample) {
    const float* at = &patterns[sample * 4 * lanes];
    const Pattern a{at}, b{at + lanes}, m{at + 2 * lanes}, d{at + 3 * lanes};
    return [=](auto access, int64_t i, int64_t p) {
      access.store(dx + i, a.at(p) * access.load(dy + i) + (b.at(p) * (access.load(x + i) - m.at(p)) + d.at(p)));
    };
  });
}

}  // namespace scnas
