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

/// Until nothing waits: one answer may be the reason for the next question.
void answer_all(Dialogue& d) {
  const auto stored = message(noon_id, R"({"text":"a"})");
  auto& messaging = d.messaging();
  for (const auto& call : messaging.submits.calls) {
    // Content is handed on as it came: it must be an object of its own.
    const auto content = json::parse(call.request.content);
    if (!content || !content->is(json::Type::object)) std::abort();
  }
  const std::vector members = {member(7, "ann", Role::owner), member(8, "bob")};
  bool any = true;
  while (any) {
    any = messaging.submits.answer(Accepted{testing::share(stored), false}) |
          messaging.recalls.answer(Recalled{stored, false}) | messaging.marks.answer(Marked{}) |
          messaging.creates.answer(record(group(5))) | messaging.changes.answer(record(group(5))) |
          messaging.memberships.answer(members.front()) | messaging.messages.answer(stored) |
          messaging.histories.answer(Page{{stored, stored}, 0, false}) | messaging.unreads.answer(std::uint64_t{1}) |
          messaging.lists.answer(std::vector{record(group(5)), direct(6, "bob")}) |
          messaging.infos.answer(seen_by(Role::owner, record(group(5)))) | messaging.rosters.answer(members) |
          messaging.mark_states.answer(MarkState{});
  }
}

void talk(Dialogue::Begin begin, Bytes packet) {
  Dialogue d(begin);
  d.store.put({},
              {{"last", "1", {}},
               {"aid/1", "5", {}},
               {"application/5/9999999999999998", R"({"uid":8,"state":0,"msg":"m","time":1})", {}}},
              [](Result<bool>) {});
  d.say(packet);
  if (begin == Dialogue::Begin::stranger && d.calls() != 0) std::abort();
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
