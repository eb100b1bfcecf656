// Convolutions as ops, plain and as units LeakyReLU → convolution → InstanceNorm. Three kinds, each with four ops:
// the convolution, the unit, and the gradients of the input and of the weights.
#include "conv3d.h"
#include "norm.h"
#include "op.h"
#include "separable.h"

namespace scnas {
namespace {

struct Step {
  int64_t stride, dilation;
  bool activate;
};

// Input places of the weights begin at `first`. `check` refuses what does not fit and returns the number of output channels.

struct Conv3d {
  static constexpr const char *plain = "ScnasConv3d", *unit = "ScnasConv3dUnit", *input = "ScnasConv3dInput",
                              *filter = "ScnasConv3dFilter";
  static int64_t check(Call& call, const Shape& in, int first) {
    const auto w = call.dims(first);
    const bool fits = w.size() == 5 && (w[0] == 1 || w[0] == 3) && w[1] == w[0] && w[2] == w[0] && w[3] == in.c && w[4] > 0;
    if (!fits) call.refuse(first, "weights [k, k, k, " + std::to_string(in.c) + ", out], k 1 or 3");
    return w[4];
  }
  static bool is_point(Call& call, int first) { return call.dims(first)[0] == 1; }
  static Sampling sampling(const Step& s) { return {s.stride, 0, 0, 0}; }

  static void forward(Call& call, int first, const Shape& in, int64_t co, const Step& s, float* y, double* stats) {
    const float *x = call.data(0), *w = call.data(first);
    if (is_point(call, first)) pointwise_forward(x, w, y, in, co, s.activate, sampling(s), stats);
    else conv3d_forward(x, w, y, in, co, s.stride, s.dilation, s.activate, stats);
  }
  static void input_gradient(Call& call, int first, const Shape& in, int64_t co, const Step& s, const float* dy, float* dx) {
    const float *x = call.data(0), *w = call.data(first);
    if (is_point(call, first)) pointwise_input_grad(x, w, dy, dx, in, co, s.activate, sampling(s));
    else conv3d_input_grad(x, w, dy, dx, in, co, s.stride, s.dilation, s.activate);
  }
  static void filter_gradients(Call& call, int first, const Shape& in, int64_t co, const Step& s, const float* dy, float* const* dw) {
    const float* x = call.data(0);
    if (is_point(call, first)) pointwise_filter_grad(x, dy, dw[0], in, co, s.activate, sampling(s));
    else conv3d_filter_grad(x, dy, dw[0], in, co, s.stride, s.dilation, s.activate);
  }
};

struct Separable {
  static constexpr const char *plain = "ScnasSeparable", *unit = "ScnasSeparableUnit", *input = "ScnasSeparableInput",
                              *filter = "ScnasSeparableFilter";
  static int64_t check(Call& call, const Shape& in, int first) {
    call.expect(first, {3, 3, 3, in.c});
    const auto w = call.dims(first + 1);
    if (w.size() != 2 || w[0] != in.c || w[1] < 1) call.refuse(first + 1, "weights [" + std::to_string(in.c) + ", out]");
    return w[1];
  }
  static void forward(Call& call, int first, const Shape& in, int64_t co, const Step& s, float* y, double* stats) {
    separable_forward(call.data(0), call.data(first), call.data(first + 1), y, in, co, s.stride, s.dilation, s.activate, stats);
  }
  static void input_gradient(Call& call, int first, const Shape& in, int64_t co, const Step& s, const float* dy, float* dx) {
    separable_input_grad(call.data(0), call.data(first), call.data(first + 1), dy, dx, in, co, s.stride, s.dilation, s.activate);
  }
  static void filter_gradients(Call& call, int first, const Shape& in, int64_t co, const Step& s, const float* dy, float* const* dw) {
    separable_filter_grad(call.data(0), call.data(first), call.data(first + 1), dy, dw[0], dw[1], in, co, s.stride, s.dilation,
                          s.activate);
  }
};

// Two pointwise convolutions at stride 2, of the even voxels and of the odd ones, side by side in the channels.
struct Reduce {
  static constexpr const char *plain = "ScnasReduce", *unit = "ScnasReduceUnit", *input = "ScnasReduceInput",
                              *filter = "ScnasReduceFilter";
  static int64_t half(Call& call, int i) { return call.dims(i)[1]; }
  // One output channel leaves none for the odd voxels.
  static int halves(Call& call, int first) { return half(call, first + 1) > 0 ? 2 : 1; }
  static int64_t check(Call& call, const Shape& in, int first) {
    for (int i = first; i < first + 2; i++) {
      const auto w = call.dims(i);
      if (w.size() != 2 || w[0] != in.c) call.refuse(i, "weights [" + std::to_string(in.c) + ", out]");
    }
    if (half(call, first) < 1) call.refuse(first, "at least one output");
    return half(call, first) + half(call, first + 1);
  }
  static Sampling sampling(Call& call, int first, int which, int64_t co) {
    return {2, which, co, which == 0 ? 0 : half(call, first)};
  }
  static void forward(Call& call, int first, const Shape& in, int64_t co, const Step& s, float* y, double* stats) {
    for (int k = 0; k < halves(call, first); k++)
      pointwise_forward(call.data(0), call.data(first + k), y, in, half(call, first + k), s.activate, sampling(call, first, k, co),
                        stats);
  }
  static void input_gradient(Call& call, int first, const Shape& in, int64_t co, const Step& s, const float* dy, float* dx) {
    for (int k = 0; k < halves(call, first); k++)
      pointwise_input_grad(call.data(0), call.data(first + k), dy, dx, in, half(call, first + k), s.activate,
                           sampling(call, first, k, co), k == 1);
  }
  static void filter_gradients(Call& call, int first, const Shape& in, int64_t co, const Step& s, const float* dy, float* const* dw) {
    for (int k = 0; k < halves(call, first); k++)
      pointwise_filter_grad(call.data(0), dy, dw[k], in, half(call, first + k), s.activate, sampling(call, first, k, co));
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
    const Shape in = call.volume(0);
    const int64_t co = Kind::check(call, in, 1);
    Kind::forward(call, 1, in, co, step, call.out_shape(0, out_shape(in, step.stride, co)), nullptr);
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
    const Shape in = call.volume(0);
    const int64_t co = Kind::check(call, in, 3);
    const Shape out = out_shape(in, step.stride, co);
    const float *gamma = call.optional(1, co), *beta = call.optional(2, co);
    float* y = call.out_shape(0, out);
    float* conv = gamma ? call.out_shape(1, out) : (call.out(1, {0}), y);
    const int64_t n = out.n * co;
    std::vector<double> sums(size_t(2 * n));
    Kind::forward(call, 3, in, co, step, conv, sums.data());
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
    const Shape in = call.volume(0);
    const int64_t co = Kind::check(call, in, 2);
    call.expect_shape(1, out_shape(in, step.stride, co));
    Kind::input_gradient(call, 2, in, co, step, call.data(1), call.out_shape(0, in));
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
    const Shape in = call.volume(0);
    const int64_t co = Kind::check(call, in, 2);
    call.expect_shape(1, out_shape(in, step.stride, co));
    std::vector<float*> dw;
    for (int k = 0; k < call.inputs() - 2; k++) dw.push_back(call.out(k, call.dims(2 + k)));
    Kind::filter_gradients(call, 2, in, co, step, call.data(1), dw.data());
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
