// LeakyReLU, InstanceNorm and the weighted sum as ops.
#include "flat.h"
#include "norm.h"
#include "op.h"

namespace scnas {
namespace {

struct LeakyRelu {
  static constexpr const char* name = "ScnasLeakyRelu";
  static constexpr const char* face[] = {"in x: float", "out y: float", "attr slope: float"};
  float slope;
  explicit LeakyRelu(const Attributes& a) : slope(a.real("slope")) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    leaky_relu(s.size(), call.data(0), slope, call.out_shape(0, s));
  }
};

struct LeakyReluGradient {
  static constexpr const char* name = "ScnasLeakyReluGradient";
  static constexpr const char* face[] = {"in dy: float", "in x: float", "out dx: float", "attr slope: float"};
  float slope;
  explicit LeakyReluGradient(const Attributes& a) : slope(a.real("slope")) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    call.expect_shape(1, s);
    leaky_relu_gradient(s.size(), call.data(0), call.data(1), slope, call.out_shape(0, s));
  }
};

// Without an affine part y itself is what the backward pass keeps, else x; stats as NormStats reads them.
struct InstanceNorm {
  static constexpr const char* name = "ScnasInstanceNorm";
  static constexpr const char* face[] = {"in x: float",  "in gamma: float",  "in beta: float",
                                         "out y: float", "out stats: float", "attr epsilon: float"};
  float epsilon;
  explicit InstanceNorm(const Attributes& a) : epsilon(a.real("epsilon")) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    const float *x = call.data(0), *gamma = call.optional(1, s.c), *beta = call.optional(2, s.c);
    const int64_t n = s.n * s.c;
    float* y = call.out_shape(0, s);
    float* stats = call.out(1, {3, s.n, s.c});
    Buffer mean(2 * n);
    moments(s, x, epsilon, mean.data(), mean.data() + n);
    normalise(s, x, mean.data(), mean.data() + n, gamma, beta, y);
    norm_stats(n, !gamma, mean.data(), mean.data() + n, stats);
  }
};

// From dy and what was kept: dx, and sums [2, n, c] of dy and dy·x̂, the gradients of β and γ but for the sum over samples.
struct InstanceNormGradient {
  static constexpr const char* name = "ScnasInstanceNormGradient";
  static constexpr const char* face[] = {"in dy: float",    "in kept: float", "in stats: float",
                                         "in gamma: float", "out dx: float",  "out sums: float"};
  explicit InstanceNormGradient(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    call.expect_shape(1, s);
    call.expect(2, {3, s.n, s.c});
    const NormStats stats(call.data(2), s);
    const float* gamma = call.optional(3, s.c);
    float* dx = call.out_shape(0, s);
    float* sums = call.out(1, {2, s.n, s.c});
    norm_sums(s, call.data(0), call.data(1), stats, sums);
    norm_gradient(NormedGradient(s, stats, sums, gamma), call.data(0), call.data(1), dx);
  }
};

// The values, one shape each, after ẑ (empty: every weight is 1) and the place of each value's weight in it.
struct WeightedSum {
  static constexpr const char* name = "ScnasWeightedSum";
  static constexpr const char* face[] = {"in z: float", "in index: int32", "in values: N * float", "out y: float",
                                         "attr N: int >= 1"};
  explicit WeightedSum(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(2);
    std::vector<const float*> values;
    for (int k = 2; k < call.inputs(); k++) {
      call.expect_shape(k, s);
      values.push_back(call.data(k));
    }
    std::vector<float> weights(values.size(), 1.0f);
    if (call.count(0) > 0) {
      call.expect(1, {int64_t(values.size())});
      for (size_t k = 0; k < values.size(); k++) weights[k] = call.data(0)[call.index(1, int64_t(k), call.count(0))];
    }
    weighted_sum(s.size(), values, weights, call.out_shape(0, s));
  }
};

// dẑ: the dot product of dy with each value, at the value's place; zero elsewhere. like: ẑ.
struct WeightedSumDots {
  static constexpr const char* name = "ScnasWeightedSumDots";
  static constexpr const char* face[] = {"in dy: float",         "in like: float", "in index: int32",
                                         "in values: N * float", "out dz: float",  "attr N: int >= 1"};
  explicit WeightedSumDots(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    std::vector<const float*> values;
    for (int k = 3; k < call.inputs(); k++) {
      call.expect_shape(k, s);
      values.push_back(call.data(k));
    }
    call.expect(2, {int64_t(values.size())});
    std::vector<double> dots(values.size()), sums(size_t(call.count(1)), 0.0);
    dot_products(s.size(), call.data(0), values, dots.data());
    for (size_t k = 0; k < values.size(); k++) sums[size_t(call.index(2, int64_t(k), call.count(1)))] += dots[k];
    float* dz = call.out(0, call.dims(1));
    for (size_t i = 0; i < sums.size(); i++) dz[i] = float(sums[i]);
  }
};

// ẑ[index]·x.
struct Scale {
  static constexpr const char* name = "ScnasScale";
  static constexpr const char* face[] = {"in x: float", "in z: float", "out y: float", "attr index: int"};
  int index;
  explicit Scale(const Attributes& a) : index(a.integer("index")) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    if (index < 0 || index >= call.count(1)) call.refuse(1, "more than " + std::to_string(index) + " weights");
    weighted_sum(s.size(), {call.data(0)}, {call.data(1)[index]}, call.out_shape(0, s));
  }
};

}  // namespace

void define_basics() {
  define<LeakyRelu>();
  define<LeakyReluGradient>();
  define<InstanceNorm>();
  define<InstanceNormGradient>();
  define<WeightedSum>();
  define<WeightedSumDots>();
  define<Scale>();
}

}  // namespace scnas
