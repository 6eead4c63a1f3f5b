// What the storages on a server have in common: where it is, how patient we are with it, and what is said about that.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <loft/error.hpp>
#include <loft/options.hpp>

namespace loft::storage {

enum class Tls : std::uint8_t { off, prefer, require, verify };

struct ServerSettings {
  std::string host = "localhost";
  std::uint16_t port = 0;
  std::string user = "loft";
  std::string password;
  std::string database = "loft";
  Tls tls = Tls::prefer;
  std::string tls_ca;
  unsigned pool = 4;
  unsigned writers = 2;
  bool auto_migrate = false;
  Millis connect_timeout = 5000;
  Millis statement_timeout = 10'000;

  /// For errors and the log: everything but the password.
  std::string where(std::string_view engine, bool port_of_socket) const;
};

/// How long the longest step of a schema, or a question about all rows, is waited for. More than any
/// `statement_timeout`.
inline constexpr Millis longest_answer = 7'200'000;

/// What is said of a server that was silent for that long.
std::string silence(Millis waited);
/// … while a connection was opened.
std::string connect_silence(Millis waited);

/// In which words an engine explains what it means by an option.
struct ServerWords {
  const char* host;
  const char* port;
  const char* user;
  const char* password;
  const char* connect_timeout;
  const char* statement_timeout;
  Millis least_statement_timeout;
};

/// The options that say where the server is; an engine's own ones follow them.
void offer_place(OptionTable& table, ServerSettings& settings, const ServerWords& words);
/// The time-outs. `busy_timeout`: see SqlStorage.
void offer_patience(OptionTable& table, ServerSettings& settings, const ServerWords& words, Millis& busy_timeout);

/// What can be wrong without asking anybody. Error: invalid, its reason is the option.
Result<void> check(const ServerSettings& settings, std::string_view plugin);

}  // namespace loft::storage
