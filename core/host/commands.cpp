// What the command line asks of the host.
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <stdexcept>

#include <loft/json.hpp>

#include "cli/commands.hpp"
#include "control/control.hpp"
#include "control/lock.hpp"
#include "host/quiet_log.hpp"
#include "host/runtime.hpp"
#include "host/storage_alone.hpp"
#include "host/version.hpp"

namespace loft {
namespace {

std::unique_ptr<LogSystem> open_log(const config::Settings& settings) {
  LogSettings log;
  log.format = settings.log.format;
  log.file = settings.log.file;
  log.levels.standard = settings.log.level;
  for (const auto& [name, level] : settings.log.levels) log.levels.by_name[name] = level;
  return LogSystem::open(std::move(log));
}

class RuntimeUsers : public cli::UserStore {
 public:
  explicit RuntimeUsers(Runtime& runtime) : runtime_(runtime) {}

  Result<User> add(const cli::NewUser& user) override {
    User wanted;
    wanted.handle = user.handle;
    wanted.id = static_cast<UserId>(user.uid.value_or(0));
    wanted.uuid = user.uuid;
    auto made = runtime_.add_user(std::move(wanted));
    if (!made) return made.error();
    return **made;
  }
  Result<std::vector<User>> list(UserId after, std::size_t limit) override { return runtime_.users(after, limit); }
  Result<User> find(std::string_view handle) override {
    auto found = runtime_.find_user(UserRef::handle(std::string(handle)));
    if (!found) return found.error();
    return **found;
  }
  Result<std::string> command(std::string_view name, std::string_view arguments) override {
    return runtime_.run_command(name, arguments);
  }

 private:
  Runtime& runtime_;
};

Error bad_configuration(std::string problems) { return {Code::invalid, "config.problems", std::move(problems)}; }

/// Beside the I/O threads messages can be written, too.
class RunningUsers final : public RuntimeUsers {
 public:
  explicit RunningUsers(Runtime& runtime) : RuntimeUsers(runtime), runtime_(runtime) {}
  Result<Accepted> submit(UserId sender, Submission submission) override {
    return runtime_.submit(sender, std::move(submission));
  }

 private:
  Runtime& runtime_;
};

/// A runtime that runs just far enough for the store to be used.
class OfflineUsers final : public cli::UserStore {
 public:
  explicit OfflineUsers(cli::Loaded& loaded)
      : log_(quiet_log()), runtime_(*loaded.document, loaded.settings, *log_), users_(runtime_) {
    if (const auto problems = runtime_.problems(); !problems.empty()) throw ConfigError(config::format(problems));
    runtime_.setup();
    runtime_.start_store();
  }
  Result<User> add(const cli::NewUser& user) override { return users_.add(user); }
  Result<std::vector<User>> list(UserId after, std::size_t limit) override { return users_.list(after, limit); }
  Result<User> find(std::string_view handle) override { return users_.find(handle); }
  Result<std::string> command(std::string_view name, std::string_view arguments) override {
    return users_.command(name, arguments);
  }

 private:
  std::unique_ptr<LogSystem> log_;
  Runtime runtime_;
  RuntimeUsers users_;
};

/// Signals are taken by one thread that waits for them; all others have them blocked.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&set, signal);
  return set;
}

/// Where each listener listens, for scripts and tests: written whole or not at all.
void write_ports(const std::string& data_dir, const std::map<std::string, std::uint16_t>& ports) {
  std::string text;
  json::Writer writer(text);
  writer.object();
  for (const auto& [name, port] : ports) writer.key(name).number(port);
  writer.end_object();
  const auto path = data_dir + "/ports.json";
  {
    std::ofstream file(path + ".new", std::ios::trunc);
    file << text << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + path + ".new");
  }
  std::filesystem::rename(path + ".new", path);
}

void log_listeners(Logger& log, const config::Settings& settings, const std::map<std::string, std::uint16_t>& ports) {
  for (const auto& listener : settings.listeners) {
    std::string contracts;
    for (const auto& mount : listener.contracts) {
      contracts += (contracts.empty() ? "" : ", ") + mount.contract + (mount.mount.empty() ? "" : " at " + mount.mount);
    }
    log.info("listening", {{"listener", listener.name},
                           {"address", listener.listen.host},
                           {"port", ports.at(listener.name)},
                           {"tls", !listener.tls_certificate.empty()},
                           {"contracts", contracts}});
  }
  if (const auto it = ports.find("internal"); it != ports.end()) {
    log.info("listening", {{"listener", "internal"}, {"address", settings.internal.host}, {"port", it->second}});
  }
}

/// Returns when the host is to stop.
void wait_for_stop(Runtime& runtime, Logger& log, const config::Sources& sources) {
  const auto signals = handled_signals();
  for (;;) {
    int signal = 0;
    if (sigwait(&signals, &signal) != 0) continue;
    if (signal != SIGHUP) {
      log.info("stopping", {{"signal", signal == SIGTERM ? "SIGTERM" : "SIGINT"}});
      return;
    }
    auto fresh = cli::load(sources);
    if (!fresh.document->problems().empty()) {
      log.error("SIGHUP: the configuration has problems, nothing was changed");
      std::cerr << config::format(fresh.document->problems());
      continue;
    }
    runtime.set_log_levels(fresh.settings);
    log.info("SIGHUP: log levels were read again");
    runtime.read_keys_again();
  }
}

/// From now on a second signal ends the process at once: what was acknowledged is on disk.
void end_on_next_signal() {
  struct sigaction action {};
  action.sa_handler = [](int) { _exit(1); };
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
  auto signals = handled_signals();
  sigdelset(&signals, SIGHUP);
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
}

class Commands final : public cli::HostCommands {
 public:
  ~Commands() override {
    tables_.clear();
    for (const auto& [gate, plugin] : made_) gate->destroy(plugin);
  }

  int serve(cli::Loaded& loaded) override;
  void check(cli::Loaded& loaded) override;
  Result<std::vector<std::pair<std::string, Result<void>>>> check_push(cli::Loaded& loaded) override;
  Result<std::vector<cli::PluginInfo>> plugins(cli::Loaded& loaded) override;
  Result<std::vector<config::ReferenceSection>> reference(cli::Loaded& loaded) override;
  Result<std::vector<cli::ChainEntry>> chain(cli::Loaded& loaded) override;
  Result<std::unique_ptr<cli::UserStore>> open_users(cli::Loaded& loaded) override;
  Result<std::unique_ptr<cli::StorageAlone>> open_storage(cli::Loaded& loaded) override;

 private:
  int run(cli::Loaded& loaded, LogSystem& logs);

  // What `reference` hands out lives as long as this.
  std::unique_ptr<LogSystem> log_;
  std::vector<std::unique_ptr<Runtime>> kept_;
  std::vector<std::pair<const loft_gate*, void*>> made_;
  std::vector<std::unique_ptr<OptionTable>> tables_;
};

int Commands::serve(cli::Loaded& loaded) {
  // Before any thread is made, so that all inherit it.
  const auto signals = handled_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error of who writes it, as a full disk is

  std::unique_ptr<LogSystem> logs;
  try {
    logs = open_log(loaded.settings);
  } catch (const std::exception& e) {
    std::cerr << "loft: " << e.what() << "\n";
    return cli::unavailable;
  }
  auto lock =
      control::StoreLock::take(std::filesystem::absolute(loaded.settings.data_dir).lexically_normal().string(), true);
  if (!lock) {
    std::cerr << "loft: " << lock.error().detail << "\n";
    return cli::exit_code(lock.error());
  }
  try {
    return run(loaded, *logs);
  } catch (const ConfigError& e) {
    logs->flush();
    std::cerr << "loft: " << e.what() << "\n";
    return cli::bad_config;
  } catch (const std::exception& e) {
    logs->flush();
    std::cerr << "loft: " << e.what() << "\n";
    return cli::unavailable;
  }
}

int Commands::run(cli::Loaded& loaded, LogSystem& logs) {
  Runtime runtime(*loaded.document, loaded.settings, logs);
  auto& log = logs.logger("host");
  if (const auto problems = runtime.problems(); !problems.empty()) {
    std::cerr << config::format(problems);
    return cli::bad_config;
  }
  const auto& settings = runtime.settings();
  std::error_code ignored;
  std::filesystem::remove(settings.data_dir + "/ports.json", ignored);
  runtime.setup();
  runtime.start();

  RunningUsers users(runtime);
  auto control =
      control::ControlServer::create(settings.data_dir, [&](std::string_view command, std::string_view arguments) {
        return cli::run_user_command(users, runtime.identity(), command, arguments);
      });
  if (!control) throw std::runtime_error(control.error().detail);
  log_listeners(log, settings, runtime.ports());
  write_ports(settings.data_dir, runtime.ports());
  log.info("ready", {{"version", version()}, {"data_dir", settings.data_dir}});
  logs.flush();

  wait_for_stop(runtime, log, loaded.sources);
  end_on_next_signal();
  control->reset();
  std::filesystem::remove(settings.data_dir + "/ports.json", ignored);
  const bool clean = runtime.stop(settings.server.grace);
  log.info("stopped", {{"everything_ended_in_time", clean}});
  logs.flush();
  if (runtime.left_behind()) std::_Exit(cli::internal);
  return cli::success;
}

void Commands::check(cli::Loaded& loaded) {
  const auto log = quiet_log();
  Runtime runtime(*loaded.document, loaded.settings, *log);
  runtime.check_files();
  // A setup expects options that are in order.
  if (const auto before = loaded.document->problems().size(); runtime.problems().empty()) {
    try {
      runtime.setup();
    } catch (const ConfigError& e) {
      if (loaded.document->problems().size() == before) loaded.document->root().problem(e.what());
    }
  }
}

Result<std::vector<std::pair<std::string, Result<void>>>> Commands::check_push(cli::Loaded& loaded) {
  const auto log = quiet_log();
  Runtime runtime(*loaded.document, loaded.settings, *log);
  if (const auto problems = runtime.problems(); !problems.empty()) return bad_configuration(config::format(problems));
  try {
    runtime.setup();
    return runtime.verify_push();
  } catch (const std::exception& e) {
    return bad_configuration(e.what());
  }
}

Result<std::vector<cli::PluginInfo>> Commands::plugins(cli::Loaded& loaded) {
  const auto log = quiet_log();
  Runtime runtime(*loaded.document, loaded.settings, *log);
  std::vector<cli::PluginInfo> found;
  const auto path = runtime.plugin_path();
  for (const auto& id : list_libraries(path)) {
    cli::PluginInfo info;
    info.id = id;
    try {
      info.file = find_library(id, path);
      const auto& gate = open_library(info.file);
      info.version = gate.version;
      info.description = gate.description;
    } catch (const PluginError& error) {
      info.problem = error.what();
    }
    for (const auto& instance : runtime.plugins().instances()) {
      if (instance->id() == id) info.instances.push_back(instance->name());
    }
    found.push_back(std::move(info));
  }
  return found;
}

Result<std::vector<config::ReferenceSection>> Commands::reference(cli::Loaded& loaded) {
  log_ = quiet_log();
  kept_.push_back(std::make_unique<Runtime>(*loaded.document, loaded.settings, *log_));
  const auto path = kept_.back()->plugin_path();
  std::vector<config::ReferenceSection> sections;
  for (const auto& id : list_libraries(path)) {
    const auto& gate = open_library(find_library(id, path));
    // Kept for the life of the program: the table points into the plugin, whose options must show their defaults.
    auto* plugin = static_cast<Plugin*>(gate.create());
    made_.emplace_back(&gate, plugin);
    tables_.push_back(std::make_unique<OptionTable>());
    plugin->options(*tables_.back());
    sections.push_back({id, gate.description, tables_.back().get()});
  }
  return sections;
}

Result<std::vector<cli::ChainEntry>> Commands::chain(cli::Loaded& loaded) {
  const auto log = quiet_log();
  Runtime runtime(*loaded.document, loaded.settings, *log);
  if (const auto problems = runtime.problems(); !problems.empty()) {
    return bad_configuration(config::format(problems));
  }
  try {
    runtime.setup();
  } catch (const ConfigError& e) {
    return bad_configuration(e.what());
  }
  constexpr std::string_view stages[] = {"check", "rewrite", "policy"};
  std::vector<cli::ChainEntry> entries;
  for (const auto& row : runtime.bus().chain()) {
    const std::string stage(row.is_proposal ? stages[static_cast<std::size_t>(row.stage)] : "observer");
    entries.push_back({row.event, stage, row.plugin});
  }
  for (const auto& follower : runtime.bus().followers())
    entries.push_back({follower.spec.name, "follower", follower.plugin});
  return entries;
}

Result<std::unique_ptr<cli::UserStore>> Commands::open_users(cli::Loaded& loaded) {
  try {
    return std::unique_ptr<cli::UserStore>(std::make_unique<OfflineUsers>(loaded));
  } catch (const ConfigError& e) {
    return bad_configuration(e.what());
  } catch (const std::exception& e) {
    return Error{Code::unavailable, "storage.unavailable", e.what()};
  }
}

Result<std::unique_ptr<cli::StorageAlone>> Commands::open_storage(cli::Loaded& loaded) {
  try {
    return open_storage_alone(loaded);
  } catch (const ConfigError& e) {
    return bad_configuration(e.what());
  } catch (const std::exception& e) {
    return Error{Code::unavailable, "storage.unavailable", e.what()};
  }
}

}  // namespace

cli::HostCommands& host_commands() {
  static Commands commands;
  return commands;
}

}  // namespace loft
