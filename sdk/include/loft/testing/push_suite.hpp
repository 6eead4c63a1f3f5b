// The contract of push ledgers as Catch2 (v2) test cases. LOFT_STORAGE_SUITE has them for storages with a
// `push_ledger()`; for a ledger by itself:
//
//   LOFT_PUSH_SUITE("mine", [](const std::string& directory) { return open_mine(directory); })
//
// registers one case per promise (P1 …, see loft/push_ledger.hpp), named "push mine: P2 …". The second argument is a
// loft::testing::storage::LedgerFactory.
#pragma once

#include <loft/testing/storage/push_cases.hpp>
#include <loft/testing/storage/push_fixture.hpp>
#include <loft/testing/storage/push_random_case.hpp>
#include <loft/testing/storage/push_read_cases.hpp>

namespace loft::testing {

namespace storage {

struct PushCase {
  const char* name;
  void (*run)(LedgerFactory);
};

inline constexpr PushCase push_cases[] = {
    {"P1 what is stored is there after a restart", p1_what_is_stored_is_there_after_a_restart},
    {"P2 what is there is not owed again", p2_what_is_there_is_not_owed_again},
    {"P3 leases are by due time and exclusive", p3_leases_are_by_due_time_and_exclusive},
    {"P3 no two callers get the same one", p3_no_two_callers_get_the_same_one},
    {"P4 what is not leased any more is not settled", p4_what_is_not_leased_any_more_is_not_settled},
    {"P4 what was revived is not settled", p4_what_was_revived_is_not_settled},
    {"P4 news of devices are kept", p4_news_of_devices_are_kept},
    {"P5 the next moment of work is known", p5_the_next_moment_of_work_is_known},
    {"P6 what is dead or silenced can be revived", p6_what_is_dead_or_silenced_can_be_revived},
    {"P7 the old is forgotten, what is owed is not", p7_the_old_is_forgotten},
    {"P8 pushes are listed in order", p8_pushes_are_listed_in_order},
    {"P9 attempts are listed in order", p9_attempts_are_listed_in_order},
    {"P9 what is stored of a user is erased", what_is_stored_of_a_user_is_erased},
    {"P10 a device is there once", p10_a_device_is_there_once},
    {"P10 the id of a device is never another one's", p10_the_id_of_a_device_is_never_another_ones},
    {"P11 devices are listed in order", p11_devices_are_listed_in_order},
    {"P12 a copy has the same rows, whose ids go on", p12_a_copy_has_the_same_rows},
    {"P13 what is owed and what is dead is counted", p13_what_is_owed_and_what_is_dead_is_counted},
    {"P2 to P11 random calls are answered as in memory", random_calls_agree_with_memory},
};

class PushInvoker final : public Catch::ITestInvoker {
 public:
  PushInvoker(void (*run)(LedgerFactory), LedgerFactory factory) : run_(run), factory_(std::move(factory)) {}
  void invoke() const override { run_(factory_); }

 private:
  void (*run_)(LedgerFactory);
  LedgerFactory factory_;
};

}  // namespace storage

/// Registers the suite under `name`; before Catch's main runs, which LOFT_PUSH_SUITE sees to. Returns true.
inline bool register_push_suite(const std::string& name, const storage::LedgerFactory& factory) {
  for (const auto& row : storage::push_cases) {
    const Catch::AutoReg registered(new storage::PushInvoker(row.run, factory),
                                    Catch::SourceLineInfo(__FILE__, __LINE__), Catch::StringRef(),
                                    Catch::NameAndTags("push " + name + ": " + row.name, "[push]"));
  }
  return true;
}

}  // namespace loft::testing

#define LOFT_PUSH_SUITE_NAME_(line) loft_push_suite_##line
#define LOFT_PUSH_SUITE_AT_(line, ...) \
  [[maybe_unused]] static const bool LOFT_PUSH_SUITE_NAME_(line) = ::loft::testing::register_push_suite(__VA_ARGS__);
#define LOFT_PUSH_SUITE_LINE_(line, ...) LOFT_PUSH_SUITE_AT_(line, __VA_ARGS__)
#define LOFT_PUSH_SUITE(...) LOFT_PUSH_SUITE_LINE_(__LINE__, __VA_ARGS__)
