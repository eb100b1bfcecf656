// What the harness's checks share: float64 loops over the taps, distances, and runs of a kernel with several threads.
#pragma once
#include <cmath>
#include <cstdio>
#include <functional>
#include "gradients.h"
#include "harness_noise.h"
#include "planes.h"

using namespace scnas;

static Doubles wide(const Floats& v, bool activate) {
  Doubles out(v.begin(), v.end());
  if (activate)
    for (auto& x : out) x = x > 0 ? x : 0.01 * x;
  return out;
}

struct Case {
  Shape in;
  int64_t co, stride, dilation;
  bool activate;
};

/// f(tap, source voxel, result voxel) for every tap that does not read padding.
template <class F>
static void each_tap(const Case& t, F f) {
  const Shape o = out_shape(t.in, t.stride, 1), &s = t.in;
  for (int64_t n = 0; n < o.n; n++)
    for (int64_t d = 0; d < o.d; d++)
      for (int64_t h = 0; h < o.h; h++)
        for (int64_t w = 0; w < o.w; w++)
          for (int k = 0; k < 27; k++) {
            const int64_t z = d * t.stride + (k / 9 - 1) * t.dilation, y = h * t.stride + (k / 3 % 3 - 1) * t.dilation,
                          x = w * t.stride + (k % 3 - 1) * t.dilation;
            if (z < 0 || y < 0 || x < 0 || z >= s.d || y >= s.h || x >= s.w) continue;
            f(k, ((n * s.d + z) * s.h + y) * s.w + x, ((n * o.d + d) * o.h + h) * o.w + w);
          }
}

static int failures = 0;
static double worst = 0;
static void compare(const char* what, const Case& t, const float* got, const Doubles& want) {
  double diff = 0, norm = 0;
  for (size_t i = 0; i < want.size(); i++) {
    diff += (got[i] - want[i]) * (got[i] - want[i]);
    norm += want[i] * want[i];
  }
  const double error = std::sqrt(diff / (norm > 0 ? norm : 1));
  worst = error > worst ? error : worst;
  if (error < 2e-6) return;
  failures++;
  std::printf("%s %ldx%ldx%ldx%ldx%ld co %ld stride %ld dilation %ld activate %d: relative error %.3g, expected below 2e-6\n", what, long(t.in.n),
              long(t.in.d), long(t.in.h), long(t.in.w), long(t.in.c), long(t.co), long(t.stride), long(t.dilation), t.activate, error);
}
static void derivative(Doubles& dx, const Floats& x, bool activate) {
  for (size_t i = 0; activate && i < dx.size(); i++) dx[i] *= x[i] > 0 ? 1 : 0.01;
}
static void add_half(Doubles& v) {
  for (auto& x : v) x += 0.5;
}
static Doubles stats_of(const Doubles& y, const Shape& o) {
  Doubles s(o.n * o.c * 2);
  for (size_t i = 0; i < y.size(); i++) {
    const int64_t at = (i / o.c / o.voxels() * o.c + i % o.c) * 2;
    s[at] += y[i];
    s[at + 1] += y[i] * y[i];
  }
  return s;
}

/// Planes that are g as InstanceNorm's backward pass makes it of another gradient and the tensor it kept: g = a·from + b·(kept − origin) + d.
struct Normed {
  Floats kept, sums, stats, from;
  NormedGradient by;
  NormedPlanes planes;
  Normed(const Floats& g, const Shape& s)
      : kept(noise(s.size())), sums(noise(2 * s.n * s.c)), stats(scales(s)), from(source(g, s)), by(s, NormStats(stats.data(), s), sums.data(), nullptr),
        planes(from.data(), kept.data(), by) {}
  Normed(const Normed&) = delete;

 private:
  static Floats scales(const Shape& s) {
    Floats out = noise(3 * s.n * s.c);
    for (size_t i = out.size() / 3 * 2; i < out.size(); i++) out[i] += 2;
    return out;
  }
  Floats source(const Floats& g, const Shape& s) const {
    const int64_t n = s.n * s.c;
    Floats out(s.size());
    for (int64_t i = 0; i < s.size(); i++) {
      const int64_t k = i / s.c / s.voxels() * s.c + i % s.c;
      const double normal = (double(kept[i]) - stats[k]) * stats[n + k];
      out[i] = float(double(g[i]) / stats[2 * n + k] + (sums[k] + normal * sums[n + k]) / double(s.voxels()));
    }
    return out;
  }
};

/// Runs a kernel with 1, 2 and 3 threads, expects the same bits, and compares with the loops.
static void judge(const char* what, const Case& t, size_t floats, const Doubles& want, const std::function<void(float*, double*)>& f, size_t stats = 0,
                  const Doubles& want_stats = {}) {
  Floats first;
  Doubles first_stats;
  for (int threads = 1; threads <= 3; threads++) {
    Pool::get().set_threads(threads);
    Floats got(floats + 16, 77.f);
    Doubles sums(stats + 1, 0);
    f(got.data(), stats ? sums.data() : nullptr);
    for (size_t i = floats; i < got.size(); i++)
      if (got[i] != 77.f) failures++, std::printf("%s wrote past its end\n", what);
    if (threads == 1) {
      compare(what, t, got.data(), want);
      for (size_t i = 0; i < stats; i++)
        if (std::fabs(sums[i] - want_stats[i]) > 1e-4 * (1 + std::fabs(want_stats[i])))
          failures++, std::printf("%s: sum %zu is %g, expected %g\n", what, i, sums[i], want_stats[i]);
      first = got;
      first_stats = sums;
    } else if (std::memcmp(first.data(), got.data(), floats * 4) || first_stats != sums)
      failures++, std::printf("%s: other bits with %d threads than with one\n", what, threads);
  }
}
