#include "cli/writing.hpp"

namespace loft::cli {
namespace {

constexpr const char* default_sender = "system";

Error bad_arguments(const char* detail) { return {Code::invalid, "control.arguments", detail}; }

std::string text(const json::Value& object, std::string_view name) {
  const auto value = object.find(name);
  return value ? value->text().value_or(std::string()) : std::string();
}

Result<Submission> submission(const json::Value& arguments) {
  Submission out;
  const auto content = arguments.find("content");
  const auto words = arguments.find("text");
  if (content.has_value() == words.has_value()) return bad_arguments("give either `text`, or `domain` and `content`");
  if (words) {
    if (!words->text()) return bad_arguments("`text` must be a text");
    out.domain = "Core:Text";
    json::Writer(out.content).object().key("text").string(*words->text()).end_object();
  } else {
    out.domain = text(arguments, "domain");
    if (out.domain.empty()) return bad_arguments("`domain` is missing, such as Core:Text");
    if (!content->is(json::Type::object)) return bad_arguments("`content` must be a JSON object");
    out.content = content->raw();
  }
  out.client_id = text(arguments, "client_id");
  return out;
}

}  // namespace

Result<std::string> write(UserStore& users, bool to_one, const json::Value& arguments) {
  auto out = submission(arguments);
  if (!out) return out.error();
  auto topic = text(arguments, "topic");
  if (topic.empty()) return bad_arguments("`topic` is missing");
  if (to_one) {
    const auto reader = users.find(text(arguments, "handle"));
    if (!reader) return reader.error();
    out->to = ConversationRef::system(std::move(topic), UserRef::of(reader->id));
  } else {
    out->to = ConversationRef::broadcast(std::move(topic));
  }
  auto name = text(arguments, "as");
  const auto sender = find_or_add(users, name.empty() ? default_sender : name);
  if (!sender) return sender.error();
  const auto sent = users.submit(sender->id, std::move(*out));
  if (!sent) return sent.error();
  const auto& message = *sent->record->message;
  std::string answer;
  json::Writer w(answer);
  w.object().key("message").number(raw(message.id)).key("conversation").number(raw(message.conversation));
  w.key("repeated").boolean(sent->repeated).end_object();
  return answer;
}

}  // namespace loft::cli
