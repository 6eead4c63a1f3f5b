// `/core/channel/message/…`
#include <algorithm>
#include <memory>
#include <vector>

#include "carrypigeon/connection.hpp"
#include "carrypigeon/list_page.hpp"

namespace loft::carrypigeon {
namespace {

ConversationRef channel(std::int64_t cid) { return ConversationRef::of(static_cast<ConversationId>(cid)); }

bool is_domain(const json::Value& value) {
  return value.is(json::Type::string) && value.raw().find(':') != Bytes::npos;
}

}  // namespace

void Connection::message_create(const Request& request) {
  const auto [cid, domain, type, content] = pick<4>(request.data, {"cid", "domain", "type", "data"});
  std::int64_t number = 0;
  if (!take(request, cid, number, 1)) return;
  // The document names the field `domain`, the original server reads `type`.
  const json::Value& chosen = domain.is(json::Type::null) && is_domain(type) ? type : domain;
  auto name = chosen.text();
  if (!name || content.is(json::Type::null)) return refuse(request.id, malformed_args);
  if (!content.is(json::Type::object)) return refuse(request.id, wrong_content);

  Submission submission;
  submission.to = channel(number);
  submission.domain = std::move(*name);
  submission.content = content.raw();
  services_.messaging.submit(peer_.caller(), std::move(submission),
                             answer<Accepted>(request.id, [](std::string& out, const Accepted& accepted) {
                               out += "{\"mid\":";
                               json::append_integer(out, raw(accepted.record->message->id));
                               out += '}';
                             }));
}

void Connection::message_delete(const Request& request) {
  const auto [mid] = pick<1>(request.data, {"mid"});
  std::int64_t number = 0;
  if (!take(request, mid, number, 1)) return;
  const Recall recall{static_cast<MessageId>(number), services_.settings.delete_window, true};
  services_.messaging.recall(peer_.caller(), recall, acknowledge<Recalled>(request.id));
}

void Connection::message_get(const Request& request) {
  const auto [mid] = pick<1>(request.data, {"mid"});
  std::int64_t number = 0;
  if (!take(request, mid, number, 1)) return;
  services_.messaging.message(
      peer_.caller(), static_cast<MessageId>(number), [this, id = request.id](Result<MessageRecord> result) {
        if (!result) return refuse(id, result.error());
        // What was deleted, for all or for this user, is gone for clients of this contract.
        if (result->is_recalled() || result->hidden) return refuse(id, no_message);
        reply(id, [&](std::string& out) {
          const Message& message = *result->message;
          const auto room = max_packet - out.size() - 1;
          size_of(message) <= room ? append_message(out, message) : append_short_message(out, message, services_, room);
        });
        mark_delivered(services_.messaging, peer_.caller(), {&*result, 1});
      });
}

void Connection::message_list(const Request& request) {
  const auto [cid, start, start_camel, limit] = pick<4>(request.data, {"cid", "start_time", "startTime", "count"});
  std::int64_t number = 0;
  std::int64_t until = 0;
  std::int64_t count = 0;
  if (!take(request, cid, number, 1) || !take(request, either(start, start_camel), until)) return;
  if (!take(request, limit, count, 1, 50)) return;
  // 0 and below: from now on backwards
  list_from(request.id,
            std::make_shared<ListPage>(channel(number), std::max<Millis>(until, 0), static_cast<std::size_t>(count)));
}

void Connection::list_from(std::int64_t id, std::shared_ptr<ListPage> page) {
  services_.messaging.history(peer_.caller(), page->query(), [this, id, page](Result<Page> part) {
    if (!part) return refuse(id, part.error());
    if (!page->take(std::move(*part))) return list_from(id, page);
    std::vector<MessageRecord> shown;
    reply(id, [&](std::string& out) { shown = page->append(out, services_); });
    mark_delivered(services_.messaging, peer_.caller(), shown);
  });
}

void Connection::unread_get(const Request& request) {
  const auto [cid, start, start_camel] = pick<3>(request.data, {"cid", "start_time", "startTime"});
  std::int64_t number = 0;
  std::int64_t since = 0;
  if (!take(request, cid, number, 1) || !take(request, either(start, start_camel), since)) return;
  UnreadQuery query;
  query.in = channel(number);
  // 0 would ask the host to count by what was read; here the client's time alone decides.
  query.since = std::max<Millis>(since, 1);
  services_.messaging.unread(peer_.caller(), std::move(query),
                             answer<std::uint64_t>(request.id, [](std::string& out, std::uint64_t count) {
                               json::Writer(out).object().key("count").number(count).end_object();
                             }));
}

// The notification is the host's business: all sessions of the user hear of a mark that moved, whoever moved it.
void Connection::read_state_update(const Request& request) {
  const auto [cid, time, time_camel] = pick<3>(request.data, {"cid", "last_read_time", "lastReadTime"});
  std::int64_t number = 0;
  MarkAct act;
  if (!take(request, cid, number, 1) || !take(request, either(time, time_camel), act.up_to_time, 1)) return;
  // Nothing has been read that is not written yet: a clock that is ahead must not hide what comes next.
  act.up_to_time = std::min(act.up_to_time, services_.clock.now());
  act.mark = MarkId::read;
  act.in = channel(number);
  services_.messaging.mark(peer_.caller(), std::move(act), acknowledge<Marked>(request.id));
}

void Connection::read_state_get(const Request& request) {
  const auto [cid] = pick<1>(request.data, {"cid"});
  std::int64_t number = 0;
  if (!take(request, cid, number, 1)) return;
  const auto user = raw(peer_.caller().user);
  services_.messaging.mark_state(
      peer_.caller(), channel(number), MarkId::read,
      answer<MarkState>(request.id, [number, user](std::string& out, const MarkState& state) {
        json::Writer writer(out);
        writer.object().key("cid").number(number).key("uid").number(user);
        writer.key("last_read_time").number(state.reached).end_object();
      }));
}

// The action of a message domain, which the document does not know: docs/contracts/carrypigeon.md.
void Connection::act(std::string name, const Request& request) {
  const auto [mid, arguments] = pick<2>(request.data, {"mid", "arguments"});
  std::int64_t number = 0;
  if (!take(request, mid, number, 1)) return;
  if (!missing(arguments) && !arguments.is(json::Type::object)) return refuse(request.id, malformed_args);
  ActionRequest asked{std::move(name), static_cast<MessageId>(number), std::string(arguments.raw())};
  services_.domains.act(peer_.caller(), std::move(asked),
                        answer<std::string>(request.id, [](std::string& out, const std::string& result) {
                          out.append("{\"result\":").append(result) += '}';
                        }));
}

}  // namespace loft::carrypigeon
