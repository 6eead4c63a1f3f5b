// Whether two storages keep the same.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "transfer/copy.hpp"

namespace loft::transfer {

struct VerifyOptions {
  std::size_t most = 10;       ///< differences that are named
  Watch watch;                 ///< called now and then, from one thread at a time; may be empty
  std::array<Count, 2> count;  ///< of the first and of the second; each may be empty
};

struct Verified {
  std::array<Counts, 2> counts;          ///< of the first and of the second storage
  std::vector<std::string> differences;  ///< empty: they are equal. Each names the row and what is different
  bool more = false;                     ///< there are more differences than are named
};

/// Counts and hashes everything in both at the same time: each conversation with its members, log, changes and marks;
/// users, client ids, values of plugins, followers; and where the tables are counted, whether that is all they have.
/// Then looks for the first row that differs where hashes do. Nothing else may use the two meanwhile; they are started.
/// Memory: some hundred bytes for each conversation. Errors: the storages' own.
Result<Verified> verify(Storage& first, Storage& second, const VerifyOptions& options);

}  // namespace loft::transfer
