// Times as texts: RFC 3339, the profile of ISO 8601 that wire contracts use.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <loft/clock.hpp>

namespace loft {

namespace detail {

struct Date {
  std::int64_t year;
  unsigned month, day;
};

// Days since 1970-01-01 in the proleptic Gregorian calendar; years begin in March, so that leap days come last.
constexpr std::int64_t days_of(Date date) noexcept {
  const auto year = date.year - (date.month <= 2);
  const auto era = (year >= 0 ? year : year - 399) / 400;
  const auto of_era = year - era * 400;
  const auto of_year = (153 * (date.month + (date.month > 2 ? -3 : 9)) + 2) / 5 + date.day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + static_cast<std::int64_t>(of_year) - 719468;
}

constexpr Date date_of(std::int64_t days) noexcept {
  days += 719468;
  const auto era = (days >= 0 ? days : days - 146096) / 146097;
  const auto of_era = days - era * 146097;
  const auto year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const auto of_year = of_era - (365 * year + year / 4 - year / 100);
  const auto month = (5 * of_year + 2) / 153;
  const auto day = static_cast<unsigned>(of_year - (153 * month + 2) / 5 + 1);
  const auto calendar = static_cast<unsigned>(month < 10 ? month + 3 : month - 9);
  return {year + era * 400 + (calendar <= 2), calendar, day};
}

}  // namespace detail

/// Appends `2025-04-10T10:30:00.000Z` for milliseconds since 1970. `digits`: of the fraction, 0 (no dot) or 3.
/// `offset_minutes`: east of UTC, written `+08:00`; 0 is written `Z`. Years 0 to 9999.
inline void append_iso(std::string& out, Millis time, unsigned digits, int offset_minutes = 0) {
  const auto local = time + Millis{60'000} * offset_minutes;
  auto days = local / 86'400'000;
  auto rest = local % 86'400'000;
  if (rest < 0) {
    rest += 86'400'000;
    --days;
  }
  const auto date = detail::date_of(days);
  char text[] = "0000-00-00T00:00:00.000";
  const auto put = [&text](std::size_t at, unsigned value, std::size_t width) {
    for (; width-- > 0; value /= 10) text[at + width] = static_cast<char>('0' + value % 10);
  };
  const auto of_day = static_cast<unsigned>(rest);
  put(0, static_cast<unsigned>(date.year), 4), put(5, date.month, 2), put(8, date.day, 2);
  put(11, of_day / 3'600'000, 2), put(14, of_day / 60'000 % 60, 2), put(17, of_day / 1000 % 60, 2);
  put(20, of_day % 1000, 3);
  out.append(text, digits != 0 ? 23 : 19);
  if (offset_minutes == 0) {
    out += 'Z';
  } else {
    const auto minutes = static_cast<unsigned>(offset_minutes < 0 ? -offset_minutes : offset_minutes);
    put(11, minutes / 60, 2), put(14, minutes % 60, 2);
    text[10] = offset_minutes < 0 ? '-' : '+';
    out.append(text + 10, 6);
  }
}

inline std::string iso(Millis time, unsigned digits, int offset_minutes = 0) {
  std::string out;
  append_iso(out, time, digits, offset_minutes);
  return out;
}

/// A time that was read.
struct IsoTime {
  Millis time = 0;              ///< since 1970, the fraction cut off behind milliseconds
  std::string_view finer = {};  ///< the fraction's digits behind milliseconds, as written; views the text
};

/// `2025-04-10T10:30:00.000Z` with any number of digits in the fraction or none, and `Z`, an offset such as `+08:00`,
/// or neither (UTC); `T` may be a blank or lower case. Nullopt for every other text.
inline std::optional<IsoTime> parse_iso(std::string_view text) noexcept {
  const auto number = [&](std::size_t at, std::size_t width) -> int {
    int value = 0;
    if (at + width > text.size()) return -1;
    for (const char c : text.substr(at, width)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const auto sign = [&](std::size_t at, std::string_view any) {
    return at < text.size() && any.find(text[at]) != std::string_view::npos;
  };
  const int year = number(0, 4), month = number(5, 2), day = number(8, 2);
  const int hour = number(11, 2), minute = number(14, 2), second = number(17, 2);
  if (!sign(4, "-") || !sign(7, "-") || !sign(10, "Tt ") || !sign(13, ":") || !sign(16, ":")) return std::nullopt;
  if (year < 0 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23) return std::nullopt;
  if (minute < 0 || minute > 59 || second < 0 || second > 60) return std::nullopt;
  const auto days = detail::days_of({year, static_cast<unsigned>(month), static_cast<unsigned>(day)});
  if (detail::date_of(days).day != static_cast<unsigned>(day)) return std::nullopt;  // the 30th of February
  IsoTime out;
  out.time = days * 86'400'000 + Millis{hour} * 3'600'000 + Millis{minute} * 60'000 + Millis{second} * 1000;
  std::size_t at = 19;
  if (sign(at, ".,")) {
    const auto first = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first) return std::nullopt;
    const auto fraction = text.substr(first, at - first);
    for (std::size_t i = 0, unit = 100; i < 3 && i < fraction.size(); ++i, unit /= 10) {
      out.time += static_cast<Millis>(unit) * (fraction[i] - '0');
    }
    if (fraction.size() > 3) out.finer = fraction.substr(3);
  }
  if (at == text.size()) return out;
  if (sign(at, "Zz")) return at + 1 == text.size() ? std::optional(out) : std::nullopt;
  if (!sign(at, "+-")) return std::nullopt;
  const bool west = text[at] == '-';
  const int hours = number(at + 1, 2);
  const std::size_t behind = sign(at + 3, ":") ? at + 4 : at + 3;
  const int minutes = number(behind, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || behind + 2 != text.size()) return std::nullopt;
  const Millis offset = (Millis{hours} * 60 + minutes) * 60'000;
  out.time += west ? offset : -offset;
  return out;
}

}  // namespace loft
