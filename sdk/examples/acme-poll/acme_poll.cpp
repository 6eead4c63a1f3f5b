// Acme:Poll: a question with options. Members vote, change their minds, and ask for the results; who made it closes it.
#include <numeric>
#include <string>
#include <vector>

#include <loft/domain.hpp>
#include <loft/json.hpp>

#include "acme_poll.schema.hpp"
#include "acme_vote.schema.hpp"

namespace {

using namespace loft;

enum Actions : std::size_t { vote, results, close_poll };

class Poll final : public Domain {
 public:
  Poll() { spec_.actions = {{"vote", acme_vote_schema, 100}, {"results"}, {"close"}}; }

  std::span<const DomainSpec> domains() const override { return {&spec_, 1}; }
  Result<void> check(std::size_t, Bytes, std::string&) const override { return {}; }  // the schema says it all

  void preview(std::size_t, Bytes content, Locale locale, std::string& out) const override {
    const auto poll = json::parse(content);
    const auto question = poll ? poll->find("question") : std::nullopt;
    out += locale.starts_with("zh") ? "[投票] " : "[Poll] ";
    if (question) out += question->text().value_or("");
  }

  // What is kept of a poll: `<message>/counts`, how many voted for each option; `<message>/by/<user>`, what a user
  // voted for; `<message>/closed`. The host calls for one conversation at a time, so what is counted stays right.
  Result<void> act(std::size_t, std::size_t action, Action& act) const override {
    const auto poll = std::to_string(raw(act.message.id));
    const auto mine = poll + "/by/" + std::to_string(raw(act.actor.id));
    const bool is_closed = act.state.get(poll + "/closed").has_value();
    auto counts = read_counts(act, act.state.get(poll + "/counts").value_or("[]"));
    if (action != results && is_closed) return Error{Code::conflict, "poll.closed", "the poll is closed"};
    if (action == vote) {
      const auto option = static_cast<std::size_t>(*json::parse(act.arguments)->find("option")->integer());
      if (option >= counts.size()) return Error{Code::invalid, "poll.option", "the poll has no such option"};
      if (const auto before = act.state.get(mine)) --counts[std::stoul(*before)];
      ++counts[option];
      act.state.put(mine, std::to_string(option));
      act.state.put(poll + "/counts", written(counts));
    } else if (action == close_poll) {
      if (act.actor.id != act.message.sender)
        return Error{Code::forbidden, "poll.not_yours", "only who made a poll closes it"};
      act.state.put(poll + "/closed", "true");
      const auto all = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
      act.reply = {"Core:Text", R"({"text":"The poll is closed, with )" + std::to_string(all) + R"( votes."})"};
    }
    act.answer = "{\"votes\":" + written(counts) + (is_closed || action == close_poll ? ",\"closed\":true}" : "}");
    if (action != results) act.told = act.answer;
    return {};
  }

 private:
  static std::vector<std::uint64_t> read_counts(const Action& act, const std::string& stored) {
    std::vector<std::uint64_t> counts;
    const auto add = [&](const json::Value& count) {
      counts.push_back(static_cast<std::uint64_t>(count.integer().value_or(0)));
      return true;
    };
    json::parse(stored)->elements(add);
    std::size_t options = 0;
    json::parse(act.message.content)->find("options")->elements([&](const json::Value&) { return ++options > 0; });
    counts.resize(options);
    return counts;
  }

  static std::string written(const std::vector<std::uint64_t>& counts) {
    std::string out;
    json::Writer w(out);
    w.array();
    for (const auto count : counts) w.number(count);
    w.end_array();
    return out;
  }

  DomainSpec spec_{"Acme:Poll", acme_poll_schema, true, 8192};
};

}  // namespace

LOFT_PLUGIN(Poll, "domain.acme_poll", "1.0.0", "The message domain Acme:Poll: polls with votes")
