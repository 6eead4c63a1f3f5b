// Bytes from strangers for contract.flix: Phoenix frames, HTTP targets and bodies. Whatever comes in, what goes out is
// JSON, and what reaches the store is a JSON object.
//
// First byte: even, a socket whose frames are the lines (bit 1: it has joined, bit 2: version 1); odd, an HTTP request
// with target and body as lines.
#include <cstdint>
#include <string_view>

#include "../contract_flix/host.hpp"
#include "stranger.hpp"

namespace {

using namespace flix_test;
using namespace loft::fuzz;

void prepare(Bench& bench) {
  auto& messaging = bench.messaging;
  messaging.submits.rule = [&bench](const auto& call) {
    const auto& submission = call.request;
    demand_submission(submission);
    return Accepted{share(bench.record(submission.domain, submission.content, nullptr, submission.extras)), false};
  };
  messaging.marks.rule = [](const auto& call) {
    const auto& act = call.request;
    const int ways = (act.messages.empty() ? 0 : 1) + (act.up_to == MessageId::none ? 0 : 1) + (act.everywhere ? 1 : 0);
    demand(ways == 1 && act.messages.size() <= 1000);
    return Marked();
  };
  messaging.recalls.rule = [&bench](const auto& call) {
    demand(call.request.message != MessageId::none);
    return Recalled{Bench::recalled(bench.record()), false};
  };
  messaging.inboxes.rule = [&bench](const auto& call) {
    demand(call.request.limit >= 1 && call.request.limit <= 100);
    return Page{{bench.record()}, 0, false};
  };
  messaging.histories.rule = [&bench](const auto& call) {
    demand(call.request.limit >= 1 && call.request.limit <= 100);
    return Page{{bench.record()}, 0, false};
  };
  messaging.messages.rule = [&bench](const auto&) { return bench.record(); };
  messaging.creates.rule = [&bench](const auto& call) {
    demand(!call.request.members.empty() && call.request.members.size() <= 1000);
    auto conversation = bench.group();
    conversation->name = call.request.name;
    ConversationRecord record;
    record.conversation = conversation;
    return record;
  };
  messaging.lists.rule = [&bench](const auto&) {
    ConversationRecord record;
    record.conversation = bench.direct();
    record.peer = bench.bob;
    record.last = bench.record();
    return std::vector{record};
  };
  messaging.syncs.rule = [&bench](const auto& call) {
    demand(call.request.after < id::limit);
    SyncEntry entry;
    entry.record = bench.record();
    entry.position = raw(entry.record.message->id);
    return SyncPage{{entry}, entry.position, false};
  };
}

void converse(Bench& bench, bool joined, bool is_old, std::string_view rest) {
  Client client(bench, joined && !is_old ? "bob" : "", is_old ? "" : "vsn=2.0.0");
  if (joined && is_old) {
    client.say(R"({"topic":"user:)" + bob_uuid + R"(","event":"phx_join","payload":{"token":"bob"},"ref":"1"})");
  }
  while (!rest.empty()) {
    const auto frame = line(rest);
    if (utf8::valid(frame)) client.say(frame);
    bench.messaging.settle();
  }
  for (const auto& frame : client.peer.sent) demand(is_json(frame, is_old ? json::Type::object : json::Type::array));
}

void request(Bench& bench, unsigned choice, std::string_view rest) {
  constexpr const char* targets[] = {"/api/v1/messages",
                                     "/api/v1/messages/",
                                     "/api/v1/messages?",
                                     "/api/v1/messages/sync?",
                                     "/api/v1/messages/batch_read",
                                     "/api/v1/system/messages",
                                     "/api/v1/messages/read_all",
                                     "/"};
  constexpr HttpMethod methods[] = {HttpMethod::get, HttpMethod::post, HttpMethod::put, HttpMethod::del};
  const auto target = targets[choice & 7] + std::string(line(rest));
  const auto exchange = bench.routes.request(methods[choice >> 3 & 3], target, std::string(rest),
                                             {{"Authorization", (choice & 32) != 0 ? "Bearer service" : "Bearer bob"}});
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
    converse(bench, (data[0] & 2) != 0, (data[0] & 4) != 0, rest);
  else
    request(bench, data[0] / 2, rest);
  return 0;
}
