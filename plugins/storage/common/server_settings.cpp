#include "server_settings.hpp"

#include <algorithm>

namespace loft::storage {

std::string ServerSettings::where(std::string_view engine, bool port_of_socket) const {
  auto place = host;
  if (port_of_socket || !host.starts_with('/')) place += " port " + std::to_string(port);
  return "database " + database + " of " + std::string(engine) + " at " + place + " as user " + user;
}

std::string silence(Millis waited) {
  return "the server did not answer within " + std::to_string(waited) + " ms, which " +
         (waited >= longest_answer ? "is as long as anything may take" : "`statement_timeout` of the storage allows");
}

std::string connect_silence(Millis waited) {
  return "the server did not answer within " + std::to_string(waited) +
         " ms, which `connect_timeout` of the storage allows; look at the server and the network";
}

void offer_place(OptionTable& table, ServerSettings& settings, const ServerWords& words) {
  table.text("host", settings.host, words.host);
  table.integer("port", settings.port, words.port).range(1, 65535);
  table.text("user", settings.user, words.user);
  table.text("password", settings.password, words.password).secret();
  table.text("database", settings.database, "The database, which must exist and be Loft's alone.");
  table.choice("tls", settings.tls, {"off", "prefer", "require", "verify"},
               "Encryption: never, if the server can, always, always and the server's certificate is checked.");
  table.text("tls_ca", settings.tls_ca,
             "File with the certificates that may sign the server's; with `tls: verify` only.");
  table.integer("pool", settings.pool, "Connections for reading at the same time.").range(1, 256);
  table
      .integer("writers", settings.writers,
               "Connections that write beside each other when much waits; all but one are opened when first needed.")
      .range(1, 16);
  table.boolean("auto_migrate", settings.auto_migrate,
                "Whether a start may bring an older schema up to date; an empty database is always set up.");
}

void offer_patience(OptionTable& table, ServerSettings& settings, const ServerWords& words, Millis& busy_timeout) {
  table.duration("connect_timeout", settings.connect_timeout, words.connect_timeout).range(1, 600'000);
  table.duration("statement_timeout", settings.statement_timeout, words.statement_timeout)
      .range(static_cast<double>(words.least_statement_timeout), 3'600'000);
  table
      .duration("busy_timeout", busy_timeout,
                "How long a call waits for a free connection before it is answered storage.busy.")
      .range(1, 600'000);
}

Result<void> check(const ServerSettings& settings, std::string_view plugin) {
  const auto wrong = [&](const char* option, std::string_view what) {
    return Error{Code::invalid, option,
                 "option `" + std::string(option) + "` of " + std::string(plugin) + " " + std::string(what)};
  };
  const struct {
    const char* option;
    const std::string& text;
    bool may_be_empty;
  } texts[] = {{"host", settings.host, false},
               {"user", settings.user, false},
               {"database", settings.database, false},
               {"password", settings.password, true},
               {"tls_ca", settings.tls_ca, true}};
  for (const auto& [option, text, may_be_empty] : texts) {
    if (text.empty() && !may_be_empty) return wrong(option, "is empty; say which one, or leave the option out");
    if (text.find('\0') != std::string::npos) return wrong(option, "has a zero character, which no name has");
  }
  if (settings.host.find(',') != std::string::npos) {
    return wrong("host", "names several servers; Loft writes to one: name the primary, or an address that follows it");
  }
  // More colons are an address of IPv6.
  if (!settings.host.starts_with('/') && std::count(settings.host.begin(), settings.host.end(), ':') == 1) {
    return wrong("host", "has a colon, which no name has; say the port in `port`, and no scheme");
  }
  if (settings.tls == Tls::verify && settings.tls_ca.empty()) {
    return wrong("tls_ca", "is empty; `tls: verify` needs the file of the certificate that signed the server's");
  }
  if (settings.tls != Tls::verify && !settings.tls_ca.empty()) {
    return wrong("tls_ca",
                 "is given, and the certificate of the server is checked with `tls: verify` only; set `tls: "
                 "verify`, or leave this option out");
  }
  return {};
}

}  // namespace loft::storage
