// Bytes from strangers for contract.netherlink: WebSocket frames, HTTP targets and bodies. Whatever comes in, what goes
// out is JSON, and what reaches the store is a JSON object.
//
// First byte, lowest bit: 0, a WebSocket whose frames are the lines; 1, an HTTP request with target and authorization
// as lines, then the body.
#include <cstdint>
#include <string_view>

#include "../contract_netherlink/host.hpp"
#include "stranger.hpp"

namespace {

using namespace netherlink_test;
using namespace loft::fuzz;

void prepare(Bench& bench) {
  auto& messaging = bench.messaging;
  messaging.submits.rule = [&bench](const auto& call) {
    demand_submission(call.request);
    return Accepted{share(bench.record(call.request.domain, call.request.content)), false};
  };
  messaging.marks.rule = [](const auto& call) {
    demand(call.request.everywhere ? call.request.set_before > 0 : !call.request.messages.empty());
    demand(call.request.messages.size() <= 1000);
    return Marked{};
  };
  messaging.inboxes.rule = [&bench](const auto& call) {
    demand(call.request.limit >= 1 && call.request.limit <= 100);
    Page page;
    page.messages = {bench.record()};
    return page;
  };
  messaging.lists.rule = [&bench](const auto&) {
    ConversationRecord record;
    record.conversation = bench.direct();
    record.peer = bench.user1;
    return std::vector{record};
  };
}

void converse(Bench& bench, bool log_in, bool as_string, std::string_view rest) {
  Client client(bench, log_in, as_string ? "payload=string" : "");
  while (!rest.empty()) {
    client.say(line(rest));
    bench.messaging.settle();
  }
  for (const auto& frame : client.peer.sent) {
    demand(is_object(frame));
    const auto payload = json::parse(frame, 64)->find("payload");
    demand(!payload || payload->is(as_string ? json::Type::string : json::Type::object));
    if (payload && as_string) demand(is_object(*payload->text()));
  }
}

void request(Bench& bench, unsigned choice, std::string_view rest) {
  constexpr std::pair<HttpMethod, const char*> routes[] = {{HttpMethod::get, "/api/messages/offline?"},
                                                           {HttpMethod::post, "/api/messages/mark_synced"},
                                                           {HttpMethod::get, "/api/messages/unread_count"},
                                                           {HttpMethod::del, "/api/messages/offline/clear?"}};
  const auto& [method, path] = routes[choice % 4];
  auto target = path + std::string(line(rest));
  auto authorization = std::string(line(rest));
  const auto exchange =
      bench.ask(method, std::move(target), std::string(rest), (choice & 4) != 0 ? authorization : "Bearer t2");
  demand_answer(*exchange);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Bench bench;
  prepare(bench);
  if (data[0] % 2 == 0)
    converse(bench, (data[0] & 2) == 0, (data[0] & 4) != 0, rest);
  else
    request(bench, data[0] / 2, rest);
  return 0;
}
