// One input, delivered in many ways.
#pragma once

#include <cstddef>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace loft::test {

/// Whole, byte by byte, and `count` random splits. Joined, each gives `text` again.
inline std::vector<std::vector<std::string>> ways_to_split(std::string_view text, int count) {
  std::vector<std::vector<std::string>> ways;
  ways.push_back({std::string(text)});
  auto& bytes = ways.emplace_back();
  for (const char c : text) bytes.emplace_back(1, c);
  std::mt19937 random(4711);
  for (int i = 0; i < count; ++i) {
    auto& way = ways.emplace_back();
    const std::size_t largest = i % 2 == 0 ? 7 : text.size() + 1;
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t size = std::min(text.size() - at, 1 + random() % largest);
      way.emplace_back(text.substr(at, size));
      at += size;
    }
  }
  return ways;
}

}  // namespace loft::test
