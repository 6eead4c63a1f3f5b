// The contract of push ledgers, for the one in memory that other tests stand on.
#include <map>

#include <loft/testing/memory_push_ledger.hpp>
#include <loft/testing/push_suite.hpp>

namespace {

std::shared_ptr<loft::PushLedger> open_memory(const std::string& directory) {
  static std::map<std::string, std::shared_ptr<loft::testing::MemoryPushLedger>> ledgers;
  auto& ledger = ledgers[directory];
  if (!ledger) ledger = std::make_shared<loft::testing::MemoryPushLedger>();
  return ledger;
}

}  // namespace

LOFT_PUSH_SUITE("memory", open_memory)
