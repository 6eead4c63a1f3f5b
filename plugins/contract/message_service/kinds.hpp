// The document's message types and the domains that stand for them.
#pragma once

#include <string>
#include <string_view>

#include <loft/error.hpp>
#include <loft/json.hpp>

namespace loft::message_service {

struct Kind {
  std::string_view word;    ///< on the wire
  std::string_view domain;  ///< in the store
  bool is_text = false;     ///< `content` is a string, which the store has as `{"text":…}`
};

const Kind& text_kind() noexcept;
const Kind& image_kind() noexcept;
const Kind* kind_of_word(const json::Value& word);
const Kind* kind_of_domain(std::string_view domain) noexcept;

/// The content of a message of that kind, as the store has it, appended to `out`.
Result<void> read_content(const Kind& kind, const json::Value& content, std::string& out);

}  // namespace loft::message_service
