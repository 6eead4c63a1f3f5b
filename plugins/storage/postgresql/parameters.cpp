#include "parameters.hpp"

namespace loft::storage::postgresql {

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 16);
  for (const char c : text) {
    if (c > 1 || c < 0) {
      out += c;
    } else {
      out += '\1';
      out += static_cast<char>(c + 1);
    }
  }
  return out;
}

std::string unescaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\1' && i + 1 < text.size()) {
      out += static_cast<char>(text[++i] - 1);
    } else {
      out += text[i];
    }
  }
  return out;
}

std::string_view Column::finished() {
  const auto element = type_ == Type::integer_array ? Type::integer
                       : type_ == Type::text_array  ? Type::text
                                                    : Type::bytes;
  if (count_ == 0) bytes_.resize(12);  // an empty array has no dimension
  const std::uint32_t header[5] = {network_order(count_ == 0 ? 0u : 1u), network_order(has_null_ ? 1u : 0u),
                                   network_order(static_cast<std::uint32_t>(element)), network_order(count_),
                                   network_order(1u)};
  std::memcpy(bytes_.data(), header, count_ == 0 ? 12 : sizeof header);
  return bytes_;
}

}  // namespace loft::storage::postgresql
