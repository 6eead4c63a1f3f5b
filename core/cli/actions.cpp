#include "cli/actions.hpp"

#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include <loft/json.hpp>
#include <loft/utf8.hpp>

#include "config/scalars.hpp"
#include "control/control.hpp"
#include "control/lock.hpp"
#include "host/version.hpp"
#include "identity/jwt.hpp"
#include "net/clock.hpp"

namespace loft::cli {
namespace {

constexpr Millis patience = 30'000;
constexpr const char* places[] = {"./config/loft.yaml", "/etc/loft/loft.yaml"};

std::string text(const json::Value& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->text().value_or(std::string(value->raw())) : std::string();
}

Error not_utf8() { return {Code::invalid, "user.handle_invalid", "the handle is not UTF-8"}; }

/// A host that nobody can reach is no host. Often an unclosed quote has swallowed the rest of the file.
void check_listeners(const Loaded& loaded, std::vector<config::Problem>& problems) {
  if (!loaded.settings.listeners.empty()) return;
  const auto node = loaded.document->root()["listeners"];
  problems.push_back(node.describe(
      std::string(node.present() ? "is empty" : "is missing") +
      ": nobody could connect; name at least one, such as [{name: web, listen: 127.0.0.1:8080, contracts: [im]}]" +
      (node.present() ? ""
                      : "; if the file has listeners, look above them for a quote or a bracket that is not closed")));
}

void pad(std::ostream& out, std::string_view cell, std::size_t width) {
  out << cell;
  for (auto i = cell.size(); i < width + 2; ++i) out << ' ';
}

}  // namespace

int exit_code(const Error& error) noexcept {
  if (error.reason == "lock.held") return lock_held;
  if (error.reason == "config.problems") return bad_config;
  if (error.reason == "storage.corrupt") return refused;  // of what is stored, not of the program
  switch (error.code) {
    case Code::unavailable:
    case Code::overloaded:
      return unavailable;
    case Code::internal:
      return internal;
    default:
      return refused;
  }
}

Loaded load(config::Sources sources) {
  Loaded loaded;
  loaded.document = config::Document::load(sources);
  loaded.settings = config::read_settings(*loaded.document);
  loaded.sources = std::move(sources);
  return loaded;
}

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> environment;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each) {
    const std::string_view line = *each;
    const auto equals = line.find('=');
    if (equals != std::string_view::npos) environment.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return environment;
}

std::string Actions::config_file() const {
  if (!words_.config.empty()) return words_.config;
  std::error_code ignored;
  for (const char* place : places) {
    if (std::filesystem::exists(place, ignored)) return place;
  }
  return {};
}

int Actions::fail(const Error& error, std::string_view doing) {
  err_ << "loft: " << doing << (error.detail.empty() ? error.reason : error.detail) << "\n";
  return exit_code(error);
}

int Actions::report(const std::vector<config::Problem>& problems) {
  err_ << config::format(problems);
  err_ << "loft: " << problems.size() << (problems.size() == 1 ? " problem" : " problems") << " in the configuration\n";
  return bad_config;
}

std::optional<Loaded> Actions::configuration(int& exit) {
  const auto file = config_file();
  if (file.empty()) {
    err_ << "loft: no configuration: neither " << places[0] << " nor " << places[1]
         << " exists; name one with --config FILE, or begin with `loft config default > loft.yaml`\n";
    exit = bad_config;
    return std::nullopt;
  }
  auto loaded = load({file, words_.set, environment_});
  if (loaded.document->problems().empty()) return loaded;
  exit = report(loaded.document->problems());
  return std::nullopt;
}

int Actions::serve() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  auto found = config::check_exposure(loaded->settings);
  check_listeners(*loaded, found);
  if (!found.empty()) return report(found);
  return host_.serve(*loaded);
}

/// Unlike the other commands, goes on after problems of the host's sections: all at once is its purpose.
int Actions::check() {
  const auto file = config_file();
  int exit = success;
  if (file.empty()) return configuration(exit), exit;
  auto loaded = load({file, words_.set, environment_});
  host_.check(loaded);
  auto problems = loaded.document->problems();
  const auto exposed = config::check_exposure(loaded.settings);
  problems.insert(problems.end(), exposed.begin(), exposed.end());
  if (problems.empty()) check_listeners(loaded, problems);
  if (!problems.empty()) return report(problems);
  out_ << file << " is fine: " << loaded.settings.listeners.size() << " listener(s), "
       << loaded.settings.contracts.size() << " contract(s), " << loaded.settings.storage.id << "\n";
  return words_.online.empty() ? static_cast<int>(success) : check_online(loaded);
}

Result<std::string> Actions::ask(Loaded& loaded, std::string_view command, const std::string& arguments) {
  const auto& settings = loaded.settings;
  auto answer = control::control_call(settings.data_dir, command, arguments, patience);
  if (answer || answer.error().reason != "control.no_host") return answer;
  auto lock = control::StoreLock::take(settings.data_dir, true);
  if (!lock) return lock.error();
  auto users = host_.open_users(loaded);
  if (!users) return users.error();
  const SystemClock clock;
  const JwtIdentity identity(settings.jwt.secret, settings.jwt.issuer, settings.jwt.leeway, clock);
  return run_user_command(**users, identity, command, arguments);
}

int Actions::user_add() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  if (!utf8::valid(words_.handle)) return fail(not_utf8());
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("handle").string(words_.handle);
  if (words_.uid) w.key("uid").number(*words_.uid);
  if (!words_.uuid.empty()) w.key("uuid").string(words_.uuid);
  w.end_object();
  const auto answer = ask(*loaded, "user.add", arguments);
  if (!answer && answer.error().reason == "user.taken")
    return fail(answer.error(), "cannot add " + words_.handle + ": ");
  if (!answer) return fail(answer.error());
  if (words_.json) {
    out_ << *answer << "\n";
    return success;
  }
  const auto user = json::parse(*answer);
  if (!user) return fail(user.error());
  out_ << "added " << text(*user, "handle") << ": uid " << text(*user, "uid") << ", uuid " << text(*user, "uuid")
       << "\n";
  return success;
}

int Actions::user_list() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  std::string after = "0";
  std::string all;
  for (bool more = true; more;) {
    const auto answer = ask(*loaded, "user.list", "{\"after\":" + after + "}");
    if (!answer) return fail(answer.error());
    const auto page = json::parse(*answer);
    if (!page) return fail(page.error());
    const auto flag = page->find("more");
    const auto users = page->find("users");
    more = flag && flag->boolean() == true;
    if (!users) break;
    users->elements([&](const json::Value& user) {
      after = text(user, "uid");
      if (words_.json) {
        all += (all.empty() ? "" : ",") + std::string(user.raw());
      } else {
        pad(out_, after, 16);
        pad(out_, text(user, "uuid"), 36);
        out_ << text(user, "handle") << "\n";
      }
      return true;
    });
  }
  if (words_.json) out_ << "[" << all << "]\n";
  return success;
}

int Actions::plugins_list() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  const auto found = host_.plugins(*loaded);
  if (!found) return fail(found.error());
  std::string out;
  json::Writer w(out);
  w.array();
  for (const auto& plugin : *found) {
    if (!words_.json) {
      pad(out_, plugin.id, 24);
      pad(out_, plugin.version, 8);
      pad(out_, !plugin.problem.empty() ? "broken" : plugin.instances.empty() ? "-" : "used", 6);
      out_ << (plugin.problem.empty() ? plugin.description : plugin.problem) << "\n";
      continue;
    }
    w.object().key("id").string(plugin.id).key("version").string(plugin.version);
    w.key("description").string(plugin.description).key("file").string(plugin.file).key("instances").array();
    for (const auto& instance : plugin.instances) w.string(instance);
    w.end_array().key("problem").string(plugin.problem).end_object();
  }
  w.end_array();
  if (words_.json) out_ << out << "\n";
  return success;
}

int Actions::plugins_show() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  const auto found = host_.plugins(*loaded);
  if (!found) return fail(found.error());
  std::vector<std::string> ids;
  for (const auto& plugin : *found) {
    ids.push_back(plugin.id);
    if (plugin.id != words_.plugin) continue;
    out_ << plugin.id << " " << plugin.version << "\n" << plugin.description << "\n" << plugin.file << "\n";
    for (const auto& instance : plugin.instances) out_ << "used as " << instance << "\n";
    if (!plugin.problem.empty()) out_ << "cannot be loaded: " << plugin.problem << "\n";
    const auto sections = host_.reference(*loaded);
    if (!sections) return fail(sections.error());
    for (const auto& section : *sections) {
      if (section.title == plugin.id && section.table != nullptr) out_ << "\n" << config::reference(*section.table);
    }
    return success;
  }
  const auto near = config::nearest(words_.plugin, ids);
  err_ << "loft: there is no plugin " << words_.plugin << " in the plugin path"
       << (near.empty() ? "; `loft plugins list` shows what is" : "; did you mean " + near + "?") << "\n";
  return refused;
}

int Actions::plugins_chain() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  const auto chain = host_.chain(*loaded);
  if (!chain) return fail(chain.error());
  std::string out;
  json::Writer w(out);
  w.array();
  for (const auto& entry : *chain) {
    if (!words_.json) {
      pad(out_, entry.event, 24);
      pad(out_, entry.stage, 10);
      out_ << entry.instance << "\n";
      continue;
    }
    w.object().key("event").string(entry.event).key("stage").string(entry.stage);
    w.key("instance").string(entry.instance).end_object();
  }
  w.end_array();
  if (words_.json) out_ << out << "\n";
  return success;
}

/// Works without a configuration file: it is about what can be written into one.
int Actions::config_reference() {
  auto loaded = load({config_file(), words_.set, environment_});
  const auto sections = host_.reference(loaded);
  if (!sections) return fail(sections.error());
  out_ << config::render_reference(*sections);
  return success;
}

int Actions::config_default() {
  out_ << default_config();
  return success;
}

int Actions::version() {
  out_ << "loft " << loft::version() << "\n";
  return success;
}

}  // namespace loft::cli
