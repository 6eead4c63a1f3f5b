// Feeds bytes as packets to a connection of contract.carrypigeon, before and after login, and answers what it asks of
// the host. Whatever comes in, nothing may crash, and every packet sent must be one JSON text that fits a frame.
//
// Sources it needs: this file and the library `carrypigeon_parts` (plugins/contract/carrypigeon/*.cpp but plugin.cpp).
// Include paths: sdk/include, plugins/contract, tests/contract_carrypigeon.
#include <cstdint>
#include <cstdlib>

#include "dialogue.hpp"

namespace {

using namespace carrypigeon_test;

void check(const std::vector<std::string>& packets) {
  for (const auto& packet : packets) {
    const auto value = json::parse(packet, 64);
    if (packet.size() > 65535 || !value || !value->find("id") || !value->find("code")) std::abort();
  }
}

template <class Calls, class Value>
void answer(Calls& calls, const Value& value) {
  for (auto& call : calls) call.done(value);
}

void answer_all(Dialogue& d) {
  const auto stored = message(noon_id, R"({"text":"a"})");
  auto& messaging = d.messaging();
  for (auto& call : messaging.submits) {
    // Content is handed on as it came: it must be an object of its own.
    const auto content = json::parse(call.args.content);
    if (!content || !content->is(json::Type::object)) std::abort();
  }
  answer(messaging.submits, Accepted{std::make_shared<const MessageRecord>(stored), false});
  answer(messaging.recalls, Recalled{stored, false});
  answer(messaging.marks, Marked{});
  answer(messaging.creates, record(group(5)));
  answer(messaging.gets, stored);
  answer(messaging.histories, Page{{stored, stored}, false});
  answer(messaging.unreads, std::uint64_t{1});
  answer(messaging.lists, std::vector{record(group(5)), direct(6, "bob")});
  answer(messaging.looks, record(group(5)));
  answer(messaging.member_lists, std::vector<MemberRecord>{{Member{}, user(8, "bob")}});
  answer(messaging.states, MarkState{});
  for (auto& call : d.peer.logins) call.done(Login{user(7, "ann")});
}

void talk(Dialogue::Begin begin, Bytes packet) {
  Dialogue d(begin);
  d.say(packet);
  if (begin == Dialogue::Begin::stranger && d.messaging().calls() != 0) std::abort();
  answer_all(d);
  check(d.peer.sent);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes packet(reinterpret_cast<const char*>(data), size);
  talk(Dialogue::Begin::stranger, packet);
  talk(Dialogue::Begin::logged_in, packet);
  return 0;
}
