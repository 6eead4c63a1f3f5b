// Memory for the buffers of connections. What a turn needs, the one before has just given back: it is still in the
// processor's cache, and no allocator has to be asked.
#pragma once

#include <array>
#include <cstddef>
#include <new>

namespace loft::net {

/// One per thread. What was not needed between two calls of `trim` is given back to the system.
class BlockCache {
 public:
  static constexpr std::array<std::size_t, 3> sizes = {512, 4096, 16384};

  BlockCache() noexcept = default;
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;
  ~BlockCache() {
    for (Shelf& shelf : shelves_) drop(shelf, shelf.count);
  }

  static BlockCache& here() noexcept {
    static thread_local BlockCache cache;
    return cache;
  }

  /// Makes `size` larger where a block of one of the sizes will do.
  void* take(std::size_t& size) {
    const std::size_t which = shelf_of(size);
    if (which == sizes.size()) return ::operator new(size);
    size = sizes[which];
    Shelf& shelf = shelves_[which];
    if (shelf.first == nullptr) return ::operator new(size);
    Free* const block = shelf.first;
    shelf.first = block->next;
    if (--shelf.count < shelf.unused) shelf.unused = shelf.count;
    return block;
  }

  /// `size` as `take` made it.
  void give(void* block, std::size_t size) noexcept {
    const std::size_t which = shelf_of(size);
    if (which == sizes.size()) return ::operator delete(block);
    Shelf& shelf = shelves_[which];
    shelf.first = ::new (block) Free{shelf.first};
    ++shelf.count;
  }

  void trim() noexcept {
    for (Shelf& shelf : shelves_) {
      drop(shelf, shelf.unused);
      shelf.unused = shelf.count;
    }
  }

 private:
  struct Free {
    Free* next;
  };
  struct Shelf {
    Free* first = nullptr;
    std::size_t count = 0;
    std::size_t unused = 0;  ///< the fewest that lay here since the last trim
  };

  static std::size_t shelf_of(std::size_t size) noexcept {
    std::size_t which = 0;
    while (which < sizes.size() && sizes[which] < size) ++which;
    return which;
  }
  static void drop(Shelf& shelf, std::size_t count) noexcept {
    for (; count > 0; --count, --shelf.count) {
      Free* const block = shelf.first;
      shelf.first = block->next;
      ::operator delete(block);
    }
  }

  std::array<Shelf, sizes.size()> shelves_;
};

}  // namespace loft::net
