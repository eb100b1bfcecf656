// The gradients of 3³ pooling (pool.h), by the source's rows: what reaches a row along x, then along y, then along z.
//
// For the maximum: all results that took a voxel by way of one place of its row took the same, so beside the sum of their
// gradients one place is enough: what is left of the byte, 3·y + z, then z.
#pragma once

#include "pool_window.h"

namespace scnas {

typedef uint32_t uvec __attribute__((vector_size(lanes * 4)));

// A row on its way: sums of gradients, and for the maximum the places that they go to.
struct GradientRow {
  float* g;
  int32_t* at;
};

// Adds up the results' rows whose window's x places them at this source row.
template <int T, class Access>
SCNAS_INLINE void collect_max(const float* const* g, const uint8_t* const* codes, const int32_t* base, int64_t i, Access access, const GradientRow& to) {
  vec sum = vec{};
  ivec place{};
  each<T>([&](auto t) {
    const ivec at = access.codes(codes[t] + i) - base[t];
    const ivec mine = ivec(uvec(at) < 9u);
    sum += pick(mine, access.load(g[t] + i), vec{});
    place = pick(mine, at, place);
  });
  store(to.g + i, sum);
  store_i(to.at + i, place);
}
template <int T>
inline void collect_max(const float* const* g, const uint8_t* const* codes, const int32_t* base, int64_t size, const GradientRow& to) {
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) collect_max<T>(g, codes, base, i, WholeCodes{}, to);
  if (i < size) collect_max<T>(g, codes, base, i, PartCodes{{size - i}}, to);
}

// Sums along y, then what each tap along z sends on.
template <int T>
inline void send_max(const GradientRow* rows, const int32_t* base, int64_t size, float* const* sent) {
  for (int64_t i = 0; i < size; i += lanes) {
    vec sum = vec{};
    ivec place{};
    each<T>([&](auto t) {
      const ivec at = load_i(rows[t].at + i) - base[t];
      const ivec mine = ivec(uvec(at) < 3u);
      sum += pick(mine, load(rows[t].g + i), vec{});
      place = pick(mine, at, place);
    });
    for (int tw = 0; tw < 3; tw++) store(sent[tw] + i, pick(place == tw, sum, vec{}));
  }
}

template <int T, class Access>
SCNAS_INLINE vec weigh(const float* const* g, const float* share, int64_t i, Access access) {
  vec sum = vec{};
  each<T>([&](auto t) { sum += access.load(g[t] + i) * share[t]; });
  return sum;
}
template <int T>
inline void weigh_rows(const float* const* g, const float* share, int64_t size, float* to) {
  int64_t i = 0;
  for (; i + lanes <= size; i += lanes) store(to + i, weigh<T>(g, share, i, Whole{}));
  if (i < size) store(to + i, weigh<T>(g, share, i, Part{size - i}));
}

// A source row from what the taps along z send it, each with a voxel of zeros on both sides.
inline void add_shifts(const PoolPlan& p, float* const* sent, float* to, bool accumulate) {
  const int64_t c = p.in.c;
  if (p.w.stride == 1) {
    each_vector(p.in_row(), [&](auto access, int64_t k, int64_t) {
      const vec sum = (access.load(sent[0] + k + c) + access.load(sent[1] + k)) + access.load(sent[2] + k - c);
      access.store(to + k, accumulate ? access.load(to + k) + sum : sum);
    });
    return;
  }
  with_channels(p.in.c, [&, last = p.in.w](auto c) {
    const float *even = sent[1], *left = sent[2], *right = sent[0] + c;
    for (int64_t k = 0; k < last; k++) {
      float* voxel = to + k * c;
      each_part(c, [&, at = k / 2 * c](auto kind, int64_t j) {
        typedef decltype(kind) V;
        const V sum = k % 2 == 0 ? load_as<V>(even + at + j) : load_as<V>(left + at + j) + load_as<V>(right + at + j);
        store_as(voxel + j, accumulate ? load_as<V>(voxel + j) + sum : sum);
      });
    }
  });
}

// A thread's rows: three that are summed along x, told apart by the result's row, and what the taps along z send.
struct GradientRows {
  GradientRow rows[3];
  float* sent[3];
  float* same[3];  // the first, for all three taps
  GradientRows(const PoolPlan& p) {
    const int64_t ld = p.kept_row(), side = p.in.c + 8;
    float *g = thread_scratch(3 * ld, 0), *at = thread_scratch(3 * ld, 1), *out = thread_scratch(3 * (ld + 2 * side), 2);
    for (int t = 0; t < 3; t++) {
      rows[t] = {g + t * ld, reinterpret_cast<int32_t*>(at + t * ld)};
      sent[t] = out + t * (ld + 2 * side) + side;
      std::fill(sent[t] - side, sent[t], 0.f);
      same[t] = sent[0];
    }
  }
  // The voxel after the last one is zero again.
  void close(const PoolPlan& p) const {
    for (float* row : sent) std::fill(row + p.out_row(), row + p.out_row() + p.in.c, 0.f);
  }
};

// Source rows: `collect` sums a row over the result planes that read it, at `at`, `send` sums such rows and says what goes on along z.
template <class Collect, class Send>
inline void gradient_planes(const PoolPlan& p, float* dx, bool accumulate, const Collect& collect, const Send& send) {
  parallel_for(p.in.n * p.in.d, [&](int64_t begin, int64_t end) {
    const GradientRows rows(p);
    for (int64_t plane = begin; plane < end; plane++) {
      const int64_t n = plane / p.in.d, d = plane % p.in.d;
      int64_t deep[3], tags[3] = {-1, -1, -1}, rd, rh;
      int td[3], depth = 0;
      for (int t = 0; t < 3; t++)
        if (p.d.read_by(d, t, rd)) deep[depth] = rd, td[depth++] = t;
      for (int64_t h = 0; h < p.in.h; h++) {
        GradientRow read[3];
        int64_t high[3];
        int th[3], taps = 0;
        for (int t = 0; t < 3; t++) {
          if (!p.h.read_by(h, t, rh)) continue;
          const GradientRow& row = rows.rows[rh % 3];
          if (tags[rh % 3] != rh) {
            int64_t at[3];
            for (int k = 0; k < depth; k++) at[k] = ((n * p.out.d + deep[k]) * p.out.h + rh) * p.out_row();
            collect(at, deep, td, depth, row);
            tags[rh % 3] = rh;
          }
          read[taps] = row, high[taps] = rh, th[taps++] = t;
        }
        add_shifts(p, send(read, high, th, taps, rows), dx + (plane * p.in.h + h) * p.in_row(), accumulate);
      }
    }
  });
}

// dx (+)= Σ of dy over the windows whose largest value is there; `accumulate` adds.
inline void max_pool_gradient(const PoolPlan& p, const float* dy, const uint8_t* codes, float* dx, bool accumulate = false) {
  gradient_planes(
      p, dx, accumulate,
      [&](const int64_t* at, const int64_t*, const int* td, int depth, const GradientRow& to) {
        const float* g[3];
        const uint8_t* code[3];
        int32_t base[3];
        for (int k = 0; k < depth; k++) g[k] = dy + at[k], code[k] = codes + at[k], base[k] = 9 * td[k];
        if (depth == 3) collect_max<3>(g, code, base, p.out_row(), to);
        else if (depth == 2) collect_max<2>(g, code, base, p.out_row(), to);
        else collect_max<1>(g, code, base, p.out_row(), to);
      },
      [&](const GradientRow* read, const int64_t*, const int* th, int taps, const GradientRows& rows) -> float* const* {
        int32_t base[3];
        for (int k = 0; k < taps; k++) base[k] = 3 * th[k];
        if (taps == 3) send_max<3>(read, base, p.kept_row(), rows.sent);
        else if (taps == 2) send_max<2>(read, base, p.kept_row(), rows.sent);
        else send_max<1>(read, base, p.kept_row(), rows.sent);
        rows.close(p);
        return rows.sent;
      });
}

// dx (+)= Σ dy / (voxels of the window) over the windows that hold the voxel.
inline void average_pool_gradient(const PoolPlan& p, const float* dy, float* dx, bool accumulate = false) {
  const auto add = [](const float* const* g, const float* share, int taps, int64_t size, float* to) {
    if (taps == 3) weigh_rows<3>(g, share, size, to);
    else if (taps == 2) weigh_rows<2>(g, share, size, to);
    else weigh_rows<1>(g, share, size, to);
  };
  gradient_planes(
      p, dx, accumulate,
      [&](const int64_t* at, const int64_t* deep, const int*, int depth, const GradientRow& to) {
        const float* g[3];
        float share[3];
        for (int k = 0; k < depth; k++) g[k] = dy + at[k], share[k] = 1.f / float(p.d.count(deep[k]));
        add(g, share, depth, p.out_row(), to.g);
      },
      [&](const GradientRow* read, const int64_t* high, const int*, int taps, const GradientRows& rows) -> float* const* {
        const float* g[3];
        float share[3];
        for (int k = 0; k < taps; k++) g[k] = read[k].g, share[k] = 1.f / float(3 * p.h.count(high[k]));
        float* to = rows.sent[0];
        add(g, share, taps, p.kept_row(), to);
        p.w.each_short([&](int64_t column, int64_t inside) {
          for (int64_t j = 0; j < p.in.c; j++) to[column * p.in.c + j] *= 3.f / float(inside);
        });
        rows.close(p);
        return rows.same;
      });
}

}  // namespace scnas
