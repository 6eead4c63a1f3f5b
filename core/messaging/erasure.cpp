#include "messaging/erasure.hpp"

#include <algorithm>
#include <random>

#include <loft/contract_tools.hpp>
#include <loft/json.hpp>
#include <loft/push_ledger.hpp>

namespace loft {
namespace {

/// Of a log, at a time; and what one transaction empties of it.
constexpr std::size_t piece = 200;

std::string random_uuid() {
  std::random_device source;
  constexpr char hex[] = "0123456789abcdef";
  std::string text = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
  for (auto& c : text) {
    if (c == 'x') c = hex[source() % 16];
    if (c == 'y') c = hex[8 + source() % 4];
  }
  return text;
}

/// Whether nothing is left of it.
bool is_empty(const Message& message) {
  return message.recalled != 0 && message.content == "{}" && message.extras.empty();
}

/// Those that are not empty.
std::vector<std::string> marks_of(const Membership& membership) {
  std::vector<std::string> names;
  for (const auto& mark : membership.marks) {
    if (mark.set != Mark{}.encode()) names.push_back(mark.mark);
  }
  return names;
}

}  // namespace

Eraser::Eraser(Core& core, Storage& storage, Bus& bus, Logger& log)
    : core_(core), storage_(storage), log_(log), propose_(bus), begun_(core.key_values("host.erasures")) {}

// ---- what is to be done

/// The note that says that an erasure has begun is durable before anything is erased, and goes when all is. The handle
/// stands in it because plugins may need it; it goes with it.
Result<std::vector<Eraser::Job>> Eraser::pending() {
  std::vector<Job> found;
  std::string after;
  for (;;) {
    const auto rows = begun_->read("", after, 500);
    if (!rows) return rows.error();
    for (const auto& [key, value] : *rows) {
      const auto object = json::parse(value);
      const auto number = json::parse(key);
      if (!object || !number || !number->integer()) continue;
      const auto [handle, uuid] = pick<2>(*object, {"handle", "uuid"});
      Job job;
      job.report.user = static_cast<UserId>(*number->integer());
      job.report.handle = handle.text().value_or(std::string());
      job.uuid = uuid.text().value_or(std::string());
      found.push_back(std::move(job));
    }
    if (rows->size() < 500) return found;
    after = rows->back().key;
  }
}

Result<Eraser::Job> Eraser::begin(const User& user) {
  std::string note;
  json::Writer w(note);
  w.object().key("handle").string(user.handle).key("uuid").string(user.uuid).end_object();
  std::vector<KeyChange> changes(1);
  changes[0].key = std::to_string(raw(user.id));
  changes[0].value = note;
  if (auto written = begun_->write(std::move(changes)); !written) return written.error();
  Job job;
  job.report.user = user.id;
  job.report.handle = user.handle;
  job.uuid = user.uuid;
  return job;
}

/// One that was begun, by the handle that the user had or the one it has now.
Result<std::optional<Eraser::Job>> Eraser::pending_of(const std::string& handle) {
  if (!is_handle(handle)) {
    return Error{Code::invalid, "user.handle_invalid",
                 "a handle has 1 to 50 bytes of UTF-8 without control characters and outer spaces"};
  }
  auto waiting = pending();
  if (!waiting) return waiting.error();
  for (auto& job : *waiting) {
    if (job.report.handle == handle || tombstone_handle(job.report.user) == handle)
      return std::optional(std::move(job));
  }
  return std::optional<Job>();
}

/// One that was begun comes before whoever has the handle by now.
Result<Eraser::Job*> Eraser::job_of(const std::string& handle) {
  auto waiting = pending_of(handle);
  if (!waiting) return waiting.error();
  if (*waiting) {
    auto& job = jobs_.try_emplace((*waiting)->report.user, std::move(**waiting)).first->second;
    job.report.was_begun = true;
    return &job;
  }
  const auto user = core_.directory().load(UserRef::handle(handle));
  if (!user) return user.error();
  auto job = begin(**user);
  if (!job) return job.error();
  return &jobs_.insert_or_assign((*user)->id, std::move(*job)).first->second;
}

Result<ErasureReport> Eraser::erase(const std::string& handle, Millis budget) {
  const std::lock_guard lock(mutex_);
  const auto job = job_of(handle);
  if (!job) return job.error();
  return go_on(**job, budget);
}

Result<std::optional<ErasureReport>> Eraser::resume(Millis budget) {
  const std::lock_guard lock(mutex_);
  auto waiting = pending();
  if (!waiting) return waiting.error();
  if (waiting->empty()) return std::optional<ErasureReport>();
  // By number, so they take turns.
  std::sort(waiting->begin(), waiting->end(), [](const Job& a, const Job& b) { return a.report.user < b.report.user; });
  auto next = std::find_if(waiting->begin(), waiting->end(), [&](const Job& job) { return job.report.user > latest_; });
  if (next == waiting->end()) next = waiting->begin();
  latest_ = next->report.user;
  auto done = go_on(jobs_.try_emplace(latest_, std::move(*next)).first->second, budget);
  if (!done) return done.error();
  return std::optional(std::move(*done));
}

Result<ErasureReport> Eraser::go_on(Job& job, Millis budget) {
  const auto& clock = core_.clock();
  const auto until = clock.steady() + budget;
  for (;;) {
    const auto more = step(job);
    if (!more) return more.error();
    if (!*more) {
      auto report = std::move(job.report);
      report.done = true;
      jobs_.erase(report.user);
      log_.info("a user is erased", {{"user", raw(report.user)}, {"messages", report.messages}});
      return report;
    }
    if (clock.steady() >= until) return job.report;
  }
}

// ---- doing it

/// False: all is done.
Result<bool> Eraser::step(Job& job) {
  if (job.tombstone == nullptr) {
    auto tombstone = core_.entomb(job.report.user, random_uuid());
    if (!tombstone) return tombstone.error();
    job.tombstone = std::move(*tombstone);
    return true;
  }
  if (!job.listed) {
    auto memberships = storage_.memberships(job.report.user);
    if (!memberships) return memberships.error();
    job.memberships = std::move(*memberships);
    job.listed = true;
  }
  if (job.at < job.memberships.size()) {
    const auto more = step_in(job, job.memberships[job.at]);
    if (!more) return more.error();
    if (!*more) {
      ++job.at;
      job.next = 1;
    }
    return true;
  }
  if (auto done = finish(job); !done) return done.error();
  return false;
}

/// False: of this conversation all is done.
Result<bool> Eraser::step_in(Job& job, const Membership& membership) {
  const auto stored = storage_.conversation(membership.member.conversation);
  if (!stored) return stored.error();
  if (!*stored) return false;
  const auto& conversation = (*stored)->conversation;
  if (job.next == 1 && conversation.kind == ConversationKind::group && !membership.member.left) {
    const bool owned = conversation.owner == job.report.user;
    const auto left = core_.leave_group(job.tombstone, conversation.id);
    if (!left) return left.error();
    job.report.memberships += *left ? 1 : 0;
    job.report.conversations += *left && owned ? 1 : 0;
  }
  // System conversations and broadcasts are written by the operator's backends, not by users.
  if (conversation.kind == ConversationKind::direct || conversation.kind == ConversationKind::group)
    return empty_messages(job, **stored, membership);
  if (job.next == 1) {
    auto marks = marks_of(membership);
    const auto emptied = marks.size();
    if (emptied != 0) {
      if (auto done = core_.erase_in(job.tombstone, conversation.id, {}, std::move(marks)); !done) return done.error();
      job.report.marks += emptied;
    }
    job.next = 2;
  }
  // Nobody else reads what they write to one user.
  return conversation.kind == ConversationKind::system ? remove_messages(job, **stored) : false;
}

Result<bool> Eraser::remove_messages(Job& job, const StoredConversation& stored) {
  if (stored.head == 0) return false;
  const auto oldest = storage_.log(stored.conversation.id, 1, stored.head, 1, false);
  if (!oldest) return oldest.error();
  if (oldest->empty()) return false;
  const auto removed =
      core_.forget_messages(stored.conversation.id, std::min<Seq>(stored.head, oldest->front().seq + piece - 1));
  if (!removed) return removed.error();
  job.report.removed += *removed;
  return true;
}

Result<bool> Eraser::empty_messages(Job& job, const StoredConversation& stored, const Membership& membership) {
  auto marks = job.next == 1 ? marks_of(membership) : std::vector<std::string>();
  std::vector<Message> mine;
  bool more = false;
  if (job.next <= stored.head) {
    auto page = storage_.log(stored.conversation.id, job.next, stored.head, piece, false);
    if (!page) return page.error();
    more = page->size() == piece;
    if (!page->empty()) job.next = page->back().seq + 1;
    for (auto& message : *page) {
      if (message.sender == job.report.user && !is_empty(message)) mine.push_back(std::move(message));
    }
  }
  if (mine.empty() && marks.empty()) return more;
  const auto recalls = std::count_if(mine.begin(), mine.end(), [](const Message& one) { return one.recalled == 0; });
  const auto messages = mine.size(), emptied = marks.size();
  auto done = core_.erase_in(job.tombstone, stored.conversation.id, std::move(mine), std::move(marks));
  if (!done) {
    job.next = 1;  // these are looked at again
    return done.error();
  }
  job.report.messages += messages;
  job.report.recalls += static_cast<std::uint64_t>(recalls);
  job.report.marks += emptied;
  return more;
}

Result<void> Eraser::finish(Job& job) {
  job.report.plugins.clear();
  if (auto asked = ask_plugins(job.report, job.uuid, false); !asked) {
    log_.warn("a plugin keeps an erasure from being done; it is asked again",
              {{"user", raw(job.report.user)}, {"reason", asked.error().reason}});
    return asked;
  }
  if (auto* ledger = storage_.push_ledger()) {
    const auto erased = ledger->erase_pushes(job.report.user, job.report.handle);
    if (!erased) return erased.error();
    job.report.pushes += *erased;
  }
  std::vector<KeyChange> changes(1);
  changes[0].key = std::to_string(raw(job.report.user));
  return begun_->write(std::move(changes));
}

Result<void> Eraser::ask_plugins(ErasureReport& report, const std::string& uuid, bool dry_run) {
  EraseUser event;
  event.user = report.user;
  event.handle = report.handle;
  event.uuid = uuid;
  event.dry_run = dry_run;
  const auto verdict = propose_.now(event);
  if (!verdict.passed()) return verdict.refusal();
  report.plugins = std::move(event.counts);
  return {};
}

// ---- without doing it

Result<ErasureReport> Eraser::look(const std::string& handle) {
  const std::lock_guard lock(mutex_);
  const auto waiting = pending_of(handle);
  if (!waiting) return waiting.error();
  const auto user = core_.directory().load(*waiting ? UserRef::of((*waiting)->report.user) : UserRef::handle(handle));
  if (!user) return user.error();
  auto report = *waiting ? (*waiting)->report : ErasureReport();
  report.was_begun = waiting->has_value();
  report.user = (*user)->id;
  if (!*waiting) report.handle = handle;
  const auto memberships = storage_.memberships(report.user);
  if (!memberships) return memberships.error();
  for (const auto& membership : *memberships) {
    if (auto counted = count_in(membership, report); !counted) return counted.error();
  }
  if (auto counted = count_pushes(report); !counted) return counted.error();
  if (auto asked = ask_plugins(report, *waiting ? (*waiting)->uuid : (*user)->uuid, true); !asked) return asked.error();
  return report;
}

Result<void> Eraser::count_pushes(ErasureReport& report) const {
  auto* ledger = storage_.push_ledger();
  if (ledger == nullptr) return {};
  const auto devices = ledger->devices(report.user);
  if (!devices) return devices.error();
  report.pushes += devices->size();
  for (auto after = MessageId::none;;) {
    const auto page = ledger->pushes_of(report.user, after, piece);
    if (!page) return page.error();
    if (page->empty()) return {};
    after = page->back().message;
    report.pushes += page->size();
    for (const auto& push : *page) {
      for (std::uint64_t last = 0;;) {
        const auto attempts = ledger->attempts_of(push.message, report.handle, last, piece);
        if (!attempts) return attempts.error();
        report.pushes += attempts->size();
        if (attempts->size() < piece) break;
        last = attempts->back().id;
      }
    }
  }
}

Result<void> Eraser::count_in(const Membership& membership, ErasureReport& report) {
  const auto stored = storage_.conversation(membership.member.conversation);
  if (!stored) return stored.error();
  if (!*stored) return {};
  const auto& conversation = (*stored)->conversation;
  const bool is_system = conversation.kind == ConversationKind::system;
  report.marks += marks_of(membership).size();
  if (conversation.kind == ConversationKind::group && !membership.member.left) {
    ++report.memberships;
    report.conversations += conversation.owner == report.user ? 1 : 0;
  }
  if (conversation.kind == ConversationKind::broadcast) return {};
  for (Seq next = 1; next <= (*stored)->head;) {
    const auto page = storage_.log(conversation.id, next, (*stored)->head, piece, false);
    if (!page) return page.error();
    if (page->empty()) break;
    next = page->back().seq + 1;
    if (is_system) report.removed += page->size();
    for (const auto& message : *page) {
      if (is_system || message.sender != report.user || is_empty(message)) continue;
      ++report.messages;
      report.recalls += message.recalled == 0 ? 1 : 0;
    }
  }
  return {};
}

}  // namespace loft
