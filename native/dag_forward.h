// The forward pass of a DAG: each node's terms, their statistics, and their weighted sum in one pass.
#pragma once
#include <array>

#include "unit.h"

namespace scnas {

// Below this many floats a node's terms run side by side, one a thread; above, each term uses all threads.
constexpr int64_t kApart = 1 << 16;

// f(k) for k < n: side by side where the work of each is small.
template <class F>
inline void each_term(int64_t n, int64_t floats, const F& f) {
  if (floats < kApart) {
    parallel_for(n, [&](int64_t b, int64_t e) {
      for (; b < e; b++) f(b);
    });
  } else
    for (int64_t k = 0; k < n; k++) f(k);
}

// What a node's sum takes of one term: scale·(y − origin).
struct Summand {
  const float *y, *origin, *scale;  // patterns, [n] of 8·period(c); without origin: scale is one number
  float weight;
};

// y = shift + Σ scale·(y_t − origin), shift [n] patterns.
inline void sum_terms(const Shape& s, const std::vector<Summand>& terms, const float* shift, float* y) {
  const int64_t lanes = 8 * period(s.c);
  map_channels(s, [&, lanes](int64_t sample) {
    return [&terms, shift = shift + sample * lanes, y, offset = sample * lanes](auto access, int64_t i, int64_t p) {
      v8 sum = load8(shift + 8 * p);
      for (const Summand& t : terms) {
        const v8 v = access.load(t.y + i);
        sum += t.origin ? (v - load8(t.origin + offset + 8 * p)) * load8(t.scale + offset + 8 * p) : t.weight * v;
      }
      access.store(y + i, sum);
    };
  });
}

// Copies [voxels][c] between rows of ld_from and ld_to floats.
inline void copy_channels(int64_t voxels, int64_t c, const float* from, int64_t ld_from, float* to, int64_t ld_to) {
  parallel_for(voxels, [=](int64_t b, int64_t e) {
    const auto rows = [&](auto width) {
      for (int64_t v = b; v < e; v++)
        for (int64_t i = 0; i < c; i += int64_t(sizeof width) / 4) std::memcpy(to + v * ld_to + i, from + v * ld_from + i, sizeof width);
    };
    if (c % 8 == 0) rows(v8{});
    else if (c % 4 == 0) rows(std::array<float, 4>{});
    else if (c % 2 == 0) rows(std::array<float, 2>{});
    else rows(float{});
  }, 4096);
}

class DagForward {
 public:
  // `kept` has room for dag.kept, `stats` for dag.stats floats.
  DagForward(const Dag& dag, const std::vector<const float*>& sources, const float* z, float epsilon, const std::vector<float*>& kept, float* stats)
      : dag_(dag), sources_(sources), z_(z), epsilon_(epsilon), kept_(kept), stats_(stats) {}

  const float* value(int64_t node) const {
    return node < dag_.sources ? sources_[size_t(node)] : kept_[size_t(dag_.value(node))];
  }
  float weight(const Term& t) const { return t.place < 0 ? 1.f : z_[t.place]; }

  void node(int64_t at) {
    const Node& node = dag_.nodes[size_t(at)];
    float* y = kept_[size_t(dag_.value(at))];
    each_term(int64_t(node.terms.size()), node.shape.size(), [&](int64_t k) { term(node, node.terms[size_t(k)], y); });
    const Term& only = node.terms[0];
    if (only.kind == UnitKind::upsample || only.kind == UnitKind::upsample_corners) return;
    if (node.in_place()) {
      const float* s = stats_ + only.stats;
      const int64_t n = node.shape.n * node.shape.c;
      normalise(node.shape, y, s, s + 2 * n, nullptr, nullptr, y);
      for (int64_t i = 0; i < n; i++) stats_[only.stats + i] = 0, stats_[only.stats + n + i] = 1;
      return;
    }
    sum(node, y);
  }

  // The channels of the output nodes side by side.
  void result(float* y) const {
    int64_t first = 0;
    for (size_t at = size_t(dag_.sources); at < dag_.nodes.size(); at++) {
      const Node& node = dag_.nodes[at];
      if (!node.output) continue;
      copy_channels(node.shape.n * node.shape.voxels(), node.shape.c, value(int64_t(at)), node.shape.c, y + first, dag_.result.c);
      first += node.shape.c;
    }
  }

 private:
  void term(const Node& node, const Term& t, float* value_of_node) const {
    if (t.kind == UnitKind::identity) return;
    float* y = node.in_place() || t.kept < 0 ? value_of_node : kept_[size_t(t.kept)];
    uint8_t* codes = t.kind != UnitKind::max_pool ? nullptr
                                                  : reinterpret_cast<uint8_t*>(kept_[size_t(t.kept)] + (node.in_place() ? 0 : t.out.size()));
    const int64_t n = t.out.n * t.out.c;
    std::vector<double> sums(t.convolves() ? size_t(2 * n) : 0);
    unit_forward(t, value(t.from), y, codes, sums.data());
    if (!t.norm) return;
    Buffer mean(2 * n);
    if (t.convolves()) moments_from_sums(t.out, sums.data(), epsilon_, mean.data(), mean.data() + n);
    else moments(t.out, y, epsilon_, mean.data(), mean.data() + n);
    norm_stats(n, false, mean.data(), mean.data() + n, stats_ + t.stats);
  }

  void sum(const Node& node, float* y) const {
    const Shape& s = node.shape;
    const int64_t lanes = 8 * period(s.c), size = s.n * lanes;
    Buffer patterns(size * (1 + 2 * int64_t(node.terms.size())));
    std::fill(patterns.data(), patterns.data() + size, 0.f);
    std::vector<Summand> summands;
    for (size_t k = 0; k < node.terms.size(); k++) {
      const Term& t = node.terms[k];
      const float w = weight(t), *from = t.kind == UnitKind::identity ? value(t.from) : kept_[size_t(t.kept)];
      summands.push_back({from, nullptr, nullptr, w});
      if (!t.norm) continue;
      float* origin = patterns.data() + size * int64_t(1 + 2 * k);
      const NormStats stats(stats_ + t.stats, s);
      for (int64_t i = 0; i < size; i++) {
        const int64_t c = i % lanes % s.c, j = i / lanes * s.c + c;
        origin[i] = stats.origin[j];
        origin[size + i] = w * stats.scale[j] * (t.gamma ? t.gamma[c] : 1);
        if (t.beta) patterns[i] += w * t.beta[c];
      }
      summands.back().origin = origin;
      summands.back().scale = origin + size;
    }
    sum_terms(s, summands, patterns.data(), y);
  }

  const Dag& dag_;
  const std::vector<const float*>& sources_;
  const float* z_;
  float epsilon_;
  const std::vector<float*>& kept_;
  float* stats_;
};

}  // namespace scnas
