#include "word_filter/words.hpp"

#include <algorithm>

#include <loft/utf8.hpp>

namespace loft::word_filter {
namespace {

std::size_t place_of(std::uint64_t key, std::size_t size) noexcept {
  return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15ull) >> 20) & (size - 1);
}

}  // namespace

bool Words::add(Bytes word) {
  if (!utf8::valid(word)) return false;
  std::vector<Symbol> symbols;
  read_plain_text(word, symbols);
  if (symbols.empty() || symbols.size() > longest) return false;
  std::uint32_t at = 0;
  for (const auto& symbol : symbols) {
    auto to = child(at, symbol.character);
    if (to == 0) {
      to = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({0, 0, 0, at, symbol.character});
      link(at, symbol.character, to);
    }
    at = to;
  }
  if (nodes_[at].length == 0) ++words_;
  nodes_[at].length = static_cast<std::uint32_t>(symbols.size());
  return true;
}

void Words::finish() {
  // Shorter beginnings first: a node's links lead to such.
  std::vector<std::uint32_t> depth(nodes_.size(), 0);
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 1; i < nodes_.size(); ++i) {
    depth[i] = depth[nodes_[i].parent] + 1;
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return depth[a] < depth[b]; });
  for (const auto at : order) {
    auto& node = nodes_[at];
    node.fail = node.parent == 0 ? 0 : step(nodes_[node.parent].fail, node.character);
    const auto& fallback = nodes_[node.fail];
    node.next = fallback.length != 0 ? node.fail : fallback.next;
  }
}

std::uint32_t Words::child(std::uint32_t from, std::uint32_t character) const noexcept {
  if (edges_.empty()) return 0;
  const auto wanted = key(from, character);
  for (auto i = place_of(wanted, edges_.size());; i = (i + 1) & (edges_.size() - 1)) {
    if (edges_[i].key == wanted) return edges_[i].to;
    if (edges_[i].key == 0) return 0;
  }
}

void Words::link(std::uint32_t from, std::uint32_t character, std::uint32_t to) {
  if (nodes_.size() * 2 > edges_.size()) {
    auto old = std::move(edges_);
    edges_.assign(std::max<std::size_t>(64, old.size() * 2), {});
    for (const auto& edge : old) {
      if (edge.key != 0) place(edge);
    }
  }
  place({key(from, character), to});
}

void Words::place(Edge edge) noexcept {
  auto i = place_of(edge.key, edges_.size());
  while (edges_[i].key != 0) i = (i + 1) & (edges_.size() - 1);
  edges_[i] = edge;
}

std::uint32_t Words::step(std::uint32_t at, std::uint32_t character) const noexcept {
  for (;;) {
    if (const auto to = child(at, character); to != 0) return to;
    if (at == 0) return 0;
    at = nodes_[at].fail;
  }
}

/// Calls `found` for each word that counts, in the order of their ends, the longer first; until it returns false.
template <class F>
void Words::search(std::span<const Symbol> text, F found) const {
  std::uint32_t at = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    at = step(at, text[i].character);
    for (auto word = nodes_[at].length != 0 ? at : nodes_[at].next; word != 0; word = nodes_[word].next) {
      const Hit hit{i + 1 - nodes_[word].length, i + 1};
      if (whole_ && !stands_alone(text, hit)) continue;
      if (!found(hit)) return;
      break;  // the shorter ones lie inside
    }
  }
}

bool Words::stands_alone(std::span<const Symbol> text, Hit hit) noexcept {
  const auto joined = [&](std::size_t left) {
    return joins_words(text[left].character) && joins_words(text[left + 1].character);
  };
  return (hit.first == 0 || !joined(hit.first - 1)) && (hit.last == text.size() || !joined(hit.last - 1));
}

bool Words::any(std::span<const Symbol> text) const {
  bool yes = false;
  search(text, [&](Hit) {
    yes = true;
    return false;
  });
  return yes;
}

void Words::cover(std::span<const Symbol> text, std::vector<Hit>& out) const {
  const auto begin = out.size();
  search(text, [&](Hit hit) {
    while (out.size() > begin && out.back().last >= hit.first) {
      hit.first = std::min(hit.first, out.back().first);
      out.pop_back();
    }
    out.push_back(hit);
    return true;
  });
}

}  // namespace loft::word_filter
