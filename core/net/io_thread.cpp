#include "net/io_thread.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <exception>
#include <system_error>

#include "net/clock.hpp"

namespace loft::net {
namespace {

thread_local IoThread* current_io_thread = nullptr;

/// How often posted work and hooks may call for each other before a turn ends and the links are flushed.
constexpr int rounds_per_turn = 8;
/// Connections read in one turn: as many as bring in about this much. Little enough that it is still in the processor's
/// cache when it is committed and sent; enough that what a turn costs is shared by many.
constexpr std::size_t bytes_per_turn = 64 * 1024;
constexpr int most_events = 256;
constexpr int fewest_events = 16;

int make_poller() {
  const int poller = ::epoll_create1(EPOLL_CLOEXEC);
  if (poller < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
  return poller;
}

}  // namespace

/// Something to be done at a time.
struct IoThread::Task : WheelNode {
  Function<void()> work;
  Millis period = 0;  ///< 0: once
};

IoThread::IoThread(Shared& shared, unsigned index)
    : shared_(shared),
      index_(index),
      poller_(context_, make_poller()),
      work_(context_.get_executor()),
      timer_(context_),
      wheel_(shared.clock.steady()),
      read_buffer_(new char[read_buffer_bytes]) {}

IoThread::~IoThread() {
  while (WheelNode* node = wheel_.any()) {  // only tasks are left: connections end before the thread does
    wheel_.disarm(*node);
    delete static_cast<Task*>(node);
  }
}

IoThread* IoThread::current() noexcept { return current_io_thread; }

void IoThread::start() {
  thread_ = std::thread([this] { run(); });
}

void IoThread::join() {
  if (thread_.joinable()) thread_.join();
}

// ---- the loop

void IoThread::run() {
  current_io_thread = this;
  for (Shared::Repeated& repeated : shared_.repeated)
    add_task(repeated.period, repeated.period, [this, &repeated] { repeated.work(index_); });
  while (!stopping_ || unfinished()) turn();
  SystemClock::go_on();
  current_io_thread = nullptr;
}

void IoThread::turn() {
  run_handlers();
  for (int round = 0; round < rounds_per_turn; ++round) {
    const bool posted = run_posts();
    const bool offered = offer_resumed();
    if (posted || offered || round == 0) run_hooks();
    if (local_.empty() && resumed_.empty()) break;
  }
  settle();
  bury_dead();
  arm_timer();
  count();
}

void IoThread::run_handlers() {
  bool sleep =
      local_.empty() && resumed_.empty() && first_touched_ == nullptr && first_dead_ == nullptr && !more_events_;
  if (sleep) {
    const std::lock_guard lock(inbox_mutex_);
    sleep = sleeps_ = inbox_.empty();
  }
  try {
    if (sleep && !poller_waits_) {
      poller_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code&) { poller_waits_ = false; });
      poller_waits_ = true;
    }
    if (sleep) {
      SystemClock::go_on();
      context_.run_one();
    }
    SystemClock::stand_still();
    context_.poll();
    poll_connections();
  } catch (const std::exception& error) {
    shared_.log.error("an I/O handler threw", {{"thread", index_}, {"error", error.what()}});
  }
}

/// Connections have a poller of their own, because a socket there stays armed: Asio's would cost a system call for
/// every wait. None of them dies before the turn ends, so that no event speaks of one that is gone.
void IoThread::poll_connections() {
  epoll_event events[most_events];
  const int count = ::epoll_wait(poller_.native_handle(), events, events_per_turn_, 0);
  more_events_ = count == events_per_turn_;
  const std::size_t before = bytes_in_;
  for (int i = 0; i < count; ++i) static_cast<Connection*>(events[i].data.ptr)->on_events(events[i].events);
  const std::size_t got = bytes_in_ - before;
  if (got > bytes_per_turn)
    events_per_turn_ = std::max(events_per_turn_ / 2, fewest_events);
  else if (more_events_ && got < bytes_per_turn / 2)
    events_per_turn_ = std::min(events_per_turn_ * 2, most_events);
}

bool IoThread::watch(Connection& connection, int socket, std::uint32_t before, std::uint32_t wanted) noexcept {
  epoll_event event{};
  event.events = wanted;
  event.data.ptr = &connection;
  const int what = before == 0 ? EPOLL_CTL_ADD : wanted == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
  return ::epoll_ctl(poller_.native_handle(), what, socket, &event) == 0;
}

bool IoThread::run_posts() {
  bool any = false;
  if (!local_.empty()) {
    any = true;
    running_.swap(local_);
    for (auto& work : running_) run_one(work, "posted work");
    running_.clear();
  }
  {
    const std::lock_guard lock(inbox_mutex_);
    sleeps_ = false;
    running_.swap(inbox_);
  }
  // What other threads posted has happened by now: an answer must not be older than what it tells of.
  if (!running_.empty()) SystemClock::stand_still();
  any = any || !running_.empty();
  for (auto& work : running_) run_one(work, "posted work");
  running_.clear();
  return any;
}

void IoThread::run_one(Function<void()>& work, const char* what) noexcept {
  try {
    work();
  } catch (const std::exception& error) {
    shared_.log.error("work on an I/O thread threw", {{"what", what}, {"thread", index_}, {"error", error.what()}});
  } catch (...) {
    shared_.log.error("work on an I/O thread threw", {{"what", what}, {"thread", index_}});
  }
}

bool IoThread::offer_resumed() {
  if (resumed_.empty()) return false;
  std::vector<Connection*> now;
  now.swap(resumed_);
  for (Connection* connection : now) connection->offer_again();
  if (resumed_.empty()) {
    now.clear();
    resumed_.swap(now);  // keeps the memory
  }
  return true;
}

void IoThread::run_hooks() {
  for (auto& hook : shared_.hooks) {
    Function<void()> call = [this, &hook] { hook(index_); };
    run_one(call, "a turn hook");
  }
}

void IoThread::settle() {
  while (Connection* connection = first_touched_) {
    first_touched_ = std::exchange(connection->next_touched, nullptr);
    if (first_touched_ == nullptr) last_touched_ = nullptr;
    connection->settle();
  }
  for (auto& acceptor : acceptors_) wait_for_connections(*acceptor);
}

void IoThread::touched(Connection& connection) noexcept {
  connection.next_touched = nullptr;
  (last_touched_ == nullptr ? first_touched_ : last_touched_->next_touched) = &connection;
  last_touched_ = &connection;
}

void IoThread::died(Connection& connection) noexcept {
  connection.next_touched = std::exchange(first_dead_, &connection);
}

void IoThread::bury_dead() {
  // Those that end because of this are buried in the next turn, which follows at once.
  Connection* dead = std::exchange(first_dead_, nullptr);
  const bool any = dead != nullptr;
  while (dead != nullptr) {
    Connection* const next = std::exchange(dead->next_touched, nullptr);
    dead->bury();
    release_if_idle(*dead);
    dead = next;
  }
  if (any) post([] {});  // what `on_closed` left for the hooks must not wait for the next event
  if (any)
    for (auto& acceptor : acceptors_) acceptor->paused = acceptor->paused && !acceptor->by_limit;
}

void IoThread::release_if_idle(Connection& connection) noexcept {
  if (!connection.buried() || connection.busy()) return;
  (connection.before_me == nullptr ? first_ : connection.before_me->behind_me) = connection.behind_me;
  if (connection.behind_me != nullptr) connection.behind_me->before_me = connection.before_me;
  delete &connection;
}

void IoThread::count() {
  if (bytes_in_ > 0) shared_.metrics.bytes_in.add(static_cast<std::int64_t>(std::exchange(bytes_in_, 0)));
  if (bytes_out_ > 0) shared_.metrics.bytes_out.add(static_cast<std::int64_t>(std::exchange(bytes_out_, 0)));
  if (sends_ > 0) shared_.metrics.sends.add(static_cast<std::int64_t>(std::exchange(sends_, 0)));
}

bool IoThread::unfinished() const noexcept { return first_ != nullptr; }

// ---- work and timers

void IoThread::post(Function<void()> work) {
  if (current_io_thread == this) {
    local_.push_back(std::move(work));
    return;
  }
  bool wake = false;
  {
    const std::lock_guard lock(inbox_mutex_);
    inbox_.push_back(std::move(work));
    wake = std::exchange(sleeps_, false);
  }
  if (!wake) return;
  shared_.metrics.wakeups.add();
  boost::asio::post(context_, [] {});
}

void IoThread::after(Millis in, Function<void()> work) {
  if (current_io_thread == this) {
    add_task(in, 0, std::move(work));
    return;
  }
  post([this, until = shared_.clock.steady() + in, work = std::move(work)]() mutable {
    add_task(until - shared_.clock.steady(), 0, std::move(work));
  });
}

void IoThread::add_task(Millis in, Millis period, Function<void()> work) {
  auto task = std::make_unique<Task>();
  task->is_task = 1;
  task->work = std::move(work);
  task->period = period;
  wheel_.arm(*task.release(), shared_.clock.steady(), in);
}

void IoThread::arm_timer() {
  if (timer_armed_ || wheel_.size() == 0) return;
  timer_.expires_after(std::chrono::milliseconds(TimerWheel::tick));
  timer_.async_wait([this](const boost::system::error_code&) { on_tick(); });
  timer_armed_ = true;
}

void IoThread::on_tick() {
  timer_armed_ = false;
  BlockCache::here().trim();
  wheel_.advance(shared_.clock.steady(), [this](WheelNode& node) { expire(node); });
}

void IoThread::expire(WheelNode& node) {
  if (node.is_task == 0) return static_cast<Connection&>(node).on_time();
  std::unique_ptr<Task> task(static_cast<Task*>(&node));
  run_one(task->work, "a timer");
  if (task->period > 0) wheel_.arm(*task, shared_.clock.steady(), task->period), task.release();
}

// ---- ending

void IoThread::drain() {
  draining_ = true;
  for (Connection* connection = first_; connection != nullptr; connection = connection->behind_me) connection->drain();
}

void IoThread::abort_all() {
  for (Connection* connection = first_; connection != nullptr; connection = connection->behind_me)
    connection->finish(CloseReason::shutdown);
}

}  // namespace loft::net
