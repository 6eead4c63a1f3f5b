// Reading the YAML: from text to option tables, with every error at once. Header of std and SDK types only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>
#include <loft/options.hpp>

namespace loft::config {

/// One thing that is wrong, with its place. `line` and `column` count from 1; 0 where there is no place in the file
/// (`source` is then `--set key.path`, an environment variable's name, or the file as a whole).
struct Problem {
  std::string source;  ///< file name as given, `--set key.path`, or `LOFT__…`; never with a value
  std::size_t line = 0;
  std::size_t column = 0;
  std::string path;     ///< `storage.pool`
  std::string message;  ///< what is wrong and how to fix it; names the nearest valid key where there is one
  std::string excerpt;  ///< the line of the file; empty for secrets
};

/// All problems as text: `file:line:column: path: message`, the excerpt and a caret below it.
std::string format(const std::vector<Problem>& problems);

class Document;
class Tree;  // how the library keeps a document

/// A node of the document that knows its place. Cheap to copy; valid as long as its Document.
class Node {
 public:
  bool present() const noexcept;
  bool is_map() const noexcept;
  bool is_list() const noexcept;
  bool is_scalar() const noexcept;

  /// The member of that key; absent if there is none. Marks the key as known.
  Node operator[](std::string_view key) const;
  /// Keys in file order, for maps whose keys are names chosen by the operator.
  std::vector<std::string> keys() const;
  std::vector<Node> items() const;  ///< of a list
  std::string text() const;         ///< of a scalar, `${…}` resolved
  std::string path() const;

  /// Notes a problem at this node (or at its key).
  void problem(std::string message) const;
  /// The same problem without noting it.
  Problem describe(std::string message) const;

  /// Fills the table's variables from this map (which may be absent: defaults stay). Wrong types, values out of range,
  /// unknown keys (unless in `also_known`), missing required ones become problems. Nested names (`tls.key`) descend.
  void apply(OptionTable& table, std::initializer_list<std::string_view> also_known = {}) const;
  /// `owner` is whose options they are, as a problem with an unknown key names it: "plugin 'storage.sqlite'".
  void apply(OptionTable& table, const std::vector<std::string>& also_known, std::string owner = {}) const;

  /// The place of an option inside this map, for errors that `Plugin::configure` reports.
  Node option(std::string_view name) const;

 private:
  friend class Tree;
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

struct Sources {
  std::string file;                                ///< path of the YAML file; empty: no file, defaults only
  std::vector<std::string> overrides;              ///< `key.path=value` of `--set`, later ones win
  std::map<std::string, std::string> environment;  ///< `LOFT__SECTION__KEY` set values; others serve `${env:NAME}`
};

/// A configuration in memory. Precedence: `--set`, environment (`LOFT__STORAGE__PATH=…`), file, defaults.
class Document {
 public:
  /// Reads and parses. Never fails: syntax errors, duplicate keys, unreadable files are problems.
  static std::unique_ptr<Document> load(const Sources& sources);
  /// The same from text, for tests; `name` stands for the file's name.
  static std::unique_ptr<Document> parse(std::string_view text, std::string name, const Sources& sources = {});
  virtual ~Document() = default;

  virtual Node root() const = 0;
  /// In the order of their places.
  virtual const std::vector<Problem>& problems() const = 0;
};

/// The Markdown table of an option table: name, type, default, meaning. For the generated reference.
std::string reference(const OptionTable& table);

/// The candidate most like `word` by edit distance; empty when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace loft::config
