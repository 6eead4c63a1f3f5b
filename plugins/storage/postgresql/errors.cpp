#include "errors.hpp"

#include <algorithm>
#include <array>

#include <common/shell.hpp>

namespace loft::storage::postgresql {
namespace {

using Kind = Failure::Kind;

struct Meaning {
  std::string_view state;  ///< a whole SQLSTATE, or the two letters of a class
  Kind kind;
};

// The first that fits. What is not here may pass by itself, so it is `unavailable`.
constexpr Meaning meanings[] = {
    {"08", Kind::lost},            // connection
    {"57P", Kind::lost},           // the server stops, or has dropped its sessions
    {"26000", Kind::lost},         // a prepared statement of ours is gone: a pooler gave us another session
    {"42P05", Kind::lost},         // or somebody else's is there
    {"XX001", Kind::damaged},      // data corrupted
    {"XX002", Kind::damaged},      // index corrupted
    {"42501", Kind::unavailable},  // a right was taken away, and can be given back
    {"0A", Kind::caller},          // not supported
    {"21", Kind::caller},          // a row twice in one statement
    {"22", Kind::caller},          // data: no UTF-8, out of range
    {"23", Kind::caller},          // constraints
    {"42", Kind::caller},          // names and types
    {"54", Kind::caller},          // too long, too many
};

Kind kind_of(std::string_view sqlstate) {
  const auto* found = std::find_if(std::begin(meanings), std::end(meanings),
                                   [&](const Meaning& row) { return sqlstate.starts_with(row.state); });
  return found == std::end(meanings) ? Kind::unavailable : found->kind;
}

struct Remedy {
  std::string_view words;  ///< of the server or of libpq, in English
  std::string_view remedy;
};

constexpr Remedy connect_remedies[] = {
    {"password authentication failed", "correct `password` of the storage, or the role's with ALTER ROLE … PASSWORD"},
    {"no password supplied", "give `password` of the storage, best as ${file:…} or ${env:…}"},
    {"no encryption",
     "set `storage.tls` to require or verify, or let the server's pg_hba.conf take this user unencrypted"},
    {"no pg_hba.conf entry", "add a line for this user, database and address to the server's pg_hba.conf"},
    {"Peer authentication failed",
     "connect by `host: localhost` with a password, or let pg_hba.conf map the system user to the role"},
    {"starting up", "the server is starting, try again"},
    {"shutting down", "the server stops, start it again"},
    {"too many clients", "raise max_connections of the server, or lower `pool` or `writers` of the storage"},
    {"too many connections for role",
     "raise the role's limit with ALTER ROLE … CONNECTION LIMIT, or lower `pool` or `writers` of the storage"},
    {"too many connections for database",
     "raise the database's limit with ALTER DATABASE … CONNECTION LIMIT, or lower `pool` or `writers` of the storage"},
    {"remaining connection slots", "raise max_connections of the server, or lower `pool` or `writers` of the storage"},
    {"Connection refused", "start the server, or correct `host` and `port` of the storage"},
    {"No such file or directory", "start the server, or name the folder of its socket in `host` of the storage"},
    {"could not translate host name", "correct `host` of the storage"},
    {"server does not support SSL", "set `storage.tls` to prefer or off, or switch TLS on in the server"},
    {"does not match host name",
     "set `storage.host` to a name that the server's certificate has, or `storage.tls` to require, which checks "
     "nothing"},
    {"certificate",
     "set `storage.tls_ca` to the file of the certificate that signed the server's, or `storage.tls` to require, which "
     "checks nothing"},
    {"SSL", "set `storage.tls` to what the server can: off, or prefer, require, verify when its TLS works"},
    {"permission denied for database", "GRANT CONNECT ON DATABASE to that role"},
};

std::string quoted_name(std::string_view name) { return quoted_for_sql(name, '"'); }

std::string connect_remedy(std::string_view words, const Settings& settings) {
  const auto has = [&](std::string_view part) { return words.find(part) != std::string_view::npos; };
  if (has("does not exist") && has("role \"")) {
    return "create the role: CREATE ROLE " + quoted_name(settings.user) + " LOGIN PASSWORD '…'";
  }
  if (has("does not exist") && has("database \"")) {
    return "create the database: " + creation_of(settings);
  }
  if (has("timeout expired")) return connect_silence(settings.connect_seconds() * 1000);
  for (const auto& row : connect_remedies) {
    if (has(row.words)) return std::string(row.remedy);
  }
  return "look at `host`, `port`, `user`, `password` and `database` of the storage";
}

}  // namespace

std::string creation_of(const Settings& settings) {
  return "CREATE DATABASE " + quoted_name(settings.database) + " OWNER " + quoted_name(settings.user) +
         " ENCODING 'UTF8' TEMPLATE template0";
}

std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    if (c != '\n') {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

Failure failure_of(std::string_view sqlstate, std::string words) {
  return {kind_of(sqlstate), std::move(words), std::string(sqlstate)};
}

Failure failure_of(PGconn* connection, const PGresult* result) {
  const char* state = result == nullptr ? nullptr : PQresultErrorField(result, PG_DIAG_SQLSTATE);
  if (state == nullptr) return lost(connection, "the connection to the server broke");
  auto failure = failure_of(state, one_line(PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY)));
  if (PQstatus(connection) != CONNECTION_OK && failure.kind == Kind::unavailable) failure.kind = Kind::lost;
  return failure;
}

Failure lost(PGconn* connection, std::string_view what) {
  auto words = one_line(connection == nullptr ? "" : PQerrorMessage(connection));
  return {Kind::lost, words.empty() ? std::string(what) : std::string(what) + ": " + words, "08006"};
}

Failure connect_failure(const Settings& settings, std::string_view words) {
  auto text = one_line(words);
  text.erase(0, text.find_first_not_of(' '));
  return {Kind::unavailable, settings.where() + " cannot be reached (" + text + "): " + connect_remedy(text, settings),
          "08001"};
}

std::string schema_remedy(std::string_view sqlstate, const Settings& settings) {
  if (sqlstate == "42501" || sqlstate == "3F000") {
    const auto role = quoted_name(settings.user);
    return ": let the role make tables, ALTER DATABASE " + quoted_name(settings.database) + " OWNER TO " + role +
           " or GRANT CREATE, USAGE ON SCHEMA public TO " + role + " in that database";
  }
  if (sqlstate == "25006") return ": this is a standby or is set read-only, name the primary in `host` of the storage";
  if (sqlstate.starts_with("53")) return ": the server lacks disk, memory or connections";
  return {};
}

}  // namespace loft::storage::postgresql
