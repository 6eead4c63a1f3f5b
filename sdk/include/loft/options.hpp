// One table per plugin (and per section of the host) that parses, checks, documents and prints the defaults of its
// options. The default is the value the variable has when the table is made.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <loft/clock.hpp>
#include <loft/error.hpp>
#include <loft/function.hpp>

namespace loft {

/// How an option is written in YAML.
enum class OptionType : std::uint8_t {
  text,
  integer,
  number,
  boolean,
  duration,  ///< `250ms`, `30s`, `5m`, `2h`, `7d`; a bare number is refused, except 0
  size,      ///< `512`, `64KiB`, `1MiB`, `2GiB`, or with KB, MB, GB as powers of ten
  choice,    ///< one of a fixed list of words
  list,      ///< a YAML sequence of texts
  map,       ///< a YAML mapping of text to text
};

/// One row of the table. Built by `OptionTable`'s functions; read by the host only.
struct Option {
  std::string name;  ///< the YAML key, snake_case; dots nest: `tls.certificate`
  OptionType type = OptionType::text;
  std::string help;                  ///< one sentence; becomes the option reference
  std::string default_text;          ///< as it would be written in YAML
  std::vector<std::string> choices;  ///< choice: the words; list: the only elements, empty: any
  double minimum = -std::numeric_limits<double>::infinity();  ///< of the number, milliseconds or bytes
  double maximum = std::numeric_limits<double>::infinity();
  bool is_required = false;
  bool is_secret = false;  ///< never printed; may come from `${file:…}` or `${env:…}`

  Function<void(std::string)> set_text;      ///< text, choice
  Function<void(std::int64_t)> set_integer;  ///< integer, duration (milliseconds), size (bytes)
  Function<void(double)> set_number;
  Function<void(bool)> set_boolean;
  Function<void(std::vector<std::string>)> set_list;
  Function<void(std::map<std::string, std::string>)> set_map;

  Option& range(double low, double high) {
    minimum = low;
    maximum = high;
    return *this;
  }
  Option& required() {
    is_required = true;
    return *this;
  }
  Option& secret() {
    is_secret = true;
    return *this;
  }
};

/// Thread role: control. The variables named in the table must outlive `configure`; being members of the plugin or of
/// its config struct, they do. A returned `Option&` is valid until the next row is added.
class OptionTable {
 public:
  Option& text(std::string name, std::string& target, std::string help) {
    auto& option = add(std::move(name), OptionType::text, std::move(help), target);
    option.set_text = [&target](std::string value) { target = std::move(value); };
    return option;
  }

  template <std::integral T>
  requires(!std::same_as<T, bool>) Option& integer(std::string name, T& target, std::string help) {
    auto& option = add(std::move(name), OptionType::integer, std::move(help), std::to_string(target));
    option.minimum = static_cast<double>(std::numeric_limits<T>::min());
    option.maximum = static_cast<double>(std::numeric_limits<T>::max());
    option.set_integer = [&target](std::int64_t value) { target = static_cast<T>(value); };
    return option;
  }

  Option& number(std::string name, double& target, std::string help) {
    auto& option = add(std::move(name), OptionType::number, std::move(help), number_text(target));
    option.set_number = [&target](double value) { target = value; };
    return option;
  }

  Option& boolean(std::string name, bool& target, std::string help) {
    auto& option = add(std::move(name), OptionType::boolean, std::move(help), target ? "true" : "false");
    option.set_boolean = [&target](bool value) { target = value; };
    return option;
  }

  /// `target` is in milliseconds. Without `range`, 0 and above are taken.
  Option& duration(std::string name, Millis& target, std::string help) {
    auto& option = add(std::move(name), OptionType::duration, std::move(help), duration_text(target));
    option.minimum = 0;
    option.set_integer = [&target](std::int64_t value) { target = value; };
    return option;
  }

  /// `target` is in bytes.
  template <std::integral T>
  Option& size(std::string name, T& target, std::string help) {
    auto& option =
        add(std::move(name), OptionType::size, std::move(help), size_text(static_cast<std::uint64_t>(target)));
    option.minimum = 0;
    option.maximum = static_cast<double>(std::numeric_limits<T>::max());
    option.set_integer = [&target](std::int64_t value) { target = static_cast<T>(value); };
    return option;
  }

  /// `words[i]` sets `target` to `static_cast<E>(i)`.
  template <class E>
  requires std::is_enum_v<E> Option& choice(std::string name, E& target, std::vector<std::string> words,
                                            std::string help) {
    auto& option =
        add(std::move(name), OptionType::choice, std::move(help), words.at(static_cast<std::size_t>(target)));
    option.choices = words;
    option.set_text = [&target, words = std::move(words)](std::string value) {
      for (std::size_t i = 0; i < words.size(); ++i) {
        if (words[i] == value) target = static_cast<E>(i);
      }
    };
    return option;
  }

  Option& list(std::string name, std::vector<std::string>& target, std::string help) {
    std::string shown = "[";
    for (const auto& item : target) shown += (shown.size() > 1 ? ", " : "") + item;
    auto& option = add(std::move(name), OptionType::list, std::move(help), shown + "]");
    option.set_list = [&target](std::vector<std::string> value) { target = std::move(value); };
    return option;
  }

  Option& map(std::string name, std::map<std::string, std::string>& target, std::string help) {
    auto& option = add(std::move(name), OptionType::map, std::move(help), "{}");
    option.set_map = [&target](std::map<std::string, std::string> value) { target = std::move(value); };
    return option;
  }

  std::vector<Option>& rows() noexcept { return rows_; }
  const std::vector<Option>& rows() const noexcept { return rows_; }

  /// Milliseconds in the largest unit that divides them: 90000 is `90s`, 120000 is `2m`.
  static std::string duration_text(Millis value) {
    if (value == 0) return "0";
    constexpr std::pair<Millis, const char*> units[] = {
        {86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}};
    for (const auto& [unit, suffix] : units) {
      if (value % unit == 0) return std::to_string(value / unit) + suffix;
    }
    return std::to_string(value) + "ms";
  }

  static std::string size_text(std::uint64_t value) {
    constexpr std::pair<std::uint64_t, const char*> units[] = {
        {1ull << 30, "GiB"}, {1ull << 20, "MiB"}, {1ull << 10, "KiB"}};
    for (const auto& [unit, suffix] : units) {
      if (value != 0 && value % unit == 0) return std::to_string(value / unit) + suffix;
    }
    return std::to_string(value);
  }

 private:
  static std::string number_text(double value) {
    auto text = std::to_string(value);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.ends_with('.')) text.pop_back();
    return text;
  }

  Option& add(std::string name, OptionType type, std::string help, std::string default_text) {
    auto& option = rows_.emplace_back();
    option.name = std::move(name);
    option.type = type;
    option.help = std::move(help);
    option.default_text = std::move(default_text);
    return option;
  }

  std::vector<Option> rows_;
};

}  // namespace loft
