// For tests of contracts: the host's side of a contract, without a host. Everything a contract asks for is recorded;
// the test answers, at once by a rule or one by one when it likes. One thread only.
//
//   FakeUsers users;  FakeMessaging messaging;  FakePeer peer(users);  FakeRoutes routes;
//   contract.routes(routes);
//   auto conversant = routes.open("/ws", peer);
//   conversant->on_message({R"({"type":"login", …})"});
//   CHECK(peer.sent.at(0) == …);
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <loft/contract.hpp>
#include <loft/domain.hpp>
#include <loft/key_values.hpp>
#include <loft/messaging.hpp>
#include <loft/testing/http.hpp>

namespace loft::testing {

/// The calls of one function of Messaging. `calls` keeps them all, in order, answered or not.
template <class Request, class Answer>
class Asked {
 public:
  struct Call {
    Caller caller;
    Request request;
  };
  using Rule = std::function<Result<Answer>(const Call&)>;

  std::vector<Call> calls;
  Rule rule;  ///< answers by itself; empty: calls wait for `answer`

  /// Answers the oldest call that waits. False: none does.
  bool answer(Result<Answer> result) {
    if (waiting_.empty()) return false;
    auto done = std::move(waiting_.front().second);
    waiting_.pop_front();
    done(std::move(result));
    return true;
  }

  std::size_t waiting() const noexcept { return waiting_.size(); }

  /// Destroys what waits without calling it, as the host does when a session ends.
  void drop() { waiting_.clear(); }

  /// Answers what waits by the rule, in order. What is asked meanwhile is answered too.
  bool settle() {
    bool any = false;
    while (rule && !waiting_.empty()) any = answer(rule(calls[waiting_.front().first]));
    return any;
  }

  const Request& last() const { return calls.back().request; }

  /// For the fakes: takes a call. `at_once` answers by the rule before returning, as reads may.
  void take(const Caller& caller, Request request, Done<Answer> done, bool at_once) {
    calls.push_back({caller, std::move(request)});
    if (at_once && rule && waiting_.empty()) return done(rule(calls.back()));
    waiting_.emplace_back(calls.size() - 1, std::move(done));
  }

 private:
  std::deque<std::pair<std::size_t, Done<Answer>>> waiting_;
};

/// A record to answer a submission with.
inline RecordPtr share(MessageRecord record) { return std::make_shared<const MessageRecord>(std::move(record)); }

/// What `conversation` and `members` are asked with.
struct ConversationAsk {
  ConversationRef ref;
  bool must_be_member = false;
};

struct MarkStateAsk {
  ConversationRef ref;
  MarkId mark = MarkId::read;
};

/// Messaging that records. Reads with a rule answer before they return; writes answer in `settle`, never before.
class FakeMessaging final : public Messaging {
 public:
  Asked<Submission, Accepted> submits;
  Asked<std::vector<Submission>, std::vector<Accepted>> submit_alls;
  Asked<Recall, Recalled> recalls;
  Asked<MarkAct, Marked> marks;
  Asked<NewConversation, ConversationRecord> creates;
  Asked<MembershipAct, MemberRecord> memberships;
  Asked<ConversationAct, ConversationRecord> changes;
  Asked<MessageId, MessageRecord> messages;
  Asked<HistoryQuery, Page> histories;
  Asked<InboxQuery, Page> inboxes;
  Asked<SyncQuery, SyncPage> syncs;
  Asked<UnreadQuery, std::uint64_t> unreads;
  Asked<ConversationQuery, std::vector<ConversationRecord>> lists;
  Asked<ConversationAsk, ConversationRecord> infos;
  Asked<ConversationAsk, std::vector<MemberRecord>> rosters;
  Asked<MarkStateAsk, MarkState> mark_states;
  std::vector<MarkSpec> mark_specs;  ///< defined marks; the first has the number 3
  Online counts;                     ///< what `online` answers

  /// Answers, by their rules, all calls that wait.
  void settle() {
    while (submits.settle() | submit_alls.settle() | recalls.settle() | marks.settle() | creates.settle() |
           memberships.settle() | changes.settle() | messages.settle() | histories.settle() | inboxes.settle() |
           syncs.settle() | unreads.settle() | lists.settle() | infos.settle() | rosters.settle() |
           mark_states.settle()) {
    }
  }

  MarkId define_mark(const MarkSpec& spec) override {
    std::size_t at = 0;
    while (at < mark_specs.size() && mark_specs[at].name != spec.name) ++at;
    if (at == mark_specs.size()) mark_specs.push_back(spec);
    return static_cast<MarkId>(3 + at);
  }
  void submit(const Caller& c, Submission s, Done<Accepted> d) override {
    submits.take(c, std::move(s), std::move(d), false);
  }
  void submit_all(const Caller& c, std::vector<Submission> s, Done<std::vector<Accepted>> d) override {
    submit_alls.take(c, std::move(s), std::move(d), false);
  }
  void recall(const Caller& c, Recall r, Done<Recalled> d) override { recalls.take(c, r, std::move(d), false); }
  void mark(const Caller& c, MarkAct a, Done<Marked> d) override { marks.take(c, std::move(a), std::move(d), false); }
  void create(const Caller& c, NewConversation n, Done<ConversationRecord> d) override {
    creates.take(c, std::move(n), std::move(d), false);
  }
  void change_membership(const Caller& c, MembershipAct a, Done<MemberRecord> d) override {
    memberships.take(c, std::move(a), std::move(d), false);
  }
  void change_conversation(const Caller& c, ConversationAct a, Done<ConversationRecord> d) override {
    changes.take(c, std::move(a), std::move(d), false);
  }
  void message(const Caller& c, MessageId id, Done<MessageRecord> d) override {
    messages.take(c, id, std::move(d), true);
  }
  void history(const Caller& c, HistoryQuery q, Done<Page> d) override {
    histories.take(c, std::move(q), std::move(d), true);
  }
  void inbox(const Caller& c, InboxQuery q, Done<Page> d) override {
    inboxes.take(c, std::move(q), std::move(d), true);
  }
  std::vector<std::pair<Caller, Signal>> signals;
  void signal(const Caller& c, Signal s) override { signals.emplace_back(c, std::move(s)); }
  void sync(const Caller& c, SyncQuery q, Done<SyncPage> d) override { syncs.take(c, q, std::move(d), true); }
  void unread(const Caller& c, UnreadQuery q, Done<std::uint64_t> d) override {
    unreads.take(c, std::move(q), std::move(d), true);
  }
  void conversations(const Caller& c, ConversationQuery q, Done<std::vector<ConversationRecord>> d) override {
    lists.take(c, q, std::move(d), true);
  }
  void conversation(const Caller& c, ConversationRef r, bool member, Done<ConversationRecord> d) override {
    infos.take(c, {std::move(r), member}, std::move(d), true);
  }
  void members(const Caller& c, ConversationRef r, bool member, Done<std::vector<MemberRecord>> d) override {
    rosters.take(c, {std::move(r), member}, std::move(d), true);
  }
  void mark_state(const Caller& c, ConversationRef r, MarkId mark, Done<MarkState> d) override {
    mark_states.take(c, {std::move(r), mark}, std::move(d), true);
  }
  Online online() const noexcept override { return counts; }
};

/// A directory of users in memory. Answers at once.
class FakeUsers final : public Users {
 public:
  bool auto_create = true;  ///< as `identity.auto_create`

  /// Makes a user, or returns the one of that handle.
  std::shared_ptr<const User> add(std::string handle, std::uint64_t id = 0) {
    for (const auto& user : users_) {
      if (user->handle == handle) return user;
    }
    auto user = std::make_shared<User>();
    user->id = static_cast<UserId>(id != 0 ? id : 1000 + users_.size());
    user->uuid = "00000000-0000-8000-8000-" + std::to_string(100'000'000'000 + raw(user->id));
    user->handle = std::move(handle);
    return users_.emplace_back(std::move(user));
  }

  Result<std::shared_ptr<const User>> look_up(const UserRef& ref) {
    if (ref.by != UserRef::By::id && (ref.text.empty() || ref.text.size() > 50)) {
      return Error{Code::invalid, "user.handle_invalid", {}};
    }
    for (const auto& user : users_) {
      if (matches(*user, ref)) return user;
    }
    const bool named = ref.by == UserRef::By::handle || ref.by == UserRef::By::handle_or_id;
    if (ref.create && auto_create && named) return add(ref.text);
    return Error{Code::not_found, "user.unknown", {}};
  }

  void find(const Caller&, UserRef ref, Done<std::shared_ptr<const User>> done) override { done(look_up(ref)); }

  void set_profile(const Caller& caller, std::string profile, Done<std::shared_ptr<const User>> done) override {
    for (auto& user : users_) {
      if (user->id != caller.user) continue;
      auto changed = std::make_shared<User>(*user);
      changed->profile = std::move(profile);
      user = std::move(changed);
      return done(user);
    }
    done(Error{Code::not_found, "user.unknown", {}});
  }

  std::size_t size() const noexcept { return users_.size(); }

 private:
  static bool matches(const User& user, const UserRef& ref) {
    switch (ref.by) {
      case UserRef::By::id:
        return raw(user.id) == ref.number;
      case UserRef::By::handle:
        return user.handle == ref.text;
      case UserRef::By::handle_or_id:
        return user.handle == ref.text || std::to_string(raw(user.id)) == ref.text;
      case UserRef::By::uuid:
        return user.uuid == ref.text;
    }
    return false;
  }

  std::vector<std::shared_ptr<const User>> users_;
};

/// Tokens that the test names.
class FakeIdentity final : public Identity {
 public:
  std::map<std::string, Claims, std::less<>> tokens;
  std::map<std::string, Error, std::less<>> refused;  ///< what these tokens fail with

  Result<Claims> verify(std::string_view token) const override {
    if (token.empty()) return Error{Code::unauthenticated, "token.missing", {}};
    if (const auto bad = refused.find(token); bad != refused.end()) return bad->second;
    const auto found = tokens.find(token);
    if (found == tokens.end()) return Error{Code::unauthenticated, "token.forged", {}};
    return found->second;
  }
  Result<Claims> verify(std::string_view token, const TokenRules& rules) const override {
    asked = rules;
    return verify(token);
  }
  Result<std::string> issue(const User& user, Millis ttl) const override {
    return "token of " + user.handle + " for " + std::to_string(ttl);
  }

  mutable TokenRules asked;  ///< with which the latest token was verified
};

/// State of a plugin in memory. Everything is answered at once.
class FakeKeyValues final : public KeyValues {
 public:
  std::map<std::string, std::string, std::less<>> values;

  void put(const Caller&, std::vector<KeyChange> changes, Done<bool> done) override {
    for (const auto& change : changes) {
      const auto found = values.find(change.key);
      const auto now = found == values.end() ? std::nullopt : std::optional(found->second);
      if (change.expected && *change.expected != now) return done(Error{Code::conflict, "key.changed", {}});
    }
    for (auto& change : changes) {
      if (change.value)
        values.insert_or_assign(std::move(change.key), std::move(*change.value));
      else
        values.erase(change.key);
    }
    done(true);
  }
  void get(const Caller&, std::string key, Done<std::optional<std::string>> done) override {
    const auto found = values.find(key);
    done(found == values.end() ? std::nullopt : std::optional(found->second));
  }
  void list(const Caller&, std::string prefix, std::string after, std::size_t limit,
            Done<std::vector<KeyValue>> done) override {
    done(read(prefix, after, limit));
  }
  Result<std::vector<KeyValue>> read(const std::string& prefix, const std::string& after, std::size_t limit) override {
    std::vector<KeyValue> found;
    for (const auto& [key, value] : values) {
      if (key.starts_with(prefix) && key > after && found.size() < limit) found.push_back({key, value});
    }
    return found;
  }
  Result<void> write(std::vector<KeyChange> changes) override {
    Result<void> result;
    put({}, std::move(changes), [&result](Result<bool> stored) {
      if (!stored) result = std::move(stored.error());
    });
    return result;
  }
};

/// Domains by name; a preview is `<locale> <domain>` unless the test says otherwise.
class FakeDomains : public Domains {
 public:
  std::map<std::string, std::string, std::less<>> previews;
  std::set<std::string, std::less<>> actions;  ///< those there are
  Asked<ActionRequest, std::string> acts;      ///< answered by `settle` or `answer`, never at once

  bool known(std::string_view name) const noexcept override { return previews.find(name) != previews.end(); }
  void preview(std::string_view name, Bytes, Locale locale, std::string& out) const override {
    const auto found = previews.find(name);
    out += found != previews.end() ? found->second : std::string(locale) + " " + std::string(name);
  }
  void search_text(std::string_view name, Bytes content, std::string& out) const override {
    if (known(name)) preview(name, content, {}, out);
  }
  bool has_action(std::string_view name) const noexcept override { return actions.contains(name); }
  void act(const Caller& caller, ActionRequest request, Done<std::string> done) override {
    acts.take(caller, std::move(request), std::move(done), false);
  }
};

/// A connection. Logins are looked up in `users` and answered at once, or, with `answer_logins` off, by
/// `answer_login`.
class FakePeer final : public Peer {
 public:
  struct Closed {
    CloseMeaning meaning;
    std::string text;
  };

  explicit FakePeer(FakeUsers& users, const Contract* contract = nullptr) : users_(users) {
    caller_.contract = contract;
  }

  std::vector<std::string> sent;
  std::optional<Closed> closed;
  std::vector<UserRef> logins;
  SessionPolicy policy;  ///< of the last login
  Millis deadline = 0;   ///< of the login, as set last
  int held = 0;
  bool loopback = true;
  bool answer_logins = true;

  /// Answers a login that waits, by the directory or with `refusal`.
  void answer_login(std::optional<Error> refusal = {}) {
    auto done = std::move(pending_);
    pending_ = nullptr;
    if (refusal) return done(std::move(*refusal));
    auto found = users_.look_up(logins.back());
    if (!found) return done(found.error());
    user_ = *found;
    caller_.user = user_->id;
    caller_.session = ++sessions_;
    done(Login{user_});
  }

  void login(UserRef user, SessionPolicy wanted, Done<Login> done) override {
    logins.push_back(std::move(user));
    policy = std::move(wanted);
    pending_ = std::move(done);
    if (answer_logins) answer_login();
  }
  void logout() override { user_.reset(); }
  bool logged_in() const noexcept override { return user_ != nullptr; }
  const Caller& caller() const noexcept override { return caller_; }
  const User& user() const noexcept override { return *user_; }
  using Peer::send;
  void send(Slices message) override {
    auto& all = sent.emplace_back();
    for (const auto piece : message) all += piece;
  }
  void hold() override { ++held; }
  void release() override { --held; }
  void login_deadline(Millis in) override { deadline = in; }
  void close(CloseMeaning meaning, std::string_view text) override {
    if (!closed) closed = Closed{meaning, std::string(text)};
  }
  bool from_loopback() const noexcept override { return loopback; }

 private:
  FakeUsers& users_;
  std::shared_ptr<const User> user_;
  Caller caller_;
  std::uint64_t sessions_ = 0;
  Done<Login> pending_;
};

}  // namespace loft::testing
