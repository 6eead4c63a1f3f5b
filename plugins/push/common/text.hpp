// Texts of requests.
#pragma once

#include <string>
#include <string_view>

namespace loft::push {

std::string base64(std::string_view bytes);     ///< with padding, in one line
std::string base64url(std::string_view bytes);  ///< without padding (RFC 7515 §2)

/// The beginning of `text` (UTF-8), at most `bytes` long; never half a character.
std::string_view whole(std::string_view text, std::size_t bytes) noexcept;

/// The same, the `…` that says so, which counts.
std::string cut(std::string_view text, std::size_t bytes);

/// `text` itself if it is UTF-8; otherwise with U+FFFD in place of every byte that is none.
std::string clean(std::string_view text);

/// Whether a provider can have given it: 1 to 4096 letters, digits and `-_:.~%+/=`.
bool is_plain_token(std::string_view text) noexcept;

/// Whether it may stand in a header as it is: visible ASCII only, or empty.
bool is_header_value(std::string_view text) noexcept;

/// The provider's own word for a failure, if it is one: at most 64 letters, digits and `_`. Otherwise `otherwise`. What
/// a peer says goes into logs and reports only through this.
std::string reason_word(std::string_view word, std::string_view otherwise);

}  // namespace loft::push
