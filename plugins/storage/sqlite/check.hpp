// Whether an opened store is what its last owner left. Cheap: nothing here grows with the number of messages.
#pragma once

#include <string>

#include "connection.hpp"

namespace loft::storage {

/// Throws StartError when tables, indexes or triggers differ from those after the last migration. `just_migrated`: they
/// are as they should be now, remember them.
void check_schema(Connection& db, const std::string& path, bool just_migrated);

/// True when the last owner ended in order. A store that was never used counts as clean.
bool was_closed_in_order(Connection& db);
void set_closed_in_order(Connection& db, bool value);

/// Compares head and last id with the log, for the conversations of the newest messages. Throws StartError with the
/// conversation and both states: a wrong head would give a seq twice, so it is not mended silently.
void check_heads(Connection& db, const std::string& path);

}  // namespace loft::storage
