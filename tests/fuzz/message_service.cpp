// Bytes from strangers for contract.message_service: targets, tokens and bodies of HTTP requests. Whatever comes in,
// what goes out is the envelope, and what reaches the store is inside its limits.
//
// First byte: which route. Then the line that is appended to its path, then the body.
#include <cstdint>
#include <string_view>

#include "../contract_message_service/bench.hpp"
#include "stranger.hpp"

namespace {

using namespace message_service_test;
using namespace loft::fuzz;

struct Target {
  HttpMethod method;
  const char* path;
};
constexpr Target targets[] = {{post, "/api/v1/messages/private"},
                              {post, "/api/v1/messages/group"},
                              {post, "/api/v1/messages/image"},
                              {get, "/api/v1/messages/history?"},
                              {post, "/api/v1/messages/"},
                              {post, "/api/v1/messages/read"},
                              {get, "/api/v1/messages/unread/count"},
                              {post, "/api/v1/messages/forward"},
                              {post, "/api/v1/groups"},
                              {get, "/api/v1/groups/"},
                              {put, "/api/v1/groups/"},
                              {del, "/api/v1/groups/"},
                              {post, "/api/v1/groups/g/members"},
                              {get, "/api/v1/groups/g/members?"},
                              {del, "/api/v1/groups/g/members/"},
                              {post, "/api/v1/groups/g/admins"}};

/// Messaging that demands what the store may rely on, and echoes.
void prepare_messages(Bench& bench) {
  auto& messaging = bench.messaging;
  const auto accept = [&bench](const Submission& wanted) {
    demand_submission(wanted);
    return Accepted{share(bench.record(wanted.domain, wanted.content, nullptr, Extras::decode(wanted.extras))), false};
  };
  messaging.submits.rule = [accept](const auto& call) { return accept(call.request); };
  messaging.submit_alls.rule = [accept](const auto& call) {
    std::vector<Accepted> all;
    for (const auto& wanted : call.request) all.push_back(accept(wanted));
    return all;
  };
  messaging.recalls.rule = [&bench](const auto& call) {
    demand(call.request.message != MessageId::none && call.request.reason.size() <= 1024);
    return Recalled{bench.recalled(bench.record()), false};
  };
  messaging.marks.rule = [](const auto& call) {
    demand(!call.request.messages.empty() && call.request.messages.size() <= 1000);
    return Marked{};
  };
  messaging.histories.rule = [&bench](const auto& call) {
    demand(call.request.limit >= 1 && call.request.limit <= 100);
    return Page{{bench.record()}, 0, true};
  };
  messaging.messages.rule = [&bench](const auto&) { return bench.record(); };
  messaging.lists.rule = [&bench](const auto&) { return std::vector{bench.info(bench.direct())}; };
}

void prepare_groups(Bench& bench) {
  auto& messaging = bench.messaging;
  messaging.creates.rule = [&bench](const auto& call) {
    demand(!call.request.name.empty() && call.request.name.size() <= 200 && call.request.members.size() <= 1000);
    auto group = bench.group();
    group->name = call.request.name;
    group->description = call.request.description;
    group->avatar = call.request.avatar;
    return bench.info(group);
  };
  messaging.changes.rule = [&bench](const auto&) { return bench.info(bench.group()); };
  messaging.infos.rule = [&bench](const auto&) { return bench.info(bench.group()); };
  messaging.rosters.rule = [&bench](const auto&) { return std::vector{bench.member(bench.alice)}; };
  messaging.memberships.rule = [&bench](const auto&) { return bench.member(bench.bob); };
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  Bench bench;
  prepare_messages(bench);
  prepare_groups(bench);
  const auto& target = targets[data[0] % std::size(targets)];
  const auto path = target.path + std::string(line(rest));
  const auto exchange = bench.exchange(target.method, path, std::string(rest), "backend");
  demand_answer(*exchange);
  return 0;
}
