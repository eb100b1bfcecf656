// What a training step does beside the network: Adam over all tensors at once.
#include <cmath>

#include "op.h"

namespace scnas {
namespace {

// One step of Adam on N tensors. numbers: rate, β₁, 1 − β₁, β₂, 1 − β₂, the stabiliser; then for each tensor 1/(1 − β₁ᵗ) and
// 1/√(1 − β₂ᵗ). They are an input, not attributes: TensorFlow keeps a kernel for every set of attributes it has seen.
struct Adam {
  static constexpr const char* name = "ScnasAdam";
  static constexpr const char* face[] = {"in numbers: float",    "in g: N * float",     "in m: N * float",
                                         "in v: N * float",      "in theta: N * float", "out new_m: N * float",
                                         "out new_v: N * float", "out new_theta: N * float",
                                         "attr N: int >= 1"};
  explicit Adam(const Attributes&) {}

  struct Piece {
    const float *g, *m, *v, *theta;
    float *new_m, *new_v, *new_theta;
    int64_t size;
    float scale1, scale2;
  };

  void compute(Call& call) const {
    const int n = (call.inputs() - 1) / 4;
    call.expect(0, {6 + 2 * n});
    const float* numbers = call.data(0);
    std::vector<Piece> pieces;
    for (int i = 0; i < n; i++) {
      const int g = 1 + i, m = g + n, v = m + n, theta = v + n;
      const auto shape = call.dims(g);
      for (const int other : {m, v, theta}) call.expect(other, shape);
      const Piece whole = {call.data(g),         call.data(m),           call.data(v),
                           call.data(theta),     call.out(i, shape),     call.out(n + i, shape),
                           call.out(2 * n + i, shape), call.count(g), numbers[6 + 2 * i], numbers[7 + 2 * i]};
      for (int64_t at = 0; at < whole.size; at += kPiece) pieces.push_back(part(whole, at));
    }
    parallel_for(
        int64_t(pieces.size()),
        [&](int64_t begin, int64_t end) {
          for (; begin < end; begin++) step(pieces[size_t(begin)], numbers);
        },
        8);
  }

 private:
  static constexpr int64_t kPiece = 8192;

  static Piece part(const Piece& p, int64_t at) {
    return {p.g + at,         p.m + at,     p.v + at,
            p.theta + at,     p.new_m + at, p.new_v + at,
            p.new_theta + at, std::min(kPiece, p.size - at), p.scale1, p.scale2};
  }

  static void step(const Piece& p, const float* numbers) {
    const float rate = numbers[0], beta1 = numbers[1], rest1 = numbers[2], beta2 = numbers[3], rest2 = numbers[4];
    const float stabiliser = numbers[5], scale1 = p.scale1, scale2 = p.scale2;
    const float *__restrict g = p.g, *__restrict m = p.m, *__restrict v = p.v, *__restrict theta = p.theta;
    float *__restrict new_m = p.new_m, *__restrict new_v = p.new_v, *__restrict new_theta = p.new_theta;
    for (int64_t i = 0; i < p.size; i++) {
      const float a = beta1 * m[i] + rest1 * g[i], b = beta2 * v[i] + rest2 * (g[i] * g[i]);
      new_m[i] = a;
      new_v[i] = b;
      new_theta[i] = theta[i] - rate * (scale1 * a / (std::sqrt(b) * scale2 + stabiliser));
    }
  }
};

}  // namespace

void define_training() { define<Adam>(); }

}  // namespace scnas
