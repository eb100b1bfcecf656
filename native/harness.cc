// Checks every kernel against plain float64 loops, and times it:
//   g++ -O3 -march=native -std=c++17 -pthread native/harness.cc -o harness && ./harness [check | time [kernel [shape [threads]]]]
#include <string>
#include "harness_check.h"
#include "harness_time.h"
#include "pool.h"
#include "upsample.h"

static void check_dense(const Case& t) {
  const Shape o = out_shape(t.in, t.stride, t.co);
  const int64_t ci = t.in.c, co = t.co;
  const Floats x = noise(t.in.size()), w = noise(27 * ci * co), g = noise(o.size());
  const StoredPlanes dy(g.data(), o);
  const Doubles a = wide(x, t.activate);
  Doubles y(o.size()), dx(x.size()), dw(w.size());
  each_tap(t, [&](int k, int64_t s, int64_t r) {
    for (int64_t i = 0; i < ci; i++)
      for (int64_t j = 0; j < co; j++) {
        const int64_t at = (k * ci + i) * co + j;
        y[r * co + j] += a[s * ci + i] * w[at];
        dx[s * ci + i] += double(g[r * co + j]) * w[at];
        dw[at] += a[s * ci + i] * g[r * co + j];
      }
  });
  derivative(dx, x, t.activate);
  judge("conv3d_forward", t, y.size(), y, [&](float* out, double* st) { conv3d_forward(x.data(), w.data(), out, t.in, co, t.stride, t.dilation, t.activate, st); },
        o.n * co * 2, stats_of(y, o));
  judge("conv3d_input_grad", t, dx.size(), dx, [&](float* out, double*) { conv3d_input_grad(t.activate ? x.data() : nullptr, w.data(), dy, out, t.in, co, t.stride, t.dilation, t.activate); });
  const Normed through(g, o);
  const NormedPlanes& normed = through.planes;
  judge("conv3d_input_grad normed", t, dx.size(), dx, [&](float* out, double*) { conv3d_input_grad(t.activate ? x.data() : nullptr, w.data(), normed, out, t.in, co, t.stride, t.dilation, t.activate); });
  judge("conv3d_filter_grad normed", t, dw.size(), dw, [&](float* out, double*) { conv3d_filter_grad(x.data(), normed, out, t.in, co, t.stride, t.dilation, t.activate); });
  for (auto& v : dx) v += 0.5;
  judge("conv3d_input_grad add", t, dx.size(), dx, [&](float* out, double*) {
    std::fill(out, out + dx.size(), 0.5f);
    conv3d_input_grad(t.activate ? x.data() : nullptr, w.data(), dy, out, t.in, co, t.stride, t.dilation, t.activate, true);
  });
  judge("conv3d_filter_grad", t, dw.size(), dw, [&](float* out, double*) { conv3d_filter_grad(x.data(), dy, out, t.in, co, t.stride, t.dilation, t.activate); });
}

static void check_separable(const Case& t) {
  const Shape m = out_shape(t.in, t.stride, t.in.c), o = out_shape(t.in, t.stride, t.co);
  const int64_t c = t.in.c, co = t.co;
  const Floats x = noise(t.in.size()), wd = noise(27 * c), wp = noise(c * co), g = noise(o.size()), gm = noise(m.size());
  const StoredPlanes dy(g.data(), o);
  const Normed normed(g, o);
  const Doubles a = wide(x, t.activate);
  Doubles mid(m.size()), y(o.size()), dmid(m.size()), dx(x.size()), dxm(x.size()), dwd(27 * c), dwdm(27 * c), dwp(c * co);
  each_tap(t, [&](int k, int64_t s, int64_t r) {
    for (int64_t i = 0; i < c; i++) mid[r * c + i] += a[s * c + i] * wd[k * c + i];
  });
  for (int64_t r = 0; r < o.n * o.voxels(); r++)
    for (int64_t i = 0; i < c; i++)
      for (int64_t j = 0; j < co; j++) {
        y[r * co + j] += mid[r * c + i] * wp[i * co + j];
        dmid[r * c + i] += double(g[r * co + j]) * wp[i * co + j];
        dwp[i * co + j] += mid[r * c + i] * g[r * co + j];
      }
  each_tap(t, [&](int k, int64_t s, int64_t r) {
    for (int64_t i = 0; i < c; i++) {
      dx[s * c + i] += dmid[r * c + i] * wd[k * c + i];
      dxm[s * c + i] += double(gm[r * c + i]) * wd[k * c + i];
      dwd[k * c + i] += a[s * c + i] * dmid[r * c + i];
      dwdm[k * c + i] += a[s * c + i] * gm[r * c + i];
    }
  });
  derivative(dx, x, t.activate);
  derivative(dxm, x, t.activate);
  const float *px = x.data(), *only = t.activate ? px : nullptr;
  judge("depthwise_forward", t, mid.size(), mid, [&](float* out, double* st) { depthwise_forward(px, wd.data(), out, t.in, t.stride, t.dilation, t.activate, st); },
        m.n * c * 2, stats_of(mid, m));
  judge("depthwise_input_grad", t, dxm.size(), dxm, [&](float* out, double*) { depthwise_input_grad(only, wd.data(), gm.data(), out, t.in, t.stride, t.dilation, t.activate); });
  judge("depthwise_filter_grad", t, dwdm.size(), dwdm, [&](float* out, double*) { depthwise_filter_grad(px, gm.data(), out, t.in, t.stride, t.dilation, t.activate); });
  judge("separable_forward", t, y.size(), y, [&](float* out, double* st) { separable_forward(px, wd.data(), wp.data(), out, t.in, co, t.stride, t.dilation, t.activate, st); },
        o.n * co * 2, stats_of(y, o));
  judge("separable_backward dx", t, dx.size(), dx, [&](float* out, double*) { separable_backward(only, wd.data(), wp.data(), dy, out, nullptr, nullptr, t.in, co, t.stride, t.dilation, t.activate); });
  Doubles filters(dwd);
  filters.insert(filters.end(), dwp.begin(), dwp.end());
  judge("separable_backward dw", t, filters.size(), filters, [&](float* out, double*) { separable_backward(px, wd.data(), wp.data(), dy, nullptr, out, out + dwd.size(), t.in, co, t.stride, t.dilation, t.activate); });
  Doubles all(dx);
  all.insert(all.end(), filters.begin(), filters.end());
  const auto whole = [&](const char* what, const auto& from) {
    judge(what, t, all.size(), all, [&](float* out, double*) {
      float *to = out + dx.size(), *last = to + dwd.size();
      separable_backward(px, wd.data(), wp.data(), from, out, to, last, t.in, co, t.stride, t.dilation, t.activate);
    });
  };
  whole("separable_backward", dy);
  whole("separable_backward normed", normed.planes);
  add_half(dx);
  judge("separable_backward add", t, dx.size(), dx, [&](float* out, double*) {
    std::fill(out, out + dx.size(), 0.5f);
    Floats dw(filters.size());
    float *to = t.activate ? dw.data() : nullptr, *last = to ? to + dwd.size() : nullptr;
    separable_backward(only, wd.data(), wp.data(), dy, out, to, last, t.in, co, t.stride, t.dilation, t.activate, true);
  });
}

/// `dilation` is the sampling's offset here; the result goes into the middle of co+3 channels.
static void check_pointwise(const Case& t) {
  const Shape o = out_shape(t.in, t.stride, t.co), &in = t.in;
  const int64_t c = in.c, co = t.co, ld = co + 3, first = 2;
  const Floats x = noise(in.size()), w = noise(c * co), g = noise(o.n * o.voxels() * ld);
  const Doubles a = wide(x, t.activate);
  Doubles y(o.n * o.voxels() * ld), dense(o.size()), dx(x.size()), dw(c * co);
  int64_t r = 0;
  for (int64_t n = 0; n < o.n; n++)
    for (int64_t d = 0; d < o.d; d++)
      for (int64_t h = 0; h < o.h; h++)
        for (int64_t v = 0; v < o.w; v++, r++) {
          const int64_t sd = d * t.stride + t.dilation, sh = h * t.stride + t.dilation, sw = v * t.stride + t.dilation;
          if (sd >= in.d || sh >= in.h || sw >= in.w) continue;
          const int64_t s = ((n * in.d + sd) * in.h + sh) * in.w + sw;
          for (int64_t i = 0; i < c; i++)
            for (int64_t j = 0; j < co; j++) {
              dense[r * co + j] += a[s * c + i] * w[i * co + j];
              dx[s * c + i] += double(g[r * ld + first + j]) * w[i * co + j];
              dw[i * co + j] += a[s * c + i] * g[r * ld + first + j];
            }
        }
  for (int64_t i = 0; i < r; i++)
    for (int64_t j = 0; j < co; j++) y[i * ld + first + j] = dense[i * co + j];
  derivative(dx, x, t.activate);
  const Sampling slice{t.stride, t.dilation, ld, first};
  Doubles sums(o.n * ld * 2);
  const Doubles dense_sums = stats_of(dense, o);
  for (int64_t n = 0; n < o.n; n++) std::copy_n(dense_sums.data() + n * co * 2, co * 2, sums.data() + (n * ld + first) * 2);
  for (int with = 0; with < 2; with++)
    judge("pointwise_forward", t, y.size(), y, [&](float* out, double* st) {
      for (int64_t i = 0; i < r; i++)
        for (int64_t j = 0; j < ld; j++)
          if (j < first || j >= first + co) out[i * ld + j] = 0;
      pointwise_forward(x.data(), w.data(), out, in, co, t.activate, slice, st);
    }, with ? sums.size() : 0, sums);
  judge("pointwise_forward dense", t, dense.size(), dense, [&](float* out, double* st) { pointwise_forward(x.data(), w.data(), out, in, co, t.activate, {t.stride, t.dilation}, st); },
        dense_sums.size(), dense_sums);
  judge("pointwise_input_grad", t, dx.size(), dx, [&](float* out, double*) { pointwise_input_grad(x.data(), w.data(), g.data(), out, in, co, t.activate, slice); });
  judge("pointwise_filter_grad", t, dw.size(), dw, [&](float* out, double*) { pointwise_filter_grad(x.data(), g.data(), out, in, co, t.activate, slice); });
  add_half(dx);
  judge("pointwise_input_grad add", t, dx.size(), dx, [&](float* out, double*) {
    std::fill(out, out + dx.size(), 0.5f);
    pointwise_input_grad(x.data(), w.data(), g.data(), out, in, co, t.activate, slice, true);
  });
}

/// Pooling and its gradients; values repeat, so that maxima tie.
static void check_pool(const Case& t) {
  const PoolPlan p(t.in, t.stride);
  const int64_t c = t.in.c;
  Floats x = noise(t.in.size());
  for (size_t i = 0; i < x.size(); i += 2) x[i] = float(int(x[i] * 4));
  const Floats g = noise(p.out.size());
  Doubles mean(p.out.size()), most(p.out.size(), -1e9), dmean(x.size()), dmost(x.size()), count(p.out.size());
  std::vector<int64_t> from(p.out.size());
  each_tap(t, [&](int, int64_t s, int64_t r) {
    for (int64_t j = 0; j < c; j++) {
      mean[r * c + j] += x[s * c + j];
      count[r * c + j]++;
      if (x[s * c + j] > most[r * c + j]) most[r * c + j] = x[from[r * c + j] = s * c + j];
    }
  });
  for (size_t i = 0; i < mean.size(); i++) mean[i] /= count[i], dmost[from[i]] += g[i];
  each_tap(t, [&](int, int64_t s, int64_t r) {
    for (int64_t j = 0; j < c; j++) dmean[s * c + j] += g[r * c + j] / count[r * c + j];
  });
  std::vector<uint8_t> codes(p.out.size());
  judge("average_pool", t, mean.size(), mean, [&](float* out, double*) { average_pool(p, x.data(), out); });
  judge("max_pool", t, most.size(), most, [&](float* out, double*) { max_pool(p, x.data(), out, codes.data()); });
  judge("max_pool without places", t, most.size(), most, [&](float* out, double*) { max_pool(p, x.data(), out); });
  judge("average_pool_gradient", t, dmean.size(), dmean, [&](float* out, double*) { average_pool_gradient(p, g.data(), out); });
  judge("max_pool_gradient", t, dmost.size(), dmost, [&](float* out, double*) { max_pool_gradient(p, g.data(), codes.data(), out); });
  add_half(dmean);
  add_half(dmost);
  judge("average_pool_gradient add", t, dmean.size(), dmean, [&](float* out, double*) {
    std::fill(out, out + dmean.size(), 0.5f);
    average_pool_gradient(p, g.data(), out, true);
  });
  judge("max_pool_gradient add", t, dmost.size(), dmost, [&](float* out, double*) {
    std::fill(out, out + dmost.size(), 0.5f);
    max_pool_gradient(p, g.data(), codes.data(), out, true);
  });
}

/// The gradient of upsampling adds up, and is the forward pass's transpose: Σ dy·up(x) = Σ dx·x.
static void check_upsample(const Shape& in, bool corners) {
  const Shape out{in.n, 2 * in.d, 2 * in.h, 2 * in.w, in.c};
  const Case t{in, in.c, 1, 1, false};
  const Floats x = noise(in.size()), g = noise(out.size());
  Floats y(out.size()), dx(in.size());
  upsample(in, x.data(), corners, y.data());
  upsample_gradient(in, g.data(), corners, dx.data());
  double a = 0, b = 0;
  for (size_t i = 0; i < y.size(); i++) a += double(y[i]) * g[i];
  for (size_t i = 0; i < x.size(); i++) b += double(x[i]) * dx[i];
  if (std::fabs(a - b) > 1e-5 * std::sqrt(double(y.size()))) failures++, std::printf("upsample: %g and %g, expected the same\n", a, b);
  Doubles want(dx.begin(), dx.end());
  add_half(want);
  judge("upsample_gradient add", t, want.size(), want, [&](float* to, double*) {
    std::fill(to, to + want.size(), 0.5f);
    upsample_gradient(in, g.data(), corners, to, true);
  });
}

static int check() {
  const Shape shapes[] = {{2, 5, 7, 6, 0}, {1, 4, 3, 9, 0}, {1, 3, 6, 21, 0}};
  for (const Shape& base : shapes)
    for (int64_t stride = 1; stride <= 2; stride++) {
      const int64_t pairs[][2] = {{4, 4}, {1, 16}, {2, 5}, {8, 8}, {12, 12}, {16, 3}, {17, 17}, {34, 9}, {24, 48}, {16, 4}, {7, 4}};
      for (auto& pair : pairs) {
        Shape in = base;
        in.c = pair[0];
        for (int64_t dilation = 1; dilation <= (pair[0] < 8 ? 4 : 1); dilation++) check_dense({in, pair[1], stride, dilation, dilation % 2 == 1});
        for (int64_t dilation = 1; dilation <= 4; dilation++) check_separable({in, pair[1], stride, dilation, dilation % 2 == stride % 2});
        check_pool({in, in.c, stride, 1, false});
        check_upsample(in, stride == 2);
        for (int64_t offset = 0; offset < 2; offset++) check_pointwise({in, pair[1], stride, offset, offset == 1});
      }
    }
  // Every layout and cut of the dense convolution: rows in pairs and an odd one, tiles of one to twelve voxels, one to three
  // vectors of channels, and volumes that are laid out as a whole.
  const int64_t dense[][3] = {{8, 8, 12}, {8, 24, 5}, {16, 48, 8}, {4, 4, 40}, {6, 6, 17}, {16, 16, 10}, {32, 32, 5}, {40, 56, 4}, {24, 24, 13}};
  for (auto& [ci, co, w] : dense)
    for (int64_t stride = 1; stride <= 2; stride++)
      for (int64_t h = 1; h <= 6; h += 5 - stride) check_dense({{2, 3, h, w, ci}, co, stride, 1, stride == 1});
  check_dense({{1, 20, 28, 20, 8}, 8, 1, 1, true});
  for (int64_t dilation = 2; dilation <= 3; dilation++) check_dense({{1, 5, 6, 9, 16}, 16, 1 + dilation % 2, dilation, true});
  const Shape wide_in{1, 3, 4, 5, 68};
  check_dense({wide_in, 33, 1, 1, true});
  check_separable({wide_in, 136, 1, 2, true});
  // Chunks of several blocks of planes, whose planes they take in turns.
  for (int64_t dilation = 1; dilation <= 4; dilation++)
    for (int64_t stride = 1; stride <= 2; stride++) check_separable({{2, 37, 3, 4, 4}, 4, stride, dilation, true});
  check_pointwise({{1, 3, 4, 5, 136}, 68, 2, 1, true});
  if (failures) std::printf("%d checks failed\n", failures);
  else std::printf("all kernels agree with the float64 loops, worst relative error %.2g\n", worst);
  return failures ? 1 : 0;
}

int main(int argc, char** argv) {
  const FlushDenormals flush;
  if (argc > 1 && std::string(argv[1]) == "time") time_all(argc > 2 ? argv[2] : "", argc > 3 ? argv[3] : "", argc > 4 ? std::atoi(argv[4]) : 1);
  else return check();
}
