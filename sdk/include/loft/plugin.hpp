// The life cycle of a plugin, and what the host gives it.
#pragma once

#include <string>
#include <string_view>

#include <loft/abi.hpp>
#include <loft/bus.hpp>
#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>
#include <loft/log.hpp>
#include <loft/metrics.hpp>
#include <loft/options.hpp>

namespace loft {

class Messaging;
class Users;
class Identity;
class Domains;
class Inspector;
class KeyValues;
struct Caller;

/// A command of the control socket: gets a JSON object, answers with a JSON text.
using CommandHandler = Function<Result<std::string>(std::string_view arguments)>;

/// What the host offers to one plugin instance. Lifetime: from `setup` until the instance is destroyed.
class Host {
 public:
  virtual ~Host() = default;

  /// The instance's name in the YAML, unique; the plugin's id where it is used once. Thread role: any.
  virtual std::string_view instance() const noexcept = 0;
  /// `data_dir` of the configuration, absolute, existing, private to the host's user. Thread role: any.
  virtual std::string_view data_dir() const noexcept = 0;

  virtual Logger& log() noexcept = 0;               ///< thread role: any
  virtual const Clock& clock() const noexcept = 0;  ///< thread role: any
  virtual Metrics& metrics() noexcept = 0;          ///< thread role: control
  virtual Bus& bus() noexcept = 0;                  ///< registering: control, during `setup`
  virtual Messaging& messaging() = 0;               ///< see there; these throw only in tests that did not give them
  virtual Users& users() = 0;                       ///< see there
  virtual Identity& identity() = 0;                 ///< see there
  virtual Domains& domains() = 0;                   ///< see there
  virtual Inspector& inspector() = 0;               ///< see there
  virtual KeyValues& key_values() = 0;              ///< see there

  /// Runs `work` on the bounded blocking pool. False: the pool is full and `work` was not taken; answer `overloaded`.
  /// Thread role: any.
  virtual bool run_blocking(Function<void()> work) = 0;

  /// Runs `work` on the thread of `caller`, after this turn of its loop: the way back from `run_blocking`. It is
  /// destroyed without a call when the host stops. Thread role: any. A host that does not override it drops everything.
  virtual void post(const Caller& caller, Function<void()> work) { static_cast<void>(caller), static_cast<void>(work); }

  /// Offers a command to the operator, over the control socket; `name` is `<word>.<word>`, and a second taker of it is
  /// refused (std::invalid_argument). `run` is called on a thread that may wait, one call at a time, from `start` on;
  /// when no host runs, a command opens the store, and then there are no I/O threads: use what waits, such as
  /// `KeyValues::read` and `write`. Thread role: control, `setup` only. A host that does not override it has no
  /// commands.
  virtual void command(std::string name, CommandHandler run) { static_cast<void>(name), static_cast<void>(run); }

  /// True when the host is reachable from this machine only: every listener is on a loopback address. Thread role: any.
  virtual bool loopback_only() const noexcept = 0;

  /// True when a client may say who it is without proving it (`identity.trust_header`; never beyond loopback).
  /// Thread role: any.
  virtual bool trusts_user_header() const noexcept = 0;
};

/// Base of all plugins. Derive from one of the interfaces (Storage, Contract, Domain, …), or from this for a plugin
/// that only uses the bus. Thread role of every function here: control; one call at a time.
///
/// create → options → configure → setup → (freeze) → start → running → stop → destroy
///
/// One library may be instantiated several times under different names: no globals, no static state.
class Plugin {
 public:
  virtual ~Plugin() = default;

  /// Declares the options. They are filled in from the YAML before `configure`. No effects.
  virtual void options(OptionTable&) {}

  /// Checks what the table cannot: options that depend on each other. No I/O: `loft check` runs this on any machine.
  /// An error names the option and the remedy in `detail`; `reason` is the option's name, so that the host can point at
  /// its line.
  virtual Result<void> configure() { return {}; }

  /// The only time to register handlers, marks, metrics. May throw std::exception: the start fails with its text.
  virtual void setup(Host&) {}

  /// Begin to work: open files, connect. May throw std::exception; `stop` is called then too.
  virtual void start() {}

  /// End all work before returning; `deadline` is in `Clock::steady` milliseconds. Also called after a `start` that
  /// failed half-way. Plugins stop in the reverse order of their start. One that overruns is named in the log and left
  /// behind.
  virtual void stop(Millis deadline) noexcept { static_cast<void>(deadline); }
};

}  // namespace loft
