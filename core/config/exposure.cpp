// Addresses, and the rule that what is handy on one's own machine never meets a network.
#include <arpa/inet.h>

#include <charconv>

#include "config/settings.hpp"

namespace loft::config {
namespace {

bool is_loopback(const std::string& host) {
  in_addr four{};
  if (inet_pton(AF_INET, host.c_str(), &four) == 1) return (ntohl(four.s_addr) >> 24) == 127;
  in6_addr six{};
  if (inet_pton(AF_INET6, host.c_str(), &six) != 1) return false;
  if (IN6_IS_ADDR_V4MAPPED(&six)) return six.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&six);
}

bool is_literal(const std::string& host, bool bracketed) {
  in_addr four{};
  in6_addr six{};
  return bracketed ? inet_pton(AF_INET6, host.c_str(), &six) == 1 : inet_pton(AF_INET, host.c_str(), &four) == 1;
}

}  // namespace

Result<Address> parse_address(std::string_view text) {
  const auto wrong = [](const char* detail) { return Error{Code::invalid, "address", detail}; };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong("has no port; write address and port, such as 127.0.0.1:8080");
  const auto digits = text.substr(colon + 1);
  Address address;
  address.text = text;
  const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), address.port);
  const bool padded = digits.size() > 1 && digits.front() == '0';  // elsewhere such a number is octal
  if (digits.empty() || padded || error != std::errc{} || stop != digits.data() + digits.size()) {
    return wrong("has no valid port; write a number from 0 to 65535 behind the last colon");
  }
  auto host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  address.host = host;
  if (!is_literal(address.host, bracketed)) {
    return wrong(
        "must be an address literal and a port: 127.0.0.1:8080, 0.0.0.0:8080 for all of IPv4, [::]:8080 for IPv6");
  }
  address.loopback = is_loopback(address.host);
  return address;
}

std::vector<Problem> check_exposure(const Settings& settings) {
  std::vector<Problem> problems;
  for (const auto& listener : settings.listeners) {
    if (listener.listen.loopback || listener.listen.text.empty()) continue;
    const auto where = "listener " + listener.name + " is reachable from other machines (" + listener.listen.text + ")";
    if (settings.jwt.development_secret) {
      problems.push_back(settings.secret_place.describe(
          "is the development secret, which everybody knows, while " + where +
          "; set auth.jwt.secret to a secret of your own (`openssl rand -hex 32`), or listen on 127.0.0.1"));
    }
    if (settings.identity.auto_create) {
      problems.push_back(
          settings.auto_create_place.describe("lets anybody become a user, while " + where +
                                              "; set identity.auto_create to false, or listen on 127.0.0.1"));
    }
    if (settings.identity.trust_header) {
      problems.push_back(
          settings.trust_header_place.describe("lets anybody be anybody by a header, while " + where +
                                               "; set identity.trust_header to false, or listen on 127.0.0.1"));
    }
    break;  // one listener is reason enough
  }
  if (settings.internal_enabled && !settings.internal.loopback && !settings.internal.text.empty()) {
    problems.push_back(settings.internal_place.describe(
        "is reachable from other machines (" + settings.internal.text +
        "), and the internal listener is not authenticated; listen on 127.0.0.1 or [::1] and let a proxy on this "
        "machine that asks for credentials pass monitoring on, or set internal.enabled to false"));
  }
  return problems;
}

}  // namespace loft::config
