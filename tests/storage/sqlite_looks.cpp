// Looking at a store of storage.sqlite without a trace, and its backups.
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "sqlite_store.hpp"

using namespace storage_test;
using namespace loft::testing::storage;
using Catch::Contains;

TEST_CASE("sqlite: looking at a store makes no file and changes none, whatever there is", "[storage]") {
  const TemporaryDirectory empty;
  CHECK(steps_of(Resting(empty)->schema()) == taken(0));
  CHECK(files_in(empty).empty());

  const TemporaryDirectory directory;
  make_house(directory, 1);
  const auto before = files_in(directory);
  CHECK(steps_of(Resting(directory)->schema()) == taken(1));
  CHECK(files_in(directory) == before);

  Raw(file_in(directory))
      .run(
          "INSERT INTO schema_migration VALUES (2, 'five_contracts', 'x', 0), (3, 'sent_counts', 'y', 0), "
          "(4, 'push', 'z', 0), (5, 'later', 'z', 0)");
  CHECK(steps_of(Resting(directory)->schema()) == "+????");
  CHECK_THAT(steps_of(Resting(directory)->migrate()), Contains("storage.schema") && Contains("schema number 5"));

  const TemporaryDirectory foreign;
  Raw(file_in(foreign)).run("CREATE TABLE songs (title TEXT)");
  CHECK_THAT(steps_of(Resting(foreign)->schema()), Contains("storage.schema") && Contains("tables of another program"));
  CHECK_THAT(steps_of(Resting(foreign)->migrate()),
             Contains("storage.schema") && Contains("tables of another program"));
}

TEST_CASE("sqlite: beside a running host the schema is seen, and a migration is refused by the owner's name",
          "[storage]") {
  const TemporaryDirectory directory;
  const Running running(directory.path());
  Resting resting(directory);
  CHECK(steps_of(resting->schema()) == taken(all_steps.size()));
  CHECK_THAT(steps_of(resting->migrate()),
             Contains("is in use by another process (pid " + std::to_string(::getpid()) + ")"));
}

TEST_CASE("sqlite: a backup beside commits is one state, private, sound, and starts as a store", "[storage]") {
  const TemporaryDirectory directory, other;
  Running running(directory.path());
  BatchData first;
  first.users = {a_user(1)};
  first.conversations = {a_group(10)};
  Seq head = 0;
  std::uint64_t id = 100;
  for (; id < 2100; ++id) first.say(cid(10), head, mid(id), uid(1), std::string(1000, 'x'), a_key(id));
  REQUIRE(value(running->commit(first.view())).empty());

  const auto file = other.path() + "/loft.db";
  std::atomic<bool> done{false};
  const Seq before = head;
  std::thread sender([&] {
    for (; !done; ++id) {
      BatchData batch;
      batch.say(cid(10), head, mid(id), uid(1), "{}", a_key(id));
      const auto stored = running->commit(batch.view());
      if (!stored || !stored->empty()) return;
    }
  });
  std::uint64_t last = 0, total = 0;
  const auto copied = Resting(directory)->backup(file, [&](std::uint64_t now, std::uint64_t all_of_it) {
    last = now, total = all_of_it;
    return true;
  });
  done = true;
  sender.join();
  INFO((copied ? "" : copied.error().detail));
  REQUIRE(copied);
  CHECK(last == total);
  CHECK(total > 2'000'000);
  CHECK(files_in(other).size() == 1);
  struct stat info {};
  REQUIRE(::stat(file.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  Running copy(other.path());
  CHECK(logged(copy.host, "clean=true"));
  const auto stored = value(copy->conversation(cid(10)));
  REQUIRE(stored);
  CHECK(stored->head >= before);
  CHECK(value(copy->log(cid(10), 1, everything, 100'000, false)).size() == stored->head);
}

TEST_CASE("sqlite: a backup overwrites nothing and leaves nothing when it fails or is ended", "[storage]") {
  const TemporaryDirectory directory, other;
  { const Running made(directory.path()); }
  Resting resting(directory);
  const auto file = other.path() + "/copy.db";
  const auto says = [&](const std::string& name, Progress progress = {}) {
    const auto done = resting->backup(name, std::move(progress));
    return done ? std::string("done") : done.error().reason + ": " + done.error().detail;
  };
  CHECK_THAT(says(file, [](std::uint64_t, std::uint64_t) { return false; }), Contains("storage.cancelled"));
  CHECK(files_in(other).empty());
  CHECK_THAT(says(other.path() + "/nowhere/copy.db"), Contains("cannot be made: No such file or directory"));
  CHECK(says(file) == "done");
  CHECK_THAT(says(file), Contains("storage.file_exists") && Contains("overwrites nothing"));
  CHECK(files_in(other).size() == 1);

  const TemporaryDirectory empty;
  const auto nothing = Resting(empty)->backup(other.path() + "/second.db", {});
  REQUIRE_FALSE(nothing);
  CHECK_THAT(nothing.error().detail, Contains("there is nothing to back up"));
  CHECK(files_in(other).size() == 1);
  CHECK(files_in(empty).empty());
}

TEST_CASE("sqlite: a damaged store gives no backup but an error that says so", "[storage]") {
  const TemporaryDirectory directory, other;
  {
    Running running(directory.path());
    BatchData batch;
    batch.conversations = {a_group(10)};
    Seq head = 0;
    for (std::uint64_t i = 1; i < 200; ++i) batch.say(cid(10), head, mid(i), uid(1), std::string(500, 'x'), a_key(i));
    REQUIRE(value(running->commit(batch.view())).empty());
  }
  const auto page = Raw(file_in(directory)).run("SELECT rootpage FROM sqlite_schema WHERE name = 'message_log'");
  {
    std::fstream bytes(file_in(directory), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp((std::stol(page) - 1) * 4096);
    bytes << std::string(4096, '\xA5');
  }
  const auto answer = Resting(directory)->backup(other.path() + "/copy.db", {});
  REQUIRE_FALSE(answer);
  CHECK_THAT(answer.error().detail, Contains("damaged") || Contains("restore a"));
  CHECK(files_in(other).empty());
}
