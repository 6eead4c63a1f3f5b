#include <array>

#include "flix_domain.hpp"

namespace loft::flix_domain {
namespace {

// Document 001 prints four members for all content types and leaves the rest to the applications: what it prints has
// its type, what else an application says about its things is kept as it is. Optional members may be null.

constexpr std::string_view product = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Flix:Product",
  "description": "Something on sale",
  "type": "object",
  "minProperties": 1,
  "properties": {
    "title": {"type": ["string", "null"], "maxLength": 1024},
    "text": {"type": ["string", "null"], "maxLength": 16384},
    "image_urls": {"type": ["array", "null"], "maxItems": 64, "items": {"type": "string", "maxLength": 8192}},
    "deep_link": {"type": ["string", "null"], "maxLength": 8192}
  }
})";

constexpr std::string_view order = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Flix:Order",
  "description": "Something bought",
  "type": "object",
  "minProperties": 1,
  "properties": {
    "title": {"type": ["string", "null"], "maxLength": 1024},
    "text": {"type": ["string", "null"], "maxLength": 16384},
    "image_urls": {"type": ["array", "null"], "maxItems": 64, "items": {"type": "string", "maxLength": 8192}},
    "deep_link": {"type": ["string", "null"], "maxLength": 8192}
  }
})";

constexpr std::string_view comment = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Flix:Comment",
  "description": "What somebody said about something",
  "type": "object",
  "minProperties": 1,
  "properties": {
    "title": {"type": ["string", "null"], "maxLength": 1024},
    "text": {"type": ["string", "null"], "maxLength": 16384},
    "image_urls": {"type": ["array", "null"], "maxItems": 64, "items": {"type": "string", "maxLength": 8192}},
    "deep_link": {"type": ["string", "null"], "maxLength": 8192}
  }
})";

constexpr std::string_view like = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Flix:Like",
  "description": "Somebody likes something; there may be nothing more to say",
  "type": "object",
  "properties": {
    "title": {"type": ["string", "null"], "maxLength": 1024},
    "text": {"type": ["string", "null"], "maxLength": 16384},
    "image_urls": {"type": ["array", "null"], "maxItems": 64, "items": {"type": "string", "maxLength": 8192}},
    "deep_link": {"type": ["string", "null"], "maxLength": 8192}
  }
})";

constexpr std::string_view favorite = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Flix:Favorite",
  "description": "Somebody keeps something; there may be nothing more to say",
  "type": "object",
  "properties": {
    "title": {"type": ["string", "null"], "maxLength": 1024},
    "text": {"type": ["string", "null"], "maxLength": 16384},
    "image_urls": {"type": ["array", "null"], "maxItems": 64, "items": {"type": "string", "maxLength": 8192}},
    "deep_link": {"type": ["string", "null"], "maxLength": 8192}
  }
})";

}  // namespace

std::span<const DomainSpec> specs() {
  // Checked here, not by the host: the schemas are for clients and for the tests of `check`.
  static const auto list = [] {
    const auto spec = [](const char* name, std::string_view schema) {
      DomainSpec out;
      out.name = name;
      out.schema = schema;
      out.host_validates = false;
      return out;
    };
    return std::array{spec("Flix:Product", product), spec("Flix:Order", order), spec("Flix:Comment", comment),
                      spec("Flix:Like", like), spec("Flix:Favorite", favorite)};
  }();
  return list;
}

}  // namespace loft::flix_domain
