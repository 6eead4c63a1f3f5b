// Smaller services of the runtime: the files with certificates and keys that a configuration names, plugins' commands,
// levels of the log.
#include "host/runtime.hpp"
#include "host/trust.hpp"
#include "net/tls.hpp"

namespace loft {

void Runtime::check_files() {
  if (auto why = log_file_problem(settings_.log.file); !why.empty()) note(document_.root().option("log.file"), why);
  for (const auto& listener : settings_.listeners) {
    if (listener.tls_certificate.empty() || listener.tls_key.empty()) continue;
    const auto loaded = net::TlsContext::load(listener.tls_certificate, listener.tls_key);
    if (!loaded) note(listener.place.option("tls"), loaded.error().detail);
  }
  identity::KeyRing scratch;
  static_cast<void>(trust(settings_.jwt.keys, scratch,
                          [](const config::Node& place, std::string text) { place.problem(std::move(text)); }));
}

/// Before anybody can connect.
void Runtime::trust_keys() {
  std::vector<config::Problem> problems;
  auto [published, files] =
      trust(settings_.jwt.keys, identity_->ring(),
            [&](const config::Node& place, const std::string& text) { problems.push_back(place.describe(text)); });
  if (!problems.empty()) throw ConfigError(config::format(problems));
  key_files_ = std::move(files);
  if (published.empty()) return;
  jwks_ = std::make_unique<identity::JwksWatch>(std::move(published), identity_->ring(), log_system_.logger("identity"),
                                                *metrics_);
  identity_->ring().on_unknown([this] { jwks_->unknown(); });
}

void Runtime::read_keys_again() { read_again(key_files_, identity_->ring(), log_system_.logger("identity")); }

/// A push channel is known by one word to the YAML, to devices and to its plugin.
void Runtime::set_up_push() {
  const auto& push = settings_.push;
  if (push.enabled && !push_->has_ledger()) {
    note(push.place, "needs a storage that keeps what is owed, and " + settings_.storage.id +
                         " does not; choose another `storage`, or turn push off");
  }
  for (const auto& [word, plugin] : push.channels) {
    if (plugin.id.empty()) continue;  // that is found already
    auto& channel = plugins_->as<Push>(plugin.instance, "a push channel");
    if (channel.channel() != word) {
      note(plugin.place, "push." + word + ": " + plugin.id + " is the channel '" + std::string(channel.channel()) +
                             "'; write push." + std::string(channel.channel()));
    }
    push_->add(word, plugin.id, channel);
  }
}

std::vector<std::pair<std::string, Result<void>>> Runtime::verify_push() {
  std::vector<std::pair<std::string, Result<void>>> answers;
  for (const auto& [word, plugin] : settings_.push.channels)
    answers.emplace_back(word, plugins_->as<Push>(plugin.instance, "a push channel").verify());
  return answers;
}

Result<UserPtr> Runtime::find_user(const UserRef& ref) {
  auto user = core_->directory().load(ref);
  if (user && is_erased(**user)) return unknown_user();
  return user;
}

Result<std::string> Runtime::run_command(std::string_view command, std::string_view arguments) {
  const auto found = commands_.find(command);
  if (found == commands_.end())
    return Error{Code::not_found, "control.unknown_command", "there is no command " + std::string(command)};
  return found->second(arguments);
}

void Runtime::set_log_levels(const config::Settings& fresh) {
  LogLevels levels;
  levels.standard = fresh.log.level;
  for (const auto& [name, level] : fresh.log.levels) levels.by_name[name] = level;
  log_system_.set_levels(std::move(levels));
  if (!log_system_.reopen()) log_.warn("the log file could not be opened anew; the old one stays in use");
}

}  // namespace loft
