#include "schema.hpp"

#include <common/shell.hpp>

#include "connection.hpp"
#include "errors.hpp"

namespace loft::storage::postgresql {
namespace {

class Looking final : public SchemaDatabase {
 public:
  explicit Looking(const Settings& settings) : connection_(settings), schema_(connection_.native()) {
    // Plans that suit a host's statements do not suit questions about all rows.
    schema_.execute(
        "RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin; "
        "RESET enable_bitmapscan; RESET max_parallel_workers_per_gather");
    schema_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }

  void lock() override { schema_.lock(); }
  void commit() override { schema_.commit(); }
  void rollback() noexcept override { schema_.rollback(); }
  long long table_count() override { return schema_.table_count(); }
  bool has_table(const std::string& name) override { return schema_.has_table(name); }
  std::string_view option() const override { return schema_.option(); }
  void execute(const std::string& statement) override { schema_.execute(statement); }
  TextRows rows(const std::string& question) override { return schema_.rows(question); }

 private:
  Connection connection_;
  Schema schema_;
};

}  // namespace

void Schema::lock() {
  execute("BEGIN");
  // Both hosts of a race come here; the advisory lock of the writer is held already by one of them at most.
  execute("SELECT pg_advisory_xact_lock(" + std::to_string(schema_lock) + ")");
}

void Schema::rollback() noexcept {
  try {
    execute("ROLLBACK");
  } catch (...) {  // the connection is gone, and the transaction with it
  }
}

long long Schema::table_count() {
  return std::stoll(
      rows("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
           "WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'S')")[0][0]);
}

bool Schema::has_table(const std::string& name) {
  return rows(
             "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
             "WHERE n.nspname = current_schema() AND c.relkind = 'r' AND c.relname = '" +
             name + "'")
             .size() == 1;
}

TextRows Schema::rows(const std::string& question) {
  const Answer answer(PQexec(native_, question.c_str()));
  const auto status = PQresultStatus(answer.get());
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) throw failure_of(native_, answer.get());
  TextRows list(static_cast<std::size_t>(PQntuples(answer.get())));
  for (std::size_t row = 0; row < list.size(); ++row) {
    for (int column = 0; column < PQnfields(answer.get()); ++column) {
      list[row].emplace_back(PQgetvalue(answer.get(), static_cast<int>(row), column));
    }
  }
  return list;
}

std::unique_ptr<SchemaDatabase> look_into(const Settings& settings) { return std::make_unique<Looking>(settings); }

std::string owner_of(SchemaDatabase& database) {
  const auto found = database.rows(
      "SELECT coalesce(application_name, '') || ', server process ' || l.pid || "
      "coalesce(', from ' || host(client_addr), ', from this machine') || coalesce(', since ' || "
      "date_trunc('second', backend_start), '') FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid "
      "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = "
      "(SELECT oid FROM pg_database WHERE datname = current_database()) AND "
      "(CAST(l.classid AS BIGINT) << 32 | CAST(l.objid AS BIGINT)) = " +
      std::to_string(owner_lock));
  return found.empty() ? std::string() : found[0][0];
}

std::string dump_command(const Settings& settings) {
  constexpr const char* modes[] = {"disable", "prefer", "require", "verify-full"};
  std::string tls;
  if (settings.tls != Tls::prefer)
    tls = "PGSSLMODE=" + std::string(modes[static_cast<std::size_t>(settings.tls)]) + " ";
  if (!settings.tls_ca.empty()) tls += "PGSSLROOTCERT=" + quoted_for_shell(settings.tls_ca) + " ";
  const auto to = " --host=" + quoted_for_shell(settings.host) + " --port=" + std::to_string(settings.port) +
                  " --username=" + quoted_for_shell(settings.user);
  const auto database = quoted_for_shell(settings.database);
  return tls + "pg_dump --format=custom" + to + " --file=loft.dump " + database +
         "\nThat is one state between two commits; the host may run. It asks for the password where PGPASSWORD or "
         "~/.pgpass does not say it.\nTo restore: make an empty database, name it in option `database`, and run\n  " +
         tls + "pg_restore --no-owner --exit-on-error --single-transaction" + to + " --dbname=" + database +
         " loft.dump";
}

}  // namespace loft::storage::postgresql
