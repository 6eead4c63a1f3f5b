// The host as the contract sees it: every call is kept, and answered when a test says so.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <loft/contract.hpp>
#include <loft/domain.hpp>
#include <loft/json.hpp>
#include <loft/messaging.hpp>
#include <loft/plugin.hpp>

namespace carrypigeon_test {

using namespace loft;

template <class Args, class Answer>
struct Call {
  Caller caller;
  Args args;
  Done<Answer> done;
};

struct Named {
  ConversationRef ref;
  bool must_be_member = true;
  MarkId mark = MarkId::read;
};

class FakeMessaging final : public Messaging {
 public:
  std::vector<Call<Submission, Accepted>> submits;
  std::vector<Call<Recall, Recalled>> recalls;
  std::vector<Call<MarkAct, Marked>> marks;
  std::vector<Call<NewConversation, ConversationRecord>> creates;
  std::vector<Call<MessageId, MessageRecord>> gets;
  std::vector<Call<HistoryQuery, Page>> histories;
  std::vector<Call<UnreadQuery, std::uint64_t>> unreads;
  std::vector<Call<ConversationQuery, std::vector<ConversationRecord>>> lists;
  std::vector<Call<Named, ConversationRecord>> looks;
  std::vector<Call<Named, std::vector<MemberRecord>>> member_lists;
  std::vector<Call<Named, MarkState>> states;

  std::size_t calls() const {
    return submits.size() + recalls.size() + marks.size() + creates.size() + gets.size() + histories.size() +
           unreads.size() + lists.size() + looks.size() + member_lists.size() + states.size();
  }

  MarkId define_mark(const MarkSpec&) override { throw std::logic_error("no marks of its own"); }
  void submit(const Caller& c, Submission a, Done<Accepted> d) override { add(submits, c, std::move(a), std::move(d)); }
  void recall(const Caller& c, Recall a, Done<Recalled> d) override { add(recalls, c, a, std::move(d)); }
  void mark(const Caller& c, MarkAct a, Done<Marked> d) override { add(marks, c, std::move(a), std::move(d)); }
  void create(const Caller& c, NewConversation a, Done<ConversationRecord> d) override {
    add(creates, c, std::move(a), std::move(d));
  }
  void change_membership(const Caller&, MembershipAct, Done<MemberRecord>) override {
    throw std::logic_error("not part of these routes");
  }
  void change_conversation(const Caller&, ConversationAct, Done<ConversationRecord>) override {
    throw std::logic_error("not part of these routes");
  }
  void message(const Caller& c, MessageId a, Done<MessageRecord> d) override { add(gets, c, a, std::move(d)); }
  void history(const Caller& c, HistoryQuery a, Done<Page> d) override {
    add(histories, c, std::move(a), std::move(d));
  }
  void inbox(const Caller&, InboxQuery, Done<Page>) override { throw std::logic_error("not part of these routes"); }
  void signal(const Caller&, Signal) override { std::terminate(); }
  void sync(const Caller&, SyncQuery, Done<SyncPage>) override { std::terminate(); }
  void unread(const Caller& c, UnreadQuery a, Done<std::uint64_t> d) override {
    add(unreads, c, std::move(a), std::move(d));
  }
  void conversations(const Caller& c, ConversationQuery a, Done<std::vector<ConversationRecord>> d) override {
    add(lists, c, a, std::move(d));
  }
  void conversation(const Caller& c, ConversationRef ref, bool member, Done<ConversationRecord> d) override {
    add(looks, c, Named{std::move(ref), member, {}}, std::move(d));
  }
  void members(const Caller& c, ConversationRef ref, bool member, Done<std::vector<MemberRecord>> d) override {
    add(member_lists, c, Named{std::move(ref), member, {}}, std::move(d));
  }
  void mark_state(const Caller& c, ConversationRef ref, MarkId mark, Done<MarkState> d) override {
    add(states, c, Named{std::move(ref), true, mark}, std::move(d));
  }
  Online online() const noexcept override { return {}; }

 private:
  template <class Args, class Answer>
  static void add(std::vector<Call<Args, Answer>>& calls, const Caller& caller, Args args, Done<Answer> done) {
    calls.push_back({caller, std::move(args), std::move(done)});
  }
};

/// The token `good` is user 7's.
class FakeIdentity final : public Identity {
 public:
  Result<Claims> verify(std::string_view token) const override {
    if (token == "expired") return Error{Code::unauthenticated, "token.expired", ""};
    if (token.empty()) return Error{Code::unauthenticated, "token.missing", ""};
    if (token != "good" && token != "go\"od") return Error{Code::unauthenticated, "token.malformed", ""};
    Claims claims;
    claims.user_id = 7;
    claims.believed_until = 1'800'000'000'000;
    return claims;
  }
  Result<Claims> verify(std::string_view token, const TokenRules&) const override { return verify(token); }
};

/// Shows the `text` of every content; of domains it does not know, what the host shows.
class FakeDomains final : public Domains {
 public:
  bool known(std::string_view name) const noexcept override { return name.starts_with("Core:"); }
  void preview(std::string_view name, Bytes content, Locale locale, std::string& out) const override {
    if (!known(name)) {
      out += locale == "zh-CN" ? "[消息]" : "[message]";
      return;
    }
    const auto value = json::parse(content);
    const auto text = value ? value->find("text") : std::nullopt;
    if (text) out += text->text().value_or("");
  }
};

class FakePeer final : public Peer {
 public:
  Caller who;
  User me;
  bool is_logged_in = false;
  std::vector<std::string> sent;
  std::vector<Call<std::pair<UserRef, SessionPolicy>, Login>> logins;
  std::vector<Millis> deadlines;
  std::vector<std::pair<CloseMeaning, std::string>> closes;

  void login(UserRef user, SessionPolicy policy, Done<Login> done) override {
    logins.push_back({who, {std::move(user), std::move(policy)}, std::move(done)});
  }
  void logout() override { is_logged_in = false; }
  bool logged_in() const noexcept override { return is_logged_in; }
  const Caller& caller() const noexcept override { return who; }
  const User& user() const noexcept override { return me; }
  using Peer::send;
  void send(Slices message) override {
    std::string whole;
    for (const auto part : message) whole += part;
    sent.push_back(std::move(whole));
  }
  void hold() override {}
  void release() override {}
  void login_deadline(Millis in) override { deadlines.push_back(in); }
  void close(CloseMeaning meaning, std::string_view text) override { closes.emplace_back(meaning, text); }
  bool from_loopback() const noexcept override { return true; }
};

class FakeHost final : public Host {
 public:
  std::string_view instance() const noexcept override { return "contract.carrypigeon"; }
  std::string_view data_dir() const noexcept override { return ""; }
  Logger& log() noexcept override { std::terminate(); }
  const Clock& clock() const noexcept override { std::terminate(); }
  Metrics& metrics() noexcept override { std::terminate(); }
  Bus& bus() noexcept override { std::terminate(); }
  FakeMessaging& messaging() noexcept override { return messaging_; }
  Users& users() noexcept override { std::terminate(); }
  Identity& identity() noexcept override { return identity_; }
  Domains& domains() noexcept override { return domains_; }
  Inspector& inspector() noexcept override { std::terminate(); }
  KeyValues& key_values() noexcept override { std::terminate(); }
  bool run_blocking(Function<void()>) override { return false; }
  bool loopback_only() const noexcept override { return true; }
  bool trusts_user_header() const noexcept override { return true; }

 private:
  FakeMessaging messaging_;
  FakeIdentity identity_;
  FakeDomains domains_;
};

class FakeRoutes final : public Routes {
 public:
  using Open = Function<std::unique_ptr<Conversant>(Peer&, const Opening&)>;
  Open packet;
  std::vector<std::pair<std::string, Open>> sockets;

  void http(HttpMethod, std::string, Function<void(HttpExchangePtr)>) override { throw std::logic_error("no HTTP"); }
  void socket(std::string path, Open open, Function<Admission(const HttpExchange&)>) override {
    sockets.emplace_back(std::move(path), std::move(open));
  }
  void packets(Open open) override { packet = std::move(open); }
  void otherwise(Function<void(HttpExchangePtr, unsigned)>) override { throw std::logic_error("no HTTP"); }
};

}  // namespace carrypigeon_test
