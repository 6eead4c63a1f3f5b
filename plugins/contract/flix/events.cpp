// The events that a client sends on its channel.
#include <loft/contract_tools.hpp>

#include "fields.hpp"
#include "handed_over.hpp"
#include "session.hpp"

namespace loft::flix {

// The most frequent first. The last three are events of later clients, the first of them another name.
constexpr Session::Row Session::table[] = {
    {"send_message", &Session::send_message, Act::any},
    {"mark_read", &Session::mark_read, Act::mark},
    {"sync", &Session::sync, Act::any},
    {"get_conversations", &Session::list, Act::any},
    {"get_conversation_history", &Session::history, Act::any},
    {"withdraw_message", &Session::withdraw, Act::any},
    {"create_conversation", &Session::create, Act::create},
    {"send_private_message", &Session::send_message, Act::any},
    {"get_conversation_info", &Session::info, Act::any},
    {"clear_conversation", &Session::clear, Act::any},
};

void Session::event(const Frame& frame) {
  const Address to(frame);
  const bool fits = missing(frame.payload) || frame.payload.is(json::Type::object);
  for (const auto& row : table) {
    if (row.event != frame.event) continue;
    if (!fits) return refuse(to, failure::parameter("payload must be an object"));
    if (auto done = (this->*row.handler)(frame.payload, to); !done) refuse(to, done.error(), row.act);
    return;
  }
  if (!shared_.host->domains().has_action(frame.event)) return refuse(to, failure::unknown_event());
  if (!fits) return refuse(to, failure::parameter("payload must be an object"));
  if (auto done = act(std::string(frame.event), frame.payload, to); !done) refuse(to, done.error());
}

// The action of a message domain, which the document does not know: docs/contracts/flix.md.
Result<void> Session::act(std::string name, const json::Value& payload, Address to) {
  const auto [message, arguments] = pick<2>(payload, {"message_id", "arguments"});
  const auto id = message_id(message);
  if (!id) return id.error();
  auto asked = read_action(std::move(name), *id, arguments);
  if (!asked) return asked.error();
  auto answered = [this, to = std::move(to)](const Result<std::string>& result) {
    if (!result) return refuse(to, result.error());
    answer(to, [&](std::string& out) { out.append("{\"result\":").append(*result) += '}'; });
  };
  shared_.host->domains().act(peer_.caller(), std::move(*asked), std::move(answered));
  return {};
}

Result<void> Session::send_message(const json::Value& payload, Address to) {
  Submission submission;
  if (auto read = read_event(payload, peer_.user(), submission); !read) return read;
  auto sent = [this, to = std::move(to)](const Result<Accepted>& result) {
    if (!result) return refuse(to, result.error());
    const auto& message = *result->record->message;
    answer(to, [&](std::string& out) {
      out += "{\"client_message_id\":";
      const auto extras = json::parse(message.extras);
      const auto own = extras ? extras->find("client_id") : std::nullopt;
      if (own) {
        out += own->raw();
      } else {
        out += '"';
        append_uuid(out, UuidKind::message, raw(message.id));
        out += '"';
      }
      out += ",\"message_id\":\"";
      append_uuid(out, UuidKind::message, raw(message.id));
      out += "\",\"server_timestamp\":\"";
      append_time(out, message.time());
      out += "\",\"status\":\"sent\"}";
    });
  };
  shared_.messaging().submit(peer_.caller(), std::move(submission), std::move(sent));
  return {};
}

Result<void> Session::mark_read(const json::Value& payload, Address to) {
  auto act = read_mark(payload, peer_.user());
  if (!act) return act.error();
  shared_.messaging().mark(peer_.caller(), std::move(*act), [this, to = std::move(to)](const Result<Marked>& result) {
    if (!result) return refuse(to, result.error(), Act::mark);
    answer(to, [&](std::string& out) {
      out += "{\"updated_count\":";
      json::append_integer(out, result->newly);
      out += '}';
    });
  });
  return {};
}

Result<void> Session::withdraw(const json::Value& payload, Address to) {
  const auto [named] = pick<1>(payload, {"message_id"});
  const auto id = message_id(named);
  if (!id) return id.error();
  Recall recall;
  recall.message = *id;
  recall.window = shared_.settings.recall_window;
  shared_.messaging().recall(peer_.caller(), std::move(recall),
                             [this, to = std::move(to)](const Result<Recalled>& result) {
                               if (!result) return refuse(to, result.error());
                               answer(to, [](std::string& out) { out += "{\"status\":\"withdrawn\"}"; });
                             });
  return {};
}

Result<void> Session::history(const json::Value& payload, Address to) {
  auto query = read_history(payload, peer_.user());
  if (!query) return query.error();
  if (!*query) {
    answer(to, [](std::string& out) { out += "{\"messages\":[]}"; });
    return {};
  }
  const auto limit = (*query)->limit;
  auto found = [this, limit, to = std::move(to)](const Result<Page>& result) {
    if (!result) return refuse(to, result.error());
    answer(to, [&](std::string& out) {
      out += "{\"messages\":";
      shared_.wire.messages(out, result->messages, Reader::of(peer_.user()));
      // Clients take a page that is not full for the last one: large messages make others short.
      if (result->more && result->messages.size() < limit) out += ",\"has_more\":true";
      out += '}';
    });
    mark_delivered(shared_.messaging(), peer_.caller(), result->messages);
  };
  shared_.messaging().history(peer_.caller(), std::move(**query), std::move(found));
  return {};
}

Result<void> Session::sync(const json::Value& payload, Address to) {
  const auto [last] = pick<1>(payload, {"last_sync_timestamp"});
  const auto after = parse_position(last);
  if (!after) return failure::timestamp();
  auto events = std::make_shared<std::string>();
  auto write = [this, events](const SyncPage& page) {
    return shared_.wire.events(*events, page, peer_.user(), events->empty());
  };
  sync_from(shared_, peer_.caller(), *after, handing_over(shared_, peer_.caller(), std::move(write)),
            [this, events, to = std::move(to)](const Result<Position>& next) {
              if (!next) return refuse(to, next.error());
              answer(to, [&](std::string& out) {
                out.append("{\"events\":[").append(*events).append("],\"new_last_sync_timestamp\":\"");
                append_position(out, *next);
                out += "\"}";
              });
            });
  return {};
}

}  // namespace loft::flix
