// `loft push …`: asks the host, or the store itself, and prints the answer.
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <loft/iso_time.hpp>
#include <loft/json.hpp>
#include <loft/mail_address.hpp>
#include <loft/utf8.hpp>

#include "cli/actions.hpp"
#include "config/scalars.hpp"
#include "net/clock.hpp"

namespace loft::cli {
namespace {

std::string text(const json::Value& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->text().value_or(std::string(value->raw())) : std::string();
}

Millis time(const json::Value& object, std::string_view key) {
  const auto value = object.find(key);
  return value ? value->integer().value_or(0) : 0;
}

std::string when(Millis at) { return at == 0 ? "-" : iso(at, 3); }

/// `msg_123` is how some contracts write message 123.
std::optional<std::uint64_t> message_number(std::string_view word) {
  if (word.starts_with("msg_")) word.remove_prefix(4);
  const auto parsed = json::parse(word);
  const auto number = parsed ? parsed->integer() : std::nullopt;
  if (!number || *number <= 0) return std::nullopt;
  return static_cast<std::uint64_t>(*number);
}

/// Who asks, for the story of what is replayed: whoever became root by sudo is known by its own name.
std::string asker(const std::map<std::string, std::string>& environment) {
  const auto sudo = environment.find("SUDO_USER");
  std::string name = sudo == environment.end() ? "" : sudo->second;
  if (name.empty()) {
    passwd entry{}, *found = nullptr;
    std::array<char, 4096> text{};
    if (::getpwuid_r(::geteuid(), &entry, text.data(), text.size(), &found) == 0 && found != nullptr)
      name = found->pw_name;
  }
  if (name.empty()) name = "uid " + std::to_string(::geteuid());
  const bool plain = std::all_of(name.begin(), name.end(), [](unsigned char c) { return c > 0x20 && c < 0x7F; });
  return plain && name.size() <= 64 ? name : "uid " + std::to_string(::geteuid());
}

void print_push(std::ostream& out, const json::Value& push) {
  out << text(push, "message") << "  " << text(push, "user") << "  " << text(push, "state");
  if (const auto reason = text(push, "reason"); !reason.empty()) out << "  " << reason;
  out << "  attempts " << text(push, "attempts");
  if (text(push, "state") == "owed")
    out << "  due " << when(time(push, "due"));
  else
    out << "  since " << when(time(push, "finished"));
  out << "\n";
}

}  // namespace

/// Nullopt after saying what is wrong.
std::optional<json::Value> Actions::push_answer(std::string_view command, const std::string& arguments, int& exit) {
  auto loaded = configuration(exit);
  if (!loaded) return std::nullopt;
  auto answer = ask(*loaded, command, arguments);
  if (!answer) {
    exit = answer.error().reason == "user.unknown" ? unknown_user() : fail(answer.error());
    return std::nullopt;
  }
  answer_ = std::move(*answer);
  auto object = json::parse(answer_);
  if (!object) {
    exit = fail({Code::internal, "control.malformed", "the host's answer is damaged"});
    return std::nullopt;
  }
  exit = success;
  if (!words_.json) return *object;
  out_ << answer_ << "\n";
  return std::nullopt;
}

int Actions::push_status() {
  int exit = success;
  const auto status = push_answer("push.status", "{}", exit);
  if (!status) return exit;
  const auto enabled = status->find("enabled");
  out_ << "push is " << (enabled && enabled->boolean() == true ? "on" : "off: set push.enabled") << "\n";
  if (const auto ledger = status->find("ledger"); ledger && ledger->boolean() == false)
    out_ << "the storage cannot keep pushes\n";
  if (const auto channels = status->find("channels")) {
    channels->elements([&](const json::Value& channel) {
      out_ << text(channel, "channel") << " (" << text(channel, "plugin") << "): " << text(channel, "state");
      if (const auto reason = text(channel, "reason"); !reason.empty())
        out_ << ", " << reason << ", for another " << text(channel, "rests_ms") << " ms";
      out_ << "; " << text(channel, "in_flight") << " of " << text(channel, "window") << " under way\n";
      return true;
    });
  }
  if (const auto pushes = status->find("pushes")) {
    pushes->members([&](const json::Value& state, const json::Value& rows) {
      out_ << state.text().value_or("") << ": " << rows.raw() << "\n";
      return true;
    });
  }
  if (const auto next = text(*status, "next_due_ms"); !next.empty()) out_ << "next due in " << next << " ms\n";
  return success;
}

int Actions::push_dead() { return list_pushes("dead"); }
int Actions::push_list() { return list_pushes(words_.state); }

int Actions::list_pushes(const std::string& state) {
  if (!words_.handle.empty() && !names_a_user()) return usage;
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("limit").number(words_.limit);
  if (!state.empty()) w.key("state").string(state);
  if (!words_.handle.empty()) w.key("user").string(words_.handle);
  w.end_object();
  int exit = success;
  const auto found = push_answer("push.list", arguments, exit);
  if (!found) return exit;
  if (const auto pushes = found->find("pushes")) {
    pushes->elements([&](const json::Value& push) {
      print_push(out_, push);
      return true;
    });
  }
  if (const auto more = found->find("more"); more && more->boolean() == true) out_ << "… and more; see --limit\n";
  return success;
}

std::optional<std::string> Actions::one_push() {
  const auto number = message_number(words_.message);
  if (!number) {
    err_ << "loft: '" << words_.message << "' is not a message's number; write digits, or msg_ and digits\n";
    return std::nullopt;
  }
  if (!names_a_user()) return std::nullopt;
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("message").number(*number).key("user").string(words_.handle);
  w.key("by").string(asker(environment_)).end_object();
  return arguments;
}

int Actions::push_why() {
  const auto arguments = one_push();
  if (!arguments) return usage;
  int exit = success;
  const auto why = push_answer("push.why", *arguments, exit);
  if (!why) return exit;
  if (const auto story = why->find("story")) {
    story->elements([&](const json::Value& event) {
      out_ << when(time(event, "time")) << "  " << text(event, "what");
      if (const auto detail = text(event, "detail"); !detail.empty()) out_ << "  " << detail;
      out_ << "\n";
      return true;
    });
  }
  if (const auto more = why->find("more"); more && more->boolean() == true)
    out_ << "… and more answers of providers than are told here\n";
  return success;
}

int Actions::push_dry_run() {
  const auto arguments = one_push();
  if (!arguments) return usage;
  int exit = success;
  const auto would = push_answer("push.dry-run", *arguments, exit);
  if (!would) return exit;
  const auto yes = would->find("would_send");
  out_ << (yes && yes->boolean() == true ? "would be sent" : "would not be sent: " + text(*would, "reason")) << "\n";
  if (const auto all = would->find("notifications")) {
    all->elements([&](const json::Value& one) {
      out_ << text(one, "channel") << " device " << text(one, "device") << " (" << text(one, "token") << ")";
      if (const auto served = one.find("channel_enabled"); served && served->boolean() == false)
        out_ << ", whose channel is off";
      out_ << ": " << text(one, "title") << " / " << text(one, "body") << " / badge " << text(one, "badge") << "\n";
      return true;
    });
  }
  return success;
}

int Actions::push_replay() {
  const bool all = words_.all;
  if (all == !words_.message.empty()) {
    err_ << "loft: name a MESSAGE and a USER, or say --all\n";
    return usage;
  }
  if (!all) {
    const auto arguments = one_push();
    if (!arguments) return usage;
    int exit = success;
    if (push_answer("push.replay", *arguments, exit)) out_ << "replayed\n";
    return exit;
  }
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  std::uint64_t replayed = 0;
  std::string after;
  for (bool more = true; more;) {
    std::string arguments;
    json::Writer w(arguments);
    w.object().key("all").boolean(true).key("by").string(asker(environment_));
    if (!words_.reason.empty()) w.key("reason").string(words_.reason);
    if (!after.empty()) w.key("after").raw(after);
    w.end_object();
    const auto answer = ask(*loaded, "push.replay", arguments);
    if (!answer) return fail(answer.error(), std::to_string(replayed) + " were replayed: ");
    const auto page = json::parse(*answer);
    if (!page) return fail(page.error());
    replayed += static_cast<std::uint64_t>(time(*page, "replayed"));
    const auto flag = page->find("more");
    more = flag && flag->boolean() == true;
    if (const auto place = page->find("after")) after = place->raw();
  }
  if (words_.json)
    out_ << "{\"replayed\":" << replayed << "}\n";
  else
    out_ << "replayed " << replayed << "\n";
  return success;
}

int Actions::push_device(std::string_view act, std::string_view more) {
  if (!words_.handle.empty() && !names_a_user()) return usage;
  std::string arguments = "{\"act\":\"" + std::string(act) + "\"";
  if (!words_.handle.empty()) {
    arguments += ",\"user\":";
    json::append_string(arguments, words_.handle);
  }
  arguments.append(more).append("}");
  int exit = success;
  const auto answer = push_answer("push.device", arguments, exit);
  if (!answer) return exit;
  if (const auto devices = answer->find("devices")) {
    devices->elements([&](const json::Value& device) {
      out_ << text(device, "id") << "  " << text(device, "user") << "  " << text(device, "channel") << "  "
           << text(device, "token") << "  " << text(device, "platform") << "  registered "
           << when(time(device, "registered")) << "  last success " << when(time(device, "last_success"));
      if (const auto failure = text(device, "failure"); !failure.empty()) out_ << "  fails: " << failure;
      out_ << "\n";
      return true;
    });
    if (const auto flag = answer->find("more"); flag && flag->boolean() == true) out_ << "… and more; name a user\n";
  } else if (act == "add") {
    out_ << "added device " << text(*answer, "id") << "\n";
  } else {
    out_ << "removed device " << text(*answer, "removed") << "\n";
  }
  return success;
}

int Actions::push_device_list() { return push_device("list", ""); }

int Actions::push_device_remove() { return push_device("remove", ",\"id\":" + std::to_string(words_.device)); }

int Actions::push_device_add() {
  std::string more;
  const std::pair<const char*, const std::string*> members[] = {
      {"channel", &words_.channel}, {"token", &words_.token_text}, {"platform", &words_.platform},
      {"app", &words_.app},         {"locale", &words_.locale},    {"client", &words_.client}};
  for (const auto& [name, value] : members) {
    if (!utf8::valid(*value)) {
      err_ << "loft: " << name << " is not UTF-8\n";
      return usage;
    }
    more += std::string(",\"") + name + "\":";
    json::append_string(more, *value);
  }
  return push_device("add", more);
}

int Actions::user_email() {
  if (!names_a_user()) return usage;
  if (words_.remove && !words_.address.empty()) {
    err_ << "loft: name an ADDRESS or say --remove, not both\n";
    return usage;
  }
  if (!words_.address.empty() && !(utf8::valid(words_.address) && is_mail_address(words_.address))) {
    err_ << "loft: '" << words_.address << "' is not a mail address; write one of the form name@example.org\n";
    return usage;
  }
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("user").string(words_.handle);
  if (words_.remove || !words_.address.empty()) w.key("address").string(words_.address);
  w.end_object();
  int exit = success;
  const auto answer = push_answer("push.email", arguments, exit);
  if (!answer) return exit;
  const auto address = text(*answer, "address");
  out_ << (address.empty() ? "no address" : address) << "\n";
  return success;
}

int Actions::push_mute() {
  if (!names_a_user()) return usage;
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("user").string(words_.handle);
  if (words_.conversation) w.key("conversation").number(*words_.conversation);
  if (words_.remove) w.key("off").boolean(true);
  if (!words_.mute_for.empty()) {
    const auto length = config::parse_duration(words_.mute_for);
    if (!length.wrong.empty()) {
      err_ << "loft: --for '" << words_.mute_for << "' " << length.wrong << "\n";
      return usage;
    }
    w.key("until").number(SystemClock().now() + length.value);
  }
  w.end_object();
  int exit = success;
  const auto answer = push_answer("push.mute", arguments, exit);
  if (!answer) return exit;
  if (const auto muted = answer->find("muted")) {
    muted->elements([&](const json::Value& one) {
      const auto until = time(one, "until");
      out_ << "muted: conversation " << text(one, "conversation") << (until == 0 ? "" : " until " + when(until))
           << "\n";
      return true;
    });
  }
  return success;
}

Result<std::vector<std::pair<std::string, Result<void>>>> HostCommands::check_push(Loaded&) {
  return std::vector<std::pair<std::string, Result<void>>>();
}

int Actions::check_online(Loaded& loaded) {
  if (words_.online != "push") {
    err_ << "loft: --online takes push\n";
    return usage;
  }
  const auto answers = host_.check_push(loaded);
  if (!answers) return fail(answers.error());
  if (answers->empty()) out_ << "no push channel is enabled\n";
  bool good = true;
  for (const auto& [channel, answer] : *answers) {
    out_ << "push." << channel << ": ";
    if (answer)
      out_ << "its provider takes the credentials\n";
    else
      out_ << (answer.error().detail.empty() ? answer.error().reason : answer.error().detail) << "\n";
    good = good && answer.ok();
  }
  return good ? success : refused;
}

/// Becomes the program that stands beside this one.
int Actions::push_simulate() {
  const auto program = std::filesystem::canonical("/proc/self/exe").replace_filename("loft-push-simulate").string();
  auto words = words_.rest;
  words.insert(words.begin(), "loft push simulate");
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  out_.flush();
  ::execv(program.c_str(), argv.data());
  err_ << "loft: " << program << " cannot be run: " << std::generic_category().message(errno)
       << "; it is installed beside loft\n";
  return unavailable;
}

}  // namespace loft::cli
