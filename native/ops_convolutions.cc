// Convolutions as ops, plain and as units LeakyReLU → convolution → InstanceNorm. Three kinds, each with four ops:
// the convolution, the unit, and the gradients of the input and of the weights.
#include "op.h"
#include "unit.h"

namespace scnas {
namespace {

struct Conv3d {
  static constexpr UnitKind kind = UnitKind::conv;
  static constexpr const char *plain = "ScnasConv3d", *unit = "ScnasConv3dUnit", *input = "ScnasConv3dInput",
                              *filter = "ScnasConv3dFilter";
};
struct Separable {
  static constexpr UnitKind kind = UnitKind::separable;
  static constexpr const char *plain = "ScnasSeparable", *unit = "ScnasSeparableUnit", *input = "ScnasSeparableInput",
                              *filter = "ScnasSeparableFilter";
};
struct Reduce {
  static constexpr UnitKind kind = UnitKind::reduce;
  static constexpr const char *plain = "ScnasReduce", *unit = "ScnasReduceUnit", *input = "ScnasReduceInput",
                              *filter = "ScnasReduceFilter";
};

// How the convolution steps, and the rest of it from the call.
struct Step {
  int64_t stride, dilation;
  bool activate;
  // x is input 0, the weights begin at `first`.
  Term term(Call& call, UnitKind kind, int first) const {
    Term t;
    t.kind = kind;
    t.stride = stride, t.dilation = dilation, t.activate = activate;
    t.in = call.volume(0);
    bind(call, first, t);
    return t;
  }
};

Step read_step(const Attributes& a) {
  const Step s{a.integer("stride"), a.integer("dilation"), a.integer("activate") != 0};
  if (s.stride < 1 || s.stride > 2 || s.dilation < 1) throw Refusal("expected stride 1 or 2 and a dilation from 1");
  return s;
}

template <class Kind>
struct Plain {
  static constexpr const char* name = Kind::plain;
  static constexpr const char* face[] = {"in x: float",      "in weights: N * float", "out y: float",      "attr N: int >= 1",
                                         "attr stride: int", "attr dilation: int",    "attr activate: int"};
  Step step;
  explicit Plain(const Attributes& a) : step(read_step(a)) {}
  void compute(Call& call) const {
    const Term t = step.term(call, Kind::kind, 1);
    unit_forward(t, call.data(0), call.out_shape(0, t.out), nullptr, nullptr);
  }
};

// y = γ·x̂ + β. Without γ and β y itself is kept for the backward pass and `kept` is empty; else `kept` is the convolution.
template <class Kind>
struct Unit {
  static constexpr const char* name = Kind::unit;
  static constexpr const char* face[] = {"in x: float",       "in gamma: float",   "in beta: float",   "in weights: N * float",
                                         "out y: float",      "out kept: float",   "out stats: float", "attr N: int >= 1",
                                         "attr stride: int",  "attr dilation: int", "attr activate: int",
                                         "attr epsilon: float"};
  Step step;
  float epsilon;
  explicit Unit(const Attributes& a) : step(read_step(a)), epsilon(a.real("epsilon")) {}
  void compute(Call& call) const {
    const Term t = step.term(call, Kind::kind, 3);
    const Shape& out = t.out;
    const int64_t co = out.c;
    const float *gamma = call.optional(1, co), *beta = call.optional(2, co);
    float* y = call.out_shape(0, out);
    float* conv = gamma ? call.out_shape(1, out) : (call.out(1, {0}), y);
    const int64_t n = out.n * co;
    std::vector<double> sums(size_t(2 * n));
    unit_forward(t, call.data(0), conv, nullptr, sums.data());
    Buffer moments(2 * n);
    float *mean = moments.data(), *rstd = mean + n;
    moments_from_sums(out, sums.data(), epsilon, mean, rstd);
    normalise(out, conv, mean, rstd, gamma, beta, y);
    norm_stats(n, !gamma, mean, rstd, call.out(2, {3, out.n, co}));
  }
};

template <class Kind>
struct InputGradient {
  static constexpr const char* name = Kind::input;
  static constexpr const char* face[] = {"in x: float",      "in dy: float",     "in weights: N * float", "out dx: float",
                                         "attr N: int >= 1", "attr stride: int", "attr dilation: int",    "attr activate: int"};
  Step step;
  explicit InputGradient(const Attributes& a) : step(read_step(a)) {}
  void compute(Call& call) const {
    const Term t = step.term(call, Kind::kind, 2);
    call.expect_shape(1, t.out);
    unit_backward(t, call.data(0), StoredPlanes(call.data(1), t.out), nullptr, call.out_shape(0, t.in), false, nullptr, nullptr);
  }
};

// The gradients of all the weights: a separable convolution's two share most of their work.
template <class Kind>
struct FilterGradient {
  static constexpr const char* name = Kind::filter;
  static constexpr const char* face[] = {"in x: float",        "in dy: float",       "in weights: N * float",
                                         "out dw: N * float",  "attr N: int >= 1",   "attr stride: int",
                                         "attr dilation: int", "attr activate: int"};
  Step step;
  explicit FilterGradient(const Attributes& a) : step(read_step(a)) {}
  void compute(Call& call) const {
    const Term t = step.term(call, Kind::kind, 2);
    call.expect_shape(1, t.out);
    float* dw[2] = {nullptr, nullptr};
    for (int k = 0; k < int(t.kernels()); k++) dw[k] = call.out(k, call.dims(2 + k));
    unit_backward(t, call.data(0), StoredPlanes(call.data(1), t.out), nullptr, nullptr, false, dw[0], dw[1]);
  }
};

template <class Kind>
void define_kind() {
  define<Plain<Kind>>();
  define<Unit<Kind>>();
  define<InputGradient<Kind>>();
  define<FilterGradient<Kind>>();
}

}  // namespace

void define_convolutions() {
  define_kind<Conv3d>();
  define_kind<Separable>();
  define_kind<Reduce>();
}

}  // namespace scnas
