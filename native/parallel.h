// Threads, vectors and shapes: what every kernel here shares.
//
// One pool for the whole process. `parallel_for` hands out chunks of [0, n) as the threads come for them, so a chunk's
// result must not depend on where the chunks lie. Sums over many chunks go through `fixed_blocks`, which cuts by the
// size of the work alone: the same bits come out of any number of threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#include "arena.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace scnas {

// Eight floats; GCC maps them to one AVX register or two NEON ones.
typedef float v8 __attribute__((vector_size(32)));
typedef int32_t v8i __attribute__((vector_size(32)));

inline v8 load8(const float* p) {
  v8 v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store8(float* p, v8 v) { std::memcpy(p, &v, sizeof v); }
inline v8 splat8(float s) { return v8{s, s, s, s, s, s, s, s}; }

// A dense tensor [n, d, h, w, c], the channel fastest.
struct Shape {
  int64_t n, d, h, w, c;
  int64_t voxels() const { return d * h * w; }
  int64_t size() const { return n * d * h * w * c; }
};

// Tiny numbers count as zero while this lives, in the kernels' threads as in TensorFlow's own.
class FlushDenormals {
 public:
  FlushDenormals() : saved_(read()) { write(saved_ | kBits); }
  ~FlushDenormals() { write(saved_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
#if defined(__x86_64__)
  static constexpr uint64_t kBits = 0x8040;  // flush to zero, denormals are zero
  static uint64_t read() { return _mm_getcsr(); }
  static void write(uint64_t v) { _mm_setcsr(uint32_t(v)); }
#elif defined(__aarch64__)
  static constexpr uint64_t kBits = uint64_t(1) << 24;
  static uint64_t read() {
    uint64_t v;
    asm volatile("mrs %0, fpcr" : "=r"(v));
    return v;
  }
  static void write(uint64_t v) { asm volatile("msr fpcr, %0" : : "r"(v)); }
#else
  static constexpr uint64_t kBits = 0;
  static uint64_t read() { return 0; }
  static void write(uint64_t) {}
#endif
  uint64_t saved_;
};

class Pool {
 public:
  static Pool& get() {
    static Pool* pool = new Pool;  // never freed: its threads outlive static destruction
    return *pool;
  }

  int threads() const { return threads_.load(std::memory_order_relaxed); }

  // Between calls only. Used at start and by the tests that compare thread counts.
  void set_threads(int n) {
    std::lock_guard<std::mutex> hold(busy_);
    n = n < 1 ? 1 : n > 256 ? 256 : n;
    while (started_ < n - 1) {
      std::thread(&Pool::work, this, started_, epoch_.load()).detach();
      started_++;
    }
    threads_.store(n);
  }

  // f(begin, end) over [0, n) in chunks of at least `grain`.
  template <class F>
  void run(int64_t n, int64_t grain, const F& f) {
    if (n <= 0) return;
    const int threads = this->threads();
    if (threads == 1 || n <= grain || inside() || !busy_.try_lock()) {
      f(int64_t(0), n);
      return;
    }
    std::lock_guard<std::mutex> hold(busy_, std::adopt_lock);
    int64_t chunk = n / (threads * int64_t(4));
    job_.chunk = chunk < grain ? grain : chunk;
    job_.n = n;
    job_.f = &f;
    job_.call = [](const void* g, int64_t b, int64_t e) { (*static_cast<const F*>(g))(b, e); };
    next_.store(0, std::memory_order_relaxed);
    const uint32_t call = ((epoch_.load(std::memory_order_relaxed) >> 8) + 1) << 8;
    epoch_.store(call | uint32_t(threads - 1), std::memory_order_seq_cst);
    if (sleeping_.load(std::memory_order_seq_cst) > 0) {
      std::lock_guard<std::mutex> lock(sleep_);
      wake_.notify_all();
    }
    inside() = true;
    drain();
    inside() = false;
    // The call is closed: a worker that wakes only now is not waited for.
    epoch_.store(call, std::memory_order_seq_cst);
    for (int spin = 0; pending_.load(std::memory_order_seq_cst) > 0; spin++) {
      if (spin < kSpins) pause();
      else std::this_thread::yield();
    }
  }

 private:
  struct Job {
    const void* f = nullptr;
    void (*call)(const void*, int64_t, int64_t) = nullptr;
    int64_t n = 0, chunk = 1;
  };
  static constexpr int kSpins = 16000;  // about 200 µs: a gap between two ops of one step

  Pool() {
    const char* wanted = std::getenv("SCNAS_THREADS");
    int n = wanted ? std::atoi(wanted) : 0;
    if (n < 1) n = int(std::thread::hardware_concurrency());
    set_threads(n);
  }

  static bool& inside() {
    static thread_local bool flag = false;
    return flag;
  }
  static void pause() {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
  }

  void drain() {
    for (;;) {
      const int64_t begin = next_.fetch_add(job_.chunk, std::memory_order_relaxed);
      if (begin >= job_.n) return;
      const int64_t end = begin + job_.chunk;
      job_.call(job_.f, begin, end < job_.n ? end : job_.n);
    }
  }

  void work(int index, uint32_t seen) {
    const FlushDenormals flush;
    inside() = true;
    for (;;) {
      for (int spin = 0; spin < kSpins && epoch_.load(std::memory_order_acquire) == seen; spin++) pause();
      if (epoch_.load(std::memory_order_acquire) == seen) {
        std::unique_lock<std::mutex> lock(sleep_);
        sleeping_.fetch_add(1, std::memory_order_seq_cst);
        wake_.wait(lock, [&] { return epoch_.load(std::memory_order_seq_cst) != seen; });
        sleeping_.fetch_sub(1, std::memory_order_relaxed);
      }
      seen = epoch_.load(std::memory_order_acquire);
      if (index >= int(seen & 255)) continue;
      pending_.fetch_add(1, std::memory_order_seq_cst);
      if (epoch_.load(std::memory_order_seq_cst) == seen) drain();
      pending_.fetch_sub(1, std::memory_order_release);
    }
  }

  Job job_;
  std::mutex busy_, sleep_;
  std::condition_variable wake_;
  alignas(64) std::atomic<int64_t> next_{0};
  alignas(64) std::atomic<uint32_t> epoch_{0};  // (call number << 8) | workers that may take part, read as one
  alignas(64) std::atomic<int> pending_{0};  // workers that may be at the call's work
  alignas(64) std::atomic<int> sleeping_{0};
  std::atomic<int> threads_{1};
  int started_ = 0;
};

// f(begin, end) over [0, n), in parallel. `grain`: the smallest chunk that is worth a thread. f may be run for any
// partition of [0, n) and in any order; calls within calls run in the calling thread.
template <class F>
inline void parallel_for(int64_t n, const F& f, int64_t grain = 1) {
  Pool::get().run(n, grain, f);
}

// f(block, begin, end) over [0, n) cut into at most `most` blocks of at least `least`, by n alone: for sums in a fixed
// order. Returns how many blocks there are.
inline int64_t block_count(int64_t n, int64_t least, int64_t most = 64) {
  const int64_t blocks = n / (least < 1 ? 1 : least);
  return blocks < 1 ? 1 : blocks > most ? most : blocks;
}
template <class F>
inline void fixed_blocks(int64_t n, int64_t blocks, const F& f) {
  parallel_for(blocks, [&](int64_t b, int64_t e) {
    for (; b < e; b++) f(b, n * b / blocks, n * (b + 1) / blocks);
  });
}

// An aligned buffer of floats, not initialised.
class Buffer {
 public:
  explicit Buffer(int64_t n) {
    const size_t bytes = size_t((n * 4 + 127) / 64 * 64);
    void* p = bytes >= Arena::kLeast ? Arena::get().take(bytes) : nullptr;
    if (!p) p = std::aligned_alloc(64, bytes);
    if (!p) throw std::bad_alloc();
    data_ = static_cast<float*>(p);
  }
  ~Buffer() {
    if (!Arena::get().give(data_)) std::free(data_);
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  float* data() { return data_; }
  const float* data() const { return data_; }
  float& operator[](int64_t i) { return data_[i]; }

 private:
  float* data_;
};

// The calling thread's own scratch, at least n floats, kept between calls; `slot` tells apart what is alive together.
inline float* thread_scratch(int64_t n, int slot = 0) {
  struct Slot {
    std::unique_ptr<Buffer> buffer;
    int64_t size = 0;
  };
  static thread_local Slot slots[8];
  Slot& s = slots[slot];
  if (s.size < n) {
    s.buffer.reset();
    s.buffer = std::make_unique<Buffer>(n);
    s.size = n;
  }
  return s.buffer->data();
}

}  // namespace scnas
