#include "settings.hpp"

#include <algorithm>
#include <array>

namespace loft::storage::postgresql {
namespace {

/// Everything but letters and digits is encoded.
void put(std::string& uri, std::string_view name, std::string_view value) {
  uri.append(uri.ends_with('?') ? "" : "&").append(name).append("=");
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9')) {
      uri += c;
    } else {
      uri += '%';
      uri += "0123456789ABCDEF"[byte >> 4];
      uri += "0123456789ABCDEF"[byte & 15];
    }
  }
}

}  // namespace

const ServerWords server_words{
    .host = "The server: a name, an address, or the folder of its socket.",
    .port = "Its port; also part of the socket's name.",
    .user = "The role to log in as.",
    .password = "Its password; empty: none, or what ~/.pgpass says.",
    .connect_timeout = "How long opening a connection may take, in whole seconds, two at least.",
    .statement_timeout = "How long the server may work on one statement before it is given up.",
    .least_statement_timeout = 100,
};

Millis Settings::connect_seconds() const noexcept { return std::max<Millis>((connect_timeout + 999) / 1000, 2); }

std::string Settings::conninfo() const {
  constexpr std::array<const char*, 4> modes = {"disable", "prefer", "require", "verify-full"};
  std::string info = "postgresql:///?";
  put(info, "host", host);
  put(info, "port", std::to_string(port));
  put(info, "user", user);
  if (!password.empty()) put(info, "password", password);
  put(info, "dbname", database);
  put(info, "sslmode", modes[static_cast<std::size_t>(tls)]);
  if (!tls_ca.empty()) put(info, "sslrootcert", tls_ca);
  put(info, "connect_timeout", std::to_string(connect_seconds()));
  put(info, "client_encoding", "UTF8");
  put(info, "application_name", name);
  put(info, "gssencmode", "disable");
  // A machine that vanished is noticed by the kernel.
  put(info, "keepalives_idle", "15");
  put(info, "keepalives_interval", "5");
  put(info, "keepalives_count", "3");
  put(info, "tcp_user_timeout", std::to_string(statement_timeout + 2000));
  return info;
}

}  // namespace loft::storage::postgresql
