// Whether an opened store is what its last owner left. Cheap: nothing here grows with the number of messages.
#pragma once

#include <span>
#include <string>

#include <common/migration.hpp>

#include "connection.hpp"

namespace loft::storage {

/// Throws StartError when tables, indexes or triggers differ from those after the last migration, and names what is
/// missing of those that `known` makes. `just_migrated`: they are as they should be now, remember them.
void check_schema(Connection& db, const std::string& path, std::span<const Migration> known, bool just_migrated);

/// Whether it is known what they were; a store that was made by hand does not say it.
bool remembers_schema(Connection& db);

/// True when the last owner ended in order. A store that was never used counts as clean.
bool was_closed_in_order(Connection& db);
void set_closed_in_order(Connection& db, bool value);

}  // namespace loft::storage
