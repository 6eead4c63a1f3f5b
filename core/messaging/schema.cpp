#include "messaging/schema.hpp"

#define VALIJSON_USE_EXCEPTIONS 1
#include <boost/json.hpp>
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

namespace loft {
namespace {

using Adapter = valijson::adapters::BoostJsonAdapter;

class Compiled final : public Schema {
 public:
  explicit Compiled(const boost::json::value& text) { valijson::SchemaParser().populateSchema(Adapter(text), schema_); }

  Result<void> check(Bytes content) const override {
    boost::json::error_code failed;
    const auto value = boost::json::parse({content.data(), content.size()}, failed);
    if (failed) return Error{Code::invalid, "content.invalid", "the content is not valid JSON"};
    valijson::Validator validator;
    valijson::ValidationResults results;
    if (validator.validate(schema_, Adapter(value), &results)) return {};
    valijson::ValidationResults::Error first;
    std::string detail = "the content does not fit its domain's schema";
    if (results.popError(first)) {
      std::string place;
      for (const auto& step : first.context) place += step;
      detail = place + ": " + first.description;
    }
    return Error{Code::invalid, "content.invalid", std::move(detail)};
  }

 private:
  valijson::Schema schema_;
};

}  // namespace

Result<std::unique_ptr<Schema>> Schema::compile(std::string_view text) {
  try {
    return std::unique_ptr<Schema>(std::make_unique<Compiled>(boost::json::parse({text.data(), text.size()})));
  } catch (const std::exception& e) {
    return Error{Code::invalid, "schema.broken", e.what()};
  }
}

}  // namespace loft
