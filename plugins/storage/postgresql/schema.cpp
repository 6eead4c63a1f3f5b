#include "schema.hpp"

#include <common/shell.hpp>

#include "connection.hpp"
#include "errors.hpp"

namespace loft::storage::postgresql {
namespace {

struct Opened {
  Connection connection;
};

class Looking final : private Opened, public Schema {
 public:
  explicit Looking(const Settings& settings) : Opened{Connection(settings)}, Schema(connection) {
    // Plans that suit a host's statements do not suit questions about all rows.
    execute(
        "RESET enable_seqscan; RESET enable_hashjoin; RESET enable_mergejoin; "
        "RESET enable_bitmapscan; RESET max_parallel_workers_per_gather");
    execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }
};

/// Where PostgreSQL's programs want the name of a database they take more, when it has a "=" or looks like an address.
std::string database_word(const std::string& name) {
  if (name.find('=') == std::string::npos && name.find("://") == std::string::npos) return name;
  std::string word = "dbname='";
  for (const char c : name) {
    if (c == '\'' || c == '\\') word += '\\';
    word += c;
  }
  return word += '\'';
}

}  // namespace

void Schema::lock() {
  const LongWork waits_for_others(*this);
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

// A schema with the role's name comes before `public` by PostgreSQL's own setting: made after the store, it hides it.
std::string Schema::elsewhere() {
  const auto found = rows(
      "SELECT n.nspname, current_schema() FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
      "WHERE c.relkind = 'r' AND c.relname = 'schema_migration' AND n.nspname <> current_schema() "
      "AND n.nspname = ANY (current_schemas(false)) LIMIT 1");
  if (found.empty()) return {};
  return "has a store in schema '" + found[0][0] + "', but search_path puts schema '" + found[0][1] +
         "' before it: ALTER ROLE … IN DATABASE … SET search_path = " + found[0][0] + ", or remove the other schema";
}

TextRows Schema::rows(const std::string& question) { return connection_.rows(question); }

void Schema::allow_long(bool is_long) noexcept { connection_.allow_long(is_long); }

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

std::string own_database(Connection& connection, const Settings& settings, const std::string& former) {
  const auto key = std::to_string(owner_lock);
  try {
    // The session of a host that was killed ends within moments: that is waited for.
    connection.ask("SET lock_timeout = 2000");
    connection.ask("SELECT pg_advisory_lock(" + key + ")");
    connection.ask("SET lock_timeout = 0");
    return connection.ask("SELECT pg_backend_pid()");
  } catch (const Failure& e) {
    if (e.code != "55P03") throw;
    Schema schema(connection);
    const auto owner = owner_of(schema);
    if (!former.empty() && (owner + ',').find(", server process " + former + ',') != std::string::npos) {
      throw Failure(Failure::Kind::unavailable,
                    settings.where() + " is still held by the session that this host had before (" + owner +
                        "), which the server has not ended: that ends by itself; if it does not, pg_stat_activity says "
                        "what it waits for (a commit for a synchronous standby that is away), and "
                        "pg_terminate_backend(" +
                        former + ") ends it",
                    e.code);
    }
    throw Failure(Failure::Kind::unavailable,
                  settings.where() + " is in use by another host (" + owner +
                      "): one host owns a store; stop the other one, or use another `database`",
                  e.code);
  }
}

std::string dump_command(const Settings& settings) {
  constexpr const char* modes[] = {"disable", "prefer", "require", "verify-full"};
  std::string tls;
  if (settings.tls != Tls::prefer)
    tls = "PGSSLMODE=" + std::string(modes[static_cast<std::size_t>(settings.tls)]) + " ";
  if (!settings.tls_ca.empty()) tls += "PGSSLROOTCERT=" + quoted_for_shell(settings.tls_ca) + " ";
  const auto to = " --host=" + quoted_for_shell(settings.host) + " --port=" + std::to_string(settings.port) +
                  " --username=" + quoted_for_shell(settings.user);
  const auto database = quoted_for_shell(database_word(settings.database));
  return tls + "pg_dump --format=custom" + to + " --file=loft.dump --dbname=" + database +
         "\nThat is one state between two commits; the host may run. It asks for the password where PGPASSWORD or "
         "~/.pgpass does not say it.\nTo restore: make an empty database, name it in option `database`, and run\n  " +
         tls + "pg_restore --no-owner --exit-on-error --single-transaction" + to + " --dbname=" + database +
         " loft.dump";
}

}  // namespace loft::storage::postgresql
