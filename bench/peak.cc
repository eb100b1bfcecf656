// What this machine can do at most, as JSON: float32 multiply-adds on all threads in registers, and copies between arrays far larger than the caches.
//   c++ -O3 -march=native -std=c++17 -ffp-contract=fast -pthread bench/peak.cc -o peak && ./peak THREADS [MILLISECONDS]
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int lanes = 16;
#elif defined(__AVX__)
constexpr int lanes = 8;
#else
constexpr int lanes = 4;
#endif
typedef float vec __attribute__((vector_size(lanes * 4)));

static double now() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

/// Work done by f(thread) in a second, summed over the threads; the best of several tries in the time given.
static double best(int threads, double seconds, const std::function<double(int)>& f) {
  double top = 0;
  for (const double end = now() + seconds; now() < end || top == 0;) {
    std::atomic<int> ready{0};
    std::vector<double> work(threads);
    std::vector<std::thread> pool;
    std::vector<double> begin(threads), finish(threads);
    for (int t = 0; t < threads; t++)
      pool.emplace_back([&, t] {
        ready++;
        while (ready < threads) {
        }
        begin[t] = now();
        work[t] = f(t);
        finish[t] = now();
      });
    for (auto& t : pool) t.join();
    double sum = 0;
    for (double w : work) sum += w;
    top = std::max(top, sum / (*std::max_element(finish.begin(), finish.end()) - *std::min_element(begin.begin(), begin.end())));
  }
  return top;
}

/// Twelve chains of multiply-adds hide their latency and fit in sixteen registers.
static double multiply_adds(int thread) {
  constexpr int chains = 12, rounds = 1 << 21;
  const vec scale = vec{} + (0.999f + 1e-6f * thread);
  vec a[chains];
  for (int i = 0; i < chains; i++) a[i] = scale * float(i + 1);
  for (int n = 0; n < rounds; n++)
    for (int i = 0; i < chains; i++) a[i] = a[i] * scale + scale;
  vec sum = a[0];
  for (int i = 1; i < chains; i++) sum += a[i];
  volatile float keep = sum[0];
  (void)keep;
  return double(chains) * rounds * lanes;
}

int main(int argc, char** argv) {
  const int threads = argc > 1 ? std::max(1, std::atoi(argv[1])) : 1;
  const double seconds = (argc > 2 ? std::atof(argv[2]) : 600) / 1000;
  const double fma = best(threads, seconds, multiply_adds);
  const size_t bytes = size_t(256) << 20, part = bytes / threads;
  std::vector<char> from(bytes, 1), to(bytes, 2);
  const double copy = best(threads, seconds, [&](int t) {
    std::memcpy(to.data() + t * part, from.data() + t * part, part);
    return 2.0 * part;
  });
  std::printf("{\"gflops\": %.1f, \"copyGBs\": %.2f, \"lanes\": %d}\n", 2 * fma / 1e9, copy / 1e9, lanes);
}
