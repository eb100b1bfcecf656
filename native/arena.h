// Memory of large buffers that live for a part of an op: one range of addresses, the lowest free place first.
//
// malloc serves such buffers from between long-lived small ones, and a search step of ours held half as much again in gaps. Here
// memory stays with the process between ops, so that its pages need not be made again, up to `kSpare` above what is in use.
#pragma once

#include <sys/mman.h>

#include <cstdint>
#include <map>
#include <mutex>

namespace scnas {

class Arena {
 public:
  static constexpr size_t kLeast = size_t(1) << 16, kSpare = size_t(1) << 28;
  static Arena& get() {
    static Arena* arena = new Arena;  // never freed: threads' scratch may outlive static destruction
    return *arena;
  }

  // Null where there is no room: take it from malloc then.
  void* take(size_t bytes) {
    bytes = whole(bytes);
    std::lock_guard<std::mutex> hold(mutex_);
    size_t at = 0;
    for (auto block = used_.begin(); block != used_.end() && block->first - at < bytes; ++block) at = block->second;
    if (!base_ || at + bytes > kRange) return nullptr;
    used_.emplace(at, at + bytes);
    if (at + bytes > touched_) touched_ = at + bytes;
    return base_ + at;
  }

  // Whether p was the arena's, which has it again.
  bool give(void* p) {
    const size_t at = size_t(static_cast<char*>(p) - base_);
    if (!base_ || static_cast<char*>(p) < base_ || at >= kRange) return false;
    std::lock_guard<std::mutex> hold(mutex_);
    used_.erase(at);
    const size_t top = used_.empty() ? 0 : (used_.rbegin()->second + kPage - 1) / kPage * kPage;
    if (touched_ > top + kSpare) {
      madvise(base_ + top, touched_ - top, MADV_DONTNEED);
      touched_ = top;
    }
    return true;
  }

 private:
  static constexpr size_t kRange = size_t(1) << 38, kPage = 1 << 16;  // kPage: no page is larger
  Arena() {
    void* range = mmap(nullptr, kRange, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    base_ = range == MAP_FAILED ? nullptr : static_cast<char*>(range);
  }
  // Whole cache lines and a few more: blocks of one size must not all begin at the same place of a page.
  static size_t whole(size_t bytes) { return (bytes + 63) / 64 * 64 + 17 * 64; }

  char* base_ = nullptr;
  std::map<size_t, size_t> used_;  // begin and end of each block
  size_t touched_ = 0;
  std::mutex mutex_;
};

}  // namespace scnas
