// The command line: what it parses by itself, and what it asks the host for.
#pragma once

#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/error.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>

#include "config/config.hpp"
#include "config/settings.hpp"

namespace loft {
class JwtIdentity;
class Storage;
}  // namespace loft

namespace loft::cli {

/// Exit codes, as in sysexits.h where it has one.
enum Exit : int {
  success = 0,
  refused = 1,  ///< understood and answered with no: no such user, handle taken, rows that cannot be read
  usage = 64,
  unavailable = 69,  ///< storage or host do not answer, a port cannot be had
  internal = 70,
  output_lost = 74,  ///< done, but what it had to say could not be written
  lock_held = 75,    ///< another process owns the data_dir
  bad_config = 78,
};

/// The exit code for an error: by reason, then by code.
int exit_code(const Error& error) noexcept;

/// A configuration that was read. `sources` serves to read it again on SIGHUP.
struct Loaded {
  config::Sources sources;
  std::unique_ptr<config::Document> document;
  config::Settings settings;
};

/// Reads file, environment and overrides; all host sections. Problems are in the document.
Loaded load(config::Sources sources);

struct NewUser {
  std::string handle;
  std::optional<std::uint64_t> uid;
  std::string uuid;  ///< lower case; empty: a random one
};

/// Users, straight on the store or inside the running host. Thread role: one thread.
class UserStore {
 public:
  virtual ~UserStore() = default;
  /// Errors: conflict `user.taken` (the detail says which of the three), invalid `user.handle_invalid`.
  virtual Result<User> add(const NewUser& user) = 0;
  /// By ascending id, after the given one.
  virtual Result<std::vector<User>> list(UserId after, std::size_t limit) = 0;
  /// Errors: not_found `user.unknown`.
  virtual Result<User> find(std::string_view handle) = 0;
  /// Runs a command that a plugin offers. Error: not_found `control.unknown_command`; the plugin's.
  virtual Result<std::string> command(std::string_view name, std::string_view arguments);
  /// Writes a message as a service. Errors: Messaging::submit's.
  virtual Result<Accepted> submit(UserId sender, Submission submission);
};

/// Runs `user.add`, `user.list`, `user.password`, `token`, `announce`, `notify`, or a plugin's command, with its JSON
/// arguments. The command line calls it when no host runs; the host calls it from its control socket. Errors: not_found
/// `control.unknown_command`, invalid `control.arguments`, and those of UserStore.
Result<std::string> run_user_command(UserStore& users, const JwtIdentity& identity, std::string_view command,
                                     std::string_view arguments);

struct PluginInfo {
  std::string id;
  std::string version;
  std::string description;
  std::string file;
  std::vector<std::string> instances;  ///< names under which the configuration uses it; empty: it does not
  std::string problem;                 ///< why it cannot be loaded; empty: it can
};

struct ChainEntry {
  std::string event;  ///< `SubmitMessage`
  std::string stage;  ///< `check`, `rewrite`, `policy`, `observer`, `follower`
  std::string instance;
};

/// The storage of a configuration without a host around it. Stops it when it is destroyed. Thread role: one thread.
class StorageAlone {
 public:
  virtual ~StorageAlone() = default;
  /// Set up, and not started until `start`.
  virtual Storage& storage() = 0;
  /// Error: unavailable `storage.unavailable`, whose detail says why.
  virtual Result<void> start() = 0;
  /// Runs a command that the storage offers, see Host::command. Error: not_found `control.unknown_command`; its own.
  virtual Result<std::string> command(std::string_view name);
};

/// What the host does for the command line.
class HostCommands {
 public:
  virtual ~HostCommands() = default;

  /// Runs the host until it is told to stop; prints and logs by itself. Returns an exit code. The configuration has no
  /// problems so far; plugins have not seen it.
  virtual int serve(Loaded& loaded) = 0;

  /// Loads the plugins, applies their option tables, calls `configure` and, where all is well so far, `setup`; problems
  /// go to the document. No I/O besides loading.
  virtual void check(Loaded& loaded) = 0;

  /// Asks the providers of the push channels whether they take our credentials; by channel. Waits for them.
  virtual Result<std::vector<std::pair<std::string, Result<void>>>> check_push(Loaded& loaded);

  /// All plugins in the plugin path, by id.
  virtual Result<std::vector<PluginInfo>> plugins(Loaded& loaded) = 0;

  /// Option tables of all plugins in the plugin path, by id; the tables live as long as this object.
  virtual Result<std::vector<config::ReferenceSection>> reference(Loaded& loaded) = 0;

  /// The handlers of each event in the order of their calls, after `setup` of all plugins.
  virtual Result<std::vector<ChainEntry>> chain(Loaded& loaded) = 0;

  /// Opens the configured storage. The caller holds the StoreLock of `data_dir`.
  virtual Result<std::unique_ptr<UserStore>> open_users(Loaded& loaded) = 0;

  /// Loads and sets up the configured storage, and no other plugin of the configuration. `loaded` outlives it.
  virtual Result<std::unique_ptr<StorageAlone>> open_storage(Loaded& loaded) = 0;
};

/// The whole program. Never throws; returns the exit code.
int run(int argc, const char* const* argv, std::map<std::string, std::string> environment, HostCommands& host,
        std::ostream& out, std::ostream& err);

/// The process's environment.
std::map<std::string, std::string> process_environment();

/// `config/loft.yaml`, as `loft config default` prints it.
std::string_view default_config() noexcept;

}  // namespace loft::cli

namespace loft {

/// The real host's side; in core/host. Lifetime: the program's.
cli::HostCommands& host_commands();

}  // namespace loft
