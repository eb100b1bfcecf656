// What the peers have beside convolutions: the transposed convolution on the way up, and the multiplication of an attention gate.
#include <cmath>

#include "count.h"
#include "op.h"
#include "transposed.h"

namespace scnas {
namespace {

// x is input `x`, the weights [sd, sh, sw, co, ci] input `w`.
Up read_up(Call& call, int x, int w) {
  const Shape in = call.volume(x);
  const auto d = call.dims(w);
  bool fits = d.size() == 5 && d[3] > 0 && d[4] == in.c;
  for (size_t k = 0; fits && k < 3; k++) fits = d[k] == 1 || d[k] == 2;
  if (!fits) call.refuse(w, "[1 or 2, 1 or 2, 1 or 2, out, " + std::to_string(in.c) + "]");
  const Up up{in, d[0], d[1], d[2], d[3]};
  count_multiply_adds(up.multiply_adds());
  return up;
}

struct Forward {
  static constexpr const char* name = "ScnasUp";
  static constexpr const char* face[] = {"in x: float", "in w: float", "out y: float"};
  explicit Forward(const Attributes&) {}
  void compute(Call& call) const {
    const Up up = read_up(call, 0, 1);
    up_forward(up, call.data(0), call.data(1), call.out_shape(0, up.out()));
  }
};

struct InputGradient {
  static constexpr const char* name = "ScnasUpInput";
  static constexpr const char* face[] = {"in dy: float", "in x: float", "in w: float", "out dx: float"};
  explicit InputGradient(const Attributes&) {}
  void compute(Call& call) const {
    const Up up = read_up(call, 1, 2);
    call.expect_shape(0, up.out());
    up_input_grad(up, call.data(1), call.data(2), call.data(0), call.out_shape(0, up.in));
  }
};

// like: the weights, for their shape.
struct FilterGradient {
  static constexpr const char* name = "ScnasUpFilter";
  static constexpr const char* face[] = {"in dy: float", "in x: float", "in like: float", "out dw: float"};
  explicit FilterGradient(const Attributes&) {}
  void compute(Call& call) const {
    const Up up = read_up(call, 1, 2);
    call.expect_shape(0, up.out());
    up_filter_grad(up, call.data(1), call.data(0), call.out(0, call.dims(2)));
  }
};

inline float sigmoid(float a) { return 1.0f / (1.0f + std::exp(-a)); }

// f(voxel) over all voxels of all samples.
template <class F>
void each_voxel(const Shape& s, const F& f) {
  parallel_for(
      s.n * s.voxels(),
      [&](int64_t begin, int64_t end) {
        for (; begin < end; begin++) f(begin);
      },
      4096);
}

// y = x·σ(a), a of one channel.
struct Gate {
  static constexpr const char* name = "ScnasGate";
  static constexpr const char* face[] = {"in x: float", "in a: float", "out y: float"};
  explicit Gate(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    call.expect_shape(1, {s.n, s.d, s.h, s.w, 1});
    const float *x = call.data(0), *a = call.data(1);
    float* y = call.out_shape(0, s);
    each_voxel(s, [=, c = s.c](int64_t v) {
      const float through = sigmoid(a[v]);
      for (int64_t i = v * c; i < (v + 1) * c; i++) y[i] = x[i] * through;
    });
  }
};

struct GateGradient {
  static constexpr const char* name = "ScnasGateGradient";
  static constexpr const char* face[] = {"in dy: float", "in x: float", "in a: float", "out dx: float", "out da: float"};
  explicit GateGradient(const Attributes&) {}
  void compute(Call& call) const {
    const Shape s = call.volume(1), one = {s.n, s.d, s.h, s.w, 1};
    call.expect_shape(0, s);
    call.expect_shape(2, one);
    const float *dy = call.data(0), *x = call.data(1), *a = call.data(2);
    float *dx = call.out_shape(0, s), *da = call.out_shape(1, one);
    each_voxel(s, [=, c = s.c](int64_t v) {
      const float through = sigmoid(a[v]);
      float dot = 0;
      for (int64_t i = v * c; i < (v + 1) * c; i++) {
        dx[i] = dy[i] * through;
        dot += dy[i] * x[i];
      }
      da[v] = dot * through * (1 - through);
    });
  }
};

}  // namespace

void define_up() {
  define<Forward>();
  define<InputGradient>();
  define<FilterGradient>();
  define<Gate>();
  define<GateGradient>();
}

}  // namespace scnas
