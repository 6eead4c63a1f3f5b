#include "common/text.hpp"

#include <openssl/evp.h>

#include <algorithm>

#include <loft/utf8.hpp>

namespace loft::push {
namespace {

bool is_word(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL writes a NUL behind it
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string base64url(std::string_view bytes) {
  auto out = base64(bytes);
  while (out.ends_with('=')) out.pop_back();
  for (auto& c : out) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return out;
}

std::string_view whole(std::string_view text, std::size_t bytes) noexcept {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::string cut(std::string_view text, std::size_t bytes) {
  constexpr std::string_view dots = "\xE2\x80\xA6";
  if (text.size() <= bytes) return std::string(text);
  if (bytes < dots.size()) return {};
  return std::string(whole(text, bytes - dots.size())).append(dots);
}

std::string clean(std::string_view text) {
  std::string out;
  while (true) {
    const auto good = utf8::first_bad(text);
    out += text.substr(0, good);
    if (good == text.size()) return out;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(good + 1);
  }
}

bool is_plain_token(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 4096 && std::all_of(text.begin(), text.end(), [](char c) {
    return is_word(c) || std::string_view("-:.~%+/=").find(c) != std::string_view::npos;
  });
}

bool is_header_value(std::string_view text) noexcept {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

std::string reason_word(std::string_view word, std::string_view otherwise) {
  const bool good = !word.empty() && word.size() <= 64 && std::all_of(word.begin(), word.end(), is_word);
  return std::string(good ? word : otherwise);
}

}  // namespace loft::push
