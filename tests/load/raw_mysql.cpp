// The reference for durable messages on MariaDB: the rows and indexes that storage.mysql writes per message, inserted
// through libmariadb in batches of a given size, as fast as one connection can. Per batch, the heads of the
// conversations in it and the progress row are written as well, and per whole block of a log its counts. Every commit
// is synced as the server is configured.
//
//   raw_mysql --batch N --rows M [--client-ids] [--conversations C] [--users U] [--content BYTES] [--writers W]
//     [--way arrays|values] --socket FILE --user NAME [--password TEXT] --database NAME
//
// The database must be empty. Several writers have a connection, conversations and a row of progress each. `arrays`
// binds MariaDB's arrays of parameters, `values` prepares statements of up to 100 rows. Prints one line of JSON.
#include <mysql.h>

#include <memory>
#include <stdexcept>

#include <mysql_migrations.hpp>

#include "columns.hpp"

namespace {

using namespace loft::load;

struct Place {
  std::string socket, user, password, database;
};

class Database {
 public:
  explicit Database(const Place& to) : handle_(mysql_init(nullptr)) {
    mysql_options(handle_, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (mysql_real_connect(handle_, nullptr, to.user.c_str(), to.password.c_str(), to.database.c_str(), 0,
                           to.socket.c_str(), 0) == nullptr) {
      fail();
    }
    run("SET sql_mode = 'STRICT_ALL_TABLES,ANSI_QUOTES,NO_BACKSLASH_ESCAPES'");
    mysql_autocommit(handle_, 0);
  }
  ~Database() {
    for (const auto& [text, statement] : statements_) mysql_stmt_close(statement);
    mysql_close(handle_);
  }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql) {
    if (mysql_real_query(handle_, sql.data(), sql.size()) != 0) fail();
  }
  void commit() {
    if (mysql_commit(handle_) != 0) fail();
  }

  /// All rows as arrays of parameters; `sql` is for one row.
  void arrays(const std::string& sql, const Table& rows) {
    if (rows.count() == 0) return;
    std::vector<MYSQL_BIND> places(rows.columns());
    std::vector<char> there(rows.count(), STMT_INDICATOR_NONE);
    std::vector<const char*> texts(rows.count(), rows.text == nullptr ? nullptr : rows.text->data());
    std::vector<unsigned long> lengths(rows.count(), rows.text == nullptr ? 0 : rows.text->size());
    for (std::size_t i = 0; i < places.size(); ++i) {
      const bool is_text = i == rows.numbers.size();
      places[i] = {};
      places[i].buffer_type = is_text ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
      places[i].buffer = is_text ? static_cast<void*>(texts.data())
                                 : const_cast<std::uint64_t*>(rows.numbers[i].data());  // which is only read
      places[i].length = is_text ? lengths.data() : nullptr;
      places[i].u.indicator = there.data();
    }
    auto* statement = prepared(sql);
    unsigned int size = static_cast<unsigned int>(rows.count());
    mysql_stmt_attr_set(statement, STMT_ATTR_ARRAY_SIZE, &size);
    execute(statement, places);
  }

  /// As many rows a statement as `tuple` may be repeated behind `head`.
  void values(const std::string& head, const std::string& tuple, const Table& rows) {
    constexpr std::size_t piece = 100;
    for (std::size_t from = 0; from < rows.count(); from += piece) {
      const auto to = std::min(rows.count(), from + piece);
      std::string sql = head;
      std::vector<MYSQL_BIND> places;
      unsigned long length = rows.text == nullptr ? 0 : rows.text->size();
      for (auto row = from; row < to; ++row) {
        sql += (row == from ? "" : ", ") + tuple;
        for (std::size_t column = 0; column < rows.columns(); ++column) {
          const bool is_text = column == rows.numbers.size();
          MYSQL_BIND place{};
          place.buffer_type = is_text ? MYSQL_TYPE_STRING : MYSQL_TYPE_LONGLONG;
          place.buffer = is_text ? const_cast<char*>(rows.text->data())
                                 : static_cast<void*>(const_cast<std::uint64_t*>(&rows.numbers[column][row]));
          place.buffer_length = length;
          place.length = is_text ? &length : nullptr;
          places.push_back(place);
        }
      }
      execute(prepared(sql), places);
    }
  }

 private:
  MYSQL_STMT* prepared(const std::string& sql) {
    auto& statement = statements_[sql];
    if (statement == nullptr) {
      statement = mysql_stmt_init(handle_);
      if (mysql_stmt_prepare(statement, sql.data(), sql.size()) != 0) fail(statement);
    }
    return statement;
  }
  void execute(MYSQL_STMT* statement, std::vector<MYSQL_BIND>& places) {
    if (mysql_stmt_bind_param(statement, places.data()) != 0 || mysql_stmt_execute(statement) != 0) fail(statement);
  }
  [[noreturn]] void fail(MYSQL_STMT* statement = nullptr) {
    throw std::runtime_error(statement != nullptr ? mysql_stmt_error(statement) : mysql_error(handle_));
  }

  MYSQL* handle_;
  std::map<std::string, MYSQL_STMT*> statements_;
};

class Inserter {
 public:
  /// `order`: null where batches end as they come.
  Inserter(Database& db, const Arguments& a, bool values, std::uint64_t writer, Order* order)
      : db_(db), values_(values), columns_(a, writer), order_(order) {}

  void batch(std::uint64_t count) {
    columns_.next(count);
    const auto ticket = order_ == nullptr ? 0 : order_->begin();
    db_.arrays("UPDATE conversation SET head = ?, last_id = ? WHERE id = ? AND head = ?", columns_.heads);
    insert("INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) VALUES ", "(?, ?, ?, ?, ?)",
           columns_.keys);
    insert("INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content) VALUES ",
           "(?, ?, ?, ?, ?, ?)", columns_.messages);
    insert("INSERT INTO sent_count (conversation_id, sender_id, upto, sent) VALUES ", "(?, ?, ?, ?)", columns_.sent);
    if (order_ != nullptr) order_->wait(ticket);
    db_.run(columns_.progress());
    db_.commit();
    if (order_ != nullptr) order_->end();
  }

 private:
  void insert(const std::string& head, const std::string& tuple, const Table& rows) {
    values_ ? db_.values(head, tuple, rows) : db_.arrays(head + tuple, rows);
  }

  Database& db_;
  bool values_;
  Columns columns_;
  Order* order_;
};

void set_up(Database& db, const Arguments& a) {
  for (const auto& migration : loft::storage::migrations) {
    // A statement ends with a semicolon at the end of a line; comments are whole lines.
    std::string statement;
    std::string_view rest = migration.sql;
    while (!rest.empty()) {
      const auto line = rest.substr(0, rest.find('\n'));
      rest.remove_prefix(std::min(rest.size(), line.size() + 1));
      if (line.starts_with("--")) continue;
      statement.append(line).append("\n");
      if (!line.ends_with(";")) continue;
      db.run(statement);
      statement.clear();
    }
  }
  db.run("INSERT INTO domain (id, name) VALUES (1, 'Core:Text')");
  for (std::uint64_t n = 1; n <= a["conversations"]; ++n) {
    db.run(
        "INSERT INTO conversation (id, kind, uuid, name, description, avatar, owner_id, join_rule, created, updated, "
        "topic, max_members, dissolved) VALUES (" +
        std::to_string(n << 20) + ", 1, '00000000-0000-4000-8000-" + std::to_string(n) +
        "', 'group', '', '', 0, 0, 0, 0, '', 0, 0)");
  }
  for (std::uint64_t n = 2; n <= a["writers"]; ++n) {
    db.run("INSERT INTO progress (id, applied_upto, position) VALUES (" + std::to_string(n) + ", 0, 0)");
  }
  db.commit();
}

void run(const Arguments& a, const Place& to, bool values) {
  std::vector<std::unique_ptr<Database>> databases;
  std::vector<std::unique_ptr<Inserter>> inserters;
  Order order;
  std::vector<std::function<void(std::uint64_t)>> writers;
  for (std::uint64_t i = 0; i < a["writers"]; ++i) {
    auto& db = *databases.emplace_back(std::make_unique<Database>(to));
    if (i == 0) set_up(db, a);
    auto& inserter =
        *inserters.emplace_back(std::make_unique<Inserter>(db, a, values, i, a.in_order ? &order : nullptr));
    writers.emplace_back([&inserter](std::uint64_t rows) { inserter.batch(rows); });
  }
  measure(a, values ? "values" : "arrays", writers);
}

}  // namespace

int main(int count, char** words) {
  Place to;
  std::string way = "arrays";
  const Arguments a(count, words, "[--way arrays|values] --socket FILE --user NAME [--password TEXT] --database NAME",
                    [&](const std::string& word, const std::string& value) {
                      for (auto [name, target] : {std::pair{"--socket", &to.socket},
                                                  {"--user", &to.user},
                                                  {"--password", &to.password},
                                                  {"--database", &to.database},
                                                  {"--way", &way}}) {
                        if (word != name) continue;
                        *target = value;
                        return true;
                      }
                      return false;
                    });
  try {
    if (to.socket.empty() || to.database.empty()) throw std::runtime_error("--socket and --database are missing");
    if (way != "arrays" && way != "values") throw std::runtime_error("--way is arrays or values, not " + way);
    run(a, to, way == "values");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "raw_mysql: %s\n", e.what());
    return 1;
  }
}
