// Where the server is and how patient we are with it.
#pragma once

#include <string>

#include <common/server_settings.hpp>

namespace loft::storage::mysql {

struct Settings : ServerSettings {
  Settings() { port = 3306; }

  bool bulk = true;

  /// For errors and the log: everything but the password.
  std::string where() const { return ServerSettings::where("MySQL", false); }
};

inline constexpr ServerWords server_words{
    .host = "The server: a name, an address, or its socket (or the folder of it).",
    .port = "Its port; a socket has none.",
    .user = "The account to log in as.",
    .password = "Its password; empty: none.",
    .connect_timeout = "How long opening a connection may take, in whole seconds, one at least.",
    .statement_timeout =
        "How long an answer of the server is waited for before the connection is given up, in whole seconds, "
        "two at least.",
    .least_statement_timeout = 2000,
};

}  // namespace loft::storage::mysql
