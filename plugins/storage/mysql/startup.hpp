// What is looked at before the database is used, so that the operator reads about options and remedies.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "link.hpp"

namespace loft::storage::mysql {

/// Opens a connection. Throws Failure of the kind `unavailable` with where it was tried and what helps.
template <class Connection>
std::unique_ptr<Connection> connect(const Settings& settings);

/// The same words for a failure that happened while connecting.
Failure connect_failure(const Settings& settings, const Failure& failure);

/// Throws StartError: too old, too small packets, read-only. Returns what is allowed but dangerous, for the log.
std::vector<std::string> check_server(Link& link, const Settings& settings);

/// False when the server's log for replicas cannot have what transactions at READ COMMITTED write.
bool takes_read_committed(Link& link);

/// Takes the lock that keeps a second host away, for as long as the connection lives. Throws Failure naming the owner.
void own_database(Link& link, const Settings& settings);

/// The name of that lock: of the database that the link is to, however its name was written.
std::string lock_name(Link& link);

/// What to do about an error while tables are made or signed; empty or beginning with `: `.
std::string schema_remedy(std::string_view code, const Settings& settings);

template <class Connection>
std::unique_ptr<Connection> connect(const Settings& settings) {
  try {
    return std::make_unique<Connection>(settings);
  } catch (const Failure& e) {
    throw connect_failure(settings, e);
  }
}

}  // namespace loft::storage::mysql
