// The backward pass of a DAG: from the last node to the first, each node's gradient is complete when its turn comes.
#pragma once
#include <memory>

#include "dag_forward.h"

namespace scnas {

// Which gradients are wanted, and where they go; null: not wanted.
struct DagGradients {
  struct Source {
    float* to;
    bool add;                      // to what is there; else written as a whole
  };
  double* z = nullptr;             // [places], added to
  std::vector<Source> sources;
  std::vector<float*> weights;     // written as a whole or, where nothing comes to a unit, left; all or none
};

class DagBackward {
 public:
  DagBackward(const Dag& dag, const std::vector<const float*>& sources, const float* z, const std::vector<const float*>& kept, const float* stats,
              const DagGradients& to)
      : dag_(dag), sources_(sources), z_(z), kept_(kept), stats_(stats), to_(to), own_(dag.nodes.size()), outputs_(dag.nodes.size()),
        gradient_(dag.nodes.size()), written_(dag.nodes.size(), 0) {
    for (size_t i = 0; i < to.sources.size(); i++) gradient_[i] = to.sources[i].to, written_[i] = to.sources[i].add;
  }

  // y: the result; dy: its gradient.
  void run(const float* y, const float* dy) {
    spread(y, dy);
    for (int64_t at = int64_t(dag_.nodes.size()) - 1; at >= dag_.sources; at--) {
      node(at);
      own_[size_t(at)].reset();
      outputs_[size_t(at)].reset();
    }
    for (int64_t at = 0; at < dag_.sources; at++)
      if (gradient_[size_t(at)] && !written_[size_t(at)]) std::fill_n(gradient_[size_t(at)], dag_.nodes[size_t(at)].shape.size(), 0.f);
  }

 private:
  float weight(const Term& t) const { return t.place < 0 ? 1.f : z_[t.place]; }
  const float* value(int64_t node) const {
    if (node < dag_.sources) return sources_[size_t(node)];
    return outputs_[size_t(node)] ? outputs_[size_t(node)]->data() : kept_[size_t(dag_.value(node))];
  }

  // A node's own gradient; room is made when it is first needed.
  float* gradient(int64_t at) {
    if (at >= dag_.sources && !own_[size_t(at)]) {
      own_[size_t(at)] = std::make_unique<Buffer>(dag_.nodes[size_t(at)].shape.size());
      gradient_[size_t(at)] = own_[size_t(at)]->data();
    }
    return gradient_[size_t(at)];
  }

  // Whether the backward pass reads a node's value.
  bool reads(int64_t node) const {
    for (const Node& reader : dag_.nodes)
      for (const Term& t : reader.terms)
        if (t.from == node && t.kind != UnitKind::average_pool && !t.alone()) return true;
    return dag_.nodes[size_t(node)].in_place();
  }

  // Takes the result and its gradient apart.
  void spread(const float* y, const float* dy) {
    const int64_t ld = dag_.result.c;
    std::vector<Channels> copies;
    for (size_t at = size_t(dag_.sources); at < dag_.nodes.size(); at++) {
      const Shape& s = dag_.nodes[at].shape;
      if (!dag_.nodes[at].output) continue;
      if (reads(int64_t(at))) {
        outputs_[at] = std::make_unique<Buffer>(s.size());
        copies.push_back({y, ld, outputs_[at]->data(), s.c, s.c});
      }
      copies.push_back({dy, ld, gradient(int64_t(at)), s.c, s.c});
      written_[at] = 1;
      y += s.c, dy += s.c;
    }
    copy_channels(dag_.result.n * dag_.result.voxels(), copies);
  }

  void node(int64_t at) {
    if (!written_[size_t(at)]) return;  // nothing reads it but zero
    const Node& node = dag_.nodes[size_t(at)];
    float* g = gradient(at);
    const int64_t n = node.shape.n * node.shape.c, terms = int64_t(node.terms.size());
    std::vector<std::unique_ptr<Buffer>> maxima(node.terms.size());
    std::vector<const float*> results(node.terms.size(), nullptr);
    for (size_t k = 0; k < node.terms.size(); k++) results[k] = result_of(node, node.terms[k], value(at), maxima[k]);
    Buffer sums(2 * n * terms);  // of each term Σg and Σg·x̂, [2][n · c]
    measure(node, results, g, sums.data());
    std::vector<double> dz(node.terms.size(), 0.0);
    // Terms of one source add to one gradient: they stay in order.
    std::vector<int64_t> heads;
    for (int64_t k = 0; k < terms; k++)
      if (k == 0 || node.terms[size_t(k)].from != node.terms[size_t(k - 1)].from) heads.push_back(k);
    bool ordered = true;
    for (size_t i = 1; i < heads.size(); i++)
      if (node.terms[size_t(heads[i])].from <= node.terms[size_t(heads[i - 1])].from) ordered = false;
    for (const int64_t k : heads) gradient(node.terms[size_t(k)].from);
    const auto group = [&](int64_t i) {
      const int64_t end = i + 1 < int64_t(heads.size()) ? heads[size_t(i + 1)] : terms;
      for (int64_t k = heads[size_t(i)]; k < end; k++)
        dz[size_t(k)] = term(node, node.terms[size_t(k)], results[size_t(k)], g, sums.data() + 2 * n * k);
    };
    if (ordered) each_term(int64_t(heads.size()), node.shape.size(), group);
    else
      for (int64_t i = 0; i < int64_t(heads.size()); i++) group(i);
    for (int64_t k = 0; k < terms && to_.z; k++)
      if (node.terms[size_t(k)].place >= 0) to_.z[node.terms[size_t(k)].place] += dz[size_t(k)];
  }

  const uint8_t* codes(const Term& t) const {
    return t.kind == UnitKind::max_pool ? reinterpret_cast<const uint8_t*>(kept_[size_t(t.kept)]) : nullptr;
  }
  // A term's result before its norm, where it is read; a maximum's is computed anew, into `room`.
  const float* result_of(const Node& node, const Term& t, const float* value_of_node, std::unique_ptr<Buffer>& room) const {
    if (t.kept < 0) return nullptr;
    if (node.in_place()) return value_of_node;
    if (t.kind != UnitKind::max_pool) return kept_[size_t(t.kept)];
    if (!t.norm && t.place < 0) return nullptr;
    room = std::make_unique<Buffer>(t.out.size());
    max_pool(PoolPlan(t.in, t.stride), value(t.from), room->data());
    return room->data();
  }

  // Σg and Σg·x̂ of the normalised terms: two at a time, so that g is read once for both.
  void measure(const Node& node, const std::vector<const float*>& results, const float* g, float* sums) const {
    const Shape& s = node.shape;
    const int64_t n = s.n * s.c, wide = span(s.c);
    std::vector<size_t> normed;
    for (size_t k = 0; k < node.terms.size(); k++)
      if (node.terms[k].norm) normed.push_back(k);
    for (size_t k = 0; k < normed.size(); k += 2) {
      const size_t pair = std::min(size_t(2), normed.size() - k);
      const float* kept[2] = {nullptr, nullptr};
      Buffer origins(2 * s.n * wide);
      for (size_t j = 0; j < 2; j++) {
        const size_t at = normed[k + std::min(j, pair - 1)];
        const Term& t = node.terms[at];
        kept[j] = results[at];
        for (int64_t i = 0; i < s.n; i++) lay_out(stats_ + t.stats + i * s.c, s.c, origins.data() + (int64_t(j) * s.n + i) * wide);
      }
      std::vector<double> out(size_t(3 * n));
      const auto both = [&](int64_t sample) {
        const Pattern a(origins.data() + sample * wide), b(origins.data() + (s.n + sample) * wide);
        return [=, x = kept[0], y = kept[1]](auto access, int64_t i, int64_t p, vec* term) {
          term[0] = access.load(g + i);
          term[1] = term[0] * (access.load(x + i) - a.at(p));
          term[2] = term[0] * (access.load(y + i) - b.at(p));
        };
      };
      const auto one = [&](int64_t sample) {
        const Pattern a(origins.data() + sample * wide);
        return [=, x = kept[0]](auto access, int64_t i, int64_t p, vec* term) {
          term[0] = access.load(g + i);
          term[1] = term[0] * (access.load(x + i) - a.at(p));
        };
      };
      if (pair == 2) sum_channels<3>(s, both, out.data());
      else sum_channels<2>(s, one, out.data());
      for (size_t j = 0; j < pair; j++) {
        const float* inverse = stats_ + node.terms[normed[k + j]].stats + n;
        float* to = sums + 2 * n * int64_t(normed[k + j]);
        for (int64_t i = 0; i < n; i++) {
          to[i] = float(out[size_t(i)]);
          to[n + i] = float(out[size_t(int64_t(j + 1) * n + i)] * double(inverse[i]));
        }
      }
    }
  }

  // Sends one term's gradients on and returns that of its weight.
  double term(const Node& node, const Term& t, const float* y, const float* g, const float* sums) {
    const Shape& s = node.shape;
    const float w = weight(t);
    float* dx = gradient_[size_t(t.from)];
    const bool add = written_[size_t(t.from)] != 0;
    float *dw0 = nullptr, *dw1 = nullptr;
    if (!to_.weights.empty() && t.convolves()) {
      dw0 = to_.weights[size_t(t.weights)];
      if (t.kernels() == 2) dw1 = to_.weights[size_t(t.weights) + 1];
    }
    if (t.kind == UnitKind::zero) return 0;
    if (dx) written_[size_t(t.from)] = 1;
    if (t.kind == UnitKind::identity) {
      if (dx) add_scaled(s.size(), g, w, add, dx);
      return t.place >= 0 && to_.z ? dot(s.size(), g, value(t.from)) : 0;
    }
    if (!t.norm) {
      Buffer scaled(w == 1 ? 0 : s.size());
      if (w != 1) add_scaled(s.size(), g, w, false, scaled.data());
      unit_backward(t, value(t.from), StoredPlanes(w == 1 ? g : scaled.data(), s), codes(t), dx, add, dw0, dw1);
      return t.place >= 0 && to_.z ? dot(s.size(), g, y) : 0;
    }
    if (dx || dw0) {
      Buffer scale(s.c);
      for (int64_t c = 0; c < s.c; c++) scale[c] = w * (t.gamma ? t.gamma[c] : 1);
      const NormedGradient through(s, NormStats(stats_ + t.stats, s), sums, scale.data());
      const auto send = [&](const auto& dy) { unit_backward(t, value(t.from), dy, codes(t), dx, add, dw0, dw1); };
      if (by_planes(t)) send(NormedPlanes(g, y, through));
      else {
        Buffer dy(s.size());
        norm_gradient(through, g, y, dy.data());
        send(StoredPlanes(dy.data(), s));
      }
    }
    if (t.affine && !to_.weights.empty()) affine_gradients(s, t, w, sums);
    return weight_gradient(s, t, sums);
  }

  void affine_gradients(const Shape& s, const Term& t, float w, const float* sums) const {
    float *gamma = to_.weights[size_t(t.weights + t.kernels())], *beta = to_.weights[size_t(t.weights + t.kernels() + 1)];
    for (int64_t c = 0; c < s.c; c++) {
      double g = 0, b = 0;
      for (int64_t n = 0; n < s.n; n++) b += sums[n * s.c + c], g += sums[(s.n + n) * s.c + c];
      gamma[c] = float(w * g);
      beta[c] = float(w * b);
    }
  }

  // Σ g·(γ·x̂ + β).
  static double weight_gradient(const Shape& s, const Term& t, const float* sums) {
    double dz = 0;
    for (int64_t i = 0; i < s.n * s.c; i++)
      dz += double(sums[s.n * s.c + i]) * (t.gamma ? t.gamma[i % s.c] : 1) + (t.beta ? double(sums[i]) * t.beta[i % s.c] : 0);
    return dz;
  }

  static void add_scaled(int64_t size, const float* g, float w, bool add, float* to) {
    each_tile(size, [=](int64_t b, int64_t e) {
      if (add)
        for (int64_t i = b; i < e; i++) to[i] += w * g[i];
      else
        for (int64_t i = b; i < e; i++) to[i] = w * g[i];
    });
  }
  static double dot(int64_t size, const float* g, const float* y) {
    double out;
    dot_products(size, g, {y}, &out);
    return out;
  }

  const Dag& dag_;
  const std::vector<const float*>& sources_;
  const float* z_;
  const std::vector<const float*>& kept_;
  const float* stats_;
  const DagGradients& to_;
  std::vector<std::unique_ptr<Buffer>> own_, outputs_;
  std::vector<float*> gradient_;
  std::vector<char> written_;
};

}  // namespace scnas
