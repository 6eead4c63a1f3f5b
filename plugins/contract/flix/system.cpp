// The way in for the operator's backends: messages that nobody may send as a user.
#include "fields.hpp"
#include "http.hpp"

namespace loft::flix {
namespace {

constexpr unsigned created = 201;

/// Of what a backend sent, as the one reader sees it; an announcement has no reader to name.
void answer(const Shared& shared, HttpExchange& exchange, const Accepted& accepted, const std::string& reader) {
  const auto& record = *accepted.record;
  Reader view;
  view.viewer.uuid = reader.empty() ? std::string_view(record.sender->uuid) : std::string_view(reader);
  if (reader.empty()) view.user = record.message->sender;
  auto& out = begin_data("消息创建成功");
  shared.wire.message(out, record, view);
  out += '}';
  reply(exchange, out, created);
}

void create(const Shared& shared, const HttpExchangePtr& exchange) {
  authenticated(shared, exchange, [&shared, exchange](const Caller& caller, const UserPtr&) -> Result<void> {
    if (!caller.service) return failure::not_service();
    const auto body = body_of(*exchange);
    if (!body) return body.error();
    Submission submission;
    std::string reader;
    if (auto read = read_system(*body, submission, reader); !read) return read;
    auto done = [&shared, exchange, reader = std::move(reader)](const Accepted& accepted) {
      answer(shared, *exchange, accepted, reader);
    };
    shared.messaging().submit(caller, std::move(submission), or_error<Accepted>(exchange, std::move(done)));
    return {};
  });
}

}  // namespace

void system_routes(const Shared& shared, Routes& routes) {
  routes.http(HttpMethod::post, "/api/v1/system/messages",
              [&shared](const HttpExchangePtr& exchange) { create(shared, exchange); });
}

}  // namespace loft::flix
