// The contract of storages as Catch2 (v2) test cases, for whoever writes one:
//
//   #include <catch2/catch.hpp>
//   #include <loft/testing/storage_suite.hpp>
//   LOFT_STORAGE_SUITE("mine", [](const std::string& directory) { return open_mine(directory); })
//
// registers one case per promise (S1 …, see loft/storage.hpp), named "storage mine: S2 …", and those of the push
// ledger, if it has one (push_suite.hpp). The second argument is a loft::testing::storage::Factory. Catch2 is the only
// thing needed beyond the SDK.
#pragma once

#include <loft/testing/push_suite.hpp>
#include <loft/testing/storage/commit_cases.hpp>
#include <loft/testing/storage/concurrent_case.hpp>
#include <loft/testing/storage/crash_case.hpp>
#include <loft/testing/storage/fixture.hpp>
#include <loft/testing/storage/forget_cases.hpp>
#include <loft/testing/storage/random_case.hpp>
#include <loft/testing/storage/random_turn_case.hpp>
#include <loft/testing/storage/read_cases.hpp>
#include <loft/testing/storage/turn_cases.hpp>
#include <loft/testing/storage/whole_cases.hpp>

namespace loft::testing {

struct StorageSuiteOptions {
  /// False for a storage whose data does not outlive a killed process, or that cannot be opened in a forked child.
  bool survives_kill = true;
};

namespace storage {

struct SuiteCase {
  const char* name;
  void (*run)(Factory);
};

inline constexpr SuiteCase suite_cases[] = {
    {"S1 what is stored is there after a restart", s1_survives_reopening},
    {"S2 a stale head is answered with the true one", s2_stale_heads_are_named},
    {"S2 all stale heads of a batch are answered at once", s2_all_stale_heads_at_once},
    {"S3 a known client key is answered with the original, after a restart too", s3_duplicates_name_the_original},
    {"S3 duplicates are answered beside stale heads", s3_duplicates_beside_stale_heads},
    {"S4 nothing of a refused batch is to be seen", s4_nothing_of_a_refused_batch_is_seen},
    {"S5 a batch sent again is answered by conflicts that name the same ids", s5_a_batch_sent_again_is_recognised},
    {"S5 entries without messages may be sent twice", s5_entries_without_messages_may_come_twice},
    {"S6 texts are kept byte for byte, integers exactly", s6_texts_and_integers_are_exact},
    {"S7 no position is forgotten", s7_no_position_is_forgotten},
    {"S24 the last position is of what is stored", s24_the_last_position_is_of_what_is_stored},
    {"S8 the seq at a position is found", s8_the_seq_at_a_position},
    {"S9 readers beside commits see states between two", s9_readers_see_states_between_commits},
    {"S10 names are unique", s10_names_are_unique},
    {"S10 mistakes of the caller are refused whole", s10_mistakes_are_refused_whole},
    {"S11 entries are replaced, heads are not", s11_entries_are_replaced},
    {"S12 recalls are exact, the first one stands", s12_recalls_are_exact},
    {"S13 lists are in order", s13_lists_are_in_order},
    {"S25 many counts are answered in the order of their ranges", s25_many_counts_at_once},
    {"S14 since has no gap and no repeat", s14_since_has_no_gap_and_no_repeat},
    {"S16 changes of a conversation are listed by position", s16_changes_of_a_conversation_are_listed_by_position},
    {"S15 client keys are forgotten by age", s15_client_keys_are_forgotten_by_age},
    {"S17 values are found by key and by the beginning of keys", s17_values_are_found_by_key_and_prefix},
    {"S18 broadcasts are listed", s18_broadcasts_are_listed},
    {"S20 of erased messages only that they were there is left", s20_erased_messages_are_empty_and_there},
    {"S21 messages are removed from the oldest on", s21_messages_are_removed_from_the_oldest_on},
    {"S12 a message may come recalled", s12_a_message_may_come_recalled},
    {"S22 an empty store has nothing", s22_an_empty_store_has_nothing},
    {"S22 everything comes once, in order, whatever the page", s22_everything_comes_once_in_order},
    {"S23 client keys are restored without their messages", s23_keys_of_messages_that_are_gone},
    {"S1 followers keep their position", followers_keep_their_position},
    {"S26 batches beside each other end in their order", s26_batches_end_in_their_order},
    {"S26 a turn that is refused leaves nothing", s26_a_refused_turn_leaves_nothing},
    {"S26 a conflict comes without a turn", s26_a_conflict_comes_without_a_turn},
    {"S26 followers move and old keys are forgotten between batches", s26_housekeeping_comes_between},
    {"S26 readers see batches in their order", s26_readers_see_batches_in_order},
    {"S26 random batches beside each other agree with a naive model", s26_random_batches_agree_with_the_model},
    {"S1 to S17 random batches agree with a naive model", random_batches_agree_with_the_model},
};

class SuiteInvoker final : public Catch::ITestInvoker {
 public:
  SuiteInvoker(void (*run)(Factory), Factory factory) : run_(run), factory_(std::move(factory)) {}
  void invoke() const override { run_(factory_); }

 private:
  void (*run_)(Factory);
  Factory factory_;
};

inline void add_case(const std::string& suite, const SuiteCase& row, const Factory& factory) {
  const std::string name = "storage " + suite + ": " + row.name;
  const Catch::AutoReg registered(new SuiteInvoker(row.run, factory), Catch::SourceLineInfo(__FILE__, __LINE__),
                                  Catch::StringRef(), Catch::NameAndTags(name, "[storage]"));
}

}  // namespace storage

/// Registers the suite under `name`; before Catch's main runs, which LOFT_STORAGE_SUITE sees to. Returns true.
inline bool register_storage_suite(const std::string& name, storage::Factory factory,
                                   StorageSuiteOptions options = {}) {
  // The case that forks comes first: the fewer threads have run before, the better.
  if (options.survives_kill) {
    storage::add_case(name, {"S1 what was acknowledged survives SIGKILL", storage::s1_survives_sigkill}, factory);
  }
  for (const auto& row : storage::suite_cases) storage::add_case(name, row, factory);
  return register_push_suite(name, storage::ledger_of(factory));
}

}  // namespace loft::testing

#define LOFT_STORAGE_SUITE_NAME_(line) loft_storage_suite_##line
#define LOFT_STORAGE_SUITE_AT_(line, ...)                             \
  [[maybe_unused]] static const bool LOFT_STORAGE_SUITE_NAME_(line) = \
      ::loft::testing::register_storage_suite(__VA_ARGS__);
#define LOFT_STORAGE_SUITE_LINE_(line, ...) LOFT_STORAGE_SUITE_AT_(line, __VA_ARGS__)
#define LOFT_STORAGE_SUITE(...) LOFT_STORAGE_SUITE_LINE_(__LINE__, __VA_ARGS__)
