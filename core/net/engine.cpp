#include "net/engine.hpp"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <vector>

#include "net/io_thread.hpp"
#include "net/listen_socket.hpp"
#include "net/shared.hpp"

namespace loft::net {

std::string_view name(CloseReason reason) noexcept {
  constexpr std::string_view names[] = {"peer", "local", "timeout", "overflow", "failure", "shutdown"};
  return names[static_cast<std::size_t>(reason)];
}

NetMetrics::NetMetrics(Metrics& metrics)
    : connections(metrics.gauge("net_connections", "Open connections")),
      accepted(metrics.counter("net_accepted_total", "Connections accepted")),
      bytes_in(metrics.counter("net_received_bytes_total", "Bytes received, decrypted")),
      bytes_out(metrics.counter("net_sent_bytes_total", "Bytes the kernel took, encrypted where TLS is used")),
      sends(metrics.counter("net_sends_total", "System calls that sent bytes")),
      wakeups(metrics.counter("net_wakeups_total", "Times an idle I/O thread was woken by posted work")),
      overflows(metrics.counter("net_outbox_overflows_total", "Connections closed because their outbox was full")),
      protocol_failures(metrics.counter("net_protocol_failures_total", "Connections closed because of an exception")),
      handshake_failures(
          metrics.counter("net_tls_handshake_failures_total", "TLS handshakes that failed or timed out")),
      paused_by_limit(metrics.counter("net_accept_pauses_total", "Times accepting paused", "reason=\"limit\"")),
      paused_by_system(metrics.counter("net_accept_pauses_total", "Times accepting paused", "reason=\"system\"")) {
  for (std::size_t index = 0; index < closed.size(); ++index) {
    const std::string label = "reason=\"" + std::string(name(static_cast<CloseReason>(index))) + '"';
    closed[index] = &metrics.counter("net_closed_total", "Connections closed", label);
  }
}

namespace {

class AsioEngine final : public Engine {
 public:
  AsioEngine(const EngineOptions& options, const Clock& clock, Logger& log, Metrics& metrics)
      : shared_(options, clock, log, metrics) {
    if (options.threads < 1 || options.threads > 256)
      throw std::invalid_argument("the number of I/O threads is " + std::to_string(options.threads) +
                                  "; it must be from 1 to 256");
    for (unsigned index = 0; index < options.threads; ++index)
      threads_.push_back(std::make_unique<IoThread>(shared_, index));
  }
  ~AsioEngine() override { AsioEngine::stop(); }

  Result<std::uint16_t> listen(const ListenSpec& spec, Transport& transport, Endpoint& endpoint) override;
  void start() override;
  unsigned threads() const noexcept override { return static_cast<unsigned>(threads_.size()); }
  void post(unsigned thread, Function<void()> work) override { threads_.at(thread)->post(std::move(work)); }
  void at_turn_end(Function<void(unsigned)> hook) override { shared_.hooks.push_back(std::move(hook)); }
  void after(unsigned thread, Millis in, Function<void()> work) override {
    threads_.at(thread)->after(in, std::move(work));
  }
  void every(Millis period, Function<void(unsigned)> work) override {
    shared_.repeated.push_back({std::max<Millis>(period, 1), std::move(work)});
  }
  void stop_accepting() override {
    on_all([](IoThread& thread) { thread.stop_accepting(); });
  }
  bool drain(Millis deadline) override;
  void stop() override;
  std::size_t connections() const noexcept override { return shared_.connections.load(); }

 private:
  /// Runs `work` for every thread, on that thread where it runs, and waits for all.
  void on_all(void (*work)(IoThread&));
  bool wait_for_none(Millis deadline);

  Shared shared_;
  std::vector<std::unique_ptr<IoThread>> threads_;
  bool stopped_ = false;
};

Result<std::uint16_t> AsioEngine::listen(const ListenSpec& spec, Transport& transport, Endpoint& endpoint) {
  std::shared_ptr<TlsContext> tls;
  if (spec.tls_certificate.empty() != spec.tls_key.empty())
    return Error{Code::invalid, "listen.tls",
                 "listener '" + spec.name + "': TLS needs both a certificate and a key; " +
                     (spec.tls_key.empty() ? "the key is missing" : "the certificate is missing")};
  if (!spec.tls_certificate.empty()) {
    auto loaded = TlsContext::load(spec.tls_certificate, spec.tls_key);
    if (!loaded) {
      loaded.error().detail.insert(0, "listener '" + spec.name + "': ");
      return loaded.error();
    }
    tls = *loaded;
  }
  auto made = open_listen_sockets(spec, threads());
  if (!made) return made.error();
  for (std::size_t index = 0; index < threads_.size(); ++index) {
    Acceptor& acceptor = threads_[index]->add_acceptor(made->sockets[index]);
    acceptor.name = spec.name;
    acceptor.transport = &transport;
    acceptor.endpoint = &endpoint;
    acceptor.tls = tls;
  }
  return made->port;
}

void AsioEngine::start() {
  for (auto& thread : threads_) {
    thread->start();
    thread->post([] {});  // the first turn begins to accept
  }
}

void AsioEngine::on_all(void (*work)(IoThread&)) {
  std::size_t waiting = 0;  // guarded by the mutex
  for (auto& thread : threads_) {
    if (!thread->started()) {
      work(*thread);
      continue;
    }
    {
      const std::lock_guard lock(shared_.mutex);
      ++waiting;
    }
    thread->post([this, work, &waiting, on = thread.get()] {
      work(*on);
      const std::lock_guard lock(shared_.mutex);
      --waiting;
      shared_.changed.notify_all();
    });
  }
  std::unique_lock lock(shared_.mutex);
  shared_.changed.wait(lock, [&] { return waiting == 0; });
}

bool AsioEngine::wait_for_none(Millis deadline) {
  std::unique_lock lock(shared_.mutex);
  while (shared_.connections.load() > 0) {
    const Millis left = deadline - shared_.clock.steady();
    if (left <= 0) return false;
    // In short steps, because the clock need not be the one that the condition variable knows.
    shared_.changed.wait_for(lock, std::chrono::milliseconds(std::min<Millis>(left, 50)));
  }
  return true;
}

bool AsioEngine::drain(Millis deadline) {
  stop_accepting();
  on_all([](IoThread& thread) { thread.drain(); });
  if (wait_for_none(deadline)) return true;
  on_all([](IoThread& thread) { thread.abort_all(); });
  std::unique_lock lock(shared_.mutex);
  shared_.changed.wait(lock, [&] { return shared_.connections.load() == 0; });
  return false;
}

void AsioEngine::stop() {
  if (std::exchange(stopped_, true)) return;
  on_all([](IoThread& thread) {
    thread.stop_accepting();
    thread.abort_all();
    thread.stop();
  });
  for (auto& thread : threads_) thread->join();
}

}  // namespace

std::unique_ptr<Engine> Engine::create(EngineOptions options, const Clock& clock, Logger& log, Metrics& metrics) {
  return std::make_unique<AsioEngine>(options, clock, log, metrics);
}

unsigned Engine::current_thread() noexcept {
  const IoThread* thread = IoThread::current();
  return thread != nullptr ? thread->index() : no_thread;
}

}  // namespace loft::net
