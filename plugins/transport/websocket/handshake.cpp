#include "handshake.hpp"

#include <algorithm>

#include <openssl/evp.h>

namespace loft::websocket {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

std::string base64(const unsigned char* bytes, std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; i += 3) {
    const unsigned long word = static_cast<unsigned long>(bytes[i]) << 16 |
                               (i + 1 < size ? static_cast<unsigned long>(bytes[i + 1]) << 8 : 0) |
                               (i + 2 < size ? bytes[i + 2] : 0);
    out += alphabet[word >> 18];
    out += alphabet[word >> 12 & 63];
    out += i + 1 < size ? alphabet[word >> 6 & 63] : '=';
    out += i + 2 < size ? alphabet[word & 63] : '=';
  }
  return out;
}

/// `:` and a port, or nothing.
bool is_port(std::string_view text) noexcept {
  if (text.empty()) return true;
  return text.size() > 1 && text.size() <= 6 && text.front() == ':' &&
         text.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

bool origin_allowed(std::string_view origin, const std::vector<std::string>& origins) noexcept {
  return std::any_of(origins.begin(), origins.end(), [&](const auto& allowed) { return same(allowed, origin); });
}

}  // namespace

bool is_local_page(std::string_view origin) noexcept {
  for (const std::string_view scheme : {"http://", "https://"}) {
    for (const std::string_view host : {"localhost", "127.0.0.1", "[::1]"}) {
      const auto begin = origin.substr(0, scheme.size());
      const auto rest = origin.substr(begin.size());
      if (same(begin, scheme) && same(rest.substr(0, host.size()), host) &&
          is_port(rest.substr(std::min(host.size(), rest.size())))) {
        return true;
      }
    }
  }
  return false;
}

std::string refusal(unsigned status, std::string_view phrase, std::string_view error, std::string_view headers) {
  std::string body = "{\"error\":\"";
  body.append(error).append("\"}");
  std::string out = "HTTP/1.1 " + std::to_string(status) + ' ';
  out.append(phrase).append("\r\nServer: loft\r\n").append(headers);
  out.append("Content-Type: application/json\r\nContent-Length: ").append(std::to_string(body.size()));
  return out.append("\r\n\r\n").append(body);
}

Answer refuse_upgrade(unsigned status) {
  return {false, "HTTP/1.1 " + std::to_string(status) + " Refused\r\nServer: loft\r\nContent-Length: 0\r\n\r\n"};
}

void name_subprotocol(Answer& answer, std::string_view subprotocol) {
  if (!answer.accepted) return;
  answer.response.insert(answer.response.size() - 2, "Sec-WebSocket-Protocol: " + std::string(subprotocol) + "\r\n");
}

std::string accept_value(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr) != 1) return {};
  return base64(digest, size);
}

bool is_valid_key(std::string_view key) noexcept {
  if (key.size() != 24 || !key.ends_with("==")) return false;
  // The last digit carries two bits of the 16th byte; the other four are zero.
  if (std::string_view("AQgw").find(key[21]) == std::string_view::npos) return false;
  return key.substr(0, 22).find_first_not_of(alphabet) == std::string_view::npos;
}

bool has_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const auto comma = std::min(list.find(','), list.size());
    auto item = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!item.empty() && (item.front() == ' ' || item.front() == '\t')) item.remove_prefix(1);
    while (!item.empty() && (item.back() == ' ' || item.back() == '\t')) item.remove_suffix(1);
    if (same(item, token)) return true;
  }
  return false;
}

Answer answer_upgrade(const HttpExchange& request, const std::vector<std::string>& origins, bool only_local_pages) {
  if (request.method() != HttpMethod::get) {
    return {false, refusal(405, "Method Not Allowed", "a WebSocket is opened with GET", "Allow: GET\r\n")};
  }
  if (!has_token(request.header("Upgrade"), "websocket") || !has_token(request.header("Connection"), "upgrade")) {
    return {false, refusal(400, "Bad Request",
                           "a WebSocket is opened with the headers 'Upgrade: websocket' and 'Connection: Upgrade'")};
  }
  if (request.header("Sec-WebSocket-Version") != "13") {
    return {false, refusal(426, "Upgrade Required", "Sec-WebSocket-Version must be 13",
                           "Sec-WebSocket-Version: 13\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")};
  }
  const auto key = request.header("Sec-WebSocket-Key");
  if (!is_valid_key(key)) {
    return {false, refusal(400, "Bad Request", "Sec-WebSocket-Key must be 16 bytes in base64")};
  }
  const auto origin = request.header("Origin");
  if (!origin.empty() && !origins.empty() && !origin_allowed(origin, origins)) {
    return {false, refusal(403, "Forbidden", "this origin is not allowed")};
  }
  if (!origin.empty() && origins.empty() && only_local_pages && !is_local_page(origin)) {
    return {false,
            refusal(403, "Forbidden",
                    "this origin is not allowed: while the host believes X-User-ID (identity.trust_header), pages "
                    "from other machines must be listed in the option `origins` of transport.websocket")};
  }
  const auto accept = accept_value(key);
  if (accept.empty()) return {false, refusal(500, "Internal Server Error", "internal error")};
  return {true,
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
              accept + "\r\n\r\n"};
}

}  // namespace loft::websocket
