#include "simulate/faults.hpp"

#include <charconv>

namespace loft::simulate {
namespace {

bool is_reason(std::string_view text) {
  if (text.size() < 3 || text[0] < 'A' || text[0] > 'Z') return false;
  for (const char c : text) {
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_')) return false;
  }
  return true;
}

/// A number that `text` begins with, taken off.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return value;
}

}  // namespace

std::optional<Faults::Asked> Faults::parse(std::string_view token) {
  const auto dash = token.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  auto name = token.substr(0, dash);
  Asked asked;
  using Kind = Fault::Kind;
  for (const auto& [word, kind] : {std::pair{"drop", Kind::drop},
                                   {"goaway", Kind::goaway},
                                   {"slow", Kind::slow},
                                   {"hang", Kind::hang},
                                   {"freeze", Kind::freeze}}) {
    if (!name.starts_with(word)) continue;
    asked.fault.kind = kind;
    name.remove_prefix(std::string_view(word).size());
    break;
  }
  if (asked.fault.kind == Kind::status) {
    const auto status = take_number(name);
    if (!status || *status < 400 || *status > 599) return std::nullopt;
    asked.fault.status = static_cast<unsigned>(*status);
    if (name.starts_with('t')) {
      name.remove_prefix(1);
      const auto at = take_number(name);
      if (!at) return std::nullopt;
      asked.fault.timestamp = static_cast<std::int64_t>(*at);
    }
    const auto rest = token.substr(dash + 1);
    const auto reason = rest.substr(0, rest.find('-'));
    if (is_reason(reason) && reason.size() < rest.size()) asked.fault.reason = reason;
  }
  if (name.starts_with('x')) {
    name.remove_prefix(1);
    const auto times = take_number(name);
    if (!times) return std::nullopt;
    asked.times = *times;
  }
  if (!name.empty()) return std::nullopt;
  return asked;
}

bool Faults::is_asked(std::string_view token) { return parse(token).has_value(); }

Result<void> Faults::add_chance(std::string_view text) {
  const auto bad = [&] {
    return Error{
        Code::invalid, "fault",
        "--fault takes NAME=PERCENT, such as 500=5, drop=1 or 400-BadDeviceToken=0.5; this is no such thing: " +
            std::string(text)};
  };
  const auto equals = text.find('=');
  if (equals == std::string_view::npos) return bad();
  const auto asked = parse(std::string(text.substr(0, equals)) + "-x");
  double percent = 0;
  const auto number = text.substr(equals + 1);
  const auto [stop, error] = std::from_chars(number.data(), number.data() + number.size(), percent);
  if (!asked || asked->times != 0 || error != std::errc{} || stop != number.data() + number.size() || percent < 0 ||
      percent > 100)
    return bad();
  chances_.push_back({asked->fault, percent / 100});
  return {};
}

std::optional<Fault> Faults::at(const std::string& token) {
  if (const auto asked = parse(token)) {
    if (asked->times == 0 || counts_[token]++ < asked->times) return asked->fault;
    return std::nullopt;
  }
  if (chances_.empty()) return std::nullopt;
  double point = std::uniform_real_distribution<double>(0, 1)(chance_);
  for (const auto& each : chances_) {
    if (point < each.share) return each.fault;
    point -= each.share;
  }
  return std::nullopt;
}

Reply played(const Fault& fault, const std::string& retry_after, const std::function<Reply()>& refuse) {
  Reply reply;
  switch (fault.kind) {
    case Fault::Kind::drop:
      reply.how = Reply::How::drop;
      return reply;
    case Fault::Kind::goaway:
      reply.how = Reply::How::goaway;
      return reply;
    case Fault::Kind::hang:
      reply.how = Reply::How::hang;
      return reply;
    case Fault::Kind::freeze:
      reply.how = Reply::How::freeze;
      return reply;
    case Fault::Kind::slow:
      return reply;
    case Fault::Kind::status:
      break;
  }
  reply = refuse();
  if (fault.status == 429 || fault.status == 503) reply.headers.emplace_back("retry-after", retry_after);
  return reply;
}

}  // namespace loft::simulate
