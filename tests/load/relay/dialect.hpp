// What the load driver says and hears in each contract: logins, messages, and how frames are told apart.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace load {

/// One user, as `bench.py` writes them: a line of words with tabs between, in this order.
struct Person {
  std::string handle, uid, uuid, token;
  std::string group;  ///< the group that it shares with its neighbour
};

std::vector<Person> read_people(const std::string& path);

enum class Kind { answer, push };

/// Frames that fit none of the kinds end the program: they are errors.
class Dialect {
 public:
  virtual ~Dialect() = default;

  /// Of the WebSocket; empty: packets with two bytes of length.
  virtual std::string_view path() const = 0;
  virtual std::string login(const Person& person) const = 0;
  virtual bool logged_in(std::string_view frame) const = 0;
  /// `number` is another one for each message of a run; 0: without a client id where the contract can do so.
  virtual std::string message(const Person& from, const Person& to, std::size_t bytes, std::uint64_t number) const = 0;
  virtual Kind kind(std::string_view frame) const = 0;
};

/// `name`: im, im_group (to the shared group), netherlink, flix, carrypigeon.
std::unique_ptr<Dialect> make_dialect(const std::string& name);

}  // namespace load
