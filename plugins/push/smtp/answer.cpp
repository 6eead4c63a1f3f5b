#include "smtp/answer.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "common/verdict.hpp"

namespace loft::push::smtp {
namespace {

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

struct Codes {
  unsigned basic = 0;         ///< RFC 5321; 0: there is none
  std::string_view enhanced;  ///< RFC 3463, such as 5.1.1; empty: none
};

Codes codes_of(std::string_view reply) {
  Codes out;
  if (reply.size() < 3 || !is_digit(reply[0]) || !is_digit(reply[1]) || !is_digit(reply[2])) return out;
  out.basic = static_cast<unsigned>((reply[0] - '0') * 100 + (reply[1] - '0') * 10 + (reply[2] - '0'));
  if (reply.size() < 5) return out;
  const auto rest = reply.substr(4);
  const auto word = rest.substr(0, rest.find(' '));
  const auto dots = std::count(word.begin(), word.end(), '.');
  if (word.size() <= 9 && dots == 2 &&
      std::all_of(word.begin(), word.end(), [](char c) { return is_digit(c) || c == '.'; }))
    out.enhanced = word;
  return out;
}

/// Codes that say that there is no such mailbox, or none any more (RFC 3463, RFC 7505).
constexpr std::array dead_address = {std::string_view("5.1.1"), std::string_view("5.1.2"),  std::string_view("5.1.3"),
                                     std::string_view("5.1.6"), std::string_view("5.1.10"), std::string_view("5.2.1")};

}  // namespace

PushVerdict read(const Response& response) {
  using Failure = Response::Failure;
  if (response.failure == Failure::none) return accepted();
  const auto codes = codes_of(response.reply);
  const bool is_reply = (response.failure == Failure::lost || response.failure == Failure::login) && codes.basic >= 400;
  if (!is_reply) return failure_verdict(response);
  auto reason = std::to_string(codes.basic);
  if (!codes.enhanced.empty()) reason += ' ' + std::string(codes.enhanced);
  if (codes.basic < 500) return retry(std::move(reason));
  if (response.failure == Failure::login || response.detail.starts_with("MAIL")) return broken(std::move(reason));
  if (std::find(dead_address.begin(), dead_address.end(), codes.enhanced) != dead_address.end())
    return dead(std::move(reason));
  if (codes.basic == 530 || codes.basic == 535) return broken(std::move(reason));
  // Without a finer code 550 is "no such mailbox" as well as "not from you": the address is kept.
  return refused(std::move(reason));
}

}  // namespace loft::push::smtp
