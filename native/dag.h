// A DAG of units in one op: its plan, read from a program of integers and the shapes of the tensors.
//
//   program: nodes, then for each [output, terms] and for each of its terms
//            [from, kind, stride, dilation, affine, norm, weights, place]
//   from: a source or an earlier node, sources counted first; weights: place of the unit's first weight among the weights;
//   place: of the term's weight in ẑ, −1 for 1. A node is the weighted sum of its terms; the result holds the channels of the
//   output nodes side by side.
#pragma once
#include <algorithm>

#include "norm.h"
#include "op.h"
#include "planes.h"

namespace scnas {

enum class UnitKind { conv, separable, reduce, max_pool, average_pool, identity, upsample, upsample_corners, zero };

// One term of a node: a unit of an earlier node, with its weight.
struct Term {
  int64_t from = 0, stride = 1, dilation = 1, weights = 0, place = -1;
  UnitKind kind = UnitKind::identity;
  bool affine = false, norm = false, activate = true;
  Shape in{}, out{};
  int64_t side = 1, half[2] = {0, 0};            // of a convolution; outputs of a factorized reduce
  const float *w[2] = {nullptr, nullptr}, *gamma = nullptr, *beta = nullptr;
  int64_t kept = -1;                             // place of its result among what is kept; −1: it has none (identity, upsampling)
  int64_t stats = -1;                            // where its three rows of statistics begin
  bool again = false;                            // an earlier node has the same pooling: what is kept of it and its statistics are this one's too

  // Whether the backward pass reads its result. A maximum's is computed anew.
  bool keeps_result() const { return kind != UnitKind::max_pool && (norm || place >= 0); }
  bool upsamples() const { return kind == UnitKind::upsample || kind == UnitKind::upsample_corners; }
  // It is the only term of its node, which it writes itself.
  bool alone() const { return upsamples() || kind == UnitKind::zero; }
  bool pool() const { return kind == UnitKind::max_pool || kind == UnitKind::average_pool; }
  bool convolves() const { return kind == UnitKind::conv || kind == UnitKind::separable || kind == UnitKind::reduce; }
  int64_t kernels() const { return kind == UnitKind::conv ? 1 : convolves() ? 2 : 0; }
};

struct Node {
  bool output = false;
  std::vector<Term> terms;
  Shape shape{};
  // Its one term is normalised in place: the node is x̂ and nothing else is kept.
  bool in_place() const {
    return terms.size() == 1 && terms[0].norm && !terms[0].affine && terms[0].place < 0;
  }
};

// What is kept for the backward pass: each node's value but for the output nodes, which the result holds, then each term's result
// or, of a maximum, its places. It lies in a few tensors, since each costs its way through TensorFlow and tfjs.
struct Dag {
  static constexpr int64_t blocks = 4;
  struct Kept {
    int64_t size, block = 0, at = 0;    // floats, and where they begin in their block
  };
  int64_t sources = 0, stats = 0, block[blocks] = {};
  std::vector<Node> nodes;              // sources included, without terms
  std::vector<Kept> kept;
  Shape result{};

  int64_t value(int64_t node) const { return node - sources; }
  // Gives what is kept its places: about as much in each block, in order.
  void place() {
    // Whole cache lines and a few more: large ones of one size must not all begin at the same place of a page.
    const auto room = [](int64_t size) { return size == 0 ? 0 : (size + 15) / 16 * 16 + (size < 1 << 14 ? 0 : 17 * 16); };
    int64_t all = 0, before = 0;
    for (const Kept& k : kept) all += room(k.size);
    for (Kept& k : kept) {
      k.block = std::min(blocks - 1, before * blocks / std::max(all, int64_t(1)));
      k.at = block[k.block];
      block[k.block] += room(k.size);
      before += room(k.size);
    }
  }
  // Where each lies, of the blocks' data.
  template <class T>
  std::vector<T*> places(T* const* data) const {
    std::vector<T*> out;
    for (const Kept& k : kept) out.push_back(data[k.block] + k.at);
    return out;
  }
};

// Finds the term's weights, refuses what does not fit, and sets its result's shape.
inline void bind(Call& call, int first_weight, Term& t) {
  const int w = first_weight + int(t.weights);
  int64_t co = t.in.c;
  if (t.kind == UnitKind::conv) {
    const auto d = call.dims(w);
    if (d.size() != 5 || (d[0] != 1 && d[0] != 3) || d[1] != d[0] || d[2] != d[0] || d[3] != t.in.c || d[4] < 1)
      call.refuse(w, "weights [k, k, k, " + std::to_string(t.in.c) + ", out], k 1 or 3");
    t.side = d[0];
    co = d[4];
  } else if (t.kind == UnitKind::separable) {
    call.expect(w, {3, 3, 3, t.in.c});
    const auto d = call.dims(w + 1);
    if (d.size() != 2 || d[0] != t.in.c || d[1] < 1) call.refuse(w + 1, "weights [" + std::to_string(t.in.c) + ", out]");
    co = d[1];
  } else if (t.kind == UnitKind::reduce) {
    for (int k = 0; k < 2; k++) {
      const auto d = call.dims(w + k);
      if (d.size() != 2 || d[0] != t.in.c) call.refuse(w + k, "weights [" + std::to_string(t.in.c) + ", out]");
      t.half[k] = d[1];
    }
    if (t.half[0] < 1) call.refuse(w, "at least one output");  // of one output none is left for the odd voxels
    co = t.half[0] + t.half[1];
  }
  for (int k = 0; k < t.kernels(); k++) t.w[k] = call.data(w + k);
  if (t.affine) {
    for (int k = 0; k < 2; k++) call.expect(w + int(t.kernels()) + k, {co});
    t.gamma = call.data(w + int(t.kernels()));
    t.beta = call.data(w + int(t.kernels()) + 1);
  }
  if (t.upsamples()) t.out = {t.in.n, 2 * t.in.d, 2 * t.in.h, 2 * t.in.w, co};
  else t.out = out_shape(t.in, t.stride, co);
}

namespace detail {

class ProgramReader {
 public:
  ProgramReader(Call& call, int input) : call_(call), input_(input), left_(call.count(input)) {}
  int64_t next(int64_t least, int64_t most) {
    if (at_ >= left_) call_.refuse(input_, "a longer program");
    const int64_t v = call_.integer(input_, at_++);
    if (v < least || v > most)
      call_.refuse(input_, "a program with " + std::to_string(least) + " to " + std::to_string(most) + " at " + std::to_string(at_ - 1) +
                               " (it is " + std::to_string(v) + ")");
    return v;
  }

 private:
  Call& call_;
  int input_;
  int64_t at_ = 0, left_;
};

inline Term read_term(Call& call, ProgramReader& program, const Dag& dag, int first_weight, int64_t weights, int64_t places) {
  Term t;
  t.from = program.next(0, int64_t(dag.nodes.size()) - 2);
  t.kind = UnitKind(program.next(0, int64_t(UnitKind::zero)));
  t.stride = program.next(1, 2);
  t.dilation = program.next(1, 1 << 20);
  t.affine = program.next(0, 1) && t.convolves();
  t.norm = program.next(0, 1) || t.convolves();
  t.weights = program.next(0, weights);
  t.place = program.next(-1, places - 1);
  t.in = dag.nodes[size_t(t.from)].shape;
  if (t.convolves() && t.weights + t.kernels() + (t.affine ? 2 : 0) > weights) throw Refusal("ScnasDag: expected more weights");
  bind(call, first_weight, t);
  return t;
}

// The pooling of a node before the end-th that gives what t gives, or null.
inline const Term* same_pool(const Dag& dag, size_t end, const Term& t) {
  for (size_t i = 0; i < end && t.pool(); i++)
    for (const Term& u : dag.nodes[i].terms)
      if (u.kind == t.kind && u.from == t.from && u.stride == t.stride && u.norm == t.norm && u.keeps_result() == t.keeps_result() &&
          !dag.nodes[i].in_place())
        return &u;
  return nullptr;
}

inline bool same(const Shape& a, const Shape& b) { return a.n == b.n && a.d == b.d && a.h == b.h && a.w == b.w && a.c == b.c; }

}  // namespace detail

// The DAG that the inputs of a call describe. `places`: how many weights ẑ has.
inline Dag read_dag(Call& call, int program_input, int64_t places, int first_source, int64_t sources, int first_weight, int64_t weights) {
  Dag dag;
  dag.sources = sources;
  for (int64_t i = 0; i < sources; i++) {
    Node source;
    source.shape = call.volume(first_source + int(i));
    dag.nodes.push_back(source);
  }
  detail::ProgramReader program(call, program_input);
  const int64_t count = program.next(1, 1 << 16);
  for (int64_t i = 0; i < count; i++) {
    dag.nodes.emplace_back();
    Node& node = dag.nodes.back();
    node.output = program.next(0, 1) != 0;
    const int64_t terms = program.next(1, 1 << 16);
    for (int64_t k = 0; k < terms; k++) {
      node.terms.push_back(detail::read_term(call, program, dag, first_weight, weights, places));
      const Term& t = node.terms.back();
      if (k == 0) node.shape = t.out;
      if (!detail::same(node.shape, t.out) || (t.alone() && (terms > 1 || t.place >= 0)))
        throw Refusal("ScnasDag: expected the terms of a node to have one shape, and an upsampling or zero to be alone");
    }
    dag.kept.push_back({node.output ? 0 : node.shape.size()});
    if (!node.output) continue;
    if (dag.result.n == 0) dag.result = {node.shape.n, node.shape.d, node.shape.h, node.shape.w, 0};
    dag.result.c += node.shape.c;
    if (!detail::same({dag.result.n, dag.result.d, dag.result.h, dag.result.w, node.shape.c}, node.shape))
      throw Refusal("ScnasDag: expected the output nodes to have one size");
  }
  if (dag.result.c == 0) throw Refusal("ScnasDag: expected an output node");
  for (size_t i = 0; i < dag.nodes.size(); i++)
    for (Term& t : dag.nodes[i].terms) {
      const bool in_place = dag.nodes[i].in_place();
      const Term* before = in_place ? nullptr : detail::same_pool(dag, i, t);
      if (before) {
        t.again = true, t.kept = before->kept, t.stats = before->stats;
        continue;
      }
      if (t.convolves() || t.pool()) {
        t.kept = int64_t(dag.kept.size());
        dag.kept.push_back({t.kind == UnitKind::max_pool ? (t.out.size() + 3) / 4 : in_place || !t.keeps_result() ? 0 : t.out.size()});
      }
      if (t.norm) {
        t.stats = dag.stats;
        dag.stats += 3 * t.out.n * t.out.c;
      }
    }
  dag.place();
  return dag;
}

}  // namespace scnas
