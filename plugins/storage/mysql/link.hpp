// One connection to the server, without statements. Everything here throws Failure; its code is the number MariaDB and
// MySQL share.
#pragma once

#include <mysql.h>

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <common/failure.hpp>

#include "settings.hpp"

namespace loft::storage::mysql {

/// The texts of Failure::code that are looked at.
inline constexpr std::string_view row_has_changed = "1020";
inline constexpr std::string_view duplicate_key_name = "1061";
inline constexpr std::string_view duplicate_entry = "1062";
inline constexpr std::string_view lock_wait_timeout = "1205";
inline constexpr std::string_view deadlock = "1213";
inline constexpr std::string_view server_lost = "2013";
inline constexpr std::string_view tls_error = "2026";

/// The socket that an absolute path names: itself, or the one in that folder.
std::string socket_path(const std::string& host);

/// One thread at a time.
class Link {
 public:
  explicit Link(const Settings& settings);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link();

  /// A text without parameters and without rows.
  void execute(std::string_view sql);
  /// The rows of a text without parameters; NULL is empty.
  std::vector<std::vector<std::string>> rows(std::string_view sql);
  /// The first column of the first row, empty when there is none.
  std::string ask(std::string_view sql);

  /// See SchemaDatabase. Of texts without parameters only.
  void allow_long(bool is_long) noexcept { patience_ = is_long ? longest_answer : statement_timeout_; }
  /// Before a question whose failure `fail` tells: how long it is waited for begins here.
  void asks() noexcept { asked_ = std::chrono::steady_clock::now(); }
  /// Throws what the server or the client's library has just said.
  [[noreturn]] void fail(MYSQL_STMT* statement = nullptr);
  /// False: the connection is gone or does not know where it is.
  bool usable() const noexcept { return usable_; }
  /// False, besides, when the server has closed it while nothing was asked. Does not wait.
  bool alive() const noexcept;
  bool is_mariadb() const { return mariadb_connection(handle_) != 0; }
  /// What the server takes in one packet. It would drop a connection that sends more, and nobody would know why.
  std::size_t packet() const noexcept { return packet_; }
  MYSQL* handle() const noexcept { return handle_; }

 private:
  void query(std::string_view sql);

  MYSQL* handle_;
  bool usable_ = true;
  std::size_t packet_ = 0;
  Millis statement_timeout_;
  Millis patience_;  ///< how long an answer is waited for
  std::chrono::steady_clock::time_point asked_{};
};

}  // namespace loft::storage::mysql
