// The forward pass of a DAG: each node's terms, their statistics, and their weighted sum in one pass.
#pragma once
#include <array>
#include <memory>

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
  const float *y, *origin, *scale;  // patterns, [n] of span(c)
};

// y = shift + Σ scale·(y_t − origin), shift [n] patterns. A term's patterns are read once for some vectors.
inline void sum_terms(const Shape& s, const std::vector<Summand>& terms, const float* shift, float* y) {
  map_blocks(s, [&](int64_t sample, int64_t base, int64_t size) {
    with_period(s.c, [&](auto held) {
      constexpr int P = decltype(held)::value, some = P ? 6 : 1;
      const int64_t patterns = sample * span(s.c);
      const auto sum = [&](auto count, auto access, int64_t i, int64_t p) SCNAS_LAMBDA {
        constexpr int M = decltype(count)::value, step = P ? P : 1;
        const int64_t at = patterns + p * lanes;
        vec out[M];
        each<M>([&](auto m) SCNAS_LAMBDA { out[m] = load(shift + at + m % step * lanes); });
        for (const Summand& t : terms) {
          const float *from = t.y + base + i, *origin = t.origin + at, *scale = t.scale + at;
          each<M>([&](auto m) SCNAS_LAMBDA { out[m] += (access.load(from + m * lanes) - load(origin + m % step * lanes)) * load(scale + m % step * lanes); });
        }
        each<M>([&](auto m) SCNAS_LAMBDA { access.store(y + base + i + m * lanes, out[m]); });
      };
      int64_t i = 0, p = 0;
      for (; P && i + some * lanes <= size; i += some * lanes) sum(Period<some>{}, Whole{}, i, 0);
      for (; i + lanes <= size; i += lanes, p = (p + 1) % period(s.c)) sum(Period<1>{}, Whole{}, i, p);
      if (i < size) sum(Period<1>{}, Part{size - i}, i, p);
    });
  });
}

// Channels to copy: [c] of each voxel, between rows of ld_from and ld_to floats.
struct Channels {
  const float* from;
  int64_t ld_from;
  float* to;
  int64_t ld_to, c;
};

// Copies channels of the same voxels: all of a few voxels before the next, since they share the long rows' cache lines.
inline void copy_channels(int64_t voxels, const std::vector<Channels>& copies) {
  constexpr int64_t few = 128;
  const auto copy = [](const Channels t, int64_t b, int64_t e) {
    const auto rows = [=](auto width) {
      const float* from = t.from + b * t.ld_from;
      float* to = t.to + b * t.ld_to;
      for (int64_t v = b; v < e; v++, from += t.ld_from, to += t.ld_to)
        for (int64_t i = 0; i < t.c; i += int64_t(sizeof width) / 4) std::memcpy(to + i, from + i, sizeof width);
    };
    if (t.c % 8 == 0) rows(v8{});
    else if (t.c % 4 == 0) rows(std::array<float, 4>{});
    else if (t.c % 2 == 0) rows(std::array<float, 2>{});
    else rows(float{});
  };
  parallel_for((voxels + few - 1) / few, [&](int64_t b, int64_t e) {
    for (; b < e; b++)
      for (const Channels& t : copies) copy(t, b * few, std::min(voxels, (b + 1) * few));
  }, 32);
}

class DagForward {
 public:
  // `kept` has room for dag.kept, `stats` for dag.stats floats; kept is null where nothing is kept at all.
  DagForward(const Dag& dag, const std::vector<const float*>& sources, const float* z, float epsilon, const std::vector<float*>& kept, float* stats)
      : dag_(dag), sources_(sources), z_(z), epsilon_(epsilon), kept_(kept), stats_(stats), values_(dag.nodes.size()) {}

  const float* value(int64_t node) const {
    return node < dag_.sources ? sources_[size_t(node)] : values_[size_t(node)].data;
  }
  float weight(const Term& t) const { return t.place < 0 ? 1.f : z_[t.place]; }

  void node(int64_t at) {
    const Node& node = dag_.nodes[size_t(at)];
    values_[size_t(at)].room(kept_[size_t(dag_.value(at))], node.output, node.shape.size());
    float* y = values_[size_t(at)].data;
    std::vector<Room> results(node.terms.size());
    for (size_t k = 0; k < node.terms.size(); k++) {
      const Term& t = node.terms[k];
      if (t.kept >= 0 && !node.in_place()) results[k].room(kept_[size_t(t.kept)], !t.keeps_result(), t.out.size());
    }
    each_term(int64_t(node.terms.size()), node.shape.size(),
              [&](int64_t k) { term(node.terms[size_t(k)], results[size_t(k)].data ? results[size_t(k)].data : y); });
    const Term& only = node.terms[0];
    if (only.alone()) return;
    if (node.in_place()) {
      const float* s = stats_ + only.stats;
      const int64_t n = node.shape.n * node.shape.c;
      normalise(node.shape, y, s, s + 2 * n, nullptr, nullptr, y);
      for (int64_t i = 0; i < n; i++) stats_[only.stats + i] = 0, stats_[only.stats + n + i] = 1;
      return;
    }
    sum(node, results, y);
  }

  // The channels of the output nodes side by side.
  void result(float* y) const {
    std::vector<Channels> copies;
    for (size_t at = size_t(dag_.sources); at < dag_.nodes.size(); at++) {
      const Node& node = dag_.nodes[at];
      if (!node.output) continue;
      copies.push_back({value(int64_t(at)), node.shape.c, y, dag_.result.c, node.shape.c});
      y += node.shape.c;
    }
    copy_channels(dag_.result.n * dag_.result.voxels(), copies);
  }

 private:
  // Room for a result: what is kept, or its own until the op or the node is done.
  struct Room {
    float* data = nullptr;
    std::unique_ptr<Buffer> own;
    void room(float* kept, bool apart, int64_t size) {
      if (!kept || apart) own = std::make_unique<Buffer>(size);
      data = own ? own->data() : kept;
    }
  };

  void term(const Term& t, float* y) const {
    if (t.kind == UnitKind::identity) return;
    if (t.again && y == kept_[size_t(t.kept)]) return;
    auto* codes = t.kind == UnitKind::max_pool && !t.again ? reinterpret_cast<uint8_t*>(kept_[size_t(t.kept)]) : nullptr;
    const int64_t n = t.out.n * t.out.c;
    std::vector<double> sums(t.convolves() ? size_t(2 * n) : 0);
    unit_forward(t, value(t.from), y, codes, sums.data());
    if (!t.norm || t.again) return;
    Buffer mean(2 * n);
    if (t.convolves()) moments_from_sums(t.out, sums.data(), epsilon_, mean.data(), mean.data() + n);
    else moments(t.out, y, epsilon_, mean.data(), mean.data() + n);
    norm_stats(n, false, mean.data(), mean.data() + n, stats_ + t.stats);
  }

  void sum(const Node& node, const std::vector<Room>& results, float* y) const {
    const Shape& s = node.shape;
    const int64_t wide = span(s.c), size = s.n * wide;
    Buffer patterns(size * (1 + 2 * int64_t(node.terms.size())));
    std::fill(patterns.data(), patterns.data() + size, 0.f);
    std::vector<Summand> summands;
    for (size_t k = 0; k < node.terms.size(); k++) {
      const Term& t = node.terms[k];
      const float w = weight(t), *from = t.kind == UnitKind::identity ? value(t.from) : results[k].data;
      float *origin = patterns.data() + size * int64_t(1 + 2 * k), *scale = origin + size;
      summands.push_back({from, origin, scale});
      const NormStats stats(stats_ + t.stats, s);  // read only if there is a norm
      for (int64_t i = 0; i < size; i++) {
        const int64_t c = i % wide % s.c, j = i / wide * s.c + c;
        origin[i] = t.norm ? stats.origin[j] : 0;
        scale[i] = w * (t.norm ? stats.scale[j] * (t.gamma ? t.gamma[c] : 1) : 1);
        if (t.beta) patterns[i] += w * t.beta[c];
      }
    }
    sum_terms(s, summands, patterns.data(), y);
  }

  const Dag& dag_;
  const std::vector<const float*>& sources_;
  const float* z_;
  float epsilon_;
  const std::vector<float*>& kept_;
  float* stats_;
  std::vector<Room> values_;
};

}  // namespace scnas
