// Between the document's content types and the domains of the store.
#pragma once

#include <string>
#include <string_view>

#include <loft/domain.hpp>
#include <loft/error.hpp>
#include <loft/json.hpp>
#include <loft/message.hpp>

namespace loft::flix {

/// One of the document's content types.
struct ContentType {
  std::string_view word;    ///< on the wire
  std::string_view domain;  ///< in the store
};

/// Null: there is no such type.
const ContentType* content_type(std::string_view word) noexcept;
/// The type that shows messages of a domain; `text` where there is none of its own.
const ContentType& content_type_of(std::string_view domain) noexcept;

/// Writes the object that is stored: `content` as it came where it is an object; a list of parts
/// `[{"type":"text","payload":"…"}]` becomes one. Errors: invalid `flix.content`.
Result<void> read_content(const json::Value& content, const ContentType& type, std::string& out);

/// Writes the object that clients see. What has no type of its own is its preview as a text.
void append_content(std::string& out, const Message& message, const Domains& domains, Locale locale);

}  // namespace loft::flix
