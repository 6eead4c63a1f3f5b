// The document as it is kept in memory. Private to core/config; nothing else includes it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/config.hpp"

namespace loft::config {

inline constexpr std::size_t max_file_bytes = 1 << 20;
inline constexpr std::size_t max_secret_bytes = 64 << 10;
inline constexpr std::size_t max_depth = 32;
inline constexpr std::size_t max_items = 100'000;  ///< after aliases are expanded

/// Where something stands. `line` and `column` count from 1, in characters; line 0: the origin has no lines.
struct Place {
  std::size_t origin = 0;
  std::size_t line = 0;
  std::size_t column = 0;
};

/// One value of the document.
struct Item {
  enum class Kind : std::uint8_t { null, scalar, list, map };
  using Member = std::pair<std::string, std::unique_ptr<Item>>;

  Kind kind = Kind::null;
  Place place;
  Place key_place;  ///< of the key, for members of a map
  bool has_key = false;
  bool quoted = false;                       ///< scalar: written in quotes or as a block, therefore a text
  bool verbatim = false;                     ///< came from an environment variable: `text` is meant as it stands
  bool interpolated = false;                 ///< scalar: `value` differs from `text` and must not be shown
  bool secret = false;                       ///< neither value nor line may be shown
  bool broken = false;                       ///< a problem was noted already; whoever reads it keeps its default
  std::string text;                          ///< scalar: as written; verbatim: whatever the kind
  std::string value;                         ///< scalar: with `${…}` resolved
  std::vector<Member> members;               ///< map, in file order
  std::vector<std::unique_ptr<Item>> items;  ///< list
  std::set<std::string, std::less<>> known;  ///< map: keys that somebody asked for

  Item* find(std::string_view key) const noexcept {
    for (const auto& [name, item] : members) {
      if (name == key) return item.get();
    }
    return nullptr;
  }
};

/// Where values come from: the file, one `--set`, one environment variable.
struct Origin {
  std::string name;
  std::vector<std::string> lines;  ///< empty for what is no file
};

class Tree final : public Document {
 public:
  explicit Tree(std::string file_name) { origins_.push_back({std::move(file_name), {}}); }

  Node root() const override;
  const std::vector<Problem>& problems() const override { return problems_; }

  std::size_t add_origin(std::string name) {
    origins_.push_back({std::move(name), {}});
    return origins_.size() - 1;
  }
  void set_lines(std::string_view text);
  const Origin& origin(std::size_t index) const { return origins_[index]; }

  /// Makes a problem with its excerpt.
  Problem describe(const Place& place, std::string path, std::string message, bool secret) const;
  /// Notes a problem, in the order of places. The same twice is noted once.
  void add(const Place& place, std::string path, std::string message, bool secret = false);

  std::unique_ptr<Item> top = std::make_unique<Item>();

 private:
  std::vector<Origin> origins_;
  std::vector<Problem> problems_;
  std::vector<Place> places_;  ///< of `problems_`, same order
};

/// Parses YAML into an item; problems go to the tree. Null when nothing usable came out. The only use of yaml-cpp.
std::unique_ptr<Item> parse_yaml(std::string_view text, Tree& tree, std::size_t origin, const std::string& path);

/// Puts `--set` and `LOFT__…` values into the tree, the weaker ones first.
void apply_overrides(Tree& tree, const Sources& sources);

/// Resolves `${env:…}` and `${file:…}` everywhere except below top-level keys that begin with `x-`.
void interpolate(Tree& tree, const Sources& sources, const std::string& folder);

/// The words of `path.to.key`.
std::vector<std::string> split_path(std::string_view path);
std::string join_path(std::string_view path, std::string_view key);

/// The line with values of keys that sound like secrets blotted out, and passwords inside URLs.
std::string redact(std::string_view line);

/// A value as it is quoted in a message: short, one line.
std::string quoted(std::string_view value);

}  // namespace loft::config
