#include "pooler.hpp"

#include <common/migration.hpp>

namespace loft::storage::postgresql {
namespace {

std::string session_of(Connection& connection) { return connection.ask("SELECT pg_backend_pid()"); }

/// Two connections that are open at once never are one session, and one never becomes another, while each is the
/// server's own.
bool shares_sessions(Connection& connection, const std::string& session, Connection& other) {
  other.ask("BEGIN");
  const bool shares = session_of(other) == session || session_of(connection) != session;
  other.ask("ROLLBACK");
  return shares;
}

}  // namespace

void refuse_shared_sessions(Connection& connection, const Settings& settings) {
  const auto session = session_of(connection);
  // A pooler gives its clients numbers of its own, so that is all that the usual start asks.
  if (session == std::to_string(PQbackendPID(connection.native()))) return;
  Connection other(settings);
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (!shares_sessions(connection, session, other)) continue;
    throw StartError(
        settings.where() +
        " is behind a pooler that gives each transaction another session, but Loft's lock and its prepared "
        "statements belong to one: set pool_mode = session for this database in the pooler, or name the "
        "server itself in `host` and `port` of the storage");
  }
}

}  // namespace loft::storage::postgresql
