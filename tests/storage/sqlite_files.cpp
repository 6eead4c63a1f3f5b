// What storage.sqlite says about files it cannot use, and about its schema.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <sqlite_migrations.hpp>

#include "plugin_under_test.hpp"
#include "raw.hpp"

#include <loft/testing/storage/fixture.hpp>

using namespace storage_test;
using Catch::Contains;
using loft::testing::storage::TemporaryDirectory;
using loft::testing::storage::value;

namespace {

void write_file(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string made(const TemporaryDirectory& directory) {
  const Running running(directory.path());
  return directory.path() + "/loft.db";
}

}  // namespace

TEST_CASE("sqlite: the database is made private to the user, with all migrations listed", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  struct stat info {};
  REQUIRE(::stat(path.c_str(), &info) == 0);
  CHECK((info.st_mode & 0777) == 0600);
  Raw raw(path);
  CHECK(raw.run("SELECT count(*) FROM schema_migration") == std::to_string(std::size(loft::storage::migrations)));
  CHECK(raw.run("PRAGMA journal_mode") == "wal");
}

TEST_CASE("sqlite: a second start changes no schema", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  const auto version = Raw(path).run("PRAGMA schema_version");
  Running again(directory.path());
  CHECK(logged(again.host, "migrations_applied=0"));
  CHECK(Raw(path).run("PRAGMA schema_version") == version);
}

TEST_CASE("sqlite: a newer schema is refused with both numbers and a remedy", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  Raw(path).run("INSERT INTO schema_migration (number, name, checksum, applied) VALUES (99, 'later', 'x', 0)");
  const auto text = refusal(directory.path());
  CHECK_THAT(text, Contains(path) && Contains("schema number 99") && Contains("restore a backup"));
  CHECK_THAT(text, Contains("up to number " + std::to_string(std::size(loft::storage::migrations)) + ":"));
}

TEST_CASE("sqlite: an edited migration is refused with both checksums", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  Raw(path).run("UPDATE schema_migration SET checksum = '0123456789abcdef' WHERE number = 1");
  CHECK_THAT(refusal(directory.path()), Contains("migration 1 (initial)") && Contains("0123456789abcdef") &&
                                            Contains(loft::storage::checksum(loft::storage::migrations[0].sql)));
}

TEST_CASE("sqlite: tables changed by another program are refused, a view is allowed", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  Raw(path).run("CREATE VIEW offline AS SELECT id FROM message");
  made(directory);
  Raw(path).run("CREATE TRIGGER spy AFTER INSERT ON message BEGIN DELETE FROM mark; END");
  CHECK_THAT(refusal(directory.path()), Contains(path) && Contains("changed by another program"));
  Raw(path).run("DROP TRIGGER spy");
  made(directory);
}

TEST_CASE("sqlite: the database of another program is refused and left alone", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = directory.path() + "/loft.db";
  Raw(path).run("CREATE TABLE songs (title TEXT)");
  CHECK_THAT(refusal(directory.path()), Contains(path) && Contains("another program"));
  CHECK(Raw(path).run("SELECT count(*) FROM sqlite_schema") == "1");
}

TEST_CASE("sqlite: a file that is no database is refused by name and left alone", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = directory.path() + "/notes.txt";
  write_file(path, "Dear diary, this is not a database at all.");
  CHECK_THAT(refusal(directory.path(), {{"path", path}}), Contains(path) && Contains("is not a SQLite database"));
  std::string first;
  std::getline(std::ifstream(path) >> std::ws, first);
  CHECK(first == "Dear diary, this is not a database at all.");
  write_file(path, "short");
  CHECK_THAT(refusal(directory.path(), {{"path", path}}), Contains("is not a SQLite database"));
}

TEST_CASE("sqlite: a database cut short is refused or reported, not trusted", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  std::filesystem::resize_file(path, 4096);
  CHECK_THAT(refusal(directory.path()), Contains(path) && Contains("cannot be used"));
}

TEST_CASE("sqlite: a directory, a missing folder and a file as folder are refused by name", "[storage]") {
  const TemporaryDirectory directory;
  std::filesystem::create_directory(directory.path() + "/folder");
  CHECK_THAT(refusal(directory.path(), {{"path", std::string("folder")}}), Contains("folder is a directory"));
  CHECK_THAT(refusal(directory.path(), {{"path", std::string("nowhere/x.db")}}),
             Contains("nowhere/x.db") && Contains("does not exist"));
  write_file(directory.path() + "/plain", "x");
  CHECK_THAT(refusal(directory.path(), {{"path", std::string("plain/x.db")}}), Contains("no directory"));
}

TEST_CASE("sqlite: a file without permission is refused by name", "[storage]") {
  if (::geteuid() == 0) return;  // may open everything
  const TemporaryDirectory directory;
  const auto path = made(directory);
  REQUIRE(::chmod(path.c_str(), 0400) == 0);
  CHECK_THAT(refusal(directory.path()), Contains(path) && Contains("may not be opened"));
}

TEST_CASE("sqlite: a path that could not be passed on is refused by configure", "[storage]") {
  const TemporaryDirectory directory;
  CHECK_THAT(refusal(directory.path(), {{"path", std::string("a\"b")}}), Contains("path") && Contains("double quotes"));
  CHECK_THAT(refusal(directory.path(), {{"path", std::string()}}), Contains("must name a file"));
}

TEST_CASE("sqlite: spaces, signs and letters of a path are taken as they are", "[storage]") {
  const TemporaryDirectory directory;
  const std::string name = "a b='c' timeout=0 \xC3\xA9?.db";
  { const Running running(directory.path(), {{"path", name}}); }
  CHECK(std::filesystem::file_size(directory.path() + "/" + name) > 4096);
}

TEST_CASE("sqlite: a second owner that comes by a symbolic link is refused, to the file or to its folder",
          "[storage]") {
  const TemporaryDirectory directory, other;
  std::filesystem::create_symlink(directory.path() + "/loft.db", other.path() + "/ring.db");
  std::filesystem::create_symlink("ring.db", other.path() + "/file.db");
  std::filesystem::create_directory_symlink(directory.path(), other.path() + "/folder");
  const auto links = {other.path() + "/file.db", other.path() + "/folder/loft.db"};
  {
    Running first(directory.path());
    for (const auto& link : links) CHECK_THAT(refusal(directory.path(), {{"path", link}}), Contains("in use"));
  }
  // The other way round, with a file that the link was there before.
  std::filesystem::remove(directory.path() + "/loft.db");
  for (const auto& link : links) {
    Running first(other.path(), {{"path", link}});
    CHECK_THAT(refusal(directory.path()), Contains("in use") && Contains("pid " + std::to_string(::getpid())));
    // Looking through the link sees what is in the log of the file.
    FakeHost host("storage.under_test", other.path());
    CHECK(value(make("storage.sqlite", host, {{"path", link}})->schema()).stored ==
          std::size(loft::storage::migrations));
  }
}

TEST_CASE("sqlite: a file with a second name is refused, because each name would have a log of its own", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  std::filesystem::create_hard_link(path, directory.path() + "/second.db");
  CHECK_THAT(refusal(directory.path()), Contains(path + " has 2 names (hard links)") && Contains("loft backup"));
  std::filesystem::remove(directory.path() + "/second.db");
  made(directory);
}

TEST_CASE("sqlite: what is missing of the tables is named", "[storage]") {
  const TemporaryDirectory directory;
  const auto path = made(directory);
  Raw(path).run("DROP INDEX member_user; DROP TABLE follower");
  CHECK_THAT(refusal(directory.path()), Contains("changed by another program") &&
                                            Contains("missing: table follower, index member_user of table member"));
}

TEST_CASE("sqlite: a second owner is refused with the first one's number", "[storage]") {
  const TemporaryDirectory directory;
  Running first(directory.path());
  CHECK_THAT(refusal(directory.path()), Contains("in use") && Contains("pid " + std::to_string(::getpid())));
}
