// Where the server is and how patient we are with it.
#pragma once

#include <string>

#include <common/owner.hpp>
#include <common/server_settings.hpp>

namespace loft::storage::postgresql {

struct Settings : ServerSettings {
  Settings() { port = 5432; }

  std::string name = "loft on " + own_name();  ///< what the server shows as the application

  /// For errors and the log: everything but the password.
  std::string where() const { return ServerSettings::where("PostgreSQL", true); }
  /// libpq counts whole seconds, and takes two at least.
  Millis connect_seconds() const noexcept;
  /// What libpq takes.
  std::string conninfo() const;
};

extern const ServerWords server_words;  // for options and their reference

}  // namespace loft::storage::postgresql
