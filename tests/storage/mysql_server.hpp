// The MariaDB that the tests of storage.mysql share, and a database in it for each that wants one.
#pragma once

#include <mysql.h>

#include <functional>
#include <stdexcept>
#include <string>

#include "plugin_under_test.hpp"
#include "private_server.hpp"

namespace storage_test {

inline support::PrivateServer& mariadb() {
  static support::PrivateServer server("mariadb");
  return server;
}

/// A database seen from outside, with the plain client's library.
class RawMysql {
 public:
  explicit RawMysql(const std::string& database, const support::PrivateServer& server = mariadb())
      : handle_(mysql_init(nullptr)) {
    if (mysql_real_connect(handle_, nullptr, server.user().c_str(), server.password().c_str(), database.c_str(), 0,
                           server.socket().c_str(), 0) == nullptr) {
      const std::string why = mysql_error(handle_);
      mysql_close(handle_);
      throw std::runtime_error(why);
    }
    mysql_set_character_set(handle_, "utf8mb4");
    run("SET sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES'");
  }
  RawMysql(const RawMysql&) = delete;
  RawMysql& operator=(const RawMysql&) = delete;
  ~RawMysql() { mysql_close(handle_); }

  /// The rows, columns apart by `|`, a line each.
  std::string run(const std::string& sql) {
    if (mysql_real_query(handle_, sql.data(), sql.size()) != 0) {
      throw std::runtime_error(sql + ": " + mysql_error(handle_));
    }
    std::string text;
    auto* result = mysql_store_result(handle_);
    if (result == nullptr) return text;
    while (auto* row = mysql_fetch_row(result)) {
      if (!text.empty()) text += '\n';
      for (unsigned i = 0; i < mysql_num_fields(result); ++i) {
        if (i != 0) text += '|';
        text += row[i] == nullptr ? "NULL" : row[i];
      }
    }
    mysql_free_result(result);
    return text;
  }

 private:
  MYSQL* handle_;
};

/// Makes the database that belongs to a directory, the same one in every process of a test.
inline std::string database_for(const std::string& directory) {
  auto name = "loft_" + std::to_string(std::hash<std::string>{}(directory));
  RawMysql(mariadb().database()).run("CREATE DATABASE IF NOT EXISTS \"" + name + "\"");
  return name;
}

/// A new, empty one.
inline std::string new_mysql_database() {
  static int number = 0;
  return database_for("number " + std::to_string(++number));
}

/// Options that name a database of a server.
inline OptionValues mysql_options(const std::string& database, const support::PrivateServer& server = mariadb()) {
  return {{"host", server.host()},
          {"port", std::int64_t{server.port()}},
          {"user", server.user()},
          {"password", server.password()},
          {"database", database}};
}

}  // namespace storage_test
