// How one database says what queries.hpp says: its placeholders, and the few texts that are its own.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "queries.hpp"

namespace loft::storage {

enum class Placeholder : std::uint8_t {
  numbered,  ///< `$1`, once for each name
  question,  ///< `?`, once for each appearance
};

struct OwnText {
  Query query;
  std::string_view text;
};

/// The small dialect object of hot statements (that of migrations is `SchemaDatabase`).
struct Phrasing {
  Placeholder placeholder;
  std::span<const OwnText> own;  ///< in place of the text of queries.hpp
};

/// A text as the driver takes it.
struct Statement {
  std::string sql;
  std::vector<std::uint8_t> order;  ///< [i]: which argument the i-th placeholder stands for
};

/// Replaces each `:name`. What stands between quotes is left alone.
Statement placed(std::string_view text, Placeholder placeholder);

Statement phrased(const Phrasing& phrasing, Query query);

}  // namespace loft::storage
