// Poolers between us and the server.
#pragma once

#include "connection.hpp"

namespace loft::storage::postgresql {

/// Throws StartError when what looks like one session is a different one in each transaction, as behind a pooler in
/// transaction mode: the lock on the database would be anybody's, and prepared statements would be gone.
void refuse_shared_sessions(Connection& connection, const Settings& settings);

}  // namespace loft::storage::postgresql
