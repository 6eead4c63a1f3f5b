#include "link.hpp"

#include <poll.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace loft::storage::mysql {
namespace {

/// The client counts whole seconds.
unsigned seconds(Millis time) { return static_cast<unsigned>(std::max<Millis>((time + 999) / 1000, 1)); }

void set_options(MYSQL* handle, const Settings& settings) {
  const auto connect = seconds(settings.connect_timeout), answer = seconds(settings.statement_timeout);
  // A lock is waited for less long than an answer, so that the server is heard and not the silence.
  const auto lock = std::max(answer / 2, 1u);
  mysql_options(handle, MYSQL_OPT_CONNECT_TIMEOUT, &connect);
  mysql_options(handle, MYSQL_OPT_READ_TIMEOUT, &answer);
  mysql_options(handle, MYSQL_OPT_WRITE_TIMEOUT, &answer);
  mysql_options(handle, MYSQL_SET_CHARSET_NAME, "utf8mb4");
  const unsigned long packet = 1ul << 30;
  mysql_options(handle, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet);
  const unsigned no = 0;
  mysql_options(handle, MYSQL_OPT_LOCAL_INFILE, &no);
  // Without reconnect: it would lose transactions and locks in silence.
  const my_bool off = 0, on = 1;
  mysql_options(handle, MYSQL_OPT_RECONNECT, &off);
  const auto setup =
      "SET SESSION sql_mode = 'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', autocommit = 1, "
      "time_zone = '+00:00', wait_timeout = 31536000, sql_select_limit = 18446744073709551615, "
      "innodb_lock_wait_timeout = " +
      std::to_string(lock);
  // What the handshake said of the character set a server may pass over (character_set_client_handshake), or an
  // operator may have set otherwise for every session (init_connect): texts would be stored as others.
  mysql_options(handle, MYSQL_INIT_COMMAND, "SET NAMES utf8mb4 COLLATE utf8mb4_bin");
  mysql_options(handle, MYSQL_INIT_COMMAND, setup.c_str());
  mysql_options(handle, MYSQL_INIT_COMMAND, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  if (settings.tls != Tls::off) mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &on);
  if (settings.tls == Tls::verify) mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &on);
  if (settings.tls != Tls::off && !settings.tls_ca.empty())
    mysql_options(handle, MYSQL_OPT_SSL_CA, settings.tls_ca.c_str());
}

MYSQL* connect_to(MYSQL* handle, const Settings& settings) {
  set_options(handle, settings);
  const bool local = settings.host.starts_with('/');
  const auto socket = local ? socket_path(settings.host) : std::string();
  // To the library "localhost" means a socket, wherever it may be; here it means the address.
  const auto protocol = static_cast<unsigned>(local ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP);
  mysql_options(handle, MYSQL_OPT_PROTOCOL, &protocol);
  return mysql_real_connect(handle, local ? nullptr : settings.host.c_str(), settings.user.c_str(),
                            settings.password.c_str(), settings.database.c_str(), settings.port,
                            local ? socket.c_str() : nullptr, CLIENT_FOUND_ROWS);
}

struct Meaning {
  unsigned number;
  Failure::Kind kind;
};

/// Those that their SQLSTATE does not tell.
constexpr Meaning meanings[] = {
    {1034, Failure::Kind::damaged},      // index file is corrupt
    {1194, Failure::Kind::damaged},      // table is crashed
    {1195, Failure::Kind::damaged},      //
    {1712, Failure::Kind::damaged},      // InnoDB: index is corrupted
    {1044, Failure::Kind::unavailable},  // rights that were taken away can be given back: to the database
    {1142, Failure::Kind::unavailable},  // … to a table
    {1143, Failure::Kind::unavailable},  // … to a column
    {1227, Failure::Kind::unavailable},  // … to do that at all
    {1203, Failure::Kind::unavailable},  // too many connections of the user
    {1226, Failure::Kind::unavailable},  // … or too many of something else
    {1461, Failure::Kind::unavailable},  // too many prepared statements
    {1300, Failure::Kind::caller},       // no UTF-8
    {1366, Failure::Kind::caller},       // no UTF-8 either
};

Failure::Kind kind_of(unsigned number, std::string_view state) {
  for (const auto& row : meanings) {
    if (row.number == number) return row.kind;
  }
  const auto area = state.substr(0, 2);  // 22: data, 23: constraints, 42: names, types and syntax
  return area == "22" || area == "23" || area == "42" ? Failure::Kind::caller : Failure::Kind::unavailable;
}

/// After these there is nothing to talk to any more, or our statements are not known there.
bool ends_connection(unsigned number) {
  return (number >= 2000 && number < 3000) || (number >= 1152 && number <= 1161) || number == 1053 || number == 1243 ||
         number == 1927 || number == 4031;
}

}  // namespace

/// A folder stands for the socket that Debian puts into it.
std::string socket_path(const std::string& host) {
  struct stat info {};
  if (::stat(host.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) return host;
  for (const auto* name : {"/mysqld.sock", "/mysql.sock", "/mariadb.sock", "/mariadb"}) {
    if (::stat((host + name).c_str(), &info) == 0 && S_ISSOCK(info.st_mode)) return host + name;
  }
  return host + "/mysqld.sock";
}

Link::Link(const Settings& settings)
    : handle_(mysql_init(nullptr)),
      statement_timeout_(Millis{1000} * seconds(settings.statement_timeout)),
      patience_(statement_timeout_) {
  if (handle_ == nullptr) throw Failure(Failure::Kind::unavailable, "out of memory");
  try {
    const auto began = std::chrono::steady_clock::now();
    if (connect_to(handle_, settings) == nullptr) {
      const auto patience = Millis{1000} * seconds(settings.connect_timeout);
      const auto number = mysql_errno(handle_);
      // The library's words of a time-out are those of a refusal, or "Operation now in progress".
      const bool is_silent = (number == 2002 || number == 2003 || number == 2013) &&
                             std::chrono::steady_clock::now() - began >= std::chrono::milliseconds(patience);
      if (is_silent) throw Failure(Failure::Kind::lost, connect_silence(patience), std::string(server_lost));
      fail();
    }
    // The library goes on in the clear when the server has no TLS, unless the certificate is to be checked.
    if (settings.tls >= Tls::require && mysql_get_ssl_cipher(handle_) == nullptr) {
      throw Failure(Failure::Kind::unavailable, "the server has no TLS", std::string(tls_error));
    }
    packet_ = std::stoull(ask("SELECT @@SESSION.max_allowed_packet"));
  } catch (...) {
    mysql_close(handle_);
    throw;
  }
}

Link::~Link() { mysql_close(handle_); }

bool Link::alive() const noexcept {
  pollfd link{static_cast<int>(mysql_get_socket(handle_)), POLLIN | POLLRDHUP, 0};
  // A server that was not asked says only why it closes.
  return usable_ && ::poll(&link, 1, 0) == 0;
}

void Link::query(std::string_view sql) {
  asks();
  if (patience_ == statement_timeout_) {
    if (mysql_real_query(handle_, sql.data(), sql.size()) != 0) fail();
    return;
  }
  // The client's library cannot be told another time-out once it is connected. So its answer is waited for here.
  if (mysql_send_query(handle_, sql.data(), sql.size()) != 0) fail();
  pollfd link{static_cast<int>(mysql_get_socket(handle_)), POLLIN, 0};
  while (::poll(&link, 1, static_cast<int>(patience_)) < 0 && errno == EINTR) continue;
  if (link.revents == 0) {
    usable_ = false;
    throw Failure(Failure::Kind::lost, silence(patience_), std::string(server_lost));
  }
  if (mysql_read_query_result(handle_) != 0) fail();
}

void Link::execute(std::string_view sql) {
  query(sql);
  if (auto* result = mysql_store_result(handle_)) mysql_free_result(result);
}

std::vector<std::vector<std::string>> Link::rows(std::string_view sql) {
  query(sql);
  auto* result = mysql_store_result(handle_);
  if (result == nullptr) fail();
  std::vector<std::vector<std::string>> list;
  while (auto* row = mysql_fetch_row(result)) {
    const auto* lengths = mysql_fetch_lengths(result);
    auto& line = list.emplace_back();
    for (unsigned i = 0; i < mysql_num_fields(result); ++i) {
      line.emplace_back(row[i] == nullptr ? "" : row[i], row[i] == nullptr ? 0 : lengths[i]);
    }
  }
  mysql_free_result(result);
  return list;
}

std::string Link::ask(std::string_view sql) {
  const auto found = rows(sql);
  return found.empty() || found[0].empty() ? std::string() : found[0][0];
}

void Link::fail(MYSQL_STMT* statement) {
  const auto number = statement == nullptr ? mysql_errno(handle_) : mysql_stmt_errno(statement);
  const std::string state = statement == nullptr ? mysql_sqlstate(handle_) : mysql_stmt_sqlstate(statement);
  const std::string words = statement == nullptr ? mysql_error(handle_) : mysql_stmt_error(statement);
  if (!ends_connection(number)) throw Failure(kind_of(number, state), words, std::to_string(number));
  usable_ = false;
  // The client's library says of a server that is silent what it says of one that is gone.
  const bool is_silent =
      asked_ != decltype(asked_){} && std::chrono::steady_clock::now() - asked_ >= std::chrono::milliseconds(patience_);
  throw Failure(Failure::Kind::lost, is_silent ? silence(patience_) : words, std::to_string(number));
}

}  // namespace loft::storage::mysql
