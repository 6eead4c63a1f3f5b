// The line that stands for a message, with places for members of its content: `[Poll] {question}, by {author.name}`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <loft/bytes.hpp>
#include <loft/error.hpp>
#include <loft/json.hpp>

namespace loft::declared_domain {

class LineTemplate {
 public:
  LineTemplate() = default;

  /// `{name}` is a member of the content, `{name.inner}` one inside of it, `{{` and `}}` are braces. Error: invalid,
  /// with what is wrong and where.
  static Result<LineTemplate> parse(std::string_view text);

  /// Appends the line. A text stands as it is, a number or truth value as it was written, and of a list how many it
  /// has; what is missing, null or an object leaves nothing. What is longer than 100 characters is cut, and control
  /// characters are blanks. Thread role: any.
  void append(const json::Value& content, std::string& out) const;

 private:
  struct Part {
    std::string text;               ///< before the place
    std::vector<std::string> path;  ///< of the place; empty: the end of the line
  };
  std::vector<Part> parts_;
};

}  // namespace loft::declared_domain
