// Acme:Poll, a message with a question and choices.
#include <loft/domain.hpp>
#include <loft/json.hpp>

namespace {

class Poll final : public loft::Domain {
 public:
  void options(loft::OptionTable& table) override {
    table.size("max_bytes", spec_.max_bytes, "The largest poll.").range(64, 65536);
  }

  std::span<const loft::DomainSpec> domains() const override { return {&spec_, 1}; }

  loft::Result<void> check(std::size_t, loft::Bytes content, std::string&) const override {
    const auto poll = loft::json::parse(content);
    if (!poll) return poll.error();
    if (!question(*poll)) return loft::Error{loft::Code::invalid, "content.invalid", "question must be a string"};
    return {};
  }

  void preview(std::size_t, loft::Bytes content, loft::Locale, std::string& out) const override {
    const auto poll = loft::json::parse(content);
    out += "[poll] " + (poll ? question(*poll).value_or("") : "");
  }

 private:
  static std::optional<std::string> question(const loft::json::Value& poll) {
    const auto value = poll.find("question");
    return value ? value->text() : std::nullopt;
  }

  loft::DomainSpec spec_{"Acme:Poll", R"({"type":"object","required":["question"]})", false, 4096};
};

}  // namespace

LOFT_PLUGIN(Poll, "domain.acme_poll", "1.0.0", "Polls by Acme")
