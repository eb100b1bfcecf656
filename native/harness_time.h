// Times every kernel at the sizes of the networks; the harness's `time` mode. One thread in CPU time, more by the clock.
#pragma once
#include <cstdio>
#include <ctime>
#include <functional>
#include <string>
#include "conv3d.h"
#include "harness_noise.h"
#include "pool.h"
#include "separable.h"
#include "upsample.h"

using namespace scnas;

/// Least time: of one thread its CPU time, which other programs on the machine disturb less than the clock on the wall.
static double milliseconds(const std::function<void()>& f) {
  const auto now = [] {
    timespec t;
    clock_gettime(Pool::get().threads() > 1 ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1e3 + t.tv_nsec * 1e-6;
  };
  f();
  double best = 1e9, total = 0;
  for (int i = 0; i < 400 && (i < 3 || total < 120); i++) {
    const double start = now();
    f();
    const double t = now() - start;
    best = t < best ? t : best;
    total += t;
  }
  return best;
}

static double peak() {
  float scale = 0.999f, sum = 0;
  const double t = milliseconds([&] {
    const vec s = scale - vec{};
    vec a = s, b = s * 2, c = s * 3, d = s * 4, e = s * 5, f = s * 6, g = s * 7, h = s * 8, i = s * 9, j = s * 10;
    for (int n = 0; n < 1000000; n++) {
      a = a * s + s, b = b * s + s, c = c * s + s, d = d * s + s, e = e * s + s;
      f = f * s + s, g = g * s + s, h = h * s + s, i = i * s + s, j = j * s + s;
    }
    sum += (a + b + c + d + e + f + g + h + i + j)[0];
  });
  return 1e7 * lanes * 2 / t / 1e6 + sum * 1e-30;
}

/// `filter` is part of a kernel's name, `place` of a shape's.
static void time_all(const std::string& filter, const std::string& place, int threads) {
  Pool::get().set_threads(1);
  std::printf("one thread's peak %.0f GFLOPS; %d threads, least time in ms (GFLOPS; pools and upsampling GB/s)\n", peak(), threads);
  Pool::get().set_threads(threads);
  struct Row { Shape in; int64_t co; };
  const Row rows[] = {{{2, 40, 56, 40, 4}, 4}, {{2, 20, 28, 20, 8}, 8}, {{2, 10, 14, 10, 16}, 16}, {{2, 5, 7, 5, 32}, 32}, {{2, 40, 56, 40, 16}, 16},
                      {{2, 40, 56, 40, 1}, 16}, {{1, 64, 64, 64, 12}, 12}, {{1, 64, 64, 64, 17}, 17}, {{1, 32, 32, 32, 24}, 24}, {{1, 32, 32, 32, 34}, 34},
                      {{1, 16, 16, 16, 48}, 48}, {{1, 16, 16, 16, 68}, 68}, {{1, 8, 8, 8, 96}, 96}, {{1, 8, 8, 8, 136}, 136}, {{1, 64, 64, 64, 48}, 48},
                      {{2, 40, 56, 40, 16}, 4}, {{2, 20, 28, 20, 32}, 8}, {{2, 10, 14, 10, 64}, 16}, {{2, 5, 7, 5, 128}, 32},
                      {{2, 40, 56, 40, 32}, 4}, {{1, 64, 64, 64, 48}, 12}};
  for (const Row& row : rows) {
    const Shape in = row.in;
    const int64_t co = row.co, ci = in.c, voxels = in.n * in.voxels();
    const Floats x = noise(in.size()), w = noise(27 * ci * co), wd = noise(27 * ci), wp = noise(ci * co), g = noise(voxels * co);
    Floats y(voxels * co), dx(in.size()), dw(w.size()), dwd(wd.size()), dwp(wp.size());
    Doubles st(in.n * std::max(ci, co) * 2);
    const double dense = 2.0 * 27 * ci * co * voxels, deep = 2.0 * 27 * ci * voxels, point = 2.0 * ci * co * voxels;
    const float *px = x.data(), *pw = w.data(), *pd = wd.data(), *pp = wp.data(), *pg = g.data();
    struct Item { std::string name; double flops; std::function<void()> f; };
    std::vector<Item> items;
    for (int64_t s = 1; s <= (ci > 1 ? 2 : 1); s++) {
      const double part = s == 1 ? 1 : 1.0 / 8;
      const std::string tag = s == 1 ? "" : " s2";
      items.push_back({"conv" + tag, dense * part, [=, &y, &st] { conv3d_forward(px, pw, y.data(), in, co, s, 1, true, st.data()); }});
      items.push_back({"conv dx" + tag, dense * part, [=, &dx] { conv3d_input_grad(px, pw, StoredPlanes(pg, out_shape(in, s, co)), dx.data(), in, co, s, 1, true); }});
      items.push_back({"conv dw" + tag, dense * part, [=, &dw] { conv3d_filter_grad(px, StoredPlanes(pg, out_shape(in, s, co)), dw.data(), in, co, s, 1, true); }});
      if (ci == 1) continue;
      items.push_back({"deep" + tag, deep * part, [=, &dx] { depthwise_forward(px, pd, dx.data(), in, s, 2, true); }});
      items.push_back({"deep dx" + tag, deep * part, [=, &dx] { depthwise_input_grad(px, pd, pg, dx.data(), in, s, 2, true); }});
      items.push_back({"deep dw" + tag, deep * part, [=, &dwd] { depthwise_filter_grad(px, pg, dwd.data(), in, s, 2, true); }});
      items.push_back({"sep" + tag, (deep + point) * part, [=, &y, &st] { separable_forward(px, pd, pp, y.data(), in, co, s, 3, true, st.data()); }});
      items.push_back({"sep dx" + tag, (deep + point) * part, [=, &dx] { separable_backward(px, pd, pp, StoredPlanes(pg, out_shape(in, s, co)), dx.data(), nullptr, nullptr, in, co, s, 3, true); }});
      items.push_back({"sep dw" + tag, (2 * deep + 2 * point) * part, [=, &dwd, &dwp] { separable_backward(px, pd, pp, StoredPlanes(pg, out_shape(in, s, co)), nullptr, dwd.data(), dwp.data(), in, co, s, 3, true); }});
      items.push_back({"sep all" + tag, 3 * (deep + point) * part, [=, &dx, &dwd, &dwp] { separable_backward(px, pd, pp, StoredPlanes(pg, out_shape(in, s, co)), dx.data(), dwd.data(), dwp.data(), in, co, s, 3, true); }});
      items.push_back({"point" + tag, point * part, [=, &y, &st] { pointwise_forward(px, pp, y.data(), in, co, true, {s}, st.data()); }});
      items.push_back({"point dx" + tag, point * part, [=, &dx] { pointwise_input_grad(px, pp, pg, dx.data(), in, co, true, {s}); }});
      items.push_back({"point dw" + tag, point * part, [=, &dwp] { pointwise_filter_grad(px, pg, dwp.data(), in, co, true, {s}); }});
    }
    std::vector<uint8_t> codes(ci == co ? in.size() : 0);
    for (int64_t s = 1; s <= 2 && ci == co; s++) {
      const PoolPlan p(in, s);
      const std::string tag = s == 1 ? "" : " s2";
      const double both = 4.0 * (p.in.size() + p.out.size()), coded = both + p.out.size();
      items.push_back({"max" + tag, coded, [=, &y, &codes] { max_pool(p, px, y.data(), codes.data()); }});
      items.push_back({"max dx" + tag, coded, [=, &dx, &codes] { max_pool_gradient(p, pg, codes.data(), dx.data()); }});
      items.push_back({"avg" + tag, both, [=, &y] { average_pool(p, px, y.data()); }});
      items.push_back({"avg dx" + tag, both, [=, &dx] { average_pool_gradient(p, pg, dx.data()); }});
    }
    if (in.d % 2 + in.h % 2 + in.w % 2 == 0 && ci == co) {
      const Shape half{in.n, in.d / 2, in.h / 2, in.w / 2, ci};
      items.push_back({"up", 4.5 * in.size(), [=, &y] { upsample(half, px, false, y.data()); }});
      items.push_back({"up dx", 4.5 * in.size(), [=, &dx] { upsample_gradient(half, pg, false, dx.data()); }});
    }
    char name[64];
    std::snprintf(name, sizeof name, "%ldx%ldx%ldx%ld %ld->%ld", long(in.n), long(in.d), long(in.h), long(in.w), long(ci), long(co));
    if (std::string(name).find(place) == std::string::npos) continue;
    bool any = false;
    for (auto& item : items) {
      if (!filter.empty() && item.name.find(filter) == std::string::npos) continue;
      if (!any) std::printf("%s\n", name);
      any = true;
      const double t = milliseconds(item.f);
      std::printf("  %-12s %8.3f (%5.1f)\n", item.name.c_str(), t, item.flops / t / 1e6);
      std::fflush(stdout);
    }
  }
}
