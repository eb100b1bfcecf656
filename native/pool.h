// 3³ pooling with padding 1, channels-last, any channel count, stride 1 or 2; its gradients are in pool_gradient.h.
//
// A window is reduced along z, then y, then x: the rows reduced along z stay in a ring of three, the planes reduced along
// z and y likewise. Padding counts neither for the maximum nor for the average. Among equal largest values the first in
// x, y, z order wins, as each axis keeps the first; its place in the window, 9·x + 3·y + z, is kept as a byte.
#pragma once

#include "pool_gradient.h"
#include "pool_window.h"

namespace scnas {

// A row on its way: values, and for the maximum their places.
struct PoolRow {
  float* v;
  int32_t* at;
};

struct Largest {
  static constexpr bool coded = true;
  static constexpr float outside = -std::numeric_limits<float>::infinity();
  vec m;
  ivec at;
  SCNAS_INLINE void begin(vec v, ivec place) { m = v, at = place; }
  SCNAS_INLINE void meet(vec v, ivec place) {
    const ivec more = v > m;
    m = pick(more, v, m);
    at = pick(more, place, at);
  }
};
struct Highest {
  static constexpr bool coded = false;
  static constexpr float outside = -std::numeric_limits<float>::infinity();
  vec m;
  ivec at;
  SCNAS_INLINE void begin(vec v, ivec) { m = v; }
  SCNAS_INLINE void meet(vec v, ivec) { m = pick(v > m, v, m); }
};
struct Total {
  static constexpr bool coded = false;
  static constexpr float outside = 0;
  vec m;
  ivec at;
  SCNAS_INLINE void begin(vec v, ivec) { m = v; }
  SCNAS_INLINE void meet(vec v, ivec) { m += v; }
};

// emit(i, what T rows come to) by vectors; row t's places count from add[t].
template <class Window, int T, class Emit>
inline void reduce_rows(const PoolRow* rows, const int32_t* add, int64_t size, const Emit& emit) {
  const float* v[T];
  const int32_t* at[T];
  for (int t = 0; t < T; t++) v[t] = rows[t].v, at[t] = rows[t].at;
  for (int64_t i = 0; i < size; i += lanes) {
    Window w;
    const auto place = [&](int t) { return Window::coded ? load_i(at[t] + i) + add[t] : ivec{}; };
    w.begin(load(v[0] + i), place(0));
    each<T - 1>([&](auto t) { w.meet(load(v[t + 1] + i), place(t + 1)); });
    emit(i, w);
  }
}
template <class Window, class Emit>
inline void reduce_rows(const PoolRow* rows, const int32_t* add, int taps, int64_t size, const Emit& emit) {
  if (taps == 3) reduce_rows<Window, 3>(rows, add, size, emit);
  else if (taps == 2) reduce_rows<Window, 2>(rows, add, size, emit);
  else reduce_rows<Window, 1>(rows, add, size, emit);
}

// Rows of a thread's scratch that are told apart by a number.
template <class Window>
struct PoolRing {
  PoolRow rows[3];
  int64_t tags[3] = {-1, -1, -1};
  PoolRing(int slot, int64_t floats) {
    float* data = thread_scratch(3 * floats * (Window::coded ? 2 : 1), slot);
    for (int i = 0; i < 3; i++)
      rows[i] = {data + i * floats, Window::coded ? reinterpret_cast<int32_t*>(data + (i + 3) * floats) : nullptr};
  }
  // True if what is there now is of another number.
  bool turn(int64_t place, int64_t tag) {
    const bool other = tags[place % 3] != tag;
    tags[place % 3] = tag;
    return other;
  }
};

// Reduces a source row along z.
template <class Window>
inline void pool_along(const PoolPlan& p, const float* row, float* padded, const PoolRow& to) {
  const int64_t c = p.in.c, size = p.in_row(), part = (p.out.w + 1) * c + 16;
  const float* tap[3];
  if (p.w.stride == 1) {
    std::fill(padded, padded + c, Window::outside);
    std::memcpy(padded + c, row, size_t(size) * 4);
    std::fill(padded + c + size, padded + 2 * c + size, Window::outside);
    for (int t = 0; t < 3; t++) tap[t] = padded + t * c;
  } else {  // odd voxels, after one outside, and even ones apart
    float *odd = padded, *even = padded + part;
    std::fill(odd, odd + c, Window::outside);
    std::fill(odd + p.out.w * c, odd + (p.out.w + 1) * c, Window::outside);
    copy_voxels(row, 2, even, 1, (p.in.w + 1) / 2, c);
    copy_voxels(row + c, 2, odd + c, 1, p.in.w / 2, c);
    tap[0] = odd, tap[1] = even, tap[2] = odd + c;
  }
  for (int64_t i = 0; i < p.out_row(); i += lanes) {
    Window w;
    w.begin(load(tap[0] + i), ivec{});
    w.meet(load(tap[1] + i), ivec{} + 1);
    w.meet(load(tap[2] + i), ivec{} + 2);
    store(to.v + i, w.m);
    if (Window::coded) store_i(to.at + i, w.at);
  }
}

// emit(row, i, window, taps) for every vector of every result row; taps: how many source rows the row's windows hold.
template <class Window, class Emit>
inline void pool_planes(const PoolPlan& p, const float* x, const Emit& emit) {
  const int64_t ld = p.kept_row();
  parallel_for(p.out.n * p.out.d, [&](int64_t begin, int64_t end) {
    float* padded = thread_scratch(std::max((p.in.w + 2) * p.in.c, 2 * (p.out.w + 1) * p.in.c) + 64, 0);
    PoolRing<Window> rows(1, ld), planes(2, p.out.h * ld);
    for (int64_t plane = begin; plane < end; plane++) {
      const int64_t n = plane / p.out.d, d = plane % p.out.d;
      int deep = 0;
      int64_t from[3];
      int32_t add[3];
      for (int64_t td = 0; td < 3; td++) {
        int64_t sd, sh;
        if (!p.d.reads(d, td, sd)) continue;
        from[deep] = sd % 3, add[deep++] = int32_t(9 * td);
        if (!planes.turn(sd, n * p.in.d + sd)) continue;
        for (int64_t h = 0; h < p.out.h; h++) {
          PoolRow read[3];
          int32_t places[3];
          int taps = 0;
          for (int64_t th = 0; th < 3; th++) {
            if (!p.h.reads(h, th, sh)) continue;
            const PoolRow& row = rows.rows[sh % 3];
            if (rows.turn(sh, (n * p.in.d + sd) * p.in.h + sh)) pool_along<Window>(p, p.source(x, n, sd, sh), padded, row);
            read[taps] = row, places[taps++] = int32_t(3 * th);
          }
          const PoolRow &to = planes.rows[sd % 3];
          reduce_rows<Window>(read, places, taps, ld, [&](int64_t i, const Window& w) {
            store(to.v + h * ld + i, w.m);
            if (Window::coded) store_i(to.at + h * ld + i, w.at);
          });
        }
      }
      for (int64_t h = 0; h < p.out.h; h++) {
        PoolRow read[3];
        for (int k = 0; k < deep; k++) {
          const PoolRow& row = planes.rows[from[k]];
          read[k] = {row.v + h * ld, Window::coded ? row.at + h * ld : nullptr};
        }
        emit(plane * p.out.h + h, deep * p.h.count(h), [&](const auto& f) { reduce_rows<Window>(read, add, deep, ld, f); });
      }
    }
  }, plane_grain(p.out.n * p.out.d));
}

// y = the largest of each window.
inline void max_pool(const PoolPlan& p, const float* x, float* y) {
  const int64_t result = p.out_row();
  pool_planes<Highest>(p, x, [&](int64_t row, int64_t, const auto& vectors) {
    float* to = y + row * result;
    vectors([&](int64_t i, const Highest& w) {
      if (i + lanes <= result) store(to + i, w.m);
      else Part{result - i}.store(to + i, w.m);
    });
  });
}

// The same, with its place in the window.
inline void max_pool(const PoolPlan& p, const float* x, float* y, uint8_t* codes) {
  const int64_t result = p.out_row();
  pool_planes<Largest>(p, x, [&](int64_t row, int64_t, const auto& vectors) {
    float* to = y + row * result;
    uint8_t* code = codes + row * result;
    vectors([&](int64_t i, const Largest& w) {
      if (i + lanes <= result) {
        store(to + i, w.m);
        store_codes(code + i, w.at);
      } else
        for (int64_t k = 0; i + k < result; k++) to[i + k] = w.m[k], code[i + k] = uint8_t(w.at[k]);
    });
  });
}

// y = the mean of each window's voxels inside the tensor.
inline void average_pool(const PoolPlan& p, const float* x, float* y) {
  const int64_t result = p.out_row(), c = p.in.c;
  pool_planes<Total>(p, x, [&](int64_t row, int64_t taps, const auto& vectors) {
    const float whole = 1.f / float(3 * taps);
    float* to = y + row * result;
    vectors([&](int64_t i, const Total& w) {
      if (i + lanes <= result) store(to + i, w.m * whole);
      else Part{result - i}.store(to + i, w.m * whole);
    });
    p.w.each_short([&](int64_t column, int64_t inside) {
      for (int64_t j = 0; j < c; j++) to[column * c + j] *= 3.f / float(inside);
    });
  });
}

}  // namespace scnas
