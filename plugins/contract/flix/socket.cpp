// Who may open a socket: the request before there is one.
#include <algorithm>

#include "contract.hpp"

namespace loft::flix {
namespace {

constexpr std::string_view subprotocol = "phoenix";
constexpr std::string_view token_head = "base64url.bearer.phx.";

int sextet(char c) noexcept {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  // Both alphabets: the head says one, the official client writes the other.
  if (c == '+' || c == '-') return 62;
  return c == '/' || c == '_' ? 63 : -1;
}

/// Empty where the text is not base64.
std::string decode(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  std::string out;
  unsigned bits = 0, count = 0;
  for (const char c : text) {
    const int value = sextet(c);
    if (value < 0) return {};
    bits = bits << 6 | static_cast<unsigned>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

/// Calls `visit(name)` for each subprotocol asked for; stops when it returns true.
template <class F>
bool any_subprotocol(const HttpExchange& request, F visit) {
  for (auto rest = request.header("Sec-WebSocket-Protocol"); !rest.empty();) {
    const auto end = std::min(rest.find(','), rest.size());
    auto name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (name.starts_with(' ') || name.starts_with('\t')) name.remove_prefix(1);
    while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
    if (visit(name)) return true;
  }
  return false;
}

}  // namespace

std::optional<std::string> socket_token(const HttpExchange& request) {
  auto token = request.query_value("token");
  if (token && !token->empty()) return token;
  token.reset();
  any_subprotocol(request, [&](std::string_view name) {
    if (!name.starts_with(token_head)) return false;
    token = decode(name.substr(token_head.size()));
    return true;
  });
  return token;
}

Admission admit(const Shared& shared, const HttpExchange& request) {
  constexpr unsigned forbidden = 403;
  Admission admission;
  if (!phoenix::version_of(request.query_value("vsn").value_or(std::string()))) admission.refused = forbidden;
  if (const auto token = socket_token(request); token && !shared.verify(*token)) admission.refused = forbidden;
  if (any_subprotocol(request, [](std::string_view name) { return name == subprotocol; })) {
    admission.subprotocol = subprotocol;
  }
  return admission;
}

}  // namespace loft::flix
