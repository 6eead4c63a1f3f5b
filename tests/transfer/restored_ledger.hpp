// What a copy uses of a push ledger: pages, and `restore`.
#pragma once

#include <loft/push_ledger.hpp>

namespace transfer_test {

using namespace loft;

/// Passes pages on; what becomes of `restore` is said by whoever derives from it.
class PagesOfLedger : public PushLedger {
 public:
  explicit PagesOfLedger(PushLedger& inner) : inner_(inner) {}

  Result<std::vector<OwedPush>> pushes(std::optional<PushState> state, PushKey after, std::size_t limit) override {
    return inner_.pushes(state, after, limit);
  }
  Result<std::vector<PushAttempt>> attempts(std::uint64_t after, std::size_t limit) override {
    return inner_.attempts(after, limit);
  }
  Result<std::vector<Device>> devices(std::uint64_t after, std::size_t limit) override {
    return inner_.devices(after, limit);
  }

  Result<std::size_t> owe(std::span<const OwedPush>) override { return unexpected(); }
  Result<std::vector<OwedPush>> lease(std::uint64_t, Millis, Millis, std::size_t) override { return unexpected(); }
  Result<std::size_t> settle(std::uint64_t, const Settlement&) override { return unexpected(); }
  Result<std::optional<Millis>> next_due() override { return unexpected(); }
  Result<bool> revive(PushKey, Millis, Millis, std::string_view) override { return unexpected(); }
  Result<std::size_t> forget_pushes(Millis, std::size_t) override { return unexpected(); }
  Result<std::optional<OwedPush>> push(PushKey) override { return unexpected(); }
  Result<std::vector<OwedPush>> pushes_of(UserId, MessageId, std::size_t) override { return unexpected(); }
  Result<PushCounts> push_counts(std::uint64_t) override { return unexpected(); }
  Result<std::vector<PushAttempt>> attempts_of(MessageId, std::string_view, std::uint64_t, std::size_t) override {
    return unexpected();
  }
  Result<std::size_t> erase_pushes(UserId, std::string_view) override { return unexpected(); }
  Result<std::uint64_t> register_device(const Device&) override { return unexpected(); }
  Result<bool> remove_device(UserId, std::string_view, std::string_view) override { return unexpected(); }
  Result<std::vector<Device>> devices(UserId) override { return unexpected(); }
  Result<std::vector<Device>> devices(std::span<const UserId>) override { return unexpected(); }

 protected:
  PushLedger& inner_;

 private:
  static Error unexpected() { return {Code::internal, "test.ledger", "a copy reads pages"}; }
};

}  // namespace transfer_test
