// Pooling, with or without an InstanceNorm after it, and upsampling as ops.
#include "norm.h"
#include "op.h"
#include "pool.h"
#include "upsample.h"

namespace scnas {
namespace {

enum Kind { kAverage = 0, kMaximum = 1 };

int read_stride(const Attributes& a) {
  const int stride = a.integer("stride");
  if (stride < 1 || stride > 2) throw Refusal("expected stride 1 or 2");
  return stride;
}

// With `norm`, y is normalised in place: it is x̂ and stats are as NormStats reads them. codes is empty for the average.
struct Pool3d {
  static constexpr const char* name = "ScnasPool";
  static constexpr const char* face[] = {"in x: float",      "out y: float",   "out codes: uint8", "out stats: float",
                                         "attr stride: int", "attr kind: int", "attr norm: int",   "attr epsilon: float"};
  int stride, kind;
  bool norm;
  float epsilon;
  explicit Pool3d(const Attributes& a)
      : stride(read_stride(a)), kind(a.integer("kind")), norm(a.integer("norm") != 0), epsilon(a.real("epsilon")) {}
  void compute(Call& call) const {
    const PoolPlan plan(call.volume(0), stride);
    float* y = call.out_shape(0, plan.out);
    if (kind == kMaximum) max_pool(plan, call.data(0), y, call.out_bytes(1, {plan.out.n, plan.out.d, plan.out.h, plan.out.w, plan.out.c}));
    else {
      call.out_bytes(1, {0});
      average_pool(plan, call.data(0), y);
    }
    if (!norm) {
      call.out(2, {0});
      return;
    }
    const int64_t n = plan.out.n * plan.out.c;
    Buffer mean(2 * n);
    moments(plan.out, y, epsilon, mean.data(), mean.data() + n);
    normalise(plan.out, y, mean.data(), mean.data() + n, nullptr, nullptr, y);
    norm_stats(n, true, mean.data(), mean.data() + n, call.out(2, {3, plan.out.n, plan.out.c}));
  }
};

// d, h, w: the sides of x, which is not kept.
struct PoolGradient {
  static constexpr const char* name = "ScnasPoolGradient";
  static constexpr const char* face[] = {"in dy: float",  "in codes: uint8",  "out dx: float", "attr d: int", "attr h: int",
                                         "attr w: int", "attr stride: int", "attr kind: int"};
  int64_t d, h, w;
  int stride, kind;
  explicit PoolGradient(const Attributes& a)
      : d(a.integer("d")), h(a.integer("h")), w(a.integer("w")), stride(read_stride(a)), kind(a.integer("kind")) {}
  void compute(Call& call) const {
    const Shape g = call.volume(0);
    if (d < 1 || h < 1 || w < 1) throw Refusal("ScnasPoolGradient: expected positive d, h, w");
    const PoolPlan plan({g.n, d, h, w, g.c}, stride);
    call.expect_shape(0, plan.out);
    float* dx = call.out_shape(0, plan.in);
    if (kind == kMaximum) {
      call.expect_shape(1, plan.out);
      max_pool_gradient(plan, call.data(0), call.bytes(1), dx);
    } else average_pool_gradient(plan, call.data(0), dx);
  }
};

struct Upsample {
  static constexpr const char* name = "ScnasUpsample";
  static constexpr const char* face[] = {"in x: float", "out y: float", "attr corners: int"};
  bool corners;
  explicit Upsample(const Attributes& a) : corners(a.integer("corners") != 0) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    upsample(s, call.data(0), corners, call.out_shape(0, {s.n, 2 * s.d, 2 * s.h, 2 * s.w, s.c}));
  }
};

struct UpsampleGradient {
  static constexpr const char* name = "ScnasUpsampleGradient";
  static constexpr const char* face[] = {"in dy: float", "out dx: float", "attr corners: int"};
  bool corners;
  explicit UpsampleGradient(const Attributes& a) : corners(a.integer("corners") != 0) {}
  void compute(Call& call) const {
    const Shape s = call.volume(0);
    if (s.d % 2 || s.h % 2 || s.w % 2) call.refuse(0, "even sides");
    const Shape half{s.n, s.d / 2, s.h / 2, s.w / 2, s.c};
    upsample_gradient(half, call.data(0), corners, call.out_shape(0, half));
  }
};

}  // namespace

void define_pools() {
  define<Pool3d>();
  define<PoolGradient>();
  define<Upsample>();
  define<UpsampleGradient>();
}

}  // namespace scnas
