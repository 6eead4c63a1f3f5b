// Bytes appended at the end and used up from the front. Empty it is one null pointer, because an idle connection has
// two of them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <utility>

#include <loft/bytes.hpp>

#include "net/block_cache.hpp"

namespace loft::net {

/// Not thread-safe. Views are valid until the next change.
class ByteQueue {
 public:
  ByteQueue() noexcept = default;
  ByteQueue(ByteQueue&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  ByteQueue& operator=(ByteQueue&& other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~ByteQueue() { clear(); }

  bool empty() const noexcept { return block_ == nullptr; }
  std::size_t size() const noexcept { return block_ == nullptr ? 0 : block_->end - block_->begin; }
  Bytes view() const noexcept { return block_ == nullptr ? Bytes() : Bytes(block_->data() + block_->begin, size()); }

  void append(Bytes bytes) {
    if (bytes.empty()) return;
    reserve(bytes.size());
    std::memcpy(block_->data() + block_->end, bytes.data(), bytes.size());
    block_->end += bytes.size();
  }

  /// Makes room for `more` bytes, by moving what is there to the front where half of the block has been used up.
  void reserve(std::size_t more) {
    if (block_ != nullptr && block_->capacity - block_->end >= more) return;
    const std::size_t kept = size();
    if (block_ != nullptr && block_->capacity - kept >= more && block_->begin >= block_->capacity / 2) {
      std::memmove(block_->data(), block_->data() + block_->begin, kept);
      block_->begin = 0;
      block_->end = kept;
      return;
    }
    std::size_t size = sizeof(Block) + std::max(kept + more, 2 * kept);
    void* const memory = BlockCache::here().take(size);
    auto* bigger = ::new (memory) Block{0, kept, size - sizeof(Block)};
    if (kept > 0) std::memcpy(bigger->data(), block_->data() + block_->begin, kept);
    clear();
    block_ = bigger;
  }

  /// Gives the memory back when nothing is left.
  void consume(std::size_t count) noexcept {
    if (count >= size())
      clear();
    else
      block_->begin += count;
  }

  void clear() noexcept {
    if (Block* const block = std::exchange(block_, nullptr))
      BlockCache::here().give(block, sizeof(Block) + block->capacity);
  }

 private:
  struct Block {
    std::size_t begin;
    std::size_t end;
    std::size_t capacity;
    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  };

  Block* block_ = nullptr;
};

}  // namespace loft::net
