// The first bytes of an input decide how the rest is cut into reads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace loft::fuzz {

struct Input {
  std::uint32_t seed = 0;
  std::string_view bytes;

  Input(const std::uint8_t* data, std::size_t size) : bytes(reinterpret_cast<const char*>(data), size) {
    for (int i = 0; i < 2 && !bytes.empty(); ++i) {
      seed = seed << 8 | static_cast<unsigned char>(bytes.front());
      bytes.remove_prefix(1);
    }
  }

  /// Calls `take(piece)` for each read.
  template <class F>
  void pieces(F take) const {
    std::uint32_t state = seed + 1;
    for (auto rest = bytes; !rest.empty();) {
      state = state * 1664525u + 1013904223u;
      const std::size_t largest = (state >> 28) == 0 ? 600 : 1 + (state >> 24) % 24;
      const auto size = std::min<std::size_t>(rest.size(), 1 + (state >> 8) % largest);
      take(rest.substr(0, size));
      rest.remove_prefix(size);
    }
  }
};

inline void require(bool holds, const char* promise) {
  if (holds) return;
  std::fprintf(stderr, "broken promise: %s\n", promise);
  std::abort();
}

}  // namespace loft::fuzz
