// A DAG of units as one op, and its gradients as another.
#include "dag_backward.h"
#include "op.h"

namespace scnas {
namespace {

// Places of the inputs.
struct Places {
  int64_t sources, weights;
  explicit Places(const Attributes& a) : sources(a.integer("S")), weights(a.integer("N")) {}
};

std::vector<const float*> many(Call& call, int first, int64_t count) {
  std::vector<const float*> out;
  for (int64_t i = 0; i < count; i++) out.push_back(call.data(first + int(i)));
  return out;
}

// kept: what Dag::place says, in K tensors; without `keep` nothing is kept, and K is one.
struct DagOp {
  static constexpr const char* name = "ScnasDag";
  static constexpr const char* face[] = {"in program: int32",    "in z: float",        "in sources: S * float", "in weights: N * float",
                                         "out y: float",         "out stats: float",   "out kept: K * float",   "attr S: int >= 1",
                                         "attr N: int >= 0",     "attr K: int >= 1",   "attr keep: int",        "attr epsilon: float"};
  Places at;
  int64_t outputs;
  bool keep;
  float epsilon;
  explicit DagOp(const Attributes& a) : at(a), outputs(a.integer("K")), keep(a.integer("keep") != 0), epsilon(a.real("epsilon")) {}

  void compute(Call& call) const {
    const Dag dag = read_dag(call, 0, call.count(1), 2, at.sources, 2 + int(at.sources), at.weights);
    if (outputs != (keep ? Dag::blocks : 1)) throw Refusal("ScnasDag: expected K " + std::to_string(keep ? Dag::blocks : 1));
    std::vector<float*> blocks;
    for (int64_t i = 0; i < outputs; i++) blocks.push_back(call.out(2 + int(i), {keep ? dag.block[i] : 0}));
    const std::vector<float*> kept = keep ? dag.places(blocks.data()) : std::vector<float*>(dag.kept.size(), nullptr);
    const std::vector<const float*> sources = many(call, 2, at.sources);
    float* y = call.out_shape(0, dag.result);
    float* stats = call.out(1, {dag.stats});
    DagForward forward(dag, sources, call.data(1), epsilon, kept, stats);
    for (int64_t i = dag.sources; i < int64_t(dag.nodes.size()); i++) forward.node(i);
    forward.result(y);
  }
};

// before: of ẑ and of each source a gradient from elsewhere, to which this one is added in place (the caller reads it no more), or an empty
// tensor. want_z, want_sources: which gradients are wanted; of sources a bit each. What is not wanted is empty. W: N, or 0 if those of the
// weights are not wanted.
struct DagGradientOp {
  static constexpr const char* name = "ScnasDagGradient";
  static constexpr const char* face[] = {"in dy: float",          "in y: float",           "in stats: float",        "in program: int32",
                                         "in z: float",           "in sources: S * float", "in weights: N * float",  "in kept: K * float",
                                         "in before_z: float",    "in before: S * float",  "out dz: float",          "out dsources: S * float",
                                         "out dweights: W * float", "attr S: int >= 1",    "attr N: int >= 0",       "attr W: int >= 0",
                                         "attr K: int >= 1",      "attr want_z: int",      "attr want_sources: int"};
  Places at;
  int64_t blocks, wanted;
  bool want_z;
  int want_sources;
  explicit DagGradientOp(const Attributes& a)
      : at(a), blocks(a.integer("K")), wanted(a.integer("W")), want_z(a.integer("want_z") != 0), want_sources(a.integer("want_sources")) {}

  void compute(Call& call) const {
    const int first = 5, weights = first + int(at.sources), kept_first = weights + int(at.weights), before = kept_first + int(blocks);
    const int64_t places = call.count(4);
    const Dag dag = read_dag(call, 3, places, first, at.sources, weights, at.weights);
    call.expect_shape(0, dag.result);
    call.expect_shape(1, dag.result);
    call.expect(2, {dag.stats});
    if (blocks != Dag::blocks) throw Refusal("ScnasDagGradient: expected K " + std::to_string(Dag::blocks));
    if (wanted != 0 && wanted != at.weights) throw Refusal("ScnasDagGradient: expected W 0 or " + std::to_string(at.weights));
    for (int64_t i = 0; i < blocks; i++) call.expect(kept_first + int(i), {dag.block[i]});
    const auto sources = many(call, first, at.sources), data = many(call, kept_first, blocks), kept = dag.places(data.data());
    std::vector<double> dz(size_t(places), 0.0);
    DagGradients to;
    if (want_z) to.z = dz.data();
    for (int i = 0; i < int(at.sources); i++) {
      const bool wanted = i < 31 && (want_sources >> i & 1), more = wanted && call.count(before + 1 + i) > 0;
      const Shape& shape = dag.nodes[size_t(i)].shape;
      if (more) call.expect_shape(before + 1 + i, shape);
      float* d = more ? call.reuse(1 + i, before + 1 + i) : wanted ? call.out_shape(1 + i, shape) : call.out(1 + i, {0});
      to.sources.push_back({wanted ? d : nullptr, more});
    }
    for (int64_t i = 0; i < wanted; i++) {
      to.weights.push_back(call.out(1 + int(at.sources + i), call.dims(weights + int(i))));
      std::fill_n(to.weights.back(), call.count(weights + int(i)), 0.f);
    }
    DagBackward(dag, sources, call.data(4), kept, call.data(2), to).run(call.data(1), call.data(0));
    const float* earlier = call.optional(before, places);
    float* out = call.out(0, {want_z ? places : 0});
    for (int64_t i = 0; want_z && i < places; i++) out[i] = float(dz[size_t(i)] + (earlier ? earlier[i] : 0));
  }
};

}  // namespace

void define_dag() {
  define<DagOp>();
  define<DagGradientOp>();
}

}  // namespace scnas
