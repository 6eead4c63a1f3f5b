#include "world.hpp"

#include <chrono>

namespace loft::tests {

// ---- threads

void HandThreads::post(unsigned thread, Function<void()> work) {
  if (on_post) on_post();
  {
    const std::lock_guard lock(mutex_);
    posts_.at(thread).push_back(std::move(work));
  }
  posted_.notify_all();
}

bool HandThreads::run_blocking(Function<void()> work) {
  if (pool == Pool::full) return false;
  if (pool == Pool::at_once) {
    work();
  } else {
    const std::lock_guard lock(mutex_);
    pool_work_.push_back(std::move(work));
  }
  return true;
}

std::size_t HandThreads::run(unsigned thread) {
  std::deque<Function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(posts_.at(thread));
  }
  for (auto& piece : work) piece();
  return work.size();
}

std::size_t HandThreads::run_pool() {
  std::deque<Function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(pool_work_);
  }
  for (auto& piece : work) piece();
  return work.size();
}

bool HandThreads::idle() const {
  const std::lock_guard lock(mutex_);
  for (const auto& queue : posts_) {
    if (!queue.empty()) return false;
  }
  return pool_work_.empty();
}

bool HandThreads::wait_for_post() {
  std::unique_lock lock(mutex_);
  return posted_.wait_for(lock, std::chrono::seconds(20), [this] {
    for (const auto& queue : posts_) {
      if (!queue.empty()) return true;
    }
    return false;
  });
}

// ---- contract and domain

void LineContract::encode(const Delivery& delivery, Variant variant, Encoded& out) const {
  const auto number = [](auto id) { return std::to_string(raw(id)); };
  if (throws) {
    out.bytes = "half of a";
    throw std::runtime_error("cannot encode");
  }
  switch (delivery.kind) {
    case Delivery::Kind::message:
      if (delivery.record->message->content.starts_with("silent")) return;
      out.bytes = "m:" + number(delivery.record->message->id);
      break;
    case Delivery::Kind::recalled:
      out.bytes = "x:" + number(delivery.record->message->id);
      break;
    case Delivery::Kind::read:
      out.bytes = "r:" + number(delivery.conversation->id) + ":" + number(delivery.newest);
      break;
    case Delivery::Kind::membership:
      out.bytes = "g:" + std::to_string(static_cast<int>(delivery.change->kind)) + ":" +
                  number(delivery.conversation->id) + ":" + number(delivery.subject->id);
      break;
    case Delivery::Kind::created:
      out.bytes = "c:" + number(delivery.conversation->id);
      break;
    case Delivery::Kind::updated:
      out.bytes = "u:" + number(delivery.conversation->id);
      break;
    case Delivery::Kind::receipt:
      if (receipt_positions != nullptr) receipt_positions->push_back(delivery.position);
      out.bytes = "t:" + number(delivery.subject->id) + ":" + number(delivery.newest);
      break;
    case Delivery::Kind::signal:
      out.bytes = "s:" + number(delivery.conversation->id) + ":" + delivery.signal->name;
      break;
  }
  if (variant == 1) {
    out.bytes += "@";
    out.splice(Encoded::Part::viewer_id);
  }
}

AnyDomain::AnyDomain() {
  DomainSpec spec;
  spec.name = "T:Any";
  spec.host_validates = false;  // its contents are no JSON
  spec.max_bytes = 1000;
  specs_.push_back(spec);
  spec.name = "T:Service";
  spec.service_only = true;
  specs_.push_back(std::move(spec));
}

Result<void> AnyDomain::check(std::size_t, Bytes content, std::string& normal) const {
  if (content == "bad") return Error{Code::invalid, "content.invalid", {}};
  if (content == "throw") throw std::runtime_error("thrown by a domain");
  if (content == "twist") normal = "twisted";
  return {};
}

// ---- clients

Client::Client(World& world, unsigned thread, const Contract& contract)
    : world_(world), thread_(thread), contract_(contract) {}

void Client::login(UserRef user, SessionPolicy policy) {
  logout();
  session_ = std::make_unique<Session>();
  session_->link = this;
  session_->caller.contract = &contract_;
  session_->caller.thread = thread_;
  session_->follow(policy);
  world_.core->sessions().add(*session_);
  hold();
  world_.core->open_session(*session_, std::move(user), [this](Result<Login> login) {
    if (login) release();
    login_answer = std::move(login);
    if (!*login_answer) logout();
  });
}

void Client::logout() {
  if (session_ == nullptr) return;
  world_.core->close_session(*session_);
  session_.reset();
  holds = 0;
}

void Client::send(Slices message) {
  std::string whole;
  for (const auto piece : message) whole += piece;
  written_ += whole.size();
  received.push_back(std::move(whole));
  offsets.push_back(written_);
}

void Client::hold() {
  ++holds;
  ++held_ever;
}

void Client::release() {
  if (holds == 0)
    over_released = true;
  else
    --holds;
}

// ---- world

World::World(CoreOptions wanted, unsigned thread_count, bool instant, Storage* other)
    : used_storage(other != nullptr ? *other : storage), threads(thread_count), options(wanted) {
  storage.is_instant = instant;
  static_cast<void>(domains.add(domain));
}

World::~World() {
  clients.clear();
  if (core != nullptr) settle();
  core.reset();
}

void World::begin() {
  if (core != nullptr) return;
  core = std::make_unique<Core>(options, used_storage, broker, host.bus(), domains, host.clock(), host.log(),
                                host.metrics(), threads);
  plain = core->define_mark({"test.plain", false});
  implied = core->define_mark({"test.implied", true});
  timed = core->define_mark({"test.timed", true, true});
  if (!core->start()) throw std::runtime_error("the core does not start");
}

void World::restart() {
  clients.clear();
  settle();
  core->stop();
  core.reset();
  begin();
}

UserId World::user(const std::string& handle) {
  begin();
  User user;
  user.handle = handle;
  const auto made = core->add_user(std::move(user));
  if (!made) throw std::runtime_error("no user " + handle + ": " + made.error().reason);
  settle();
  return (*made)->id;
}

Caller World::http(UserId user, unsigned thread) const {
  Caller caller;
  caller.user = user;
  caller.contract = &line;
  caller.thread = thread;
  return caller;
}

Client& World::connect(unsigned thread, bool other_contract) {
  clients.push_back(std::make_unique<Client>(*this, thread, other_contract ? other_line : line));
  return *clients.back();
}

SessionPolicy World::delivering() {
  SessionPolicy policy;
  policy.mark_on_push = {MarkId::delivered};
  return policy;
}

Client& World::login(UserId user, SessionPolicy policy, unsigned thread) {
  begin();
  auto& client = connect(thread);
  client.login(UserRef::of(user), std::move(policy));
  settle();
  if (!client.open()) throw std::runtime_error("login failed: " + reason_of(*client.login_answer));
  return client;
}

void World::turn(unsigned thread) {
  threads.run(thread);
  core->turn_end(thread);
}

void World::run_posts() {
  for (unsigned thread = 0; thread < threads.count(); ++thread) threads.run(thread);
}

void World::settle() {
  for (;;) {
    for (unsigned thread = 0; thread < threads.count(); ++thread) turn(thread);
    threads.run_pool();
    host.loop().run();
    if (!threads.idle()) continue;
    if (core->waiting() == 0) {
      if (threads.idle()) return;
      continue;
    }
    // The writer has not answered yet; an entry without an answer posts nothing, so look again soon.
    std::this_thread::yield();
  }
}

bool World::no_holds() const {
  for (const auto& client : clients) {
    if (client->holds != 0 || client->over_released) return false;
  }
  return true;
}

Submission World::to_user(UserId peer, std::string content, std::string client_id) {
  return {ConversationRef::direct(UserRef::of(peer)), "T:Any", std::move(content), std::move(client_id), false};
}

Submission World::to(ConversationId conversation, std::string content, std::string client_id) {
  return {ConversationRef::of(conversation), "T:Any", std::move(content), std::move(client_id), false};
}

Result<Accepted> World::submit(const Caller& caller, Submission submission) {
  return ask<Accepted>([&](auto done) { core->submit(caller, std::move(submission), std::move(done)); });
}

Result<std::vector<Accepted>> World::submit_all(const Caller& caller, std::vector<Submission> submissions) {
  return ask<std::vector<Accepted>>(
      [&](auto done) { core->submit_all(caller, std::move(submissions), std::move(done)); });
}

Result<std::uint64_t> World::unread(UserId user, std::optional<ConversationId> in) {
  UnreadQuery query;
  if (in) query.in = ConversationRef::of(*in);
  return ask<std::uint64_t>([&](auto done) { core->unread(http(user), query, std::move(done)); });
}

Result<Marked> World::read(UserId user, std::vector<MessageId> ids, MarkId mark) {
  MarkAct act;
  act.mark = mark;
  act.messages = std::move(ids);
  return ask<Marked>([&](auto done) { core->mark(http(user), std::move(act), std::move(done)); });
}

Result<Marked> World::read_up_to(UserId user, ConversationId in, MessageId up_to) {
  MarkAct act;
  act.in = ConversationRef::of(in);
  act.up_to = up_to;
  return ask<Marked>([&](auto done) { core->mark(http(user), std::move(act), std::move(done)); });
}

Result<Page> World::inbox(UserId user, std::optional<MarkId> lacking) {
  InboxQuery query;
  query.lacking = lacking;
  return ask<Page>([&](auto done) { core->inbox(http(user), query, std::move(done)); });
}

Result<ConversationRecord> World::group(UserId owner, std::vector<UserId> members, std::string handle) {
  NewConversation wanted;
  wanted.name = "group";
  wanted.handle = std::move(handle);
  for (const auto member : members) wanted.members.push_back(UserRef::of(member));
  return ask<ConversationRecord>([&](auto done) { core->create(http(owner), std::move(wanted), std::move(done)); });
}

Result<MemberRecord> World::change(UserId actor, MembershipAct::Kind kind, ConversationId in, UserId subject) {
  MembershipAct act;
  act.kind = kind;
  act.in = ConversationRef::of(in);
  act.subject = UserRef::of(subject);
  return ask<MemberRecord>([&](auto done) { core->change_membership(http(actor), std::move(act), std::move(done)); });
}

}  // namespace loft::tests
