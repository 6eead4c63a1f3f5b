// The reference for durable messages on PostgreSQL: the rows and indexes that storage.postgresql writes per message,
// inserted through libpq in batches of a given size, as fast as one connection can. Per batch, the heads of the
// conversations in it and the progress row are written as well, and per whole block of a log its counts. Every commit
// is synced as the server is configured.
//
//   raw_postgresql --batch N --rows M [--client-ids] [--conversations C] [--users U] [--content BYTES]
//     [--writers W] [--in-order] [--way arrays|values] --to CONNINFO
//
// The database must be empty. Several writers have a connection, conversations and a row of progress each. `arrays`
// sends binary arrays to unnest, `values` rows of parameters, both in a pipeline with one round trip per batch. Prints
// one line of JSON.
#include <libpq-fe.h>

#include <memory>
#include <stdexcept>

#include <postgresql_migrations.hpp>

#include "columns.hpp"

namespace {

using namespace loft::load;

template <class T>
void put(std::string& out, T value) {
  for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8) {
    out += static_cast<char>(value >> shift);
  }
}

struct Statement {
  std::string head, tail;  ///< around the rows
};

class Database {
 public:
  explicit Database(const std::string& to, bool values) : handle_(PQconnectdb(to.c_str())), values_(values) {
    if (PQstatus(handle_) != CONNECTION_OK) throw std::runtime_error(PQerrorMessage(handle_));
    run("SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off");
  }
  ~Database() { PQfinish(handle_); }
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  void run(const std::string& sql) {
    PGresult* result = PQexec(handle_, sql.c_str());
    const auto status = PQresultStatus(result);
    PQclear(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) throw std::runtime_error(PQerrorMessage(handle_));
  }
  void enter_pipeline() { PQenterPipelineMode(handle_); }

  void send(const std::string& text) {
    PQsendQueryParams(handle_, text.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1);
    ++sent_;
  }
  void send(const Statement& statement, const Table& rows) {
    if (rows.count() != 0) values_ ? send_values(statement, rows) : send_arrays(statement, rows);
  }
  void finish() {
    PQpipelineSync(handle_);
    for (int left = sent_; left >= 0;) {
      PGresult* result = PQgetResult(handle_);
      if (result == nullptr) continue;
      const auto status = PQresultStatus(result);
      const std::string words = PQresultErrorMessage(result);
      PQclear(result);
      --left;
      if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_SYNC) {
        throw std::runtime_error(words);
      }
    }
    sent_ = 0;
  }

 private:
  /// Prepared at its first use; the text is its name's key.
  const char* name_of(const std::string& text, const std::vector<Oid>& types) {
    auto& name = names_[text];
    if (name.empty()) {
      name = "s" + std::to_string(names_.size());
      PQsendPrepare(handle_, name.c_str(), text.c_str(), static_cast<int>(types.size()), types.data());
      ++sent_;
    }
    return name.c_str();
  }

  void send_arrays(const Statement& statement, const Table& rows) {
    arrays_.assign(rows.columns(), {});
    std::vector<Oid> types;
    std::string text = statement.head + "SELECT * FROM unnest(";
    for (std::size_t column = 0; column < rows.columns(); ++column) {
      const bool is_text = column == rows.numbers.size();
      types.push_back(is_text ? 1009 : 1016);
      text += (column == 0 ? "$" : ", $") + std::to_string(column + 1);
      auto& array = arrays_[column];
      for (const std::uint32_t word : {1u, 0u, is_text ? 25u : 20u, static_cast<std::uint32_t>(rows.count()), 1u}) {
        put(array, word);
      }
      for (std::size_t row = 0; row < rows.count(); ++row) {
        put(array, static_cast<std::uint32_t>(is_text ? rows.text->size() : 8));
        if (is_text) {
          array += *rows.text;
        } else {
          put(array, rows.numbers[column][row]);
        }
      }
    }
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const auto& array : arrays_) {
      values.push_back(array.data());
      lengths.push_back(static_cast<int>(array.size()));
    }
    execute(name_of(text + ")" + statement.tail, types), values, lengths);
  }

  /// At most this many parameters a statement; the protocol has 65535.
  void send_values(const Statement& statement, const Table& rows) {
    const std::size_t piece = std::max<std::size_t>(1, std::min<std::size_t>(100, 60'000 / rows.columns()));
    for (std::size_t from = 0; from < rows.count(); from += piece) {
      const auto to = std::min(rows.count(), from + piece);
      std::string text = statement.head + "VALUES ", numbers;
      std::vector<Oid> types;
      std::vector<const char*> values;
      std::vector<int> lengths;
      numbers.reserve((to - from) * rows.numbers.size() * 8);
      for (auto row = from; row < to; ++row) {
        text += row == from ? "(" : ", (";
        for (std::size_t column = 0; column < rows.columns(); ++column) {
          const bool is_text = column == rows.numbers.size();
          types.push_back(is_text ? 25 : 20);
          text += (column == 0 ? "$" : ", $") + std::to_string(types.size());
          values.push_back(is_text ? rows.text->data() : numbers.data() + numbers.size());
          lengths.push_back(static_cast<int>(is_text ? rows.text->size() : 8));
          if (!is_text) put(numbers, rows.numbers[column][row]);
        }
        text += ")";
      }
      execute(name_of(text + statement.tail, types), values, lengths);
    }
  }

  void execute(const char* name, const std::vector<const char*>& values, const std::vector<int>& lengths) {
    const std::vector<int> formats(values.size(), 1);
    PQsendQueryPrepared(handle_, name, static_cast<int>(values.size()), values.data(), lengths.data(), formats.data(),
                        1);
    ++sent_;
  }

  PGconn* handle_;
  bool values_;
  int sent_ = 0;
  std::map<std::string, std::string> names_;
  std::vector<std::string> arrays_;
};

class Inserter {
 public:
  /// `order`: null where batches end as they come.
  Inserter(Database& db, const Arguments& a, std::uint64_t writer, Order* order)
      : db_(db), columns_(a, writer), order_(order) {}

  void batch(std::uint64_t count) {
    columns_.next(count);
    const auto ticket = order_ == nullptr ? 0 : order_->begin();
    db_.send("BEGIN");
    db_.send({"WITH n (head, last_id, id, expected) AS (",
              ") UPDATE conversation c SET head = n.head, last_id = n.last_id FROM n WHERE c.id = n.id "
              "AND c.head = n.expected"},
             columns_.heads);
    db_.send({"INSERT INTO client_message (message_id, sender_id, hash0, hash1, digest) ", ""}, columns_.keys);
    db_.send({"INSERT INTO message (id, conversation_id, seq, sender_id, domain_id, content) ", ""}, columns_.messages);
    db_.send({"INSERT INTO sent_count (conversation_id, sender_id, upto, sent) ", ""}, columns_.sent);
    if (order_ != nullptr) {
      db_.finish();
      order_->wait(ticket);
    }
    db_.send(columns_.progress());
    db_.send("COMMIT");
    db_.finish();
    if (order_ != nullptr) order_->end();
  }

 private:
  Database& db_;
  Columns columns_;
  Order* order_;
};

void set_up(Database& db, const Arguments& a) {
  for (const auto& migration : loft::storage::migrations) db.run(std::string(migration.sql));
  db.run("INSERT INTO domain (id, name) VALUES (1, 'Core:Text')");
  db.run(
      "INSERT INTO conversation (id, kind, uuid, name, description, avatar, owner_id, join_rule, created, updated, "
      "topic, max_members, dissolved) SELECT n << 20, 1, '00000000-0000-4000-8000-' || n, 'group', '', '', 0, 0, 0, 0, "
      "'', 0, 0 FROM generate_series(CAST(1 AS BIGINT), " +
      std::to_string(a["conversations"]) + ") n");
  db.run("INSERT INTO progress (id, applied_upto, position) SELECT n, 0, 0 FROM generate_series(2, " +
         std::to_string(a["writers"]) + ") n");
}

void run(const Arguments& a, const std::string& to, bool values) {
  std::vector<std::unique_ptr<Database>> databases;
  std::vector<std::unique_ptr<Inserter>> inserters;
  Order order;
  std::vector<std::function<void(std::uint64_t)>> writers;
  for (std::uint64_t i = 0; i < a["writers"]; ++i) {
    auto& db = *databases.emplace_back(std::make_unique<Database>(to, values));
    if (i == 0) set_up(db, a);
    db.enter_pipeline();
    auto& inserter = *inserters.emplace_back(std::make_unique<Inserter>(db, a, i, a.in_order ? &order : nullptr));
    writers.emplace_back([&inserter](std::uint64_t rows) { inserter.batch(rows); });
  }
  measure(a, values ? "values" : "arrays", writers);
}

}  // namespace

int main(int count, char** words) {
  std::string to, way = "arrays";
  const Arguments a(count, words, "[--way arrays|values] --to CONNINFO",
                    [&](const std::string& word, const std::string& value) {
                      if (word == "--to") to = value;
                      if (word == "--way") way = value;
                      return word == "--to" || word == "--way";
                    });
  try {
    if (to.empty()) throw std::runtime_error("--to is missing");
    if (way != "arrays" && way != "values") throw std::runtime_error("--way is arrays or values, not " + way);
    run(a, to, way == "values");
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "raw_postgresql: %s\n", e.what());
    return 1;
  }
}
