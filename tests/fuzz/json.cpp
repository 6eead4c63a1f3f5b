// loft/json.hpp against Boost.JSON: the same texts are valid, and mean the same.
#include <boost/json.hpp>
#include <cmath>
#include <memory>
#include <string>

#include <loft/json.hpp>

#include "split.hpp"

namespace {

using loft::fuzz::require;
namespace json = loft::json;

/// Where the two may differ: Boost.JSON refuses exponents beyond an int, and lets some lone surrogates pass.
bool may_differ(std::string_view text) {
  int run = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    run = text[i] >= '0' && text[i] <= '9' ? run + 1 : 0;
    if (run > 8 && text.find_first_of("eE") != std::string_view::npos) return true;
    if (text[i] == '\\' && i + 2 < text.size() && text[i + 1] == 'u' && (text[i + 2] == 'd' || text[i + 2] == 'D'))
      return true;
  }
  return false;
}

void compare(const json::Value& ours, const boost::json::value& theirs);

void compare_object(const json::Value& ours, const boost::json::object& theirs) {
  std::size_t count = 0;
  ours.members([&](const json::Value& name, const json::Value& value) {
    ++count;
    const auto key = name.text();
    require(key.has_value(), "a name is a string");
    require(name.equals(*key), "a name equals its own text");
    const auto* const other = theirs.if_contains(*key);
    require(other != nullptr, "both know the member");
    // Of a name that stands twice the first counts here, the last there.
    bool once = true;
    std::size_t seen = 0;
    ours.members(
        [&](const json::Value& again, const json::Value&) { return seen += again.equals(*key), once = seen < 2; });
    if (once) compare(value, *other);
    const auto found = ours.find(*key);
    require(!once || found.has_value() != value.is(json::Type::null), "a member is found, unless it is null");
    return true;
  });
  require(count >= theirs.size(), "no member is lost");
}

void compare(const json::Value& ours, const boost::json::value& theirs) {
  switch (ours.type()) {
    case json::Type::null:
      return require(theirs.is_null(), "null");
    case json::Type::boolean:
      return require(theirs.is_bool() && ours.boolean() == theirs.get_bool(), "boolean");
    case json::Type::number: {
      require(theirs.is_number(), "number");
      const auto exact = ours.integer();
      // Boost.JSON reads `-0` as a double's or an integer's zero, and integers beyond int64 as others.
      if (theirs.is_int64() && ours.raw().find_first_of(".eE") == std::string_view::npos) {
        require(exact == theirs.get_int64(), "integer");
      }
      if (theirs.is_uint64()) require(!exact, "beyond int64 there is no integer");
      return;
    }
    case json::Type::string: {
      require(theirs.is_string() && *ours.text() == std::string_view(theirs.get_string()), "string");
      std::string written;
      json::append_string(written, *ours.text());
      const auto again = json::parse(written);
      require(again.ok() && (*again).text() == ours.text(), "a string survives being written");
      static_cast<void>(ours.integer_or_text());
      return;
    }
    case json::Type::array: {
      require(theirs.is_array(), "array");
      std::size_t at = 0;
      ours.elements([&](const json::Value& value) {
        require(at < theirs.get_array().size(), "as many elements");
        compare(value, theirs.get_array()[at++]);
        return true;
      });
      return require(at == theirs.get_array().size(), "all elements");
    }
    case json::Type::object:
      require(theirs.is_object(), "object");
      return compare_object(ours, theirs.get_object());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;  // members are compared with each other
  // A copy of exactly that size, so that the sanitizer sees a read beyond the end.
  const std::unique_ptr<char[]> copy(new char[size]);
  std::copy_n(reinterpret_cast<const char*>(data), size, copy.get());
  const std::string_view text(copy.get(), size);
  const auto ours = json::parse(text);
  boost::system::error_code error;
  boost::json::parse_options options;
  options.max_depth = json::default_depth;
  const auto theirs = boost::json::parse(boost::json::string_view(text.data(), text.size()), error, {}, options);
  if (!may_differ(text)) require(ours.ok() == !error, "both agree whether the text is valid");
  if (!ours.ok()) {
    require(ours.error().reason == "json.malformed" && !ours.error().detail.empty(), "an error says what and where");
  } else if (!error) {
    compare(*ours, theirs);
  }
  return 0;
}
