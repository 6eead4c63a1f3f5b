// All words at once over a text, in time that grows with the text alone: Aho and Corasick's automaton over folded
// characters.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <loft/bytes.hpp>

#include "word_filter/text.hpp"

namespace loft::word_filter {

/// Symbols [first, last) of a text.
struct Hit {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// Thread role of the const functions: any.
class Words {
 public:
  /// A word of more characters is refused by WordFilter. It bounds the work for each character of a text.
  static constexpr std::size_t longest = 128;

  /// `whole`: only what does not stand inside of a longer word counts.
  explicit Words(bool whole) : whole_(whole), nodes_(1) {}

  /// Adds a word. False: it is not UTF-8, or has no symbols or more than `longest`.
  bool add(Bytes word);
  /// Call once, behind the last `add`.
  void finish();

  std::size_t size() const noexcept { return words_; }

  bool any(std::span<const Symbol> text) const;
  /// What is covered by words, without overlaps, in order; added to `out`.
  void cover(std::span<const Symbol> text, std::vector<Hit>& out) const;

 private:
  struct Node {
    std::uint32_t fail = 0;    ///< the longest suffix that is a beginning of a word
    std::uint32_t next = 0;    ///< the longest proper suffix that is a word; 0: none
    std::uint32_t length = 0;  ///< of the word that ends here; 0: none does
    std::uint32_t parent = 0;
    std::uint32_t character = 0;
  };
  struct Edge {
    std::uint64_t key = 0;  ///< 0: free
    std::uint32_t to = 0;
  };

  static std::uint64_t key(std::uint32_t from, std::uint32_t character) noexcept {
    return (std::uint64_t{from} << 32 | character) + 1;
  }
  std::uint32_t child(std::uint32_t from, std::uint32_t character) const noexcept;
  void link(std::uint32_t from, std::uint32_t character, std::uint32_t to);
  void place(Edge edge) noexcept;
  std::uint32_t step(std::uint32_t at, std::uint32_t character) const noexcept;
  template <class F>
  void search(std::span<const Symbol> text, F found) const;
  static bool stands_alone(std::span<const Symbol> text, Hit hit) noexcept;

  bool whole_;
  std::size_t words_ = 0;
  std::vector<Node> nodes_;  ///< the root first
  std::vector<Edge> edges_;  ///< open addressing; a power of two
};

}  // namespace loft::word_filter
