// Numbers for the harness.
#pragma once
#include <cstdint>
#include <vector>

typedef std::vector<float> Floats;
typedef std::vector<double> Doubles;

/// Uniform in (−1, 1), other ones each time.
static Floats noise(int64_t n) {
  static uint32_t state = 12345;
  Floats v(n);
  for (auto& x : v) {
    state = state * 1664525u + 1013904223u;
    x = float(int32_t(state)) * (1.f / 2147483648.f);
  }
  return v;
}
