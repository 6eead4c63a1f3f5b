#include "schema.hpp"

#include <common/shell.hpp>

#include "startup.hpp"

namespace loft::storage::mysql {
namespace {

class Looking final : public SchemaDatabase {
 public:
  explicit Looking(const Settings& settings) : link_(connect<Link>(settings)), schema_(*link_) {
    link_->execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY");
  }

  void lock() override { schema_.lock(); }
  void commit() override { schema_.commit(); }
  void rollback() noexcept override { schema_.rollback(); }
  bool takes_back() const noexcept override { return schema_.takes_back(); }
  long long table_count() override { return schema_.table_count(); }
  bool has_table(const std::string& name) override { return schema_.has_table(name); }
  std::string_view option() const override { return schema_.option(); }
  void execute(const std::string& statement) override { schema_.execute(statement); }
  TextRows rows(const std::string& question) override { return schema_.rows(question); }

 private:
  std::unique_ptr<Link> link_;
  Schema schema_;
};

}  // namespace

long long Schema::table_count() {
  return std::stoll(link_.ask("SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE()"));
}

bool Schema::has_table(const std::string& name) {
  return link_.ask("SELECT count(*) FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '" +
                   name + "'") != "0";
}

std::unique_ptr<SchemaDatabase> look_into(const Settings& settings) {
  auto patient = settings;
  patient.statement_timeout = 3'600'000;  // questions about all rows take their time
  return std::make_unique<Looking>(patient);
}

std::string owner_of(Link& link, const Settings& settings) {
  const auto name = lock_name(settings);
  auto owner = link.ask(
      "SELECT CONCAT('connection ', p.id, ' of ', p.user, ' from ', p.host) "
      "FROM information_schema.processlist p WHERE p.id = IS_USED_LOCK('" +
      name + "')");
  if (!owner.empty()) return owner;
  const auto number = link.ask("SELECT IS_USED_LOCK('" + name + "')");
  return number.empty() ? number : "connection " + number;
}

std::string owner_of(const Settings& settings) { return owner_of(*connect<Link>(settings), settings); }

std::string dump_command(const Settings& settings) {
  std::string to = settings.host.starts_with('/') ? " --socket=" + quoted_for_shell(socket_path(settings.host))
                                                  : " --protocol=tcp --host=" + quoted_for_shell(settings.host) +
                                                        " --port=" + std::to_string(settings.port);
  to += " --user=" + quoted_for_shell(settings.user);
  if (settings.tls == Tls::off) to += " --skip-ssl";
  if (settings.tls >= Tls::require) to += " --ssl";
  if (settings.tls == Tls::verify) to += " --ssl-verify-server-cert --ssl-ca=" + quoted_for_shell(settings.tls_ca);
  const auto database = quoted_for_shell(settings.database);
  return "mariadb-dump --single-transaction --quick --hex-blob --no-tablespaces --default-character-set=utf8mb4" + to +
         " --result-file=loft.sql " + database +
         "\nThat is one state between two commits; the host may run. The password comes from MYSQL_PWD, or from a file "
         "named by --defaults-extra-file as the first word.\nTo restore: make an empty database, name it in option "
         "`database`, and run\n  mariadb --default-character-set=utf8mb4" +
         to + " " + database + " < loft.sql";
}

}  // namespace loft::storage::mysql
