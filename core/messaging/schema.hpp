#pragma once

#include <memory>
#include <string_view>

#include <loft/bytes.hpp>
#include <loft/error.hpp>

namespace loft {

/// A JSON Schema (draft 7), compiled. Header of std types only: the library behind it is heavy.
class Schema {
 public:
  /// Error: invalid `schema.broken`, whose detail says where.
  static Result<std::unique_ptr<Schema>> compile(std::string_view text);
  virtual ~Schema() = default;

  /// Error: invalid `content.invalid`, whose detail names the member and the rule. Thread role: any, concurrently.
  virtual Result<void> check(Bytes content) const = 0;
};

}  // namespace loft
