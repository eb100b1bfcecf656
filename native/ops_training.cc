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

// One step of Adam on N tensors, whose moments and values it writes over: they are the caller's own, and nobody else reads them. numbers: rate,
// β₁, 1 − β₁, β₂, 1 − β₂, the stabiliser; then for each tensor 1/(1 − β₁ᵗ) and 1/√(1 − β₂ᵗ). They are an input, not attributes: TensorFlow keeps
// a kernel for every set of attributes it has seen. The weight decay λ stays.
struct Adam {
  static constexpr bool peaks = false;
  static constexpr const char* name = "ScnasAdam";
  static constexpr const char* face[] = {"in numbers: float", "in g: N * float",  "in m: N * float",       "in v: N * float", "in theta: N * float",
                                         "out done: float",   "attr N: int >= 1", "attr decay: float = 0"};
};

// The same with the greatest v so far in v's place.
struct Amsgrad {
  static constexpr bool peaks = true;
  static constexpr const char* name = "ScnasAmsgrad";
  static constexpr const char* face[] = {"in numbers: float",   "in g: N * float",    "in m: N * float", "in v: N * float",
                                         "in theta: N * float", "in peak: N * float", "out done: float", "attr N: int >= 1",
                                         "attr decay: float = 0"};
};

template <class Kind>
struct AdamStep {
  static constexpr const char* name = Kind::name;
  static constexpr const auto& face = Kind::face;
  float decay;
  explicit AdamStep(const Attributes& a) : decay(a.real("decay")) {}

  struct Piece {
    const float* g;
    float *m, *v, *theta, *peak;
    int64_t size;
    float scale1, scale2;
  };

  void compute(Call& call) const {
    const int lists = Kind::peaks ? 5 : 4, n = (call.inputs() - 1) / lists;
    call.expect(0, {6 + 2 * n});
    const float* numbers = call.data(0);
    std::vector<Piece> pieces;
    for (int i = 0; i < n; i++) {
      const auto shape = call.dims(1 + i);
      float* at[5] = {};
      for (int k = 0; k < lists; k++) {
        call.expect(1 + i + k * n, shape);
        at[k] = call.own(1 + i + k * n);
      }
      const int64_t size = call.count(1 + i);
      for (int64_t b = 0; b < size; b += kPiece)
        pieces.push_back({at[0] + b, at[1] + b, at[2] + b, at[3] + b, Kind::peaks ? at[4] + b : nullptr, std::min(kPiece, size - b),
                          numbers[6 + 2 * i], numbers[7 + 2 * i]});
    }
    parallel_for(
        int64_t(pieces.size()),
        [&](int64_t begin, int64_t end) {
          for (; begin < end; begin++) step(pieces[size_t(begin)], numbers, decay);
        },
        8);
    call.out(0, {0});
  }

 private:
  static constexpr int64_t kPiece = 8192;

  static void step(const Piece& p, const float* numbers, float decay) {
    const float rate = numbers[0], beta1 = numbers[1], rest1 = numbers[2], beta2 = numbers[3], rest2 = numbers[4];
    const float stabiliser = numbers[5], scale1 = p.scale1, scale2 = p.scale2;
    const float* __restrict gradient = p.g;
    float *__restrict m = p.m, *__restrict v = p.v, *__restrict theta = p.theta, *__restrict peak = p.peak;
    for (int64_t i = 0; i < p.size; i++) {
      const float g = gradient[i] + decay * theta[i];
      const float a = beta1 * m[i] + rest1 * g, b = beta2 * v[i] + rest2 * (g * g);
      m[i] = a;
      v[i] = b;
      float over = b;
      if constexpr (Kind::peaks) peak[i] = over = peak[i] > b ? peak[i] : b;
      theta[i] -= rate * (scale1 * a / (std::sqrt(over) * scale2 + stabiliser));
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
