// The ends of a training step: the last layer, the sums of its loss, and Adam over all tensors at once.
#include <cmath>

#include "count.h"
#include "loss.h"
#include "op.h"
#include "out.h"

namespace scnas {
namespace {

// Of logits [n, x, y, z, classes] and labels [n, x, y, z]: Σ t·p, Σ p², Σ p, Σ t for each sample and class.
struct JaccardSums {
  static constexpr const char* name = "ScnasJaccardSums";
  static constexpr const char* face[] = {"in logits: float", "in labels: int32", "out sums: float"};
  explicit JaccardSums(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    call.expect(1, {s.n, s.d, s.h, s.w});
    jaccard_sums(s.n, s.voxels(), s.c, call.data(0), call.whole(1), call.out(0, {kSums, s.n, s.c}));
  }
};

struct JaccardGradient {
  static constexpr const char* name = "ScnasJaccardGradient";
  static constexpr const char* face[] = {"in dsums: float", "in logits: float", "in labels: int32", "out dlogits: float"};
  explicit JaccardGradient(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(1);
    call.expect(0, {kSums, s.n, s.c});
    call.expect(2, {s.n, s.d, s.h, s.w});
    jaccard_gradient(s.n, s.voxels(), s.c, call.data(0), call.data(1), call.whole(2), call.out_shape(0, s));
  }
};

// LeakyReLU, a pointwise convolution w [1, 1, 1, channels, classes], a bias [classes].
struct Out {
  static constexpr const char* name = "ScnasOut";
  static constexpr const char* face[] = {"in x: float", "in w: float", "in b: float", "out y: float"};
  explicit Out(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    const int64_t classes = call.count(2);
    call.expect(1, {1, 1, 1, s.c, classes});
    call.expect(2, {classes});
    float* y = call.out_shape(0, {s.n, s.d, s.h, s.w, classes});
    count_multiply_adds(s.n * s.voxels() * s.c * classes);
    out_layer({s.n * s.voxels(), s.c, classes}, call.data(0), call.data(1), call.data(2), y);
  }
};

struct OutInput {
  static constexpr const char* name = "ScnasOutInput";
  static constexpr const char* face[] = {"in dy: float", "in x: float", "in w: float", "out dx: float"};
  explicit OutInput(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(1), y = call.volume(0);
    call.expect_shape(0, {s.n, s.d, s.h, s.w, y.c});
    call.expect(2, {1, 1, 1, s.c, y.c});
    count_multiply_adds(s.n * s.voxels() * s.c * y.c);
    out_input({s.n * s.voxels(), s.c, y.c}, call.data(0), call.data(1), call.data(2), call.out_shape(0, s));
  }
};

struct OutFilter {
  static constexpr const char* name = "ScnasOutFilter";
  static constexpr const char* face[] = {"in dy: float", "in x: float", "out dw: float"};
  explicit OutFilter(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(1), y = call.volume(0);
    call.expect_shape(0, {s.n, s.d, s.h, s.w, y.c});
    count_multiply_adds(s.n * s.voxels() * s.c * y.c);
    out_filter({s.n * s.voxels(), s.c, y.c}, call.data(0), call.data(1), call.out(0, {1, 1, 1, s.c, y.c}));
  }
};

struct OutBias {
  static constexpr const char* name = "ScnasOutBias";
  static constexpr const char* face[] = {"in dy: float", "out db: float"};
  explicit OutBias(const Attributes&) {}
  void compute(Call& call) const {
    const Shape y = call.volume(0);
    out_bias({y.n * y.voxels(), 0, y.c}, call.data(0), call.out(0, {y.c}));
  }
};

// One step of Adam on N tensors. numbers: rate, β₁, 1 − β₁, β₂, 1 − β₂, the stabiliser; then for each tensor 1/(1 − β₁ᵗ) and
// 1/√(1 − β₂ᵗ). They are an input, not attributes: TensorFlow keeps a kernel for every set of attributes it has seen. The weight decay λ stays.
struct Adam {
  static constexpr bool peaks = false;
  static constexpr const char* name = "ScnasAdam";
  static constexpr const char* face[] = {"in numbers: float",    "in g: N * float",     "in m: N * float",
                                         "in v: N * float",      "in theta: N * float", "out new_m: N * float",
                                         "out new_v: N * float", "out new_theta: N * float",
                                         "attr N: int >= 1",     "attr decay: float = 0"};
};

// The same with the greatest v so far in v's place.
struct Amsgrad {
  static constexpr bool peaks = true;
  static constexpr const char* name = "ScnasAmsgrad";
  static constexpr const char* face[] = {"in numbers: float",        "in g: N * float",         "in m: N * float",
                                         "in v: N * float",          "in theta: N * float",     "in peak: N * float",
                                         "out new_m: N * float",     "out new_v: N * float",    "out new_theta: N * float",
                                         "out new_peak: N * float",  "attr N: int >= 1",        "attr decay: float = 0"};
};

template <class Kind>
struct AdamStep {
  static constexpr const char* name = Kind::name;
  static constexpr const auto& face = Kind::face;
  float decay;
  explicit AdamStep(const Attributes& a) : decay(a.real("decay")) {}

  struct Piece {
    const float *g, *m, *v, *theta, *peak;
    float *new_m, *new_v, *new_theta, *new_peak;
    int64_t size;
    float scale1, scale2;
  };

  void compute(Call& call) const {
    const int lists = Kind::peaks ? 5 : 4, n = (call.inputs() - 1) / lists;
    call.expect(0, {6 + 2 * n});
    const float* numbers = call.data(0);
    std::vector<Piece> pieces;
    for (int i = 0; i < n; i++) {
      const int g = 1 + i;
      const auto shape = call.dims(g);
      const float* in[5] = {};
      float* out[4] = {};
      for (int k = 0; k < lists; k++) {
        call.expect(g + k * n, shape);
        in[k] = call.data(g + k * n);
        if (k > 0) out[k - 1] = call.out((k - 1) * n + i, shape);
      }
      const Piece whole = {in[0], in[1], in[2], in[3], in[4], out[0], out[1], out[2], out[3], call.count(g), numbers[6 + 2 * i], numbers[7 + 2 * i]};
      for (int64_t at = 0; at < whole.size; at += kPiece) pieces.push_back(part(whole, at));
    }
    parallel_for(
        int64_t(pieces.size()),
        [&](int64_t begin, int64_t end) {
          for (; begin < end; begin++) step(pieces[size_t(begin)], numbers, decay);
        },
        8);
  }

 private:
  static constexpr int64_t kPiece = 8192;

  static Piece part(const Piece& p, int64_t at) {
    const int64_t peak = Kind::peaks ? at : 0;
    return {p.g + at,         p.m + at,         p.v + at,     p.theta + at, p.peak + peak, p.new_m + at,
            p.new_v + at,     p.new_theta + at, p.new_peak + peak, std::min(kPiece, p.size - at), p.scale1, p.scale2};
  }

  static void step(const Piece& p, const float* numbers, float decay) {
    const float rate = numbers[0], beta1 = numbers[1], rest1 = numbers[2], beta2 = numbers[3], rest2 = numbers[4];
    const float stabiliser = numbers[5], scale1 = p.scale1, scale2 = p.scale2;
    const float *__restrict gradient = p.g, *__restrict m = p.m, *__restrict v = p.v, *__restrict theta = p.theta, *__restrict peak = p.peak;
    float *__restrict new_m = p.new_m, *__restrict new_v = p.new_v, *__restrict new_theta = p.new_theta, *__restrict new_peak = p.new_peak;
    for (int64_t i = 0; i < p.size; i++) {
      const float g = gradient[i] + decay * theta[i];
      const float a = beta1 * m[i] + rest1 * g, b = beta2 * v[i] + rest2 * (g * g);
      new_m[i] = a;
      new_v[i] = b;
      float over = b;
      if constexpr (Kind::peaks) new_peak[i] = over = peak[i] > b ? peak[i] : b;
      new_theta[i] = theta[i] - rate * (scale1 * a / (std::sqrt(over) * scale2 + stabiliser));
    }
  }
};

}  // namespace

void define_training() {
  define<JaccardSums>();
  define<JaccardGradient>();
  define<Out>();
  define<OutInput>();
  define<OutFilter>();
  define<OutBias>();
  define<AdamStep<Adam>>();
  define<AdamStep<Amsgrad>>();
}

}  // namespace scnas
