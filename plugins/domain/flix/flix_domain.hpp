// The domains `Flix:…` of document 001.
#pragma once

#include <loft/domain.hpp>

namespace loft::flix_domain {

/// Their order is the index of `check` and `preview`.
enum class Which : std::size_t { product, order, comment, like, favorite };

/// Names and JSON Schemas, in that order.
std::span<const DomainSpec> specs();

/// Says the same as the schema, quicker, and one thing a schema cannot: a known name stands only once. Errors: invalid
/// `content.invalid`.
Result<void> check(Which which, Bytes content);

/// Appends one line. Languages: English for `en…`, else Chinese.
void preview(Which which, Bytes content, Locale locale, std::string& out);

class FlixDomain final : public Domain {
 public:
  std::span<const DomainSpec> domains() const override { return specs(); }
  Result<void> check(std::size_t index, Bytes content, std::string& normal) const override;
  void preview(std::size_t index, Bytes content, Locale locale, std::string& out) const override;
};

}  // namespace loft::flix_domain
