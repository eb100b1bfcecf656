// The loops of src/data/augment-places.ts and src/data/spline.ts that take most of the time of drawing a batch, operation for operation: the same
// bits, since nothing is reordered within a value and products are not fused into sums (-ffp-contract=off). Without TensorFlow, so that a drawing thread loads it at once.
#include <node_api.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace {

// Of one axis: columns taken together, and rows of a product that are held at once.
constexpr int COLUMNS = 16;
constexpr int ROWS = 4;

// w [n, n] times x [n, COLUMNS], n a multiple of four, into out [n, COLUMNS].
void product(const double* w, const double* x, int n, double* out) {
  for (int i = 0; i < n; i += ROWS) {
    double sums[ROWS][COLUMNS] = {};
    for (int j = 0; j < n; j += 4)
      for (int r = 0; r < ROWS; r++) {
        const double* a = w + (i + r) * n + j;
        const double* from = x + j * COLUMNS;
        for (int c = 0; c < COLUMNS; c++)
          sums[r][c] += a[0] * from[c] + a[1] * from[COLUMNS + c] + a[2] * from[2 * COLUMNS + c] + a[3] * from[3 * COLUMNS + c];
      }
    for (int r = 0; r < ROWS; r++) std::copy_n(sums[r], COLUMNS, out + (i + r) * COLUMNS);
  }
}

// [n, rest] to [rest, n], blurred along n: `blurFirst` of augment-places.ts.
void blur_first(const double* field, int n, int64_t rest, const double* kernel, int radius, double* out) {
  const int half = (n + 1) / 2;
  const int rows = 4 * ((half + 3) / 4);
  std::vector<double> plus(rows * rows), minus(rows * rows);
  const auto weight = [&](int d) { return d <= radius ? kernel[d] : 0.0; };
  for (int i = 0; i < half; i++)
    for (int j = 0; j < half; j++) {
      plus[i * rows + j] = weight(std::abs(i - j)) + weight(n - 1 - j - i);
      minus[i * rows + j] = weight(std::abs(i - j)) - weight(n - 1 - j - i);
    }
  std::vector<double> even(rows * COLUMNS), odd(rows * COLUMNS), sums(rows * COLUMNS), differences(rows * COLUMNS);
  for (int64_t low = 0; low < rest; low += COLUMNS) {
    const int count = static_cast<int>(std::min<int64_t>(COLUMNS, rest - low));
    for (int j = 0; j < half; j++) {
      const double* a = field + j * rest + low;
      const double* b = field + (n - 1 - j) * rest + low;
      const double share = a == b ? 0.25 : 0.5;
      for (int c = 0; c < count; c++) {
        even[j * COLUMNS + c] = share * (a[c] + b[c]);
        odd[j * COLUMNS + c] = 0.5 * (a[c] - b[c]);
      }
    }
    product(plus.data(), even.data(), rows, sums.data());
    product(minus.data(), odd.data(), rows, differences.data());
    for (int c = 0; c < count; c++) {
      double* line = out + (low + c) * n;
      for (int i = 0; i < half; i++) {
        const double s = sums[i * COLUMNS + c], d = differences[i * COLUMNS + c];
        line[i] = s + d;
        line[n - 1 - i] = s - d;
      }
    }
  }
}

constexpr int HORIZON = 14;

int mirrored(int i, int n) {
  const int at = i % (2 * n - 2);
  return at < n ? at : 2 * n - 2 - at;
}

// `filterRows` of spline.ts.
void filter_rows(float* v, int n, int64_t row, double pole) {
  const double last = pole / (pole * pole - 1);
  std::vector<double> first(row);
  for (int i = HORIZON; i >= 0; i--) {
    const float* from = v + mirrored(i, n) * row;
    for (int64_t r = 0; r < row; r++) first[r] = from[r] + pole * first[r];
  }
  for (int64_t r = 0; r < row; r++) v[r] = static_cast<float>(6 * first[r]);
  for (int i = 1; i < n; i++)
    for (int64_t at = i * row; at < (i + 1) * row; at++) v[at] = static_cast<float>(6.0 * v[at] + pole * v[at - row]);
  for (int64_t at = (n - 1) * row; at < n * row; at++) v[at] = static_cast<float>(last * (v[at] + pole * v[at - row]));
  for (int i = n - 2; i >= 0; i--)
    for (int64_t at = i * row; at < (i + 1) * row; at++) v[at] = static_cast<float>(pole * (static_cast<double>(v[at + row]) - v[at]));
}

// Lines that are filtered side by side: each waits for the value before it.
constexpr int LINES = 8;

// `filterLines` of spline.ts, for `count` lines `apart` values from each other, of values `row` apart.
void filter_lines(float* v, int n, int64_t row, int64_t apart, int count, double pole) {
  const double last = pole / (pole * pole - 1);
  double c[LINES] = {}, before[LINES];
  for (int i = HORIZON; i >= 0; i--)
    for (int l = 0; l < count; l++) c[l] = v[l * apart + mirrored(i, n) * row] + pole * c[l];
  for (int l = 0; l < count; l++) {
    c[l] *= 6;
    before[l] = c[l];
    v[l * apart] = static_cast<float>(c[l]);
  }
  for (int i = 1; i < n; i++)
    for (int l = 0; l < count; l++) {
      float& at = v[l * apart + i * row];
      before[l] = c[l];
      c[l] = 6.0 * at + pole * c[l];
      at = static_cast<float>(c[l]);
    }
  for (int l = 0; l < count; l++) {
    c[l] = last * (c[l] + pole * before[l]);
    v[l * apart + (n - 1) * row] = static_cast<float>(c[l]);
  }
  for (int i = n - 2; i >= 0; i--)
    for (int l = 0; l < count; l++) {
      float& at = v[l * apart + i * row];
      c[l] = pole * (c[l] - at);
      at = static_cast<float>(c[l]);
    }
}

// An axis of n voxels and their rim, one before and two behind, each of `row` neighbouring values, `outer` times.
void filter_axis(float* v, int64_t outer, int n, int64_t row, double pole) {
  const int64_t apart = (n + 3) * row;
  if (row >= 8)
    for (int64_t o = 0; o < outer; o++) filter_rows(v + o * apart + row, n, row, pole);
  else
    for (int64_t r = 0; r < row; r++)
      for (int64_t o = 0; o < outer; o += LINES)
        filter_lines(v + o * apart + row + r, n, row, apart, static_cast<int>(std::min<int64_t>(LINES, outer - o)), pole);
}

double before(double t) {
  const double s = 1 - t;
  return s * s * s / 6;
}

double near(double t) { return 2.0 / 3 - t * t * (1 - t / 2); }

// `sample` of spline.ts; ONE: of a single channel, whose neighbours lie side by side.
template <bool ONE>
void sample(const float* c, const int* shape, int all, const float* places, int64_t n, float* out) {
  const int channels = ONE ? 1 : all;
  const int last_x = shape[0] - 1, last_y = shape[1] - 1, last_z = shape[2] - 1;
  const int64_t row_y = static_cast<int64_t>(shape[2] + 3) * channels;
  const int64_t row_x = (shape[1] + 3) * row_y;
  const int slices = shape[0] == 1 ? 1 : 4;
  for (int64_t i = 0; i < n; i++) {
    const double x = places[3 * i], y = places[3 * i + 1], z = places[3 * i + 2];
    if (!(x >= 0 && x <= last_x && y >= 0 && y <= last_y && z >= 0 && z <= last_z)) continue;
    const int fx = static_cast<int>(x), fy = static_cast<int>(y), fz = static_cast<int>(z);
    double wx[4], wy[4], wz[4];
    const auto weights = [](double t, double one_minus, double* w, bool single) {
      w[0] = single ? 1 : before(t);
      w[1] = near(t);
      w[3] = before(one_minus);
      w[2] = 1 - w[0] - w[1] - w[3];
    };
    weights(x - fx, 1 - x + fx, wx, slices == 1);
    weights(y - fy, 1 - y + fy, wy, false);
    weights(z - fz, 1 - z + fz, wz, false);
    const float* corner = c + fx * row_x + fy * row_y + static_cast<int64_t>(fz) * channels;
    for (int k = 0; k < channels; k++) {
      double sum = 0;
      const float* p = corner + k;
      for (int a = 0; a < slices; a++, p += row_x) {
        double lines[4];
        for (int l = 0; l < 4; l++) {
          const float* at = p + l * channels;
          lines[l] = wy[0] * at[0] + wy[1] * at[row_y] + wy[2] * at[2 * row_y] + wy[3] * at[3 * row_y];
        }
        sum += wx[a] * (wz[0] * lines[0] + wz[1] * lines[1] + wz[2] * lines[2] + wz[3] * lines[3]);
      }
      out[i * channels + k] = static_cast<float>(sum);
    }
  }
}

// The words of an array of the wanted type; null, with an error thrown, for anything else or fewer than `least`.
template <typename T>
T* words(napi_env env, napi_value value, napi_typedarray_type wanted, int64_t least) {
  bool is = false;
  napi_typedarray_type type = napi_int8_array;
  size_t length = 0;
  void* data = nullptr;
  if (napi_is_typedarray(env, value, &is) == napi_ok && is &&
      napi_get_typedarray_info(env, value, &type, &length, &data, nullptr, nullptr) == napi_ok && type == wanted &&
      static_cast<int64_t>(length) >= least)
    return static_cast<T*>(data);
  napi_throw_range_error(env, nullptr, "augment.node: expected a typed array of another kind or length");
  return nullptr;
}

struct Arguments {
  napi_value value[8];
  napi_env env;
  Arguments(napi_env e, napi_callback_info info) : env(e) {
    size_t count = 8;
    napi_get_cb_info(env, info, &count, value, nullptr, nullptr);
  }
  int64_t whole(int i) const {
    int64_t n = -1;
    napi_get_value_int64(env, value[i], &n);
    return n;
  }
  double number(int i) const {
    double n = 0;
    napi_get_value_double(env, value[i], &n);
    return n;
  }
};

// blurFirst(field, n, kernel, out)
napi_value js_blur_first(napi_env env, napi_callback_info info) {
  const Arguments a(env, info);
  const int64_t n = a.whole(1);
  size_t length = 0, taps = 0;
  napi_get_typedarray_info(env, a.value[0], nullptr, &length, nullptr, nullptr, nullptr);
  napi_get_typedarray_info(env, a.value[2], nullptr, &taps, nullptr, nullptr, nullptr);
  const double* field = words<double>(env, a.value[0], napi_float64_array, 1);
  const double* kernel = field ? words<double>(env, a.value[2], napi_float64_array, 1) : nullptr;
  double* out = kernel ? words<double>(env, a.value[3], napi_float64_array, length) : nullptr;
  if (out && n > 1 && length % n == 0) blur_first(field, n, length / n, kernel, static_cast<int>(taps) - 1, out);
  return nullptr;
}

// filter(v, outer, n, row, pole)
napi_value js_filter(napi_env env, napi_callback_info info) {
  const Arguments a(env, info);
  const int64_t outer = a.whole(1), n = a.whole(2), row = a.whole(3);
  if (outer < 1 || n < 2 || row < 1) return nullptr;
  float* v = words<float>(env, a.value[0], napi_float32_array, outer * (n + 3) * row);
  if (v) filter_axis(v, outer, static_cast<int>(n), row, a.number(4));
  return nullptr;
}

// sample(coefficients, X, Y, Z, channels, places, out)
napi_value js_sample(napi_env env, napi_callback_info info) {
  const Arguments a(env, info);
  const int shape[3] = {static_cast<int>(a.whole(1)), static_cast<int>(a.whole(2)), static_cast<int>(a.whole(3))};
  const int64_t channels = a.whole(4);
  if (shape[0] < 1 || shape[1] < 1 || shape[2] < 1 || channels < 1) return nullptr;
  const int64_t rims = static_cast<int64_t>(shape[0] == 1 ? 1 : shape[0] + 3) * (shape[1] + 3) * (shape[2] + 3) * channels;
  size_t length = 0;
  napi_get_typedarray_info(env, a.value[5], nullptr, &length, nullptr, nullptr, nullptr);
  const int64_t n = length / 3;
  const float* c = words<float>(env, a.value[0], napi_float32_array, rims);
  const float* places = c ? words<float>(env, a.value[5], napi_float32_array, 0) : nullptr;
  float* out = places ? words<float>(env, a.value[6], napi_float32_array, n * channels) : nullptr;
  if (out) (channels == 1 ? sample<true> : sample<false>)(c, shape, static_cast<int>(channels), places, n, out);
  return nullptr;
}

napi_value start(napi_env env, napi_value exports) {
  const auto add = [&](const char* name, napi_callback callback) {
    napi_value fn;
    napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, nullptr, &fn);
    napi_set_named_property(env, exports, name, fn);
  };
  add("blurFirst", js_blur_first);
  add("filter", js_filter);
  add("sample", js_sample);
  return exports;
}

}  // namespace

NAPI_MODULE(NODE_GYP_MODULE_NAME, start)
