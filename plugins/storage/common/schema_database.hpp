// A database whose tables are made, changed or looked at: the small dialect object of migrations and checks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace loft::storage {

enum class Engine : std::uint8_t { sqlite, postgresql, mysql };

/// Rows as texts; NULL is empty.
using TextRows = std::vector<std::vector<std::string>>;

/// One connection, one thread. Every function throws what the driver throws, which is a Failure.
class SchemaDatabase {
 public:
  virtual ~SchemaDatabase() = default;

  /// Begins a transaction that keeps every other process from changing the schema. Where a schema cannot be changed in
  /// a transaction (`takes_back` is false) another lock is held already, and statements of migrations may run again.
  virtual void lock() = 0;
  virtual void commit() = 0;
  virtual void rollback() noexcept = 0;
  virtual bool takes_back() const noexcept { return true; }

  /// Tables that exist, whoever made them.
  virtual long long table_count() = 0;
  virtual bool has_table(const std::string& name) = 0;
  /// Where else tables of ours are seen although they are not here: words for an error; empty: nowhere.
  virtual std::string elsewhere() { return {}; }
  /// The option of the storage that names the database, for errors.
  virtual std::string_view option() const = 0;

  virtual void execute(const std::string& statement) = 0;
  virtual TextRows rows(const std::string& question) = 0;

  virtual Engine engine() const noexcept = 0;
  /// On a server: whether an answer is waited for as long as reading or writing all rows may take, instead of as long
  /// as a statement of a host.
  virtual void allow_long(bool) noexcept {}
};

/// As long as it lives, statements may take long.
class LongWork {
 public:
  explicit LongWork(SchemaDatabase& database) : database_(database) { database_.allow_long(true); }
  LongWork(const LongWork&) = delete;
  LongWork& operator=(const LongWork&) = delete;
  ~LongWork() { database_.allow_long(false); }

 private:
  SchemaDatabase& database_;
};

}  // namespace loft::storage
