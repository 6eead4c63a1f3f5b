#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <chrono>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

#include <loft/json.hpp>
#include <loft/testing/state.hpp>
#include <loft/utf8.hpp>

#include "grade/checks.hpp"
#include "grade/trial.hpp"
#include "messaging/domain_table.hpp"

namespace loft::grade {
namespace {

using Kind = Finding::Kind;

/// A plugin's domains as the host knows them. `trial` outlives it.
struct Known {
  DomainTable table;
  std::vector<std::string> names;
};

/// Null: the plugin is no domain. Throws where the host would refuse it.
std::unique_ptr<Known> know(Trial& trial) {
  auto* domain = trial.as<Domain>();
  if (domain == nullptr) return nullptr;
  auto known = std::make_unique<Known>();
  if (auto added = known->table.add(*domain); !added) throw std::runtime_error(added.error().detail);
  for (const auto& spec : domain->domains()) known->names.push_back(spec.name);
  return known;
}

/// Configured and set up; what keeps it from that.
std::string prepare(Trial& trial) {
  if (const auto taken = trial.plugin().configure(); !taken) return "it needs options: " + taken.error().detail;
  trial.plugin().setup(trial.host);
  trial.host.freeze();
  return {};
}

std::vector<std::string> contents() {
  std::string deep = "{\"a\":", end;
  for (int i = 0; i < 60; ++i) deep += "[", end += "]";
  return {"{}",
          R"({"text":"hello"})",
          R"({"text":null,"title":5,"url":{},"options":"x"})",
          R"({"text":"\u0000\n\ud83d\ude00","title":"\u202e"})",
          R"({"a":1,"a":2})",
          "{\"text\":\"" + std::string(60'000, 'x') + "\"}",
          deep + end + "}"};
}

/// What a preview must be: one line of UTF-8 that fits a notification.
std::string wrong_with_preview(const std::string& line) {
  if (line.empty()) return "is empty";
  if (!utf8::valid(line)) return "is not UTF-8";
  if (line.size() > 1000) return "has " + std::to_string(line.size()) + " bytes";
  if (std::any_of(line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return "has line breaks or control characters";
  return {};
}

struct Answer {
  bool taken = false;
  std::string normal, refusal, preview;
  bool operator==(const Answer&) const = default;
};

Answer ask(const DomainTable& table, const std::string& name, const std::string& content) {
  Answer answer;
  const auto checked = table.find(name)->check(content, answer.normal);
  answer.taken = checked.ok();
  if (!checked) answer.refusal = checked.error().reason + ": " + checked.error().detail;
  if (checked) table.preview(name, answer.normal.empty() ? content : answer.normal, "en", answer.preview);
  return answer;
}

Findings look_at(const DomainTable& table, const std::string& name) {
  Findings found;
  const auto bad = [&](const std::string& why) { found.push_back({"domains: " + name, Kind::bad, why}); };
  double slowest = 0;
  for (const auto& content : contents()) {
    const auto shown = content.substr(0, 60);
    const auto begin = std::chrono::steady_clock::now();
    const auto answer = ask(table, name, content);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    slowest = std::max(slowest, took.count());
    if (!answer.taken && answer.refusal.starts_with(": ")) bad("refuses " + shown + " without a reason");
    if (!answer.taken) continue;
    if (const auto why = wrong_with_preview(answer.preview); !why.empty()) bad("the preview of " + shown + " " + why);
    if (answer.normal.empty()) continue;
    const auto again = ask(table, name, answer.normal);
    if (!again.taken || !(again.normal.empty() || again.normal == answer.normal))
      bad("the form that `check` gives " + shown + " is changed or refused when it is checked again");
  }
  if (slowest > 50'000)
    bad("one content takes " + std::to_string(std::llround(slowest)) + " µs, and an I/O thread waits for it");
  return found;
}

/// `check` and `preview` are called by several threads at once, and must answer as one alone does.
Findings look_from_threads(const DomainTable& table, const std::string& name) {
  const auto all = contents();
  std::vector<Answer> alone;
  for (const auto& content : all) alone.push_back(ask(table, name, content));
  std::array<bool, 4> same{};
  std::vector<std::thread> threads;
  for (auto& mine : same) {
    threads.emplace_back([&] {
      mine = true;
      for (int round = 0; round < 50; ++round) {
        for (std::size_t i = 0; i < all.size(); ++i) mine = mine && ask(table, name, all[i]) == alone[i];
      }
    });
  }
  for (auto& thread : threads) thread.join();
  if (std::all_of(same.begin(), same.end(), [](bool each) { return each; })) return {};
  return {{"domains: " + name, Kind::bad,
           "answers differently when four threads ask at once; `check` and `preview` must keep no state"}};
}

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) throw std::runtime_error(path + " cannot be read");
  return text.str();
}

std::string text_of(const json::Value& value, const char* name) {
  const auto found = value.find(name);
  return found ? found->text().value_or("") : std::string();
}

/// The order of members and blanks do not count.
bool same_json(Bytes a, Bytes b) {
  return boost::json::parse({a.data(), a.size()}) == boost::json::parse({b.data(), b.size()});
}

/// Who has sent the message that acts are about.
constexpr const char* author = "author";

/// One step of `acts`; what is wrong with it, empty for nothing.
std::string look_at_act(const DomainTable& table, const Message& message, PluginState& state, const json::Value& each) {
  const auto name = text_of(each, "action");
  const auto* row = table.find_action(action_name(message.domain, name));
  if (row == nullptr) return "'" + name + "' is no action of " + message.domain;
  User actor;
  actor.handle = text_of(each, "by").empty() ? author : text_of(each, "by");
  actor.id = actor.handle == author ? message.sender : UserId{2 + std::hash<std::string>()(actor.handle) % 1'000'000};
  const Conversation conversation;
  const auto arguments = each.find("arguments");
  const std::string given(arguments ? arguments->raw() : "{}");
  Action action{actor, message, conversation, given, state, {}, {}, {}};
  auto done = row->schema->check(given);
  if (done) done = row->domain->plugin->act(row->domain->index, row->index, action);
  const auto said = done ? std::string() : done.error().reason + ": " + done.error().detail;
  if (const auto refused = each.find("refused")) {
    if (done) return name + " is done, and should be refused";
    const auto wanted = refused->text().value_or("");
    return said.find(wanted) != std::string::npos ? "" : name + " is refused with '" + said + "'";
  }
  if (!done) return name + " is refused: " + said;
  if (action.answer.empty()) action.answer = "{}";
  if (const auto answer = each.find("answer"); answer && !same_json(action.answer, answer->raw()))
    return name + " answers " + action.answer;
  if (const auto told = each.find("told"); told && !same_json(action.told.empty() ? "null" : action.told, told->raw()))
    return name + " tells " + action.told;
  const auto reply = each.find("reply");
  if (reply && (!action.reply || !same_json(action.reply->content, reply->raw())))
    return name + (action.reply ? " replies " + action.reply->content : " sends no reply");
  return {};
}

/// Acts on one message, one after another, on a state that begins empty.
std::vector<std::string> look_at_acts(const DomainTable& table, const std::string& name, const std::string& content,
                                      const json::Value& acts) {
  Message message;
  message.id = static_cast<MessageId>(1);
  message.sender = static_cast<UserId>(1);
  message.domain = name;
  message.content = content;
  testing::MapState state;
  std::vector<std::string> wrong;
  std::size_t number = 0;
  acts.elements([&](const json::Value& each) {
    ++number;
    if (auto why = look_at_act(table, message, state, each); !why.empty())
      wrong.push_back("act " + std::to_string(number) + ": " + why);
    return true;
  });
  if (number == 0) wrong.push_back("`acts` is no list of actions");
  return wrong;
}

Finding look_at_case(const Known& known, const json::Value& each, std::size_t number) {
  const auto title = text_of(each, "name");
  Finding finding{"cases: " + (title.empty() ? std::to_string(number) : title), Kind::good, {}};
  const auto bad = [&](const std::string& why) {
    finding.kind = Kind::bad;
    finding.detail += (finding.detail.empty() ? "" : "; ") + why;
  };
  auto name = text_of(each, "domain");
  if (name.empty() && known.names.size() == 1) name = known.names.front();
  const auto content = each.find("content");
  if (known.table.find(name) == nullptr) return bad("'" + name + "' is not a domain of this plugin"), finding;
  if (!content) return bad("it has no `content`"), finding;
  const std::string given(content->raw());
  const auto answer = ask(known.table, name, given);
  if (const auto refused = each.find("refused")) {
    const auto said = refused->text().value_or("");
    if (answer.taken)
      bad("it is taken, and should be refused");
    else if (answer.refusal.find(said) == std::string::npos)
      bad("it is refused with '" + answer.refusal + "', which does not hold '" + said + "'");
    return finding;
  }
  if (!answer.taken) return bad("it is refused: " + answer.refusal), finding;
  if (const auto acts = each.find("acts")) {
    for (const auto& why : look_at_acts(known.table, name, answer.normal.empty() ? given : answer.normal, *acts))
      bad(why);
  }
  const auto& stored = answer.normal.empty() ? given : answer.normal;
  if (const auto normal = each.find("normal"); normal && !same_json(stored, normal->raw()))
    bad("it is stored as " + stored + ", not as " + std::string(normal->raw()));
  if (const auto previews = each.find("preview")) {
    previews->members([&](const json::Value& locale, const json::Value& wanted) {
      std::string line;
      known.table.preview(name, stored, locale.text().value_or(""), line);
      if (line != wanted.text().value_or("")) bad("its preview is '" + line + "'");
      return true;
    });
  }
  return finding;
}

}  // namespace

Findings look_at_domains(const loft_gate& gate) {
  Trial trial(gate);
  if (trial.as<Domain>() == nullptr) return {};
  if (const auto why = prepare(trial); !why.empty()) return {{"domains", Kind::passed_over, why}};
  const auto known = know(trial);
  Findings found;
  for (const auto& name : known->names) {
    auto more = look_at(known->table, name);
    if (more.empty()) more = look_from_threads(known->table, name);
    if (more.empty()) more = {{"domains: " + name, Kind::good, "schema, hostile content, four threads"}};
    found.insert(found.end(), more.begin(), more.end());
  }
  return found;
}

Findings look_at_cases(const loft_gate& gate, const std::string& file) {
  const auto text = read(file);
  const auto cases = json::parse(text);
  if (!cases || !cases->is(json::Type::array)) return {{"cases", Kind::bad, file + " is not a JSON array of cases"}};
  Trial trial(gate);
  if (const auto why = prepare(trial); !why.empty()) return {{"cases", Kind::bad, why}};
  const auto known = know(trial);
  if (known == nullptr) return {{"cases", Kind::bad, "cases are for message domains, and this plugin is none"}};
  Findings found;
  cases->elements([&](const json::Value& each) {
    found.push_back(look_at_case(*known, each, found.size() + 1));
    return true;
  });
  if (found.empty()) found.push_back({"cases", Kind::bad, file + " has no case"});
  return found;
}

}  // namespace loft::grade
