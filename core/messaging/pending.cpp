// What the interface promises and is still to be built: the host answers that it cannot.
#include "messaging/core.hpp"

namespace loft {
namespace {

const Error pending{Code::internal, "host.not_built", "this part of the host is not built yet"};

class NoKeyValues final : public KeyValues {
 public:
  void put(const Caller&, std::vector<KeyChange>, Done<bool> done) override { done(pending); }
  void get(const Caller&, std::string, Done<std::optional<std::string>> done) override { done(pending); }
  void list(const Caller&, std::string, std::string, std::size_t, Done<std::vector<KeyValue>> done) override {
    done(pending);
  }
  Result<std::vector<KeyValue>> read(const std::string&, const std::string&, std::size_t) override { return pending; }
  Result<void> write(std::vector<KeyChange>) override { return pending; }
};

}  // namespace

void Core::change_conversation(const Caller&, ConversationAct, Done<ConversationRecord> done) { done(pending); }
void Core::set_profile(const Caller&, std::string, Done<UserPtr> done) { done(pending); }
std::unique_ptr<KeyValues> Core::key_values(std::string) { return std::make_unique<NoKeyValues>(); }

}  // namespace loft
