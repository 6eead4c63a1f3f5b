#include "schema.hpp"

#include <common/shell.hpp>

#include "startup.hpp"

namespace loft::storage::mysql {
namespace {

struct Opened {
  std::unique_ptr<Link> link;
};

class Looking final : private Opened, public Schema {
 public:
  explicit Looking(const Settings& settings) : Opened{connect<Link>(settings)}, Schema(*link) {
    execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  }
};

}  // namespace

long long Schema::table_count() {
  return std::stoll(link_.ask("SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()"));
}

/// MySQL has no CREATE INDEX IF NOT EXISTS.
void Schema::execute(const std::string& statement) {
  try {
    link_.execute(statement);
  } catch (const Failure& e) {
    if (e.code != duplicate_key_name || !statement.starts_with("CREATE INDEX ")) throw;
  }
}

bool Schema::has_table(const std::string& name) {
  return link_.ask("SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '" +
                   name + "'") != "0";
}

std::unique_ptr<SchemaDatabase> look_into(const Settings& settings) { return std::make_unique<Looking>(settings); }

std::string owner_of(Link& link) {
  const auto name = lock_name(link);
  auto owner = link.ask(
      "SELECT CONCAT('connection ', p.id, ' of ', p.user, ' from ', p.host) "
      "FROM information_schema.processlist p WHERE p.id = IS_USED_LOCK('" +
      name + "')");
  if (!owner.empty()) return owner;
  const auto number = link.ask("SELECT IS_USED_LOCK('" + name + "')");
  return number.empty() ? number : "connection " + number;
}

std::string owner_of(const Settings& settings) { return owner_of(*connect<Link>(settings)); }

std::string dump_command(const Settings& settings) {
  std::string to = settings.host.starts_with('/') ? " --socket=" + quoted_for_shell(socket_path(settings.host))
                                                  : " --protocol=tcp --host=" + quoted_for_shell(settings.host) +
                                                        " --port=" + std::to_string(settings.port);
  to += " --user=" + quoted_for_shell(settings.user);
  if (settings.tls == Tls::off) to += " --skip-ssl";
  if (settings.tls >= Tls::require) to += " --ssl";
  if (settings.tls == Tls::verify) to += " --ssl-verify-server-cert --ssl-ca=" + quoted_for_shell(settings.tls_ca);
  // A name that begins like an option would be taken for one.
  const auto database = (settings.database.starts_with('-') ? "-- " : "") + quoted_for_shell(settings.database);
  return "mariadb-dump --single-transaction --quick --hex-blob --no-tablespaces --default-character-set=utf8mb4" + to +
         " --result-file=loft.sql " + database +
         "\nThat is one state between two commits; the host may run. The password comes from MYSQL_PWD, or from a file "
         "named by --defaults-extra-file as the first word.\nTo restore: make an empty database, name it in option "
         "`database`, and run\n  mariadb --default-character-set=utf8mb4" +
         to + " " + database + " < loft.sql";
}

}  // namespace loft::storage::mysql
