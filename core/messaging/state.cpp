#include "messaging/state.hpp"

#include <charconv>

#include "messaging/varint.hpp"

namespace loft {
void State::drop_tail(ConversationState& conversation) {
  for (const auto& record : conversation.tail) {
    const auto it = recent_place(*this, record->message->id);
    if (it == recent.end()) continue;
    it->conversation = nullptr;
    recent_bytes -= std::exchange(it->weight, 0);
  }
  conversation.tail.clear();
}

void State::forget(ConversationState& conversation, Seq upto) {
  ++conversation.forgotten;
  auto& tail = conversation.tail;
  while (!tail.empty() && conversation.tail_first() <= upto) {
    if (const auto it = recent_place(*this, tail.front()->message->id); it != recent.end()) {
      it->conversation = nullptr;
      recent_bytes -= std::exchange(it->weight, 0);
    }
    tail.pop_front();
  }
}

namespace {

const Error damaged{Code::internal, "mark.damaged", {}};

/// What marks were before they became JSON: numbers of seven bits a byte.
Result<Mark> decode_bytes(std::string_view bytes) {
  std::uint64_t newest = 0, reached = 0;
  if (!varint::get(bytes, newest) || !varint::get(bytes, reached) || newest >= id::limit) return damaged;
  auto set = IntervalSet::decode(bytes);
  if (!set) return set.error();
  return Mark{std::move(*set), static_cast<MessageId>(newest), static_cast<Millis>(reached)};
}

void put(std::string& out, std::uint64_t number) {
  char digits[20];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

/// Takes `word` from the front.
bool take(std::string_view& text, std::string_view word) noexcept {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// Takes a number below 2^63 from the front.
bool take(std::string_view& text, std::uint64_t& number) noexcept {
  const auto [stop, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc{} || number >> 63 != 0) return false;
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()));
  return true;
}

void put(std::string& out, const IntervalSet& set) {
  out += '[';
  for (const auto& interval : set.intervals()) {
    out += out.back() == '[' ? "[" : ",[";
    put(out, interval.low);
    out += ',';
    put(out, interval.high);
    if (interval.at != 0) {
      out += ',';
      put(out, static_cast<std::uint64_t>(interval.at));
    }
    out += ']';
  }
  out += ']';
}

/// Takes what `put` has written from the front.
bool take(std::string_view& text, IntervalSet& set) {
  std::vector<IntervalSet::Interval> intervals;
  if (!take(text, "[")) return false;
  while (!take(text, "]")) {
    std::uint64_t low = 0, high = 0, at = 0;
    if (!intervals.empty() && !take(text, ",")) return false;
    if (!take(text, "[") || !take(text, low) || !take(text, ",") || !take(text, high)) return false;
    if (take(text, ",") && !take(text, at)) return false;
    if (!take(text, "]")) return false;
    intervals.push_back({low, high, static_cast<Millis>(at)});
  }
  auto made = IntervalSet::of(std::move(intervals));
  if (made) set = std::move(*made);
  return made.ok();
}

}  // namespace

std::string text_of(const IntervalSet& set) {
  std::string out;
  put(out, set);
  return out;
}

Result<IntervalSet> set_of(std::string_view text) {
  IntervalSet set;
  if (!take(text, set) || !text.empty()) return damaged;
  return set;
}

// JSON that a database can take apart: `{"newest":9,"reached":8,"set":[[1,5],[7,9,1750000000000]]}`, the intervals with
// the time of their act where it is kept (docs/adr/0016).
std::string Mark::encode() const {
  std::string out;
  out.reserve(64 + 24 * set.intervals().size());
  out += R"({"newest":)";
  put(out, raw(newest));
  out += R"(,"reached":)";
  put(out, static_cast<std::uint64_t>(reached));
  out += R"(,"set":)";
  put(out, set);
  out += '}';
  return out;
}

Result<Mark> Mark::decode(std::string_view text) {
  if (!text.starts_with('{')) return decode_bytes(text);
  std::uint64_t newest = 0, reached = 0;
  if (!take(text, R"({"newest":)") || !take(text, newest) || newest >= id::limit) return damaged;
  IntervalSet set;
  if (!take(text, R"(,"reached":)") || !take(text, reached) || !take(text, R"(,"set":)")) return damaged;
  if (!take(text, set) || text != "}") return damaged;
  return Mark{std::move(set), static_cast<MessageId>(newest), static_cast<Millis>(reached)};
}

}  // namespace loft
