// Memory of large buffers, an op's own and those of its outputs: one range of addresses, the lowest free place first.
//
// malloc serves such buffers from between long-lived small ones, and TensorFlow's allocator from regions that double in size, of
// which neither gets much back: a search step of ours held half as much again in gaps. Here, too, memory stays with the process, so
// that its pages need not be made again.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>

namespace scnas {

class Arena {
 public:
  static constexpr size_t kLeast = size_t(1) << 16;
  static Arena& get() {
    static Arena* arena = new Arena;  // never freed: threads' scratch may outlive static destruction
    return *arena;
  }

  // Null where there is no room: take it from malloc then.
  void* take(size_t bytes) {
    bytes = whole(bytes);
    std::lock_guard<std::mutex> hold(mutex_);
    for (auto gap = gaps_.begin(); gap != gaps_.end(); ++gap) {
      const auto [begin, end] = *gap;
      if (end - begin < bytes) continue;
      gaps_.erase(gap);
      if (end - begin > bytes) gaps_.emplace(begin + bytes, end);
      *reinterpret_cast<size_t*>(base_ + begin) = bytes;
      return base_ + begin + kHead;
    }
    return nullptr;
  }

  // Whether p was the arena's, which has it again.
  bool give(void* p) {
    char* block = static_cast<char*>(p) - kHead;
    if (!base_ || block < base_ || size_t(block - base_) >= kRange) return false;
    std::lock_guard<std::mutex> hold(mutex_);
    size_t begin = size_t(block - base_), end = begin + *reinterpret_cast<size_t*>(block);
    auto after = gaps_.lower_bound(begin);
    if (after != gaps_.end() && after->first == end) end = after->second, after = gaps_.erase(after);
    if (after != gaps_.begin() && std::prev(after)->second == begin) begin = std::prev(after)->first, gaps_.erase(std::prev(after));
    gaps_.emplace(begin, end);
    return true;
  }

 private:
  static constexpr size_t kRange = size_t(1) << 38, kHead = 64;  // kHead: before each block, its size
  Arena() {
    void* range = mmap(nullptr, kRange, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (range == MAP_FAILED) return;
    base_ = static_cast<char*>(range);
    gaps_.emplace(0, kRange);
  }
  // Whole cache lines and a few more: blocks of one size must not all begin at the same place of a page.
  static size_t whole(size_t bytes) { return kHead + (bytes + 63) / 64 * 64 + 16 * 64; }

  char* base_ = nullptr;
  std::map<size_t, size_t> gaps_;  // begin and end of each
  std::mutex mutex_;
};

}  // namespace scnas
