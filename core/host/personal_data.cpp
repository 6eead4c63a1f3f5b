#include "host/personal_data.hpp"

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>

namespace loft {
namespace {

constexpr Millis budget = 2'000;  // of one call: the client that waits for it hears that it goes on

Error bad_arguments(const char* detail) { return {Code::invalid, "control.arguments", detail}; }

std::uint64_t number(const json::Value& value) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(value.integer().value_or(0), 0));
}

std::string text_of(const ErasureReport& report, bool dry_run) {
  std::string out;
  json::Writer w(out);
  w.object().key("uid").number(raw(report.user)).key("handle").string(report.handle);
  w.key("dry_run").boolean(dry_run).key("done").boolean(report.done);
  w.key("was_begun").boolean(report.was_begun).key("tables").object();
  w.key("user").number(std::uint64_t{1}).key("message").number(report.messages).key("recall").number(report.recalls);
  w.key("member").number(report.memberships).key("conversation").number(report.conversations);
  w.key("mark").number(report.marks).key("message_removed").number(report.removed);
  w.key("push").number(report.pushes).end_object();
  w.key("plugins").object();
  for (const auto& [what, rows] : report.plugins) w.key(what).number(rows);
  w.end_object().end_object();
  return out;
}

}  // namespace

Result<std::string> PersonalData::erase(std::string_view arguments) {
  const auto object = json::parse(arguments);
  if (!object) return bad_arguments("the arguments are not a JSON object");
  const auto [handle, dry_run] = pick<2>(*object, {"handle", "dry_run"});
  if (!handle.text()) return bad_arguments("`handle` is missing");
  const bool only_look = dry_run.boolean() == true;
  const auto report = only_look ? eraser_.look(*handle.text()) : eraser_.erase(*handle.text(), budget);
  if (!report) return report.error();
  return text_of(*report, only_look);
}

Result<std::string> PersonalData::export_page(std::string_view arguments) {
  const auto object = json::parse(arguments);
  if (!object) return bad_arguments("the arguments are not a JSON object");
  const auto [handle, uid, received, next] = pick<4>(*object, {"handle", "uid", "received", "next"});
  if (!handle.text() && !uid.integer()) return bad_arguments("`handle` or `uid` is missing");
  const auto user = core_.directory().load(handle.text() ? UserRef::handle(*handle.text())
                                                         : UserRef::of(static_cast<UserId>(number(uid))));
  if (!user) return user.error();
  if (is_erased(**user)) return unknown_user();
  ExportPlace place;
  if (next.is(json::Type::object)) {
    const auto [conversation, seq, push] = pick<3>(next, {"conversation", "seq", "push"});
    place = {true, static_cast<ConversationId>(number(conversation)), number(seq), {}};
    if (push.integer()) place.push = static_cast<MessageId>(number(push));
  }
  const auto page = exporter_.page(**user, place, received.boolean() == true);
  if (!page) return page.error();
  std::string out;
  json::Writer w(out);
  w.object().key("uid").number(raw((*user)->id)).key("lines").array();
  for (const auto& line : page->lines) w.raw(line);
  w.end_array().key("next").object().key("conversation").number(raw(page->next.conversation));
  w.key("seq").number(page->next.next);
  if (page->next.push) w.key("push").number(raw(*page->next.push));
  w.end_object().key("more").boolean(page->more).end_object();
  return out;
}

}  // namespace loft
