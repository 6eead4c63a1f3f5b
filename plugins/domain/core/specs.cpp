#include <array>

#include "core_domain.hpp"

namespace loft::core_domain {
namespace {

// Clients that write every member they know send `null` for the empty ones: optional members may be null.

constexpr std::string_view text = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:Text",
  "type": "object",
  "required": ["text"],
  "properties": {
    "text": {"type": "string", "minLength": 1, "maxLength": 16384, "description": "at most 16 KiB of UTF-8"}
  }
})";

constexpr std::string_view image = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:Image",
  "type": "object",
  "required": ["url"],
  "properties": {
    "url": {"type": "string", "minLength": 1, "maxLength": 8192},
    "thumbnail": {"type": ["string", "null"], "maxLength": 32768},
    "width": {"type": ["integer", "null"], "minimum": 0, "maximum": 9007199254740991},
    "height": {"type": ["integer", "null"], "minimum": 0, "maximum": 9007199254740991},
    "size": {"type": ["integer", "null"], "minimum": 0, "maximum": 9007199254740991, "description": "bytes"},
    "text": {"type": ["string", "null"], "maxLength": 16384, "description": "a caption"}
  }
})";

constexpr std::string_view video = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:Video",
  "type": "object",
  "required": ["url"],
  "properties": {
    "url": {"type": "string", "minLength": 1, "maxLength": 8192},
    "thumbnail": {"type": ["string", "null"], "maxLength": 32768},
    "duration": {"type": ["number", "null"], "minimum": 0, "maximum": 9007199254740991},
    "size": {"type": ["integer", "null"], "minimum": 0, "maximum": 9007199254740991, "description": "bytes"}
  }
})";

constexpr std::string_view voice = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:Voice",
  "type": "object",
  "required": ["url"],
  "properties": {
    "url": {"type": "string", "minLength": 1, "maxLength": 8192},
    "duration": {"type": ["number", "null"], "minimum": 0, "maximum": 9007199254740991},
    "size": {"type": ["integer", "null"], "minimum": 0, "maximum": 9007199254740991, "description": "bytes"}
  }
})";

constexpr std::string_view file = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:File",
  "type": "object",
  "required": ["url"],
  "properties": {
    "url": {"type": "string", "minLength": 1, "maxLength": 8192},
    "filename": {"type": ["string", "null"], "maxLength": 1024},
    "size": {"type": ["integer", "null"], "minimum": 0, "maximum": 9007199254740991, "description": "bytes"},
    "format": {"type": ["string", "null"], "maxLength": 128}
  }
})";

constexpr std::string_view location = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:Location",
  "type": "object",
  "required": ["latitude", "longitude"],
  "properties": {
    "latitude": {"type": "number", "minimum": -90, "maximum": 90},
    "longitude": {"type": "number", "minimum": -180, "maximum": 180},
    "name": {"type": ["string", "null"], "maxLength": 1024},
    "address": {"type": ["string", "null"], "maxLength": 1024}
  }
})";

constexpr std::string_view card = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:Card",
  "description": "A user or a thing to look at: it has a title or names a user",
  "type": "object",
  "anyOf": [
    {"required": ["title"], "properties": {"title": {"type": "string", "minLength": 1}}},
    {"required": ["username"], "properties": {"username": {"type": "string", "minLength": 1}}},
    {"required": ["userId"], "properties": {"userId": {"type": ["string", "integer"], "minLength": 1}}},
    {"required": ["user_id"], "properties": {"user_id": {"type": ["string", "integer"], "minLength": 1}}}
  ],
  "properties": {
    "title": {"type": ["string", "null"], "maxLength": 1024},
    "username": {"type": ["string", "null"], "maxLength": 1024},
    "userId": {"type": ["string", "integer", "null"], "maxLength": 128,
               "minimum": -9007199254740991, "maximum": 9007199254740991},
    "user_id": {"type": ["string", "integer", "null"], "maxLength": 128,
                "minimum": -9007199254740991, "maximum": 9007199254740991},
    "avatar": {"type": ["string", "null"], "maxLength": 8192},
    "url": {"type": ["string", "null"], "maxLength": 8192},
    "description": {"type": ["string", "null"], "maxLength": 4096}
  }
})";

constexpr std::string_view system = R"({
  "$schema": "http://json-schema.org/draft-07/schema#",
  "title": "Core:System",
  "type": "object",
  "required": ["text"],
  "properties": {
    "text": {"type": "string", "minLength": 1, "maxLength": 16384},
    "title": {"type": ["string", "null"], "maxLength": 1024}
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
    auto notice = spec("Core:System", system);
    notice.service_only = true;
    return std::array{
        spec("Core:Text", text), spec("Core:Image", image),       spec("Core:Video", video), spec("Core:Voice", voice),
        spec("Core:File", file), spec("Core:Location", location), spec("Core:Card", card),   notice};
  }();
  return list;
}

}  // namespace loft::core_domain
