#include "messaging/state.hpp"

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

std::string Mark::encode() const {
  std::string out;
  varint::put(out, raw(newest));
  varint::put(out, static_cast<std::uint64_t>(reached));
  set.encode(out);
  return out;
}

Result<Mark> Mark::decode(std::string_view bytes) {
  std::uint64_t newest = 0, reached = 0;
  if (!varint::get(bytes, newest) || !varint::get(bytes, reached) || newest >= id::limit) {
    return Error{Code::internal, "mark.damaged", {}};
  }
  auto set = IntervalSet::decode(bytes);
  if (!set) return set.error();
  return Mark{std::move(*set), static_cast<MessageId>(newest), static_cast<Millis>(reached)};
}

}  // namespace loft
