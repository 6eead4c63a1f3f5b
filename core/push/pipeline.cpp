#include "push/pipeline.hpp"

#include <random>

#include <loft/json_writer.hpp>

namespace loft::push {
namespace {

constexpr Millis house_pause = 10'000;
constexpr std::size_t forgotten_at_once = 1'000;
constexpr Millis forget_pause = 50;
constexpr Millis longest_stop = 10'000;  // what a provider has not answered by then is sent again

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32 | device()) >> 1;  // the ledgers' integers are signed
}

}  // namespace

Pipeline::Pipeline(const Settings& settings, Core& core, Storage& storage, const Domains& domains, BusImpl& bus,
                   Threads& threads, const Clock& clock, Logger& log, Metrics& metrics)
    : settings_(settings),
      ledger_(storage.push_ledger()),
      clock_(clock),
      log_(log),
      threads_(threads),
      meters_(metrics),
      world_(core, storage, domains, threads, shared_.erased, clock),
      values_(core.key_values("push")),
      lost_(*values_, threads, clock, log),
      wishes_(
          [this](UserId user, ConversationId in, std::optional<Millis> until) { return world_.mute(user, in, until); },
          [this](UserId user) { return world_.mutes_of(user); }, lost_, threads),
      devices_(settings, ledger_, threads, shared_.erased, clock, log),
      events_(bus),
      operator_({settings, ledger_, storage, world_, devices_, lanes_, trace_, clock, [this] {
                   for (auto& worker : workers_) worker->poke();
                 }}) {
  rests_.broken = settings.rest;
  world_.tell_lost(lost_);
  devices_.on_back([this](UserId user, const std::string& client) { lost_.clear(user, client); });
}

Pipeline::~Pipeline() { stop(0); }

void Pipeline::register_on(BusImpl& bus) {
  devices_.intercept(bus);
  wishes_.intercept(bus);
  bus.intercept<EraseUser>(Stage::policy, [this](EraseUser& event) { return forget(event); });
  bus.intercept<ExportUser>(Stage::policy, [this](ExportUser& event) { return tell(event); });
  if (!settings_.enabled || ledger_ == nullptr) return;
  owing_ = std::make_unique<Owing>(Owing::Parts{settings_, *ledger_, world_, shared_.erased, clock_, meters_, trace_},
                                   [this](Millis) {
                                     for (auto& worker : workers_) worker->poke();
                                   });
  FollowerSpec spec;
  spec.name = "push";
  bus.follow(spec, [this](std::span<const Committed> entries) { return owing_->consume(entries); });
}

Verdict Pipeline::forget(EraseUser& event) {
  // The user's pushes are removed after this: nothing that is under way may come behind them.
  if (!event.dry_run) shared_.erased.add(event.user);
  const auto rows = world_.forget(event.user, event.dry_run);
  if (!rows) return rows.error();
  const auto lost = lost_.forget(event.user, event.dry_run);
  if (!lost) return lost.error();
  if (*rows + *lost > 0) event.removed("push settings", *rows + *lost);
  return Verdict::pass();
}

Verdict Pipeline::tell(ExportUser& event) {
  const auto mutes = world_.mutes_of(event.user);
  if (!mutes) return mutes.error();
  for (const auto& [conversation, until] : *mutes) {
    std::string data;
    json::Writer(data).object().key("conversation").number(raw(conversation)).key("until").number(until).end_object();
    event.add("push.muted", std::move(data));
  }
  const auto lost = lost_.stored(event.user);
  if (!lost) return lost.error();
  for (const auto& client : *lost) {
    std::string data;
    json::Writer(data).object().key("device_id").string(client).end_object();
    event.add("push.lost_device", std::move(data));
  }
  return Verdict::pass();
}

void Pipeline::add(const std::string& word, const std::string& plugin, Push& channel) {
  lanes_.push_back(std::make_unique<ChannelLane>(word, plugin, channel, rests_, clock_, log_, meters_));
}

void Pipeline::start() {
  if (!settings_.enabled || ledger_ == nullptr) return;
  if (const auto read = lost_.load(); !read)
    log_.warn("which devices are to be registered again could not be read", {{"reason", read.error().reason}});
  const Worker::Parts parts{settings_, *ledger_, world_, lanes_, shared_, events_, threads_, clock_, log_, meters_};
  for (unsigned i = 0; i < settings_.workers; ++i)
    workers_.push_back(std::make_unique<Worker>(parts, random_number(), random_number()));
  for (auto& worker : workers_) running_.emplace_back([this, &worker = *worker] { run(worker); });
  running_.emplace_back([this] { keep_house(); });
}

void Pipeline::run(Worker& worker) {
  for (;;) {
    Millis pause = 1'000;
    try {
      pause = worker.step();
    } catch (const std::exception& e) {
      log_.error("a push worker threw; it goes on", {{"what", e.what()}});
    }
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) {
        worker.finish();
        if (worker.held() == 0) return;
        if (clock_.steady() >= deadline_) {
          log_.warn("pushes were under way when the host stopped; they may be sent again", {{"pushes", worker.held()}});
          return;
        }
        pause = std::min<Millis>(pause, 50);
      }
    }
    if (pause > 0) worker.wait(pause);
  }
}

void Pipeline::stop(Millis deadline) {
  {
    const std::lock_guard lock(mutex_);
    deadline_ = std::min(deadline, clock_.steady() + longest_stop);
    stopping_ = true;
  }
  stopped_.notify_all();
  for (auto& worker : workers_) worker->poke();
  for (auto& thread : running_) {
    if (thread.joinable()) thread.join();
  }
  running_.clear();
}

bool Pipeline::pause(Millis time) {
  std::unique_lock lock(mutex_);
  return !stopped_.wait_for(lock, std::chrono::milliseconds(time), [this] { return stopping_; });
}

void Pipeline::tell_counts() {
  const auto counts = ledger_->push_counts(most_counted);
  if (!counts) return;
  meters_.queue(PushState::owed).set(static_cast<std::int64_t>(counts->owed));
  meters_.queue(PushState::dead).set(static_cast<std::int64_t>(counts->dead));
}

void Pipeline::keep_house() {
  do {
    try {
      tell_counts();
      for (;;) {
        const auto forgotten = ledger_->forget_pushes(clock_.now() - settings_.keep, forgotten_at_once);
        if (!forgotten || *forgotten == 0) break;
        if (!pause(forget_pause)) return;
      }
    } catch (const std::exception& e) {
      log_.error("the upkeep of push threw; it goes on", {{"what", e.what()}});
    }
  } while (pause(house_pause));
}

std::string Pipeline::health() const {
  std::string text;
  for (const auto& lane : lanes_) {
    const auto state = lane->state();
    if (state.reason.empty()) continue;
    text += (text.empty() ? "" : "; ") + lane->word() + (state.broken ? " is refused: " : " rests: ") + state.reason;
  }
  return text.empty() ? "ok" : text;
}

std::vector<std::pair<std::string, CommandHandler>> Pipeline::commands() { return operator_.commands(); }

}  // namespace loft::push
