// What every case about a push ledger begins with.
#pragma once

#include <loft/push_ledger.hpp>
#include <loft/testing/storage/fixture.hpp>

namespace loft::testing::storage {

/// Opens the ledger that keeps its data in `directory`; again after the last one was let go. Null: there is none, and
/// the case is over.
using LedgerFactory = std::function<std::shared_ptr<PushLedger>(const std::string& directory)>;

/// The ledger of a storage, which stops when nobody holds it any more.
inline LedgerFactory ledger_of(Factory factory) {
  return [factory = std::move(factory)](const std::string& directory) -> std::shared_ptr<PushLedger> {
    const std::shared_ptr<Storage> storage(factory(directory).release(), [](Storage* stopped) {
      stopped->stop(std::numeric_limits<Millis>::max());
      delete stopped;
    });
    auto* ledger = storage->push_ledger();
    return ledger == nullptr ? nullptr : std::shared_ptr<PushLedger>(storage, ledger);
  };
}

class PushFixture {
 public:
  explicit PushFixture(LedgerFactory factory) : factory_(std::move(factory)) { ledger_ = factory_(directory_.path()); }

  /// False: there is no ledger.
  explicit operator bool() const {
    if (!ledger_) WARN("this storage has no push ledger");
    return ledger_ != nullptr;
  }
  PushLedger& operator*() const { return *ledger_; }
  PushLedger* operator->() const { return ledger_.get(); }
  void reopen() {
    ledger_.reset();
    ledger_ = factory_(directory_.path());
  }

 private:
  LedgerFactory factory_;
  TemporaryDirectory directory_;
  std::shared_ptr<PushLedger> ledger_;
};

inline constexpr Millis noon = 1'760'000'000'123;  ///< some moment

inline OwedPush a_push(std::uint64_t message, std::uint64_t user, Millis due = noon) {
  OwedPush push;
  push.message = mid(message);
  push.user = uid(user);
  push.conversation = cid(50);
  push.created = noon - 5;
  push.due = due;
  push.expires = noon + 86'400'000;
  return push;
}
inline OwedPush ended(OwedPush push, PushState state, Millis at, std::string reason = {}) {
  push.state = state;
  push.finished = at;
  push.reason = std::move(reason);
  return push;
}
inline PushAttempt an_attempt(std::uint64_t message, std::string user, Millis time = noon, std::string error = {}) {
  return {0, std::move(user), mid(message), "apns", error.empty() ? "success" : "failed", time, std::move(error)};
}
inline Device a_device(std::uint64_t user, std::string token, Millis registered = noon) {
  Device device;
  device.user = uid(user);
  device.channel = "apns";
  device.token = std::move(token);
  device.platform = "ios";
  device.registered = registered;
  return device;
}

inline bool alike(const OwedPush& a, const OwedPush& b) {
  return a.message == b.message && a.user == b.user && a.conversation == b.conversation && a.state == b.state &&
         a.attempts == b.attempts && a.created == b.created && a.due == b.due && a.expires == b.expires &&
         a.finished == b.finished && a.reason == b.reason && a.plan == b.plan;
}
inline bool alike(const PushAttempt& a, const PushAttempt& b) {
  return a.id == b.id && a.user == b.user && a.message == b.message && a.type == b.type && a.status == b.status &&
         a.time == b.time && a.error == b.error;
}
inline bool alike(const Device& a, const Device& b) {
  return a.id == b.id && a.user == b.user && a.channel == b.channel && a.token == b.token && a.platform == b.platform &&
         a.client == b.client && a.app == b.app && a.locale == b.locale && a.registered == b.registered &&
         a.last_success == b.last_success && a.failed == b.failed && a.failure == b.failure;
}
template <class Row>
bool alike(const std::vector<Row>& a, const std::vector<Row>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Row& x, const Row& y) { return alike(x, y); });
}

/// Message, user of each.
inline std::vector<std::pair<std::uint64_t, std::uint64_t>> keys_of(const std::vector<OwedPush>& pushes) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> list;
  for (const auto& push : pushes) list.emplace_back(raw(push.message), raw(push.user));
  return list;
}
inline std::vector<std::uint64_t> ids_of(const auto& rows) {
  std::vector<std::uint64_t> list;
  for (const auto& row : rows) list.push_back(row.id);
  return list;
}

inline std::size_t owe(PushFixture& ledger, const std::vector<OwedPush>& pushes) { return value(ledger->owe(pushes)); }
inline std::size_t settle(PushFixture& ledger, std::uint64_t holder, const std::vector<OwedPush>& pushes,
                          const std::vector<PushAttempt>& attempts = {}, const std::vector<DeviceNews>& devices = {}) {
  return value(ledger->settle(holder, {pushes, attempts, devices}));
}

inline constexpr std::uint64_t no_limit = 1'000'000;

inline std::vector<OwedPush> all_pushes(PushFixture& ledger) {
  return value(ledger->pushes(std::nullopt, {}, no_limit));
}
inline std::vector<PushAttempt> all_attempts(PushFixture& ledger) { return value(ledger->attempts(0, no_limit)); }
inline std::vector<Device> all_devices(PushFixture& ledger) { return value(ledger->devices(0, no_limit)); }

}  // namespace loft::testing::storage
