// Hello:Wave, the smallest message domain: `{"to": "…"}`, and one line that says so.
#include <loft/domain.hpp>
#include <loft/json.hpp>

class Hello final : public loft::Domain {
  loft::DomainSpec spec_{"Hello:Wave", R"({"type": "object", "required": ["to"],
                                           "properties": {"to": {"type": "string", "minLength": 1, "maxLength": 50}}})"};

  std::span<const loft::DomainSpec> domains() const override { return {&spec_, 1}; }
  loft::Result<void> check(std::size_t, loft::Bytes, std::string&) const override { return {}; }
  void preview(std::size_t, loft::Bytes content, loft::Locale, std::string& out) const override {
    const auto wave = loft::json::parse(content);
    const auto to = wave ? wave->find("to") : std::nullopt;
    out += "waves to " + (to ? to->text().value_or("") : "");
  }
};

LOFT_PLUGIN(Hello, "domain.hello", "1.0.0", "The message domain Hello:Wave")
