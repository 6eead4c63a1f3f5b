// A storage that a copy was begun into says so, in a key value of its own, until everything is there.
#pragma once

#include <string>
#include <string_view>

#include <loft/storage.hpp>

namespace loft::transfer {

inline constexpr std::string_view mark_space = "loft.copy";
inline constexpr std::string_view mark_key = "from";

/// For whoever is about to work on a storage. Errors: conflict `transfer.unfinished`, whose detail is for the operator;
/// the storage's own.
Result<void> check_finished(Storage& storage);

}  // namespace loft::transfer
