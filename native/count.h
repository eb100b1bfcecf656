// How many multiply-adds the convolutions that ran were asked for: kernel taps times channels times results, as a cost table counts them.
// Columns that a kernel computes and drops are not in it, nor what computing rows in pairs saves.
#pragma once
#include <atomic>
#include <cstdint>

namespace scnas {

// One for the process, in whichever file it is first used.
inline std::atomic<int64_t> multiply_adds_done{0};

inline void count_multiply_adds(int64_t n) { multiply_adds_done.fetch_add(n, std::memory_order_relaxed); }

}  // namespace scnas
