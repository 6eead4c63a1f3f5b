// Bytes from strangers for contract.im: WebSocket frames, HTTP targets and bodies. Whatever comes in, what goes out is
// JSON, and what reaches the store is a JSON object.
//
// First byte: even, a WebSocket whose frames are the lines; odd, an HTTP request with target, user and body as lines.
#include <cstdint>
#include <string_view>

#include "../contract_im/host.hpp"
#include "stranger.hpp"

namespace {

using namespace im_test;
using namespace loft::fuzz;

void prepare(Bench& bench) {
  auto& messaging = bench.messaging;
  messaging.submits.rule = [&bench](const auto& call) {
    demand_submission(call.request);
    return Accepted{share(bench.record(call.request.domain, call.request.content)), false};
  };
  messaging.marks.rule = [](const auto& call) {
    demand(call.request.messages.size() == 1 && call.request.messages[0] != MessageId::none);
    return Marked{};
  };
  messaging.inboxes.rule = [&bench](const auto& call) {
    demand(call.request.limit >= 1 && call.request.limit <= 200);
    return Page{{bench.record()}, false};
  };
  messaging.messages.rule = [&bench](const auto&) { return bench.record(); };
  messaging.creates.rule = [&bench](const auto& call) {
    auto group = bench.group();
    group->name = call.request.name;
    group->description = call.request.description;
    return bench.group_record(group);
  };
  messaging.infos.rule = [&bench](const auto&) { return bench.group_record(bench.group()); };
  messaging.rosters.rule = [&bench](const auto&) { return std::vector{bench.member(bench.alice)}; };
  messaging.memberships.rule = [&bench](const auto&) { return bench.member(bench.alice); };
}

void converse(Bench& bench, bool log_in, std::string_view rest) {
  Client client(bench, log_in);
  while (!rest.empty()) {
    client.say(line(rest));
    bench.messaging.settle();
  }
  for (const auto& frame : client.peer.sent) demand(is_object(frame));
}

void request(Bench& bench, unsigned choice, std::string_view rest) {
  constexpr const char* targets[] = {
      "/api/v1/messages", "/api/v1/messages/", "/api/v1/messages/1/ack", "/api/v1/messages/offline?",
      "/api/v1/groups",   "/api/v1/groups/",   "/api/v1/groups/g/join",  "/"};
  const auto method = (choice & 8) != 0 ? HttpMethod::get : HttpMethod::post;
  auto target = targets[choice % 8] + std::string(line(rest));
  const auto user = line(rest);
  const auto exchange =
      bench.routes.request(method, std::move(target), std::string(rest),
                           {{"X-User-ID", std::string(user)}, {"Idempotency-Key", std::string(user)}});
  bench.messaging.settle();
  demand_answer(*exchange);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Bench bench;
  prepare(bench);
  if (data[0] % 2 == 0)
    converse(bench, (data[0] & 2) == 0, rest);
  else
    request(bench, data[0] / 2, rest);
  return 0;
}
