// Message domains: what the content of a `Vendor:Name` message must be, how it reads in one line, what members can do
// with it, and what the plugin keeps of a conversation.
#pragma once

#include <cctype>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <loft/bytes.hpp>
#include <loft/error.hpp>
#include <loft/key_values.hpp>
#include <loft/message.hpp>
#include <loft/messaging.hpp>
#include <loft/plugin.hpp>

namespace loft {

/// Something that members can do with a message, such as vote in a poll.
struct ActionSpec {
  std::string name;  ///< a word of `a-z`, digits and `_`, beginning with a letter, such as `vote`; see `action_name`
  std::string schema = R"({"type":"object"})";  ///< JSON Schema (draft 7) that the host checks the arguments against
  std::size_t max_bytes = 4096;                 ///< of the arguments
};

struct DomainSpec {
  std::string name;               ///< `Vendor:Name`, each part of letters, digits, `_`, beginning with a letter
  std::string schema;             ///< JSON Schema (draft 7) of the content, for documentation and clients
  bool host_validates = true;     ///< the host checks content against `schema` before `check` sees it
  std::size_t max_bytes = 65536;  ///< of the content as submitted
  bool service_only = false;      ///< only a service (`Caller::service`) may write such messages
  std::vector<ActionSpec> actions = {};
  bool asks_sending = false;  ///< `Domain::sending` is asked about each message, which costs a trip to the pool
};

/// What clients of every contract call an action: `acme.poll.vote` for `vote` of `Acme:Poll`.
inline std::string action_name(std::string_view domain, std::string_view action) {
  std::string name;
  for (const char c : domain) name += c == ':' ? '.' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return (name += '.') += action;
}

/// A language tag such as `zh-CN` or `en`.
using Locale = std::string_view;

/// What a plugin keeps of one conversation: texts under keys. Calls about one conversation come one at a time, and each
/// finds what those before it have stored. What a call writes is stored together with what the call is about, or not at
/// all. A storage that cannot be read ends the call with its error, whatever the call returns; until then there seem to
/// be no values. `KeyValues` has the same under `conversation/<id>/<key>`; what nobody removes stays.
/// Thread role and lifetime: of the call it is given to.
class PluginState {
 public:
  virtual std::optional<std::string> get(std::string_view key) = 0;
  /// Those whose keys begin with `prefix` and are greater than `after`, ascending by their bytes, at most `limit`.
  virtual std::vector<KeyValue> list(std::string_view prefix, std::string_view after, std::size_t limit) = 0;
  /// `key` has 1 to 200 bytes of UTF-8, `value` at most 64 KiB; else the call ends with internal `domain.failed`.
  virtual void put(std::string key, std::string value) = 0;
  virtual void remove(std::string key) = 0;

 protected:
  ~PluginState() = default;
};

/// A member does something with a message.
struct Action {
  const User& actor;
  const Message& message;  ///< of the domain; the actor may see it, and it is not recalled
  const Conversation& conversation;
  Bytes arguments;  ///< a JSON object that fits the action's schema
  PluginState& state;

  // What comes of it, once it is stored; each of the two has at most 32 KiB:
  std::string answer;  ///< to the actor: a JSON object; empty: `{}`
  std::string told;    ///< to the connected members: a JSON object under the action's name; empty: nothing is told
  /// A message that the actor sends to the conversation by this, stored together with the state. It goes through the
  /// interceptors and its domain's `check`; when it is refused, so is the action.
  struct Reply {
    std::string domain;
    std::string content;
  };
  std::optional<Reply> reply;
};

/// A message that is about to be stored.
struct Sending {
  const User& sender;
  const Conversation* conversation = nullptr;  ///< null: a direct one that does not exist yet
  std::string& content;                        ///< as `check` left it; may be changed, and is checked again then
  PluginState& state;
};

/// Thread role of `check`, `preview` and `search_text`: any, concurrently. They must be quick and keep no state.
/// Thread role of `act` and `sending`: pool; concurrently, but one at a time for one conversation. They may wait a
/// little, have no effects but those of their argument, and may be called again for the same act.
class Domain : public Plugin {
 public:
  /// Valid as long as the plugin. Called once, after `setup`.
  virtual std::span<const DomainSpec> domains() const = 0;

  /// Checks `content` (valid JSON, an object) of `domains()[index]` and may write another form to `normal`; left empty,
  /// the content stands as it is. Errors: invalid, reason `content.invalid`, the detail names the field.
  virtual Result<void> check(std::size_t index, Bytes content, std::string& normal) const = 0;

  /// Appends one line of plain text that stands for the content where it cannot be shown.
  virtual void preview(std::size_t index, Bytes content, Locale locale, std::string& out) const = 0;

  /// Appends what a search should find the content by: plain text, any length. Without an own one: the preview.
  virtual void search_text(std::size_t index, Bytes content, std::string& out) const {
    preview(index, content, {}, out);
  }

  /// Does `domains()[index].actions[action]`. Errors: the plugin's own, with a reason that begins with its own word,
  /// such as conflict `poll.closed`; they reach the client in its contract's form, and nothing is stored or told.
  virtual Result<void> act(std::size_t index, std::size_t action, Action& act) const {
    static_cast<void>(index), static_cast<void>(action), static_cast<void>(act);
    return Error{Code::internal, "domain.failed", "the plugin declares an action and does not override Domain::act"};
  }

  /// Looks at a message before it is stored, with the conversation's state; asked where `DomainSpec::asks_sending` says
  /// so, after the interceptors. Not asked: for replies of actions. What it writes is stored with the message, and
  /// dropped when the message is refused or a repeat. Errors: as `act`; the message is refused.
  virtual Result<void> sending(std::size_t index, Sending& message) const {
    static_cast<void>(index), static_cast<void>(message);
    return {};
  }
};

/// A member's action on a message, as it comes over a wire.
struct ActionRequest {
  std::string name;  ///< `acme.poll.vote`
  MessageId message = MessageId::none;
  std::string arguments;  ///< a JSON object; empty: `{}`
};

/// All domains of the host. Thread role: any, where nothing else is said. Lifetime: the host's.
class Domains {
 public:
  virtual ~Domains() = default;

  virtual bool known(std::string_view name) const noexcept = 0;

  /// The preview by the domain's plugin; `[消息]` where no plugin knows the domain.
  virtual void preview(std::string_view name, Bytes content, Locale locale, std::string& out) const = 0;

  /// The text by the domain's plugin; nothing where no plugin knows the domain.
  virtual void search_text(std::string_view name, Bytes content, std::string& out) const = 0;

  /// Whether a domain has the action of that name, such as `acme.poll.vote`. A contract asks with every type, event or
  /// route that is not its own.
  virtual bool has_action(std::string_view name) const noexcept = 0;

  /// Answers with the action's answer, a JSON object, once what it stores is durable. Then the members' sessions that
  /// want signals hear of it by a Signal of the action's name, and observers by ActionDone. While it is under way the
  /// session's further messages wait. Thread role: the thread in `caller.thread`; the answer comes on it. Errors:
  /// invalid `action.unknown`, `action.invalid` (the arguments), `action.elsewhere` (the message is of another domain);
  /// too_large `action.too_large`; not_found `message.unknown` (also when the caller may not see it); conflict
  /// `message.recalled`; what interceptors of PerformAction refuse with; the domain's own; as Messaging.
  virtual void act(const Caller& caller, ActionRequest request, Done<std::string> done) = 0;
};

}  // namespace loft
