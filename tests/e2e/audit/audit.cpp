// Stands at every door of the host and writes down who goes through: all proposals in all stages, all facts, and the
// committed order. By words in content and handles it refuses, rewrites and waits.
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <memory>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <loft/abi.hpp>
#include <loft/plugin.hpp>
#include <loft/push_devices.hpp>

#include "describe.hpp"

namespace {

using namespace loft;

constexpr std::string_view stage_names[] = {"check", "rewrite", "policy"};
constexpr Millis patience = 300;  ///< for the answer of the waiting interceptor

class Auditor final : public Plugin {
 public:
  void options(OptionTable& table) override {
    table.text("file", file_, "Where the lines go, one JSON object each; appended.").required();
    table.text("veto", veto_, "Content, names and handles with this word are refused; empty: none.");
    table.text("denied", denied_, "Everything that users do whose handles begin so is refused; empty: nothing.");
    table.text("from", from_, "This word in a message becomes `to`; empty: none.");
    table.text("to", to_, "The word that takes its place.");
    table.text("wait", wait_, "Messages with this word are answered later, from another thread; empty: none.");
    table.text("never", never_, "Messages with this word are never answered; empty: none.");
    table.text("hog", hog_, "A message with this word fills the host's blocking pool; empty: none.");
    table.text("free", free_, "A message with this word lets the pool go on.");
    table.text("hide", hide_, "Messages with this word are kept from their recipients' sessions; empty: none.");
    table.integer("batch", batch_, "Entries per call of the follower.").range(1, 1000);
  }

  void setup(Host& host) override {
    host_ = &host;
    intercept<OpenSession>("OpenSession");
    intercept<SubmitMessage>("SubmitMessage");
    intercept<WriteToUser>("WriteToUser");
    intercept<RecallMessage>("RecallMessage");
    intercept<AdvanceMark>("AdvanceMark");
    intercept<PerformAction>("PerformAction");
    intercept<CreateConversation>("CreateConversation");
    intercept<ChangeMembership>("ChangeMembership");
    intercept<ChangeConversation>("ChangeConversation");
    intercept<DeliverTo>("DeliverTo");
    intercept<ReadMessages>("ReadMessages");
    intercept<RegisterDevice>("RegisterDevice");
    intercept<UnregisterDevice>("UnregisterDevice");
    intercept<MutePushes>("MutePushes");
    intercept<SendPush>("SendPush");
    if (!wait_.empty() || !never_.empty() || !hog_.empty()) {
      host.bus().intercept_waiting<SubmitMessage>(
          Stage::policy, patience, [this](SubmitMessage& e, Resume resume) { later(e, std::move(resume)); });
    }

    observe<MessageStored>("MessageStored");
    observe<MessageRefused>("MessageRefused");
    observe<MessageRecalled>("MessageRecalled");
    observe<MarkAdvanced>("MarkAdvanced");
    observe<ActionDone>("ActionDone");
    observe<ConversationCreated>("ConversationCreated");
    observe<MembershipChanged>("MembershipChanged");
    observe<ConversationChanged>("ConversationChanged");
    observe<SessionOpened>("SessionOpened");
    observe<SessionClosed>("SessionClosed");
    observe<UserCreated>("UserCreated");
    observe<Overloaded>("Overloaded");
    observe<StorageLost>("StorageLost");
    observe<StorageRecovered>("StorageRecovered");
    observe<PushSucceeded>("PushSucceeded");
    observe<PushDead>("PushDead");

    FollowerSpec spec;
    spec.name = "test." + std::string(host.instance());
    spec.batch = batch_;
    spec.from_start = true;
    host.bus().follow(std::move(spec), [this](std::span<const Committed> entries) { return follow(entries); });
  }

  void start() override {
    out_.reset(std::fopen(file_.c_str(), "a"));
    if (!out_) throw std::runtime_error("cannot write " + file_);
    write([](audit::Writer& w) { w.key("event").string("start"); });
  }

  void stop(Millis) noexcept override {
    const std::lock_guard lock(mutex_);
    unanswered_.clear();
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  };

  /// One line, on disk as far as a killed process is concerned.
  template <class F>
  void write(F fields) {
    std::string line;
    audit::Writer w(line);
    w.object().key("by").string(host_->instance());
    fields(w);
    w.end_object();
    line += '\n';
    const std::lock_guard lock(mutex_);
    if (out_ == nullptr) throw std::logic_error("an event before the start");
    if (std::fwrite(line.data(), 1, line.size(), out_.get()) != line.size() || std::fflush(out_.get()) != 0)
      throw std::runtime_error("cannot write " + file_);
  }

  template <class E>
  void intercept(std::string_view name) {
    for (const auto stage : {Stage::check, Stage::rewrite, Stage::policy}) {
      host_->bus().intercept<E>(stage, [this, name, stage](E& e) {
        write([&](audit::Writer& w) {
          w.key("event").string(name).key("stage").string(stage_names[static_cast<std::size_t>(stage)]);
          audit::describe(w, e);
        });
        if (stage == Stage::rewrite) rewrite(e);
        return stage == Stage::policy ? judge(e) : Verdict::pass();
      });
    }
  }

  template <class E>
  void observe(std::string_view name) {
    host_->bus().observe<E>([this, name](const E& e) {
      if constexpr (std::is_same_v<E, UserCreated>) learn(*e.user);
      write([&](audit::Writer& w) {
        w.key("event").string(name);
        audit::describe(w, e);
      });
    });
  }

  static bool has(std::string_view text, const std::string& word) {
    return !word.empty() && text.find(word) != std::string_view::npos;
  }

  template <class E>
  void rewrite(E& e) const {
    if constexpr (std::is_same_v<E, SubmitMessage>) {
      auto& content = e.submission.content;
      if (const auto at = content.find(from_); !from_.empty() && at != std::string::npos)
        content.replace(at, from_.size(), to_);
    }
    if constexpr (std::is_same_v<E, SendPush>) {
      auto& title = e.notification.title;
      if (const auto at = title.find(from_); !from_.empty() && at != std::string::npos)
        title.replace(at, from_.size(), to_);
    }
  }

  /// A refusal without a detail: the reason is what reaches the client.
  Verdict vetoed(std::string_view text) const {
    return has(text, veto_) ? Verdict::refuse(Code::forbidden, "audit.vetoed") : Verdict::pass();
  }
  Verdict judge(const OpenSession& e) { return vetoed(e.user->handle); }
  Verdict judge(const SendPush& e) { return vetoed(e.notification.body); }
  Verdict judge(const DeliverTo& e) {
    return has(e.record->message->content, hide_) ? Verdict::refuse(Code::forbidden, "audit.hidden") : Verdict::pass();
  }
  template <class E>
  Verdict judge(const E& e) {
    {
      const std::lock_guard lock(mutex_);
      if (denied_ids_.contains(e.caller.user))
        return Verdict::refuse(Code::forbidden, "audit.denied", "the auditor denies you everything");
    }
    if constexpr (std::is_same_v<E, SubmitMessage>) return vetoed(e.submission.content);
    if constexpr (std::is_same_v<E, CreateConversation>) return vetoed(e.conversation.name);
    return Verdict::pass();
  }

  void learn(const User& user) {
    if (denied_.empty() || !user.handle.starts_with(denied_)) return;
    const std::lock_guard lock(mutex_);
    denied_ids_.insert(user.id);
  }

  void later(SubmitMessage& e, Resume resume) {
    const auto& content = e.submission.content;
    const bool waits = has(content, wait_);
    if (has(content, never_)) {
      const std::lock_guard lock(mutex_);
      unanswered_.push_back(std::move(resume));
    } else if (waits) {
      write([&](audit::Writer& w) {
        w.key("event").string("SubmitMessage").key("stage").string("waiting");
        audit::describe(w, e);
      });
      // Not taken: the Resume goes unanswered, and the submission is refused.
      static_cast<void>(host_->run_blocking([resume = std::move(resume)]() mutable { resume(Verdict::pass()); }));
    } else {
      if (has(content, hog_)) fill_pool();
      if (has(content, free_)) empty_pool();
      resume(Verdict::pass());
    }
  }

  /// For a pool of one thread: takes it, then every place that waits. Blocks for the moment that the thread needs to
  /// begin, which no plugin but one for tests may.
  void fill_pool() {
    const auto hold = [this] {
      std::unique_lock lock(mutex_);
      pool_is_taken_ = true;
      pool_changed_.notify_all();
      pool_changed_.wait_for(lock, std::chrono::seconds(20), [this] { return !pool_is_taken_; });
    };
    static_cast<void>(host_->run_blocking(hold));
    {
      std::unique_lock lock(mutex_);
      pool_changed_.wait_for(lock, std::chrono::seconds(20), [this] { return pool_is_taken_; });
    }
    while (host_->run_blocking([] {})) {
    }
  }
  void empty_pool() {
    {
      const std::lock_guard lock(mutex_);
      pool_is_taken_ = false;
    }
    pool_changed_.notify_all();
  }

  Result<void> follow(std::span<const Committed> entries) {
    for (const auto& entry : entries) {
      write([&](audit::Writer& w) {
        w.key("event").string("follower").key("position").number(entry.position);
        if (entry.message != nullptr) {
          w.key("message").number(raw(entry.message->id)).key("seq").number(entry.message->seq);
          w.key("conversation").number(raw(entry.message->conversation)).key("content").raw(entry.message->content);
        } else {
          w.key("change").number(static_cast<int>(entry.change->kind));
        }
      });
    }
    return {};
  }

  Host* host_ = nullptr;
  std::string file_, veto_, denied_, from_, to_, wait_, never_, hog_, free_, hide_;
  std::size_t batch_ = 256;

  std::mutex mutex_;
  std::unique_ptr<std::FILE, Close> out_;
  std::set<UserId> denied_ids_;
  std::vector<Resume> unanswered_;
  std::condition_variable pool_changed_;
  bool pool_is_taken_ = false;
};

}  // namespace

LOFT_PLUGIN(Auditor, "test.audit", "1.0.0", "Writes down every event of the host, for tests")
