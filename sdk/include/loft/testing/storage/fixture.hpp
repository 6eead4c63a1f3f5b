// What every case of the suite begins with: a folder of its own, and ways to open and close the storage.
#pragma once

#include <catch2/catch.hpp>

#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include <unistd.h>

#include <loft/testing/storage/batch_data.hpp>

namespace loft::testing::storage {

/// Makes a storage that is configured to keep its data in `directory`, set up and started. Called again with the same
/// directory after the last one was stopped and destroyed, it opens the same data.
using Factory = std::function<std::unique_ptr<Storage>(const std::string& directory)>;

/// A new, empty directory that goes away with this object.
class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    auto name = (std::filesystem::temp_directory_path() / "loft-storage-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory could be made: " + name);
    path_ = name;
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

class Fixture {
 public:
  explicit Fixture(Factory factory) : factory_(std::move(factory)) { open(); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;
  ~Fixture() { close(); }

  Storage& operator*() const { return *storage_; }
  Storage* operator->() const { return storage_.get(); }

  void reopen() {
    close();
    open();
  }
  void close() noexcept {
    if (storage_) storage_->stop(std::numeric_limits<Millis>::max());
    storage_.reset();
  }
  void open() { storage_ = factory_(directory_.path()); }

  /// Commits and asks for success.
  void store(BatchData& batch) {
    auto done = storage_->commit(batch.view());
    if (!done) FAIL("commit: " << done.error().reason);
    REQUIRE(done->empty());
  }
  void store(BatchData&& batch) { store(batch); }
  Conflict refused(BatchData& batch) {
    auto done = storage_->commit(batch.view());
    if (!done) FAIL("commit: " << done.error().reason);
    REQUIRE_FALSE(done->empty());
    return *done;
  }

 private:
  Factory factory_;
  TemporaryDirectory directory_;
  std::unique_ptr<Storage> storage_;
};

/// The value of a read that must succeed.
template <class T>
T value(Result<T> result) {
  if (!result) FAIL("read: " << result.error().reason);
  return std::move(*result);
}

inline constexpr auto everything = static_cast<Seq>(std::numeric_limits<std::int64_t>::max());

inline UserId uid(std::uint64_t n) { return static_cast<UserId>(n); }
inline ConversationId cid(std::uint64_t n) { return static_cast<ConversationId>(n); }
inline MessageId mid(std::uint64_t n) { return static_cast<MessageId>(n); }

inline User a_user(std::uint64_t n) {
  return {uid(n), "user" + std::to_string(n), "uuid-of-user-" + std::to_string(n),
          static_cast<Millis>(1'735'689'600'000 + n)};
}
inline Conversation a_group(std::uint64_t n) {
  Conversation c;
  c.id = cid(n);
  c.kind = ConversationKind::group;
  c.uuid = "uuid-of-group-" + std::to_string(n);
  c.name = "group " + std::to_string(n);
  c.owner = uid(1);
  return c;
}
inline Conversation a_direct(std::uint64_t n, std::uint64_t low, std::uint64_t high) {
  Conversation c;
  c.id = cid(n);
  c.low = uid(low);
  c.high = uid(high);
  c.uuid = "uuid-of-direct-" + std::to_string(n);
  return c;
}
inline ClientKey a_key(std::uint64_t n, std::uint64_t digest = 7) { return {{n * 0x9e3779b97f4a7c15ull, ~n}, digest}; }

}  // namespace loft::testing::storage
