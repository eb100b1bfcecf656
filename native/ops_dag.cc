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

// kept: one tensor for each node and each unit's result; without `keep` they live no longer than needed, and K is one.
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
    if (keep && outputs != int64_t(dag.kept.size())) throw Refusal("ScnasDag: expected K " + std::to_string(dag.kept.size()));
    std::vector<float*> kept(dag.kept.size(), nullptr);
    std::vector<std::unique_ptr<Buffer>> own(dag.kept.size());
    const auto room = [&](int64_t i) {
      if (i < 0) return;
      if (keep) kept[size_t(i)] = call.out(2 + int(i), {dag.kept[size_t(i)]});
      else own[size_t(i)] = std::make_unique<Buffer>(dag.kept[size_t(i)]), kept[size_t(i)] = own[size_t(i)]->data();
    };
    if (!keep)
      for (int64_t i = 0; i < outputs; i++) call.out(2 + int(i), {0});
    const std::vector<const float*> sources = many(call, 2, at.sources);
    float* y = call.out_shape(0, dag.result);
    float* stats = call.out(1, {dag.stats});
    DagForward forward(dag, sources, call.data(1), epsilon, kept, stats);
    for (int64_t i = dag.sources; i < int64_t(dag.nodes.size()); i++) {
      room(dag.value(i));
      for (const Term& t : dag.nodes[size_t(i)].terms) room(t.kept);
      forward.node(i);
      if (!keep)
        for (const Term& t : dag.nodes[size_t(i)].terms)
          if (t.kept >= 0) own[size_t(t.kept)].reset();
    }
    forward.result(y);
  }
};

// sources, weights, z: whether their gradients are wanted; of sources a bit each. What is not wanted is empty.
struct DagGradientOp {
  static constexpr const char* name = "ScnasDagGradient";
  static constexpr const char* face[] = {"in dy: float",         "in stats: float",       "in program: int32",     "in z: float",
                                         "in sources: S * float", "in weights: N * float", "in kept: K * float",    "out dz: float",
                                         "out dsources: S * float", "out dweights: N * float", "attr S: int >= 1",  "attr N: int >= 0",
                                         "attr K: int >= 1",     "attr want_z: int",      "attr want_sources: int", "attr want_weights: int"};
  Places at;
  int64_t kept_count;
  bool want_z, want_weights;
  int want_sources;
  explicit DagGradientOp(const Attributes& a)
      : at(a), kept_count(a.integer("K")), want_z(a.integer("want_z") != 0), want_weights(a.integer("want_weights") != 0),
        want_sources(a.integer("want_sources")) {}

  void compute(Call& call) const {
    const int first = 4, weights = first + int(at.sources), kept_first = weights + int(at.weights);
    const int64_t places = call.count(3);
    const Dag dag = read_dag(call, 2, places, first, at.sources, weights, at.weights);
    call.expect_shape(0, dag.result);
    call.expect(1, {dag.stats});
    if (kept_count != int64_t(dag.kept.size())) throw Refusal("ScnasDagGradient: expected K " + std::to_string(dag.kept.size()));
    for (int64_t i = 0; i < kept_count; i++) call.expect(kept_first + int(i), {dag.kept[size_t(i)]});
    const auto sources = many(call, first, at.sources), kept = many(call, kept_first, kept_count);
    std::vector<double> dz(size_t(places), 0.0);
    DagGradients to;
    if (want_z) to.z = dz.data();
    for (int64_t i = 0; i < at.sources; i++) {
      const bool wanted = i < 31 && (want_sources >> i & 1);
      float* d = wanted ? call.out_shape(1 + int(i), dag.nodes[size_t(i)].shape) : call.out(1 + int(i), {0});
      to.sources.push_back(wanted ? d : nullptr);
    }
    for (int64_t i = 0; i < at.weights; i++) {
      const int out = 1 + int(at.sources + i);
      const auto dims = call.dims(weights + int(i));
      float* d = call.out(out, want_weights ? dims : std::vector<int64_t>{0});
      if (want_weights) to.weights.push_back(d);
    }
    DagBackward(dag, sources, call.data(3), kept, call.data(1), to).run(call.data(0));
    float* out = call.out(0, {want_z ? places : 0});
    for (int64_t i = 0; want_z && i < places; i++) out[i] = float(dz[size_t(i)]);
  }
};

}  // namespace

void define_dag() {
  define<DagOp>();
  define<DagGradientOp>();
}

}  // namespace scnas
