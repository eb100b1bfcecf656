// Trilinear ×2 and its gradient, channels-last: first over x and y, row by row, then along z.
#pragma once

#include "channels.h"

namespace scnas {

// One axis: result i is (1 − weight)·source[first] + weight·source[second].
struct Stretch {
  struct Tap {
    int64_t first, second;
    float weight;
  };
  struct Share {
    int64_t from;
    float weight;
  };
  std::vector<Tap> taps;
  std::vector<std::vector<Share>> shares;  // the other way: what each source gets from the results

  // Half-pixel centres with clamped edges, or aligned corners.
  Stretch(int64_t size, bool align_corners) : shares(size_t(size)) {
    const int64_t twice = 2 * size;
    for (int64_t i = 0; i < twice; i++) {
      double at = align_corners ? double(i) * double(size - 1) / double(twice - 1) : (double(i) + 0.5) / 2 - 0.5;
      if (at < 0) at = 0;
      const int64_t first = std::min(int64_t(at), size - 1);
      const Tap tap{first, std::min(first + 1, size - 1), float(at - double(first))};
      taps.push_back(tap);
      if (tap.weight != 1) shares[size_t(tap.first)].push_back({i, 1 - tap.weight});
      if (tap.weight != 0) shares[size_t(tap.second)].push_back({i, tap.weight});
    }
  }
};

// to[i] (+)= weight·from[i]
inline void add_row(int64_t size, const float* from, float weight, bool first, float* to) {
  if (first)
    for (int64_t i = 0; i < size; i++) to[i] = weight * from[i];
  else
    for (int64_t i = 0; i < size; i++) to[i] += weight * from[i];
}

inline void upsample(const Shape& in, const float* x, bool align_corners, float* y) {
  const Stretch d(in.d, align_corners), h(in.h, align_corners), w(in.w, align_corners);
  const int64_t row = in.w * in.c, c = in.c;
  parallel_for(in.n * 2 * in.d * 2 * in.h, [&](int64_t begin, int64_t end) {
    float* mixed = thread_scratch(row, 0);
    for (int64_t r = begin; r < end; r++) {
      const int64_t n = r / (2 * in.h) / (2 * in.d);
      const Stretch::Tap &a = d.taps[size_t(r / (2 * in.h) % (2 * in.d))], &b = h.taps[size_t(r % (2 * in.h))];
      const auto source = [&](int64_t i, int64_t j) { return x + ((n * in.d + i) * in.h + j) * row; };
      const float *p = source(a.first, b.first), *q = source(a.first, b.second), *s = source(a.second, b.first),
                  *t = source(a.second, b.second);
      for (int64_t i = 0; i < row; i++) {
        const float u = p[i] + b.weight * (q[i] - p[i]), v = s[i] + b.weight * (t[i] - s[i]);
        mixed[i] = u + a.weight * (v - u);
      }
      float* to = y + r * 2 * row;
      for (const Stretch::Tap& tap : w.taps) {
        const float *left = mixed + tap.first * c, *right = mixed + tap.second * c;
        for (int64_t j = 0; j < c; j++) to[j] = left[j] + tap.weight * (right[j] - left[j]);
        to += c;
      }
    }
  });
}

inline void upsample_gradient(const Shape& in, const float* dy, bool align_corners, float* dx, bool accumulate = false) {
  const Stretch d(in.d, align_corners), h(in.h, align_corners), w(in.w, align_corners);
  const int64_t row = in.w * in.c, c = in.c;
  parallel_for(in.n * in.d * in.h, [&](int64_t begin, int64_t end) {
    float* mixed = thread_scratch(2 * row, 0);
    for (int64_t r = begin; r < end; r++) {
      const int64_t n = r / in.h / in.d;
      bool first = true;
      for (const auto& a : d.shares[size_t(r / in.h % in.d)])
        for (const auto& b : h.shares[size_t(r % in.h)]) {
          add_row(2 * row, dy + ((n * 2 * in.d + a.from) * 2 * in.h + b.from) * 2 * row, a.weight * b.weight, first, mixed);
          first = false;
        }
      for (int64_t k = 0; k < in.w; k++) {
        float* to = dx + r * row + k * c;
        bool fresh = !accumulate;
        for (const auto& share : w.shares[size_t(k)]) {
          add_row(c, mixed + share.from * c, share.weight, fresh, to);
          fresh = false;
        }
      }
    }
  });
}

}  // namespace scnas
