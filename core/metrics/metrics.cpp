#include "metrics/metrics.hpp"

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <vector>

namespace loft {
namespace {

bool is_name(std::string_view text, bool with_colon) noexcept {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text.front())) != 0) return false;
  return std::all_of(text.begin(), text.end(), [=](unsigned char c) {
    return c < 128 && (std::isalnum(c) != 0 || c == '_' || (with_colon && c == ':'));
  });
}

// Reads `name="value"` pairs and writes them back sorted, so that equal sets give one metric.
class Labels {
 public:
  static std::string normal(std::string_view metric, std::string_view text) {
    Labels labels{metric, text, text};
    if (text.empty()) return {};
    std::vector<std::string> pairs;
    do pairs.push_back(labels.pair());
    while (labels.take(','));
    if (!labels.rest_.empty()) labels.refuse("a comma is missing between two labels");
    std::sort(pairs.begin(), pairs.end());
    std::string out;
    for (const auto& pair : pairs) out += (out.empty() ? "" : ",") + pair;
    return out;
  }

 private:
  Labels(std::string_view metric, std::string_view all, std::string_view rest)
      : metric_(metric), all_(all), rest_(rest) {}

  std::string pair() {
    const auto equals = rest_.find('=');
    if (equals == std::string_view::npos || !is_name(rest_.substr(0, equals), false)) refuse("a label's name is off");
    std::string out(rest_.substr(0, equals + 1));
    rest_.remove_prefix(equals + 1);
    if (!take('"')) refuse("a value is not in double quotes");
    out += '"';
    while (!take('"')) {
      if (rest_.empty()) refuse("a value is not closed");
      const bool escape = rest_.front() == '\\';
      if (rest_.front() == '\n') refuse("a value has a line break; write \\n");
      if (escape && (rest_.size() < 2 || std::string_view("\\\"n").find(rest_[1]) == std::string_view::npos)) {
        refuse("an unknown escape");
      }
      out += rest_.substr(0, escape ? 2 : 1);
      rest_.remove_prefix(escape ? 2 : 1);
    }
    return out + '"';
  }

  bool take(char c) noexcept {
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }

  [[noreturn]] void refuse(const char* why) const {
    throw std::invalid_argument("metric '" + std::string(metric_) + "': labels {" + std::string(all_) + "}: " + why +
                                "; the form is name=\"value\",name=\"value\"");
  }

  std::string_view metric_;
  std::string_view all_;
  std::string_view rest_;
};

std::string escaped_help(std::string_view help) {
  std::string out;
  for (const char c : help) {
    if (c == '\\') {
      out += "\\\\";
    } else if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

Metric& MetricsImpl::counter(std::string_view name, std::string_view help, std::string_view labels) {
  return find(name, help, labels, true);
}

Metric& MetricsImpl::gauge(std::string_view name, std::string_view help, std::string_view labels) {
  return find(name, help, labels, false);
}

Metric& MetricsImpl::find(std::string_view name, std::string_view help, std::string_view labels, bool is_counter) {
  if (!is_name(name, true)) {
    throw std::invalid_argument("metric '" + std::string(name) + "': a name is made of letters, digits and _");
  }
  auto key = Labels::normal(name, labels);
  const std::lock_guard lock(mutex_);
  const auto [at, is_new] = families_.try_emplace("loft_" + std::string(name));
  auto& family = at->second;
  if (is_new) {
    family.is_counter = is_counter;
    family.help = help;
  } else if (family.is_counter != is_counter) {
    throw std::invalid_argument("metric '" + std::string(name) + "' is in use as a " +
                                (family.is_counter ? "counter" : "gauge") + "; use another name");
  }
  auto& metric = family.members[std::move(key)];
  if (!metric) metric = std::make_unique<Metric>();
  return *metric;
}

std::string MetricsImpl::text() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& [name, family] : families_) {
    out += "# HELP " + name + ' ' + escaped_help(family.help) + '\n';
    out += "# TYPE " + name + (family.is_counter ? " counter\n" : " gauge\n");
    for (const auto& [labels, metric] : family.members) {
      out += name + (labels.empty() ? "" : '{' + labels + '}') + ' ' + std::to_string(metric->value()) + '\n';
    }
  }
  return out;
}

}  // namespace loft
