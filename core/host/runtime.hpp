// A host from configuration to running and back: the one place that knows all the parts.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <loft/inspect.hpp>
#include <loft/plugin.hpp>

#include "bus/bus.hpp"
#include "config/config.hpp"
#include "config/settings.hpp"
#include "endpoint/router.hpp"
#include "host/personal_data.hpp"
#include "host/pool.hpp"
#include "host/trust.hpp"
#include "host/upkeep.hpp"
#include "identity/jwks_watch.hpp"
#include "identity/jwt.hpp"
#include "log/log.hpp"
#include "messaging/core.hpp"
#include "messaging/domain_table.hpp"
#include "messaging/followers.hpp"
#include "metrics/metrics.hpp"
#include "net/clock.hpp"
#include "net/engine.hpp"
#include "plugins/registry.hpp"
#include "push/pipeline.hpp"

namespace loft {

/// The configuration is to blame, in a way that only shows when its parts meet: routes that clash, a plugin of another
/// kind, a key that does not belong to its certificate.
class ConfigError final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Thread role of everything here: control.
class Runtime final : public Inspector, public Threads {
 public:
  /// `document` and `log` outlive the runtime; `settings` were read from the document. Loads every plugin that they
  /// name and lets each check its options; what is wrong is in `problems()` afterwards. Nothing has touched a disk or a
  /// socket yet.
  Runtime(const config::Document& document, config::Settings settings, LogSystem& log);
  ~Runtime() override;

  /// Everything that is wrong with the configuration, in the order of its places.
  std::vector<config::Problem> problems() const;
  const config::Settings& settings() const noexcept { return settings_; }
  PluginSet& plugins() noexcept { return *plugins_; }
  std::vector<std::string> plugin_path() const;
  BusImpl& bus() noexcept { return *bus_; }

  /// Registers handlers and routes, and freezes the tables. Throws ConfigError; what has a place in the file is in
  /// `problems()` too. Touches neither disk nor socket.
  void setup();

  /// For `loft check`: looks into the files with certificates and keys, which a start reads. What is
  /// wrong is in `problems()` afterwards.
  void check_files();

  /// Opens the storage and starts messaging without listening: for commands that work on the store.
  void start_store();

  /// Opens the storage for commands that work on it without messaging.
  void start_storage();
  Storage& storage() noexcept { return *storage_; }

  /// Starts everything and listens. Throws PluginError, ConfigError, std::runtime_error (with the address that could
  /// not be bound).
  void start();

  /// Where each listener listens, by name.
  const std::map<std::string, std::uint16_t>& ports() const noexcept { return ports_; }

  /// Stops accepting, finishes what is in work within `grace` milliseconds, closes the store. True when everything
  /// ended by itself.
  bool stop(Millis grace);
  /// True when a plugin hangs in its stop: the process must end without destroying anything.
  bool left_behind() const noexcept { return plugins_->left_behind(); }

  void set_log_levels(const config::Settings& fresh);
  /// The files that `auth.jwt.keys` named at the start.
  void read_keys_again();

  // ---- for the command line
  Result<UserPtr> add_user(User user) { return core_->add_user(std::move(user)); }
  Result<UserPtr> find_user(const UserRef& ref);
  Result<std::vector<User>> users(UserId after, std::size_t limit) { return storage_->users(after, limit); }
  /// Writes as a service; needs the I/O threads.
  Result<Accepted> submit(UserId sender, Submission submission) {
    return core_->submit_waiting(sender, std::move(submission));
  }
  /// Runs a plugin's command. Error: not_found `control.unknown_command`.
  Result<std::string> run_command(std::string_view command, std::string_view arguments);
  /// Asks each push channel's provider whether its credentials are good. After `setup`, without a start.
  std::vector<std::pair<std::string, Result<void>>> verify_push();
  const JwtIdentity& identity() const noexcept { return *identity_; }

 private:
  class PluginHost;

  void load(const config::PluginRef& ref, std::string_view wanted);
  void load_plugins();
  void configure_plugins();
  void make_core();
  void set_up_parts();
  void set_up_push();
  void mount(Router& router, const config::MountRef& ref);
  void check_routes(const Router& router, const config::ListenerSettings& listener);
  std::uint16_t listen(net::Engine& engine, const net::ListenSpec& spec, const std::string& transport, Router& router);
  void trust_keys();
  void listen_everywhere();
  void answer_what_came(Millis until) const;
  void note(const config::Node& place, const std::string& message);

  // Inspector
  std::string metrics() const override;
  bool alive() const override;
  std::vector<Part> readiness() const override;

  // Threads
  unsigned count() const noexcept override { return engine_->threads(); }
  void post(unsigned thread, Function<void()> work) override { engine_->post(thread, std::move(work)); }
  bool run_blocking(Function<void()> work) override { return pool_->run(std::move(work)); }

  const config::Document& document_;
  LogSystem& log_system_;
  Logger& log_;
  config::Settings settings_;
  SystemClock clock_;

  // Destroyed from below.
  std::unique_ptr<MetricsImpl> metrics_;
  std::unique_ptr<net::Engine> engine_;
  // The internal listener has a thread of its own: it answers when the others are stuck, full or drained.
  std::unique_ptr<net::Engine> internal_engine_;
  std::unique_ptr<BlockingPool> pool_;
  std::unique_ptr<BusImpl> bus_;
  std::unique_ptr<PluginSet> plugins_;
  std::unique_ptr<JwtIdentity> identity_;
  std::unique_ptr<identity::JwksWatch> jwks_;
  std::vector<KeyFile> key_files_;
  DomainTable domains_;
  Storage* storage_ = nullptr;
  std::unique_ptr<Core> core_;
  std::unique_ptr<PersonalData> personal_data_;
  std::unique_ptr<Upkeep> upkeep_;
  std::unique_ptr<push::Pipeline> push_;
  std::map<std::string, CommandHandler, std::less<>> commands_;  ///< of plugins; constant since `setup`
  std::vector<std::unique_ptr<Router>> routers_;
  std::unique_ptr<Router> internal_;
  std::unique_ptr<Followers> followers_;
  std::map<std::string, std::uint16_t> ports_;

  std::vector<config::Problem> found_;
  std::vector<std::atomic<Millis>> turned_;  ///< by I/O thread: when its loop turned last
  enum class Phase : std::uint8_t { starting, serving, stopping };
  std::atomic<Phase> phase_{Phase::starting};
  bool engine_started_ = false;
  bool plugins_started_ = false;
};

}  // namespace loft
