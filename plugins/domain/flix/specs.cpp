#include <array>

#include "flix_domain.hpp"

namespace loft::flix_domain {
namespace {

// Document 001 prints four members for all content types and leaves the rest to the applications: what it prints has
// its type, what else an application says about its things is kept as it is. Optional members may be null.
constexpr std::string_view members = R"(
  "properties": {
    "title": {"type": ["string", "null"], "maxLength": 1024},
    "text": {"type": ["string", "null"], "maxLength": 16384},
    "image_urls": {"type": ["array", "null"], "maxItems": 64, "items": {"type": "string", "maxLength": 8192}},
    "deep_link": {"type": ["string", "null"], "maxLength": 8192}
  }
})";

/// Checked in `check`, not by the host: the schemas are for clients and for the tests of `check`.
DomainSpec spec(std::string name, std::string_view description, bool may_be_empty) {
  DomainSpec out;
  out.schema.append(R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": ")");
  out.schema.append(name).append("\",\n  \"description\": \"").append(description);
  out.schema.append("\",\n  \"type\": \"object\",");
  if (!may_be_empty) out.schema.append("\n  \"minProperties\": 1,");
  out.schema.append(members);
  out.name = std::move(name);
  out.host_validates = false;
  return out;
}

}  // namespace

std::span<const DomainSpec> specs() {
  static const std::array list{
      spec("Flix:Product", "Something on sale", false),
      spec("Flix:Order", "Something bought", false),
      spec("Flix:Comment", "What somebody said about something", false),
      spec("Flix:Like", "Somebody likes something; there may be nothing more to say", true),
      spec("Flix:Favorite", "Somebody keeps something; there may be nothing more to say", true),
  };
  return list;
}

}  // namespace loft::flix_domain
