// Correlations over planes: which source a tap reads, padded source rows, a ring of three planes, the order of the results.
#pragma once
#include <algorithm>
#include "simd.h"

namespace scnas {

inline int64_t out_size(int64_t size, int64_t stride) { return (size - 1) / stride + 1; }
inline Shape out_shape(const Shape& in, int64_t stride, int64_t c) {
  return {in.n, out_size(in.d, stride), out_size(in.h, stride), out_size(in.w, stride), c};
}

/// How one axis of a correlation (or of its transpose, the input gradient) meets its source.
struct Axis {
  int64_t source, result, stride, dilation;
  bool transposed;
  /// The source index that tap k reads for result i, −1 if none.
  int64_t at(int64_t i, int64_t k) const {
    const int64_t t = transposed ? i + dilation - k * dilation : i * stride + (k - 1) * dilation;
    if (!transposed) return t >= 0 && t < source ? t : -1;
    return t >= 0 && t % 2 * (stride - 1) == 0 && (t >> (stride - 1)) < source ? t >> (stride - 1) : -1;
  }
  /// How far apart two results lie whose taps share sources.
  int64_t step() const { return transposed ? dilation : dilation / gcd(dilation, stride); }
};

/// The last axis, whose rows are padded and, at stride 2, split by parity of the source (forward) or of the result (transposed).
struct RowPlan {
  Axis axis;
  int64_t c, pad, source_phases, result_phases, columns, length;
  int64_t offset[2][3];  // of phase and tap: where the tap begins in a padded row, in floats; −1 if it never reaches the phase
  int64_t width[2];      // result columns of a phase
  RowPlan(const Axis& a, int64_t channels) : axis(a), c(channels) {
    source_phases = a.transposed ? 1 : a.stride;
    result_phases = a.transposed ? a.stride : 1;
    pad = a.transposed ? (a.dilation + a.stride - 1) / a.stride : a.dilation;
    columns = (a.source + 2 * pad + source_phases - 1) / source_phases + 1;
    length = (source_phases * columns * c + 2 * lanes + lanes - 1) / lanes * lanes;
    for (int64_t phase = 0; phase < 2; phase++) {
      width[phase] = (a.result - phase + result_phases - 1) / result_phases;
      for (int64_t k = 0; k < 3; k++) {
        const int64_t q = k * a.dilation, t = phase + a.dilation - q + pad * a.stride;
        offset[phase][k] = !a.transposed     ? (q % a.stride * columns + q / a.stride) * c
                           : t % a.stride    ? -1
                                             : t / a.stride * c;
      }
    }
  }
  /// Copies one source row into its padded form.
  void pad_row(const float* x, float* row, bool activate) const {
    const int64_t left = pad * c, n = axis.source * c;
    if (source_phases == 1) {
      std::fill(row, row + left, 0.f);
      copy_leaky(x, row + left, n, activate);
      std::fill(row + left + n, row + length, 0.f);
      return;
    }
    std::fill(row, row + length, 0.f);
    for (int64_t first = 0; first < 2; first++)
      copy_voxels(x + first * c, 2, row + ((first + pad) % 2 * columns + (first + pad) / 2) * c, 1, (axis.source + 1 - first) / 2, c, activate);
  }
};

/// Three padded source planes, filled as they are asked for.
struct PlaneRing {
  float* data;
  int64_t plane, tags[3] = {-1, -1, -1};
  template <class Fill>
  const float* get(int64_t tag, const int64_t* needed, const Fill& fill) {
    for (int s = 0; s < 3; s++)
      if (tags[s] == tag) return data + s * plane;
    int slot = 0;
    while (tags[slot] >= 0 && (tags[slot] == needed[0] || tags[slot] == needed[1] || tags[slot] == needed[2])) slot++;
    tags[slot] = tag;
    fill(tag, data + slot * plane);
    return data + slot * plane;
  }
};

/// Two result rows whose taps share source rows (`other` −1: one alone), and what they read: source rows that both read, with the
/// tap of each, and those that the first or the other reads alone.
struct RowPair {
  struct Read {
    int64_t source, tap[2];
  };
  int64_t h, other;
  Read both[3], alone[2][3];
  int shared = 0, single[2] = {0, 0};
  RowPair(const Axis& axis, int64_t first, int64_t second) : h(first), other(second) {
    bool met[3] = {};
    for (int k = 0; k < 3; k++) {
      const int64_t source = axis.at(h, k);
      if (source < 0) continue;
      int64_t match = 0;
      while (match < 3 && (other < 0 || axis.at(other, match) != source)) match++;
      if (match == 3) alone[0][single[0]++] = {source, {k, k}};
      else {
        both[shared++] = {source, {k, match}};
        met[match] = true;
      }
    }
    for (int k = 0; other >= 0 && k < 3; k++)
      if (!met[k] && axis.at(other, k) >= 0) alone[1][single[1]++] = {axis.at(other, k), {k, k}};
  }
};

/// The source rows that results read by the same taps, and these results.
struct RowReaders {
  struct Row {
    int64_t source, result[3];
  };
  int tap[3], taps = 0;
  std::vector<Row> rows;
  RowReaders(const Axis& axis, int mask) {
    for (int k = 0; k < 3; k++)
      if (mask >> k & 1) tap[taps++] = k;
    for (int64_t s = 0; s < axis.source; s++) {
      Row row{s, {}};
      int found = 0, count = 0;
      for (int k = 0; k < 3; k++) {
        const int64_t t = s - (k - 1) * axis.dilation;
        if (t < 0 || t % axis.stride || t / axis.stride >= axis.result) continue;
        row.result[count++] = t / axis.stride;
        found |= 1 << k;
      }
      if (found == mask) rows.push_back(row);
    }
  }
};

/// A correlation over planes: axes d and h, the row plan, the rows in pairs and, if not transposed, what reads the source rows.
struct DepthwisePlan {
  Axis d, h;
  RowPlan row;
  int64_t period;
  std::vector<RowPair> pairs;
  std::vector<RowReaders> readers;
  DepthwisePlan(const Shape& in, int64_t stride, int64_t dilation, bool transposed)
      : d(axis(in.d, stride, dilation, transposed)),
        h(axis(in.h, stride, dilation, transposed)),
        row(axis(in.w, stride, dilation, transposed), in.c),
        period(period_of(in.c)) {
    const int64_t step = h.step();
    for (int64_t base = 0; base < h.result; base += 2 * step)
      for (int64_t i = base; i < std::min(base + step, h.result); i++) pairs.emplace_back(h, i, i + step < h.result ? i + step : -1);
    for (int mask = 1; mask < 8 && !transposed; mask++) readers.emplace_back(h, mask);
  }
  static Axis axis(int64_t size, int64_t stride, int64_t dilation, bool transposed) {
    const int64_t out = out_size(size, stride);
    return transposed ? Axis{out, size, stride, dilation, true} : Axis{size, out, stride, dilation, false};
  }
  int64_t plane() const { return h.source * row.length; }
};

/// Runs f(n, d) over result planes begin…end−1 (n·D + d), in an order in which neighbours share source planes and that of any part is
/// the same.
template <class F>
static inline void planes_in_order(const Axis& d, int64_t begin, int64_t end, const F& f) {
  const int64_t step = d.step();
  while (begin < end) {
    const int64_t n = begin / d.result, first = begin - n * d.result, stop = std::min(end - n * d.result, d.result);
    for (int64_t r = 0; r < step; r++)
      for (int64_t i = r + (first - r + step - 1) / step * step; i < stop; i += step) f(n, i);
    begin = n * d.result + stop;
  }
}

/// The three source planes of result plane (n, d), filled from the first on; null where the tap reads padding.
template <class Fill>
static inline void source_planes(const Axis& d, PlaneRing& ring, int64_t n, int64_t i, const float** out, const Fill& fill) {
  int64_t tags[3];
  for (int k = 0; k < 3; k++) {
    const int64_t s = d.at(i, k);
    tags[k] = s < 0 ? -1 : n * d.source + s;
  }
  for (int i = 0; i < 3; i++) {
    const int k = d.transposed ? 2 - i : i;
    out[k] = tags[k] < 0 ? nullptr : ring.get(tags[k], tags, fill);
  }
}

/// Copies plane `tag` of x, padded and activated.
struct FillPlane {
  const DepthwisePlan& p;
  const float* x;
  bool activate;
  void operator()(int64_t tag, float* plane) const {
    const int64_t rows = p.h.source, n = p.row.axis.source * p.row.c;
    for (int64_t h = 0; h < rows; h++) p.row.pad_row(x + (tag * rows + h) * n, plane + h * p.row.length, activate);
  }
};

/// Σy and Σy² of planes, for the norm after a convolution: of each plane [2][period], a lane for every period-th float of its
/// runs, so that a run costs no sum over lanes.
class PlaneSums {
 public:
  PlaneSums(int64_t planes, int64_t channels, bool wanted) : c_(channels), period_(period_of(channels)), sums_(wanted ? size_t(planes * 2 * period_) : 0) {}
  bool wanted() const { return !sums_.empty(); }
  /// Adds a channels-last run. Without sums that are wanted, nothing.
  void add(int64_t plane, const float* y, int64_t voxels) {
    if (!wanted()) return;
    double* to = sums_.data() + plane * 2 * period_;
    const int64_t total = voxels * c_, whole = total / lanes * lanes;
    for (int64_t j = 0; j < std::min(period_, whole); j += lanes) {
      vec s[4] = {}, q[4] = {};  // four of each: an addition takes as long as four can be begun
      int64_t i = j;
      for (; i + 3 * period_ < whole; i += 4 * period_)
        each<4>([&](auto k) SCNAS_LAMBDA {
          const vec v = load(y + i + k * period_);
          s[k] += v;
          q[k] += v * v;
        });
      for (; i < whole; i += period_) {
        const vec v = load(y + i);
        s[0] += v;
        q[0] += v * v;
      }
      float both[2][lanes];
      store(both[0], (s[0] + s[1]) + (s[2] + s[3]));
      store(both[1], (q[0] + q[1]) + (q[2] + q[3]));
      for (int k = 0; k < 2; k++)
        for (int l = 0; l < lanes; l++) to[k * period_ + j + l] += double(both[k][l]);
    }
    for (int64_t i = whole; i < total; i++) {
      to[i % period_] += double(y[i]);
      to[period_ + i % period_] += double(y[i]) * double(y[i]);
    }
  }
  /// stats [n][ld][2] from channel `first` on, of d planes each: the planes' sums in their order.
  void total(double* stats, int64_t n, int64_t d, int64_t ld, int64_t first) const {
    for (int64_t b = 0; b < n && wanted(); b++)
      for (int64_t j = 0; j < 2 * c_; j++) {
        double s = 0;
        for (int64_t i = 0; i < d; i++)
          for (int64_t l = j / 2; l < period_; l += c_) s += sums_[size_t(((b * d + i) * 2 + j % 2) * period_ + l)];
        stats[(b * ld + first) * 2 + j] = s;
      }
  }

 private:
  int64_t c_, period_;
  std::vector<double> sums_;
};

/// The same, one run behind: vectors of a run that has just been written in parts of them would have to wait for the store queue.
class LateSums {
 public:
  explicit LateSums(PlaneSums& sums) : sums_(sums) {}
  ~LateSums() { flush(); }
  LateSums(const LateSums&) = delete;
  LateSums& operator=(const LateSums&) = delete;
  void add(int64_t plane, const float* y, int64_t voxels) {
    flush();
    plane_ = plane, y_ = y, voxels_ = voxels;
  }

 private:
  void flush() {
    if (y_) sums_.add(plane_, y_, voxels_);
  }
  PlaneSums& sums_;
  const float* y_ = nullptr;
  int64_t plane_ = 0, voxels_ = 0;
};

}  // namespace scnas
