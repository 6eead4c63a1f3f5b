// The domains `Core:…`, which every contract knows.
#pragma once

#include <loft/domain.hpp>

namespace loft::core_domain {

/// Their order is the index of `check` and `preview`.
enum class Which : std::size_t { text, image, video, voice, file, location, card, system };

/// Names and JSON Schemas, in that order.
std::span<const DomainSpec> specs();

/// UTF-8 bytes of a `Core:Text`.
inline constexpr std::size_t max_text = 16 * 1024;

/// Says the same as the schema, quicker, and two things a schema cannot: text is at most `max_text` bytes, and a known
/// name stands only once. Errors: invalid `content.invalid`, too_large `content.too_large`.
Result<void> check(Which which, Bytes content);

/// Appends one line. Languages: English for `en…`, else Chinese.
void preview(Which which, Bytes content, Locale locale, std::string& out);

class CoreDomain final : public Domain {
 public:
  std::span<const DomainSpec> domains() const override { return specs(); }
  Result<void> check(std::size_t index, Bytes content, std::string& normal) const override;
  void preview(std::size_t index, Bytes content, Locale locale, std::string& out) const override;
};

}  // namespace loft::core_domain
