// What an operator does for users: passwords, tokens, messages of the house.
#include <loft/json.hpp>
#include <loft/utf8.hpp>

#include "cli/actions.hpp"
#include "cli/secret_input.hpp"
#include "config/scalars.hpp"

namespace loft::cli {
namespace {

Error not_utf8() { return {Code::invalid, "user.handle_invalid", "the handle is not UTF-8"}; }

}  // namespace

int Actions::unknown_user() {
  err_ << "loft: there is no user " << words_.handle << "; make one with `loft user add " << words_.handle << "`\n";
  return refused;
}

int Actions::user_password() {
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  if (!utf8::valid(words_.handle)) return fail(not_utf8());
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("handle").string(words_.handle);
  if (words_.remove) {
    w.key("remove").boolean(true);
  } else {
    const auto password = read_password(words_.handle, err_);
    if (!password) return fail(password.error());
    if (!utf8::valid(*password)) return fail({Code::invalid, "password.input", "the password is not UTF-8"});
    w.key("password").string(*password);
  }
  w.end_object();
  const auto answer = ask(*loaded, "user.password", arguments);
  if (!answer && answer.error().reason == "user.unknown") return unknown_user();
  if (!answer) return fail(answer.error());
  out_ << (words_.remove ? "removed the password of " : "set the password of ") << words_.handle << "\n";
  return success;
}

int Actions::token() {
  const auto ttl = config::parse_duration(words_.ttl);
  if (!ttl.wrong.empty()) {
    err_ << "loft: --ttl '" << words_.ttl << "' " << ttl.wrong << "\n";
    return usage;
  }
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  if (!utf8::valid(words_.handle)) return fail(not_utf8());
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("handle").string(words_.handle).key("ttl_ms").number(ttl.value);
  if (words_.service) w.key("service").boolean(true);
  w.end_object();
  const auto answer = ask(*loaded, "token", arguments);
  if (!answer && answer.error().reason == "user.unknown") return unknown_user();
  if (!answer) return fail(answer.error());
  const auto object = json::parse(*answer);
  if (!object) return fail(object.error());
  const auto token = object->find("token");
  out_ << (words_.json || !token ? *answer : token->text().value_or("")) << "\n";
  return success;
}

int Actions::announce() { return write("announce", false); }
int Actions::notify() { return write("notify", true); }

int Actions::write(std::string_view command, bool to_one) {
  if (words_.text.empty() == words_.content.empty() || words_.content.empty() != words_.domain.empty()) {
    err_ << "loft: give either --text, or --domain and --content\n";
    return usage;
  }
  if (!words_.content.empty()) {
    if (const auto content = json::parse(words_.content); !content || !content->is(json::Type::object)) {
      err_ << "loft: --content must be a JSON object" << (content ? "" : ": " + content.error().detail) << "\n";
      return usage;
    }
  }
  for (const auto* word :
       {&words_.handle, &words_.topic, &words_.text, &words_.domain, &words_.as, &words_.client_id}) {
    if (utf8::valid(*word)) continue;
    err_ << "loft: '" << *word << "' is not UTF-8\n";
    return usage;
  }
  int exit = success;
  auto loaded = configuration(exit);
  if (!loaded) return exit;
  std::string arguments;
  json::Writer w(arguments);
  w.object().key("topic").string(words_.topic).key("as").string(words_.as).key("client_id").string(words_.client_id);
  if (to_one) w.key("handle").string(words_.handle);
  if (words_.content.empty())
    w.key("text").string(words_.text);
  else
    w.key("domain").string(words_.domain).key("content").raw(words_.content);
  w.end_object();
  const auto answer = ask(*loaded, command, arguments);
  if (!answer && answer.error().reason == "user.unknown") return unknown_user();
  if (!answer) return fail(answer.error());
  const auto object = json::parse(*answer);
  if (words_.json || !object) {
    out_ << *answer << "\n";
  } else {
    const auto message = object->find("message");
    out_ << "sent as message " << (message ? message->raw() : "") << "\n";
  }
  return success;
}

}  // namespace loft::cli
