#include "common/lane.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <new>

namespace loft::push {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kept_handles = 256;
constexpr int unanswered_limit = 30;  // seconds that what was sent may stay unconfirmed
constexpr std::size_t most_left = 2;  // silent connections beside the one in use
constexpr int longest_pause = 1'000, pause_with_left = 20;

CURLM* new_multi() {
  CURLM* const multi = curl_multi_init();
  if (multi == nullptr) throw std::bad_alloc();
  curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_MULTIPLEX);
  curl_multi_setopt(multi, CURLMOPT_MAX_HOST_CONNECTIONS, 1L);
  curl_multi_setopt(multi, CURLMOPT_MAX_CONCURRENT_STREAMS, 1000L);
  return multi;
}

/// The kernel's own watch over a connection: a peer that is gone without a word, as behind a router that forgot us, is
/// found although nothing is under way, and before any request has waited for its whole time.
int on_open(void* wire, curl_socket_t socket, curlsocktype) {
  const int milliseconds = unanswered_limit * 1000;
  ::setsockopt(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, &milliseconds, sizeof milliseconds);
  try {
    static_cast<Wire*>(wire)->sockets.insert(socket);
  } catch (const std::bad_alloc&) {
    return CURL_SOCKOPT_ERROR;
  }
  return CURL_SOCKOPT_OK;
}

int on_close(void* wire, curl_socket_t socket) {
  static_cast<Wire*>(wire)->sockets.erase(socket);
  return ::close(socket);
}

}  // namespace

Wire::Wire() : multi(new_multi()) {}

Wire::~Wire() {
  hang_up();
  for (const auto& [handle, transfer] : running) {
    curl_multi_remove_handle(multi, handle);
    curl_easy_cleanup(handle);
  }
  curl_multi_cleanup(multi);
}

void Wire::watch(CURL* handle) {
  curl_easy_setopt(handle, CURLOPT_SOCKOPTFUNCTION, on_open);
  curl_easy_setopt(handle, CURLOPT_SOCKOPTDATA, this);
  curl_easy_setopt(handle, CURLOPT_CLOSESOCKETFUNCTION, on_close);
  curl_easy_setopt(handle, CURLOPT_CLOSESOCKETDATA, this);
}

void Wire::hang_up() noexcept {
  for (const auto socket : sockets) ::shutdown(socket, SHUT_RDWR);
}

Lane::Lane(const CourierSettings& settings) : settings_(settings), wire_(std::make_unique<Wire>()) {}

Lane::~Lane() { stop(); }

std::unique_ptr<Transfer> Lane::take(std::unique_ptr<Transfer> transfer) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return transfer;
  waiting_.push_back(std::move(transfer));
  load_.fetch_add(1, std::memory_order_relaxed);
  curl_multi_wakeup(wire_->multi);
  return nullptr;
}

void Lane::start() {
  thread_ = std::thread([this] { run(); });
}

void Lane::stop() noexcept {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    curl_multi_wakeup(wire_->multi);
  }
  if (thread_.joinable()) {
    thread_.join();
  } else {
    take_over();
    abandon();
  }
}

void Lane::run() {
  while (take_over()) {
    begin_mails();
    int still = 0;
    curl_multi_perform(wire_->multi, &still);
    for (const auto& wire : left_) curl_multi_perform(wire->multi, &still);
    end_finished(*wire_);
    for (const auto& wire : left_) end_finished(*wire);
    end_overdue();
    std::erase_if(left_, [](const auto& wire) { return wire->running.empty(); });
    // A mail's turn, and what was sent from inside an answer, wait for nothing.
    if (mails_.empty() || !wire_->running.empty()) curl_multi_poll(wire_->multi, nullptr, 0, pause(), nullptr);
  }
  abandon();
}

int Lane::pause() const {
  const auto most = left_.empty() ? longest_pause : pause_with_left;
  if (next_look_ == Time::max()) return most;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next_look_ - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left + 1, 1, most));
}

bool Lane::take_over() {
  std::vector<std::unique_ptr<Transfer>> taken;
  bool stopping = false;
  {
    const std::lock_guard lock(mutex_);
    taken.swap(waiting_);
    stopping = stopping_;
  }
  for (auto& transfer : taken) {
    if (stopping) {
      end(std::move(transfer), Response::Failure::stopped);
    } else if (transfer->is_mail()) {
      next_look_ = std::min(next_look_, transfer->patient_until());
      mails_.push_back(std::move(transfer));
    } else {
      begin(std::move(transfer));
    }
  }
  return !stopping;
}

/// A connection carries one mail at a time, whose time begins with its turn.
void Lane::begin_mails() {
  const auto now = Clock::now();
  while (!mails_.empty() && mails_.front()->patient_until() < now) {
    auto late = std::move(mails_.front());
    mails_.pop_front();
    end(std::move(late), Response::Failure::full);
  }
  if (mails_.empty() || !wire_->running.empty()) return;
  auto next = std::move(mails_.front());
  mails_.pop_front();
  begin(std::move(next));
}

void Lane::begin(std::unique_ptr<Transfer> transfer) {
  if (idle_.empty()) idle_.emplace_back(curl_easy_init());
  Easy easy = std::move(idle_.back());
  idle_.pop_back();
  if (!easy) return end(std::move(transfer), Response::Failure::unreachable);
  try {
    transfer->last_heard = &wire_->heard[std::string(transfer->peer())];
    transfer->set_up(easy.get());
    wire_->watch(easy.get());
  } catch (const std::bad_alloc&) {
    return end(std::move(transfer), Response::Failure::unreachable);
  }
  next_look_ = std::min(next_look_, transfer->overdue());
  CURL* const handle = easy.release();
  wire_->running.emplace(handle, std::move(transfer));
  if (curl_multi_add_handle(wire_->multi, handle) != CURLM_OK) end(*wire_, handle, CURLE_FAILED_INIT);
}

void Lane::end_finished(Wire& wire) {
  int left = 0;
  bool is_silent = false;
  while (const CURLMsg* message = curl_multi_info_read(wire.multi, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    CURL* const handle = message->easy_handle;
    const auto code = message->data.result;
    const auto& transfer = *wire.running.at(handle);
    // Nothing at all came from that peer for as long as a request may take: its connection may be dead although nobody
    // said so.
    is_silent = is_silent ||
                (code == CURLE_OPERATION_TIMEDOUT && !transfer.is_mail() && *transfer.last_heard < transfer.begun());
    end(wire, handle, code);
  }
  if (is_silent && &wire == wire_.get()) replace_wire();
}

void Lane::end_overdue() {
  const auto now = Clock::now();
  if (now < next_look_) return;
  next_look_ = Time::max();
  const auto look = [&](Wire& wire) {
    std::vector<CURL*> late;
    for (const auto& [handle, transfer] : wire.running) {
      if (transfer->overdue() <= now)
        late.push_back(handle);
      else
        next_look_ = std::min(next_look_, transfer->overdue());
    }
    for (auto* const handle : late) end(wire, handle, CURLE_OPERATION_TIMEDOUT);
  };
  look(*wire_);
  for (const auto& wire : left_) look(*wire);
  if (!mails_.empty()) next_look_ = std::min(next_look_, mails_.front()->patient_until());
}

void Lane::end(Wire& wire, CURL* handle, CURLcode code) {
  const auto found = wire.running.find(handle);
  const auto transfer = std::move(found->second);
  wire.running.erase(found);
  auto response = transfer->finish(handle, code);
  curl_multi_remove_handle(wire.multi, handle);
  Easy easy(handle);
  if (idle_.size() < kept_handles) {
    curl_easy_reset(handle);
    idle_.push_back(std::move(easy));
  }
  answer(*transfer, std::move(response));
}

void Lane::end(std::unique_ptr<Transfer> transfer, Response::Failure failure) {
  Response response;
  response.failure = failure;
  answer(*transfer, std::move(response));
}

/// A slip of who asked must cost neither this thread nor what else is under way.
void Lane::answer(Transfer& transfer, Response response) noexcept {
  load_.fetch_sub(1, std::memory_order_relaxed);
  try {
    transfer.done(std::move(response));
  } catch (const std::exception& e) {
    if (settings_.failed) settings_.failed(e.what());
  }
}

/// Everything ends with `stopped`.
void Lane::abandon() noexcept {
  std::vector<std::unique_ptr<Transfer>> all;
  const auto empty = [&](Wire& wire) {
    wire.hang_up();
    for (auto& [handle, transfer] : wire.running) {
      curl_multi_remove_handle(wire.multi, handle);
      curl_easy_cleanup(handle);
      all.push_back(std::move(transfer));
    }
    wire.running.clear();
  };
  empty(*wire_);
  for (const auto& wire : left_) empty(*wire);
  left_.clear();
  for (auto& mail : mails_) all.push_back(std::move(mail));
  mails_.clear();
  for (auto& transfer : all) end(std::move(transfer), Response::Failure::stopped);
}

/// What begins from now on opens another connection. What is under way on the old one may still be answered, or ends in
/// its own time: libcurl has no PING with which to ask (its `curl_easy_upkeep` knows no multi handle before 8.8).
void Lane::replace_wire() {
  if (left_.size() >= most_left) return;
  auto fresh = std::make_unique<Wire>();
  left_.reserve(most_left);
  const std::lock_guard lock(mutex_);
  left_.push_back(std::exchange(wire_, std::move(fresh)));
}

}  // namespace loft::push
