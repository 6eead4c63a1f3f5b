#include "startup.hpp"

#include <algorithm>
#include <array>

#include <common/migration.hpp>
#include <common/shell.hpp>

#include "schema.hpp"

namespace loft::storage::mysql {
namespace {

/// A content of 16 MiB, extras of as much, and what belongs to them.
constexpr unsigned long long smallest_packet = 40ull << 20;

std::string account(const Settings& settings) {
  std::string user;
  for (const char c : settings.user) user.append(c == '\\' ? 2 : 1, c);
  return quoted_for_sql(user, '\'') + "@'…'";
}

/// What lets the account do everything in its database.
std::string grant(const Settings& settings) {
  return "give the account its rights: GRANT ALL ON " + quoted_for_sql(settings.database, '`') + ".* TO " +
         account(settings);
}

std::string tls_remedy(std::string_view words) {
  const auto has = [&](std::string_view part) { return words.find(part) != std::string_view::npos; };
  if (has("has no TLS") || has("does not support SSL") || has("doesn't support SSL")) {
    return "set `storage.tls` to prefer or off, or switch TLS on in the server";
  }
  return "set `storage.tls_ca` to the file of the certificate that signed the server's and `storage.host` to a name in "
         "it, or `storage.tls` to require, which checks nothing";
}

std::string remedy(unsigned number, std::string_view words, const Settings& settings) {
  if (words.find("require_secure_transport") != std::string_view::npos) {
    return "the server takes encrypted connections only: set `storage.tls` to require or verify";
  }
  switch (number) {
    case 1045:  // access denied
      return "correct `user` and `password` of the storage, or the account's: CREATE USER " + account(settings) +
             " IDENTIFIED BY '…'" +
             (settings.tls == Tls::off ? "; where the account has REQUIRE SSL, set `storage.tls` to require or verify"
                                       : "");
    case 1044:
      return grant(settings);
    case 1049:
      return "create the database: CREATE DATABASE " + quoted_for_sql(settings.database, '`') +
             " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin";
    case 1040:
    case 1203:
    case 1226:
      return "raise max_connections of the server, or lower `pool` or `writers` of the storage";
    case 1130:
      return "create an account for this machine's address on the server, or connect by another `host`";
    case 1129:
      return "the server has blocked this machine after errors: FLUSH HOSTS there";
    case 2002:
      return settings.host.starts_with('/')
                 ? "start the server, or name its socket (or the folder of it) in `host` of the storage"
                 : "start the server, or correct `host` and `port` of the storage";
    case 2003:
      return "start the server, or correct `host` and `port` of the storage";
    case 2005:
      return "correct `host` of the storage";
    case 2013:
      return "look at the server and the network";
    case 2026:
      return tls_remedy(words);
    case 1251:
    case 2059:
      return "the account logs in by a method this client does not have: ALTER USER … IDENTIFIED BY '…'";
    default:
      return "look at `host`, `port`, `user`, `password` and `database` of the storage";
  }
}

}  // namespace

std::string lock_name(Link& link) {
  // Where letters of both cases are one, the server may still say them as they came.
  const auto database = link.ask("SELECT IF(@@lower_case_table_names = 0, DATABASE(), LOWER(DATABASE()))");
  // Locks are the whole server's, their names at most 64 characters.
  return "loft." + checksum(database);
}

Failure connect_failure(const Settings& settings, const Failure& failure) {
  const auto number = failure.code.empty() ? 0u : static_cast<unsigned>(std::stoul(failure.code));
  return {Failure::Kind::unavailable,
          settings.where() + " cannot be reached (" + failure.text + "): " + remedy(number, failure.text, settings),
          failure.code};
}

std::vector<std::string> check_server(Link& link, const Settings& settings) {
  const auto version = link.ask("SELECT VERSION()");
  const auto number = mysql_get_server_version(link.handle());
  if (number < (link.is_mariadb() ? 100600u : 80000u)) {
    throw StartError(
        settings.where() + " is of version " + version +
        ", Loft needs MariaDB 10.6 or MySQL 8.0 or newer: upgrade the server or name another one in `host` "
        "of the storage");
  }
  const auto packet = std::stoull(link.ask("SELECT @@GLOBAL.max_allowed_packet"));
  if (packet < smallest_packet) {
    throw StartError(
        settings.where() + " takes packets of " + std::to_string(packet) +
        " bytes only, and a message may have 16 MiB: set max_allowed_packet = 64M in section [mysqld] of the "
        "server's configuration, or SET GLOBAL max_allowed_packet = 67108864 until its next start");
  }
  if (link.ask("SELECT @@GLOBAL.read_only") != "0") {
    throw StartError(
        settings.where() +
        " is read-only, as replicas are: name the primary in `host` of the storage, or SET GLOBAL read_only = 0");
  }
  if (link.ask("SELECT count(*) FROM information_schema.engines WHERE engine = 'InnoDB' AND support IN ('YES', "
               "'DEFAULT')") == "0") {
    throw StartError(settings.where() + " has no InnoDB, which Loft's tables are of: enable it in the server");
  }
  std::vector<std::string> dangers;
  if (link.ask("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit") != "1") {
    dangers.push_back(
        "the server runs with innodb_flush_log_at_trx_commit other than 1: what is acknowledged does not survive a "
        "crash "
        "of its machine");
  }
  return dangers;
}

bool takes_read_committed(Link& link) {
  return link.ask("SELECT @@GLOBAL.log_bin AND @@GLOBAL.binlog_format = 'STATEMENT'") != "1";
}

void own_database(Link& link, const Settings& settings) {
  const auto name = lock_name(link);
  // The session of a host that was killed ends within moments: that is waited for, but less long than for an answer.
  const auto wait = std::clamp<Millis>(settings.statement_timeout / 1000 - 1, 0, 2);
  if (link.ask("SELECT GET_LOCK('" + name + "', " + std::to_string(wait) + ")") == "1") return;
  const auto owner = owner_of(link);
  throw Failure(Failure::Kind::unavailable,
                settings.where() + " is in use by another host (" + owner +
                    "): one host owns a store; stop the other one, or use another `database`");
}

std::string schema_remedy(std::string_view code, const Settings& settings) {
  const bool rights = code == "1142" || code == "1044" || code == "1227" || code == "1370";
  return rights ? ": " + grant(settings) : std::string();
}

}  // namespace loft::storage::mysql
